#pragma once

#include <random>
#include <string>
#include <vector>

#include "support/programs.h"

namespace drey::testing {

/// A random density program: straight lines, independent loops with private accumulators, recursions, sums
/// that the target uses later, gathers, branches on data, selects on parameters, elements stored again and again. Smooth and tame, so that
/// differences and f32 can be compared with it.
inline Case random_program(unsigned seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  std::uniform_real_distribution<double> uniform(-1, 1);
  const std::int64_t dimension = 2 + below(12), rows = 1 + below(23), columns = 1 + below(9);
  CaseBuilder b(static_cast<std::uint64_t>(dimension));
  std::vector<double> x(static_cast<std::size_t>(rows * columns)), y(static_cast<std::size_t>(rows));
  std::vector<std::int64_t> g(static_cast<std::size_t>(rows));
  for (double& v : x) v = uniform(random);
  for (double& v : y) v = uniform(random);
  for (auto& v : g) v = below(dimension);
  const MemoryId xs = b.data(x, static_cast<std::uint64_t>(columns)), ys = b.data(y), gs = b.data(g);
  const ValueId zero = b.integer(0);

  std::vector<ValueId> pool;  // values of the top
  for (std::int64_t i = 0; i < std::min<std::int64_t>(dimension, 4); ++i) pool.push_back(b.point(i));
  pool.push_back(b.real(0.75));

  const auto pick = [&](std::vector<ValueId>& from) {
    return from[static_cast<std::size_t>(below(static_cast<std::int64_t>(from.size())))];
  };
  // Every step is bounded in value and in derivative.
  const auto step = [&](std::vector<ValueId>& from) -> ValueId {
    const ValueId a = pick(from), c = pick(from), d = pick(from);
    switch (below(16)) {
      case 0:
        return b.add(a, c);
      case 1:
        return b.sub(a, b.mul(b.real(uniform(random)), c));
      case 2:
        return b.call("tanh", {b.mul(a, c)});
      case 3:
        return b.call("inv_logit", {a});
      case 4:
        return b.text("a / (1.5 + b^2)", {{"a", a}, {"b", c}});
      case 5:
        return b.call("log1p_exp", {a});
      case 6:
        return b.call("sin", {b.add(a, c)});
      case 7:
        return b.text("log(2 + a^2)", {{"a", a}});
      case 8:
        return b.text("exp(-0.1 * a^2)", {{"a", a}});
      case 9:
        return b.text("sqrt(1 + a^2 + b^2)", {{"a", a}, {"b", c}});
      case 10:
        return b.text("tanh(a) < 2 ? a * 0.5 : b", {{"a", a}, {"b", c}});
      case 11:
        return b.text("log_sum_exp(a, b) - 0.5 * c", {{"a", a}, {"b", c}, {"c", d}});
      case 12:
        return b.text("log1p(a^2) * cos(b)", {{"a", a}, {"b", c}});
      case 13:
        return b.text("fma(a, 0.3, b)", {{"a", a}, {"b", c}});
      case 14:
        return b.call("neg", {a});
      default:
        return b.text("expm1(0.3 * tanh(a)) + b", {{"a", a}, {"b", c}});
    }
  };
  const auto tame = [&](ValueId a) { return b.call("tanh", {b.mul(b.real(0.25), a)}); };

  const auto overwritten = [&](std::int64_t size) {
    model::Memory made;
    made.size = static_cast<std::uint64_t>(size);
    made.name = "overwritten";
    made.overwritten = true;
    return b.memory(made);
  };

  const std::int64_t parts = 1 + below(5);
  for (std::int64_t part = 0; part < parts; ++part) {
    for (std::int64_t i = below(4); i > 0; --i) pool.push_back(step(pool));
    switch (below(7)) {
      case 0: {  // rows with a dot product
        const MemoryId eta = b.local(1, "eta");
        const auto n = b.begin_for(0, rows, true);
        std::vector<ValueId> inner = pool;
        b.store(eta, zero, pick(pool));
        const auto k = b.begin_for(0, columns, false);
        const ValueId at = b.op(model::Op::MinI, {b.index(k), b.integer(dimension - 1)});
        b.accumulate(eta, zero,
                     b.mul(b.load(xs, b.add_i(b.mul_i(b.index(n), b.integer(columns)), b.index(k))),
                           b.load(b.point(), at)));
        b.end_for();
        inner.push_back(b.load(eta, zero));
        inner.push_back(b.load(ys, b.index(n)));
        for (int i = 0; i < 4; ++i) inner.push_back(step(inner));
        b.add_to_target(tame(inner.back()));
        b.add_to_target(b.mul(inner[inner.size() - 2], b.real(0.1)));
        b.end_for();
        break;
      }
      case 1: {  // a recursion
        const MemoryId s = b.local(static_cast<std::uint64_t>(rows + 1), "s");
        b.store(s, zero, tame(pick(pool)));
        const auto t = b.begin_for(0, rows, false);
        std::vector<ValueId> inner = pool;
        inner.push_back(b.load(s, b.index(t)));
        inner.push_back(b.load(ys, b.index(t)));
        for (int i = 0; i < 3; ++i) inner.push_back(step(inner));
        b.store(s, b.add_i(b.index(t), b.integer(1)), tame(b.add(inner.back(), b.load(s, b.index(t)))));
        if (below(2) == 0) b.add_to_target(tame(inner.back()));
        b.end_for();
        pool.push_back(b.at(s, rows));
        break;
      }
      case 2: {  // a sum used afterwards, over gathered parameters, with a branch on data
        const MemoryId total = b.local(1, "total");
        b.store(total, zero, b.real(0));
        const auto n = b.begin_for(0, rows, false);
        const ValueId gathered = b.load(b.point(), b.load(gs, b.index(n)));
        std::vector<ValueId> inner = pool;
        inner.push_back(gathered);
        for (int i = 0; i < 2; ++i) inner.push_back(step(inner));
        b.begin_if(b.op(model::Op::LessI, {b.load(gs, b.index(n)), b.integer(dimension / 2)}));
        b.accumulate(total, zero, tame(inner.back()));
        b.begin_else();
        b.add_to_target(tame(b.mul(inner.back(), gathered)));
        b.end_if();
        b.end_for();
        pool.push_back(b.mul(b.real(0.2), b.at(total, 0)));
        break;
      }
      case 3: {  // a table of transformed parameters, read by gather
        const MemoryId table = b.local(static_cast<std::uint64_t>(dimension), "table");
        const auto i = b.begin_for(0, dimension, false);
        std::vector<ValueId> inner = pool;
        inner.push_back(b.load(b.point(), b.index(i)));
        inner.push_back(step(inner));
        b.store(table, b.index(i), tame(b.add(step(inner), inner.back())));
        b.end_for();
        const auto n = b.begin_for(0, rows, true);
        inner = pool;
        inner.push_back(b.load(table, b.load(gs, b.index(n))));
        inner.push_back(b.load(ys, b.index(n)));
        b.add_to_target(
            b.text("-0.5 * ((a - b) / 1.3)^2", {{"a", inner[inner.size() - 2]}, {"b", inner.back()}}));
        b.add_to_target(tame(step(inner)));
        b.end_for();
        break;
      }
      case 4: {  // elements stored again, by gather, on some rows, read before and after
        const MemoryId s = overwritten(dimension);
        const auto fill = b.begin_for(0, dimension, false);
        b.store(s, b.index(fill), tame(b.load(b.point(), b.index(fill))));
        b.end_for();
        const auto n = b.begin_for(0, rows, false);
        const ValueId at = b.load(gs, b.index(n));
        std::vector<ValueId> inner = pool;
        inner.push_back(b.load(s, at));
        inner.push_back(b.load(s, zero));
        for (int i = 0; i < 2; ++i) inner.push_back(step(inner));
        b.begin_if(b.op(model::Op::LessI, {at, b.integer(1 + dimension / 2)}));
        b.store(s, at, tame(b.add(inner.back(), b.load(ys, b.index(n)))));
        b.begin_else();
        b.accumulate(s, zero, b.mul(b.real(0.1), tame(inner.back())));
        b.end_if();
        b.add_to_target(tame(b.add(b.load(s, at), inner[inner.size() - 2])));
        b.store(s, b.integer(dimension - 1), b.mul(b.real(0.5), b.load(s, at)));
        b.end_for();
        pool.push_back(b.at(s, 0));
        pool.push_back(b.at(s, dimension - 1));
        break;
      }
      case 5: {  // the same in a memory private to a trip, an inner loop going through it
        const auto n = b.begin_for(0, rows, true);
        const MemoryId w = overwritten(2);
        b.store(w, zero, b.load(ys, b.index(n)));
        b.store(w, b.integer(1), pick(pool));
        const auto k = b.begin_for(0, columns, false);
        std::vector<ValueId> inner = pool;
        inner.push_back(b.load(w, zero));
        inner.push_back(b.load(w, b.integer(1)));
        for (int i = 0; i < 2; ++i) inner.push_back(step(inner));
        b.store(w, b.op(model::Op::ModI, {b.index(k), b.integer(2)}), tame(inner.back()));
        b.accumulate(w, zero, b.mul(b.real(0.3), tame(inner[inner.size() - 2])));
        b.end_for();
        b.add_to_target(tame(b.add(b.load(w, zero), b.load(w, b.integer(1)))));
        b.end_for();
        break;
      }
      default: {  // a triangle of loops
        const auto i = b.begin_for(0, dimension, true);
        const MemoryId acc = b.local(1, "acc");
        b.store(acc, zero, b.load(b.point(), b.index(i)));
        const auto j = b.begin_for(zero, b.index(i), static_cast<std::uint64_t>(dimension), false);
        b.accumulate(acc, zero,
                     b.text("0.1 * a * b",
                            {{"a", b.load(b.point(), b.index(i))}, {"b", b.load(b.point(), b.index(j))}}));
        b.end_for();
        b.add_to_target(tame(b.load(acc, zero)));
        b.end_for();
      }
    }
  }
  b.add_to_target(tame(step(pool)));
  b.add_to_target(b.mul(b.real(-0.5), b.call("square", {b.point(0)})));
  return b.done("random program " + std::to_string(seed));
}

}  // namespace drey::testing
