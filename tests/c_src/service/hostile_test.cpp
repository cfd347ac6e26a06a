#include <random>

#include <gtest/gtest.h>

#include "c_src/service/client.h"
#include "c_src/service/models.h"
#include "error.h"
#include "term/codec.h"

namespace drey::service {
namespace {

using term::atom;
using term::Term;

/// Terms near a good one: one or a few of its parts replaced, dropped or doubled.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Term mutate(const Term& term) {
    target_ = below(parts(term));
    at_ = 0;
    return copy(term);
  }

  std::uint64_t below(std::uint64_t n) { return n ? random_() % n : 0; }

 private:
  static std::uint64_t parts(const Term& term) {
    std::uint64_t count = 1;
    if (const auto* tuple = term.as<term::Tuple>())
      for (const Term& e : tuple->elements) count += parts(e);
    if (const auto* list = term.as<term::List>())
      for (const Term& e : list->elements) count += parts(e);
    if (const auto* map = term.as<term::Map>())
      for (const auto& [key, value] : map->pairs) count += parts(key) + parts(value);
    return count;
  }

  Term copy(const Term& term) {
    const bool here = at_++ == target_;
    if (here) return replacement(term);
    if (const auto* tuple = term.as<term::Tuple>()) return term::tuple(copies(tuple->elements));
    if (const auto* list = term.as<term::List>()) return term::list(copies(list->elements));
    if (const auto* map = term.as<term::Map>()) {
      term::Map made;
      for (const auto& [key, value] : map->pairs) {
        Term first = copy(key);
        made.pairs.emplace_back(std::move(first), copy(value));
      }
      return made;
    }
    return term;
  }

  std::vector<Term> copies(const std::vector<Term>& terms) {
    std::vector<Term> made;
    for (const Term& t : terms) {
      made.push_back(copy(t));
      if (below(200) == 0) made.pop_back();
      if (below(200) == 0 && !made.empty()) made.push_back(made.back());
    }
    return made;
  }

  Term replacement(const Term& old) {
    static const char* const names[] = {
        "mu",      "tau", "eta",    "y",       "sigma", "real",   "vector",        "normal", "lower",
        "theta",   "+",   "~",      "array",   "at",    "matrix", "for",           "let",    "sum",
        "simplex", "exp", "target", "declare", "set",   "matmul", "cholesky_corr", "x"};
    switch (below(12)) {
      case 0:
        return static_cast<std::int64_t>(random_()) >> below(64);
      case 1:
        return 0;
      case 2:
        return -1;
      case 3:
        return 1.5e308;
      case 4:
        return term::list({});
      case 5:
        return term::tuple({});
      case 6:
        return term::list({old});
      case 7:
        return term::tuple({old});
      case 8:
        return atom(names[below(std::size(names))]);
      case 9:
        return term::tuple({atom(names[below(std::size(names))]), old});
      case 10:
        return term::tuple({atom(names[below(std::size(names))]), old, atom(names[below(std::size(names))])});
      default:
        return term::map({{names[below(std::size(names))], old}});
    }
  }

  std::mt19937_64 random_;
  std::uint64_t target_ = 0, at_ = 0;
};

const Term& language() {
  static const Term model = test::erlang(R"(
    #{data => #{y => [1, 0, 1, 1], x => {f64, [4, 2], [0.5, 1.5, 2.5, 3.5, 0.1, 0.2, 0.3, 0.4]}, g => [1, 2, 1, 2], n => 4},
      parameters => [{a, {vector, 2}}, {b, real, [{lower, 0}, {upper, 3}]}, {p, {simplex, 3}}, {o, {ordered, 2}}],
      transformed => [{eta, {'+', {matmul, x, a}, {at, o, g}}}],
      model => [{'~', a, {normal, 0, b}}, {'let', z, {sum, {exp, a}}}, {target, {'-', 0, {'*', z, z}}},
                {'for', i, 1, n, [{'~', {at, y, i}, {bernoulli_logit, {at, eta, i}}}]},
                {'if', {'<', 1, n}, [{target, {'log', {at, p, 1}}}], []}],
      generated => [{q, {'*', 2, b}}]})");
  return model;
}

TEST(Hostile, DamagedModelsAreAnsweredAndNeverADefect) {
  Client client;
  Mutator mutator(20261121);
  int accepted = 0, refused = 0;
  for (const Term& good : {models::eight_schools(), language()}) {
    for (int i = 0; i < 1500; ++i) {
      Term bad = good;
      for (std::uint64_t k = 1 + mutator.below(3); k > 0; --k) bad = mutator.mutate(bad);
      const Term answer = client.call("check", {bad});
      if (answer.tagged("ok", 2)) {
        ++accepted;
        continue;
      }
      ++refused;
      ASSERT_NE(reason(answer), "internal") << message(answer) << "\n" << term::to_string(bad, 4000);
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(accepted, 20);
}

TEST(Hostile, WhatIsAcceptedAlsoSamplesOrSaysWhyNot) {
  Client client;
  Mutator mutator(5);
  const Term options =
      term::map({{"chains", 2}, {"draws", 3}, {"warmup", 5}, {"seed", 1}, {"deadline_ms", 20000}});
  int sampled = 0;
  for (int i = 0; i < 4000 && sampled < 4; ++i) {
    const Term bad = mutator.mutate(i % 2 ? models::eight_schools() : language());
    if (!client.call("check", {bad}).tagged("ok", 2)) continue;
    const Term answer = client.call("sample", {bad, options});
    if (!answer.tagged("ok", 2)) {
      ASSERT_NE(reason(answer), "internal") << message(answer) << "\n" << term::to_string(bad, 4000);
    }
    ++sampled;
  }
  EXPECT_EQ(sampled, 4);
}

TEST(Hostile, RandomTermsInEveryPlace) {
  Client client;
  Mutator mutator(99);
  const Term options = test::erlang(
      "#{chains => 2, draws => 3, warmup => 5, seed => 1, thin => 1, precision => f32, outputs => [x], "
      "metric => diagonal, "
      "target_accept => 0.8, max_depth => 5, first_chain => 0, budget => 100, summary => true}");
  for (int i = 0; i < 300; ++i) {
    const Term bad = mutator.mutate(options);
    const Term answer = client.call("sample", {models::normal(), bad});
    if (!answer.tagged("ok", 2)) {
      ASSERT_NE(reason(answer), "internal") << message(answer) << "\n" << term::to_string(bad, 2000);
    }
    const Term points = mutator.mutate(test::erlang("[[0.5], [1.5], [-1]]"));
    const Term densities =
        client.call("log_density", {models::normal(), points, test::erlang("#{device => host}")});
    if (!densities.tagged("ok", 2)) {
      ASSERT_NE(reason(densities), "internal") << message(densities) << "\n" << term::to_string(points, 2000);
    }
  }
}

}  // namespace
}  // namespace drey::service
