#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "model/builder.h"
#include "model/model.h"

/// Programs built by hand, for tests of the rooms behind the front end.
namespace drey::testing {

using model::Builder;
using model::MemoryId;
using model::ValueId;

struct Case {
  std::string name;
  model::Model model;  ///< dimension, density, data; nothing else is filled
};

class CaseBuilder : public Builder {
 public:
  explicit CaseBuilder(std::uint64_t dimension) : dimension_(dimension) {
    model::Memory made;
    made.space = model::Space::Point;
    made.size = dimension;
    made.name = "point";
    point_ = memory(made);
  }
  MemoryId data(std::vector<double> values, std::uint64_t row = 1) {
    model::Memory made;
    made.space = model::Space::Data;
    made.size = values.size();
    made.row = row;
    made.data = static_cast<std::uint32_t>(arrays_.size());
    made.name = "data" + std::to_string(made.data);
    arrays_.emplace_back(std::move(values));
    return memory(made);
  }
  MemoryId data(std::vector<std::int64_t> values) {
    model::Memory made;
    made.space = model::Space::Data;
    made.type = model::Type::Integer;
    made.size = values.size();
    made.data = static_cast<std::uint32_t>(arrays_.size());
    made.name = "data" + std::to_string(made.data);
    arrays_.emplace_back(std::move(values));
    return memory(made);
  }
  ValueId at(MemoryId memory, std::int64_t index) { return load(memory, integer(index)); }
  ValueId point(std::int64_t index) { return at(point_, index); }
  MemoryId point() const { return point_; }
  ValueId text(const char* formula_text, const std::map<std::string, ValueId, std::less<>>& names) {
    return formula(model::parse_formula(formula_text), names);
  }
  Case done(std::string name) {
    Case made;
    made.name = std::move(name);
    made.model.dimension = dimension_;
    made.model.data = std::move(arrays_);
    made.model.density = finish();
    return made;
  }

 private:
  std::uint64_t dimension_;
  MemoryId point_;
  std::vector<model::Array> arrays_;
};

inline constexpr const char* normal_lpdf =
    "-0.5 * ((y - mu) / sigma)^2 - log(sigma) - 0.91893853320467274178";

/// Eight schools, non-centred: mu, log tau, eta[8].
inline Case eight_schools() {
  CaseBuilder b(10);
  const MemoryId y = b.data(std::vector<double>{28, 8, -3, 7, -1, 1, 18, 12});
  const MemoryId sigma = b.data(std::vector<double>{15, 10, 16, 11, 9, 11, 10, 18});
  const ValueId mu = b.point(0), log_tau = b.point(1), tau = b.call("exp", {log_tau});
  b.add_to_target(log_tau);
  b.add_to_target(b.text(normal_lpdf, {{"y", mu}, {"mu", b.real(0)}, {"sigma", b.real(5)}}));
  b.add_to_target(b.text("-log1p((y / 5)^2) - 2.0610608496", {{"y", tau}}));
  const auto loop = b.begin_for(0, 8, true);
  const ValueId i = b.index(loop);
  const ValueId eta = b.load(b.point(), b.add_i(i, b.integer(2)));
  b.add_to_target(b.text("-0.5 * y^2 - 0.91893853320467274178", {{"y", eta}}));
  b.add_to_target(b.text(
      normal_lpdf, {{"y", b.load(y, i)}, {"mu", b.add(mu, b.mul(tau, eta))}, {"sigma", b.load(sigma, i)}}));
  b.end_for();
  return b.done("eight_schools");
}

/// Logistic regression, rows x columns, an accumulator private to each row.
inline Case logistic(std::int64_t rows, std::int64_t columns) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<double> x(static_cast<std::size_t>(rows * columns)), y(static_cast<std::size_t>(rows));
  for (double& v : x) v = normal(random);
  for (double& v : y) v = normal(random) > 0 ? 1 : 0;
  CaseBuilder b(static_cast<std::uint64_t>(columns + 1));
  const MemoryId xs = b.data(std::move(x), static_cast<std::uint64_t>(columns)), ys = b.data(std::move(y));
  const MemoryId eta = b.local(1, "eta");
  const auto each = b.begin_for(0, columns + 1, true);
  b.add_to_target(b.text("-0.5 * (y / 2.5)^2", {{"y", b.load(b.point(), b.index(each))}}));
  b.end_for();
  const ValueId zero = b.integer(0);
  const auto n = b.begin_for(0, rows, true);
  const ValueId row = b.mul_i(b.index(n), b.integer(columns));
  b.store(eta, zero, b.point(0));
  const auto k = b.begin_for(0, columns, false);
  b.accumulate(
      eta, zero,
      b.mul(b.load(xs, b.add_i(row, b.index(k))), b.load(b.point(), b.add_i(b.index(k), b.integer(1)))));
  b.end_for();
  b.add_to_target(b.text("y * e - log1p_exp(e)", {{"y", b.load(ys, b.index(n))}, {"e", b.load(eta, zero)}}));
  b.end_for();
  return b.done("logistic");
}

/// A recursion that carries state: GARCH(1,1). mu, and three on the log or logit scale.
inline Case garch(std::int64_t steps) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  std::vector<double> y(static_cast<std::size_t>(steps));
  for (double& v : y) v = 1 + 2 * normal(random);
  CaseBuilder b(4);
  const MemoryId ys = b.data(std::move(y));
  const MemoryId h = b.local(static_cast<std::uint64_t>(steps), "h");
  const ValueId mu = b.point(0), omega = b.call("exp", {b.point(1)}),
                alpha = b.call("inv_logit", {b.point(2)}), beta = b.call("inv_logit", {b.point(3)});
  b.store(h, b.integer(0), omega);
  const auto t = b.begin_for(1, steps, false);
  const ValueId before = b.sub_i(b.index(t), b.integer(1));
  b.store(h, b.index(t),
          b.text("o + a * (y - m)^2 + b * h", {{"o", omega},
                                               {"a", alpha},
                                               {"b", beta},
                                               {"m", mu},
                                               {"y", b.load(ys, before)},
                                               {"h", b.load(h, before)}}));
  b.end_for();
  const auto n = b.begin_for(0, steps, true);
  b.add_to_target(b.text(
      normal_lpdf,
      {{"y", b.load(ys, b.index(n))}, {"mu", mu}, {"sigma", b.call("sqrt", {b.load(h, b.index(n))})}}));
  b.end_for();
  return b.done("garch");
}

/// Groups by integer index, a branch on data, a sum that the target uses afterwards, a select on parameters.
inline Case groups() {
  CaseBuilder b(6);
  const MemoryId group = b.data(std::vector<std::int64_t>{0, 2, 1, 1, 0, 2, 2, 1, 0, 1, 2, 2, 0, 0, 1, 2, 1});
  const MemoryId y = b.data(std::vector<double>{1, 2, 3, -1, 0.5, 4, 2, 1, -2, 3, 1, 0, 1, 2, 5, 1, 0.25});
  const MemoryId total = b.local(1, "total"), theta = b.local(3, "theta");
  const ValueId zero = b.integer(0);
  const auto j = b.begin_for(0, 3, false);
  b.store(theta, b.index(j), b.mul(b.point(3), b.call("tanh", {b.load(b.point(), b.index(j))})));
  b.end_for();
  b.store(total, zero, b.call("sin", {b.point(4)}));
  const auto n = b.begin_for(0, 17, false);
  const ValueId g = b.load(group, b.index(n));
  const ValueId mean = b.load(theta, g);
  b.begin_if(b.op(model::Op::EqualI, {g, b.integer(1)}));
  b.add_to_target(b.text("-(y - m)^2", {{"y", b.load(y, b.index(n))}, {"m", mean}}));
  b.begin_else();
  b.accumulate(total, zero, b.text("log1p((y - m)^2)", {{"y", b.load(y, b.index(n))}, {"m", mean}}));
  b.end_if();
  b.end_for();
  b.add_to_target(b.text("-0.1 * t * t + (x < 0 ? exp(x) - 1 : log1p(x) + sqrt(x))",
                         {{"t", b.load(total, zero)}, {"x", b.point(5)}}));
  return b.done("groups");
}

}  // namespace drey::testing
