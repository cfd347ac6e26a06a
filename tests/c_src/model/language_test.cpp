#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "error.h"
#include "model/evaluator.h"
#include "model/functions.h"
#include "model/model.h"
#include "support/erlang_text.h"

namespace drey::model {
namespace {

Model build(const std::string& text) { return compile(test::erlang(text)); }

double density(const Model& model, const std::vector<double>& point) {
  return Evaluator(model.density, model.data).run(point).target;
}

std::vector<double> draw(const Model& model, const std::vector<double>& point) {
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> uniform(1e-12, 1);
  return Evaluator(model.draws, model.data).run(point, [&] { return uniform(engine); }).output;
}

std::vector<double> random_point(std::uint64_t dimension, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal(0, 0.7);
  std::vector<double> point(dimension);
  for (double& x : point) x = normal(engine);
  return point;
}

/// Two ways to say one model.
struct Pair {
  const char* name;
  const char* preamble;  ///< what both share: data, parameters, functions
  const char* one;       ///< the model block
  const char* other;
};

const char* vectors =
    "data => #{y => [0.5, -1.25, 2.0, 0.75], x => [1.0, 2.0, -1.0, 0.5], g => [2, 1, 3, 2]}, "
    "parameters => [{a, real}, {b, {vector, 3}}, {s, real, [{lower, 0}]}]";

const char* grouped =
    "data => #{y => [0.5, -1.25, 2.0, 0.75, 1.0, 3.0, -2.0, 0.25, 1.5], x => [1.0, 2.0, -1.0, 0.5, 0.0, 1.5, "
    "2.5, -0.5, 1.0], "
    "w => [1.0, 2.0, 1.5, 0.5, 1.0, 3.0, 2.0, 0.25, 1.5], g => [2, 1, 4, 2, 1, 1, 4, 2, 1]}, "
    "parameters => [{a, {vector, 4}}, {b, real}, {c, real}, {s, real, [{lower, 0}]}]";

const Pair pairs[] = {
    {"a_loop_is_its_vector", vectors,
     "[{for, n, 1, 4, [{'~', {at, y, n}, {student_t, 4, {'+', a, {'*', {at, b, 1}, {at, x, n}}}, s}}]}]",
     "[{'~', y, {student_t, 4, {'+', a, {'*', {at, b, 1}, x}}, s}}]"},
    {"a_gather_is_its_elements", vectors, "[{'~', y, {normal, {at, b, g}, s}}]",
     "[{'~', {at, y, 1}, {normal, {at, b, 2}, s}}, {'~', {at, y, 2}, {normal, {at, b, 1}, s}}, "
     "{'~', {at, y, 3}, {normal, {at, b, 3}, s}}, {'~', {at, y, 4}, {normal, {at, b, 2}, s}}]"},
    {"sufficient_statistics_of_a_mean", vectors, "[{'~', y, {normal, a, s}}]",
     "[{target, {sum, {normal_lpdf, y, a, s}}}]"},
    {"sufficient_statistics_of_a_line", vectors, "[{'~', y, {normal, {'-', a, {'*', x, {at, b, 2}}}, s}}]",
     "[{target, {normal_lpdf, y, {'-', a, {'*', x, {at, b, 2}}}, s}}]"},
    {"statistics_of_groups", grouped, "[{'~', y, {normal, {'+', {at, a, g}, {'*', b, x}, c}, s}}]",
     "[{target, {normal_lpdf, y, {'+', {at, a, g}, {'*', b, x}, c}, s}}]"},
    {"statistics_of_groups_known_scales", grouped, "[{'~', y, {normal, {'-', {'*', b, x}, {at, a, g}}, w}}]",
     "[{target, {normal_lpdf, y, {'-', {'*', b, x}, {at, a, g}}, w}}]"},
    {"statistics_of_groups_in_a_loop", grouped,
     "[{for, n, 1, 9, [{'~', {at, y, n}, {normal, {'+', {at, a, {at, g, n}}, c}, s}}]}]",
     "[{target, {normal_lpdf, y, {'+', {at, a, g}, c}, s}}]"},
    {"counts_of_categories", grouped, "[{'~', {at, g, all}, {categorical_logit, a}}]",
     "[{for, n, 1, 9, [{target, {'-', {at, a, {at, g, n}}, {log_sum_exp, a}}}]}]"},
    {"separable_sums", vectors, "[{'~', {exp, y}, {gamma, s, {exp, a}}}]",
     "[{for, n, 1, 4, [{'let', e, {exp, {at, y, n}}}, {target, {gamma_lpdf, e, s, {exp, a}}}]}]"},
    {"a_let_is_its_expression", vectors, "[{'let', m, {'+', a, {'*', x, s}}}, {'~', y, {cauchy, m, s}}]",
     "[{'~', y, {cauchy, {'+', a, {'*', x, s}}, s}}]"},
    {"declared_and_set", vectors,
     "[{declare, m, {vector, 4}}, {for, n, 1, 4, [{set, {at, m, n}, {'+', a, {'*', {at, x, n}, s}}}]}, "
     "{'~', y, {cauchy, m, s}}]",
     "[{'~', y, {cauchy, {'+', a, {'*', x, s}}, s}}]"},
    {"a_running_total", vectors,
     "[{declare, t, real}, {set, t, 0}, {for, n, 1, 4, [{set, t, {'+', t, {'*', {at, x, n}, a}}}]}, {target, "
     "t}]",
     "[{target, {'*', a, {sum, x}}}]"},
    {"a_long_running_total", vectors,
     "[{declare, t, real}, {set, t, 0}, {for, n, 1, 300, [{set, t, {'+', {'*', 0.5, t}, {sin, {'*', n, "
     "a}}}}]}, {target, t}]",
     "[{declare, t, {vector, 301}}, {set, {at, t, 1}, 0}, "
     "{for, n, 1, 300, [{set, {at, t, {'+', n, 1}}, {'+', {'*', 0.5, {at, t, n}}, {sin, {'*', n, a}}}}]}, "
     "{target, {at, t, 301}}]"},
    {"a_vector_carried_through_a_loop", vectors,
     "[{declare, v, {vector, 3}}, {set, v, b}, {for, n, 1, 100, [{set, v, {'*', 0.9, {tanh, {'+', v, {at, v, "
     "1}}}}}]}, "
     "{target, {sum, v}}]",
     "[{declare, v, {matrix, 101, 3}}, {set, {at, v, 1}, b}, {for, n, 1, 100, "
     "[{set, {at, v, {'+', n, 1}}, {'*', 0.9, {tanh, {'+', {at, v, n}, {at, v, n, 1}}}}}]}, "
     "{target, {sum, {at, v, 101}}}]"},
    {"an_element_of_a_value", vectors,
     "[{declare, v, {vector, 3}}, {set, v, b}, {set, {at, v, 2}, a}, {target, {dot, v, [1, 2, 3]}}]",
     "[{target, {'+', {at, b, 1}, {'*', 2, a}, {'*', 3, {at, b, 3}}}}]"},
    {"data_conditions", vectors,
     "[{for, n, 1, 4, [{'if', {'>', {at, x, n}, 0.75}, [{target, {'*', a, {at, y, n}}}], [{target, {at, b, "
     "{at, g, n}}}]}]}]",
     "[{target, {'+', {'*', a, {'+', 0.5, -1.25}}, {at, b, 3}, {at, b, 2}}}]"},
    {"values_set_in_branches", vectors,
     "[{for, n, 1, 100, [{declare, m, real}, {set, m, a}, {'if', {'==', {'rem', n, 2}, 0}, [{set, m, s}], "
     "[]}, "
     "{target, {'*', m, n}}]}]",
     "[{target, {'+', {'*', a, 2500}, {'*', s, 2550}}}]"},
    {"choices_by_parameters", vectors, "[{target, {sum, {if_else, {'<', b, 0}, {'*', 2, b}, {square, b}}}}]",
     "[{for, k, 1, 3, [{target, {if_else, {'<', {at, b, k}, 0}, {'+', {at, b, k}, {at, b, k}}, "
     "{'*', {at, b, k}, {at, b, k}}}}]}]"},
    {"functions",
     "functions => #{line => {[u, v], {'+', v, {'*', u, 2}}}, bend => {[u], [{'let', w, {line, u, 1}}, "
     "{return, {square, w}}]}}, parameters => [{a, real}]",
     "[{target, {bend, a}}]", "[{target, {'^', {'+', 1, {'*', 2, a}}, 2}}]"},
    {"mixtures", vectors,
     "[{for, n, 1, 4, [{target, {log_mix, {inv_logit, a}, {normal_lpdf, {at, y, n}, 0, s}, {normal_lpdf, "
     "{at, y, n}, 3, s}}}]}]",
     "[{target, {log, {'+', {'*', {inv_logit, a}, {exp, {normal_lpdf, y, 0, s}}}, {'*', {'-', 1, {inv_logit, "
     "a}}, "
     "{exp, {normal_lpdf, y, 3, s}}}}}}]"},
    {"log_sum_exp_of_many", "parameters => [{b, {vector, 12}}]", "[{target, {log_sum_exp, b}}]",
     "[{target, {log, {sum, {exp, b}}}}]"},
    {"slices_and_lists", vectors, "[{target, {dot, {at, b, {range, 2, 3}}, [a, s]}}]",
     "[{target, {'+', {'*', {at, b, 2}, a}, {'*', {at, b, 3}, s}}}]"},
    {"cumulative_sums", vectors, "[{target, {dot, {cumulative_sum, b}, [1, 10, 100]}}]",
     "[{target, {'+', {'*', 111, {at, b, 1}}, {'*', 110, {at, b, 2}}, {'*', 100, {at, b, 3}}}}]"},
    {"matrix_products",
     "data => #{m => [[1, 2, 3], [4, 5, 6]]}, parameters => [{b, {vector, 3}}, {c, {vector, 2}}]",
     "[{target, {dot, {matmul, c, m}, b}}]", "[{target, {dot, c, {matmul, m, b}}}]"},
    {"cholesky_and_solves",
     "data => #{m => [[2.0, 0.5, 0.1], [0.5, 1.0, -0.25], [0.1, -0.25, 0.75]]}, parameters => [{b, {vector, "
     "3}}, {s, real}]",
     "[{'let', k, {'+', m, {diag_matrix, {rep, {exp, s}, 3}}}}, {target, {dot, b, {solve_spd, k, b}}}, "
     "{target, {log_determinant_spd, k}}]",
     "[{'let', k, {'+', m, {diag_matrix, {rep, {exp, s}, 3}}}}, {'let', l, {cholesky, k}}, "
     "{target, {dot_self, {solve_lower, l, b}}}, {target, {'*', 2, {sum, {log, {diagonal, l}}}}}]"},
    {"inverses", "parameters => [{b, {vector, 2}}, {s, real, [{lower, 0}]}, {t, real, [{lower, 0}]}]",
     "[{'let', k, [[{'+', 1, s}, 0.5], [0.5, {'+', 1, t}]]}, {target, {quad_form, {inverse_spd, k}, b}}]",
     "[{'let', d, {'-', {'*', {'+', 1, s}, {'+', 1, t}}, 0.25}}, {target, {'/', {'-', {'+', {'*', {'+', 1, "
     "t}, "
     "{square, {at, b, 1}}}, {'*', {'+', 1, s}, {square, {at, b, 2}}}}, {'*', {at, b, 1}, {at, b, 2}}}, "
     "d}}]"},
    {"multi_normal_is_its_factor",
     "data => #{m => [[2.0, 0.5], [0.5, 1.0]], y => [[0.1, 0.2], [1.0, -1.0], [0.5, 0.5]]}, parameters => "
     "[{b, {vector, 2}}]",
     "[{'~', y, {multi_normal, b, m}}]",
     "[{for, n, 1, 3, [{'~', {at, y, n}, {multi_normal_cholesky, b, {cholesky, m}}}]}]"},
    {"truncated_normal", vectors, "[{'~', {at, y, 1}, {truncate, {normal, a, s}, -2, 3}}]",
     "[{target, {'-', {normal_lpdf, {at, y, 1}, a, s}, {log, {'-', {normal_cdf, 3, a, s}, {normal_cdf, -2, "
     "a, s}}}}}]"},
    {"truncated_below", vectors, "[{'~', {at, y, 1}, {truncate, {exponential, s}, 0.25, infinity}}]",
     "[{target, {exponential_lpdf, {'-', {at, y, 1}, 0.25}, s}}]"},
    {"truncated_counts", "data => #{y => [1, 3, 2]}, parameters => [{a, real}]",
     "[{'~', y, {truncate, {poisson_log, a}, 1, infinity}}]",
     "[{target, {'-', {poisson_log_lpmf, y, a}, {log1m_exp, {'-', 0, {exp, a}}}}}]"},
    {"censored", vectors, "[{'~', y, {censor, {normal, a, s}, infinity, 1.5}}]",
     "[{for, n, 1, 4, [{'if', {'<', {at, y, n}, 1.5}, [{'~', {at, y, n}, {normal, a, s}}], "
     "[{target, {normal_lccdf, 1.5, a, s}}]}]}]"},
    {"random_walk", "parameters => [{b, {vector, 5}}, {s, real, [{lower, 0}]}]",
     "[{'~', b, {gaussian_random_walk, 0, s}}]",
     "[{'~', {at, b, 1}, {normal, 0, s}}, {for, t, 2, 5, [{'~', {at, b, t}, {normal, {at, b, {'-', t, 1}}, "
     "s}}]}]"},
    {"glm_is_its_predictor",
     "data => #{'X' => [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]], y => [1, 0, 1]}, "
     "parameters => [{a, real}, {b, {vector, 2}}]",
     "[{'~', y, {bernoulli_logit_glm, 'X', a, b}}]",
     "[{'~', y, {bernoulli_logit, {'+', a, {matmul, 'X', b}}}}]"},
    {"lkj_by_either_door", "parameters => [{l, {cholesky_corr, 3}}]", "[{'~', l, {lkj_corr_cholesky, 2}}]",
     "[{'let', r, {tcrossprod, l}}, {'~', r, {lkj_corr, 2}}, {target, {'+', {'*', 1, {log, {at, l, 2, 2}}}, "
     "{'*', 0, {log, {at, l, 3, 3}}}}}]"},
    {"append_and_reverse", vectors, "[{target, {dot, {reverse, {append, a, b}}, [1, 2, 3, 4]}}]",
     "[{target, {dot, [a, {at, b, 1}, {at, b, 2}, {at, b, 3}], [4, 3, 2, 1]}}]"},
};

class Language : public testing::TestWithParam<Pair> {};

TEST_P(Language, SaysOneThingInTwoWays) {
  const Pair& p = GetParam();
  const Model one = build(std::string("#{") + p.preamble + ", model => " + p.one + "}");
  const Model other = build(std::string("#{") + p.preamble + ", model => " + p.other + "}");
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const auto point = random_point(one.dimension, seed);
    const double expected = density(other, point);
    ASSERT_TRUE(std::isfinite(expected));
    EXPECT_NEAR(density(one, point), expected, 1e-11 * std::max(1.0, std::abs(expected)))
        << to_string(one.density) << "\n-- and\n"
        << to_string(other.density);
  }
}

INSTANTIATE_TEST_SUITE_P(Pairs, Language, testing::ValuesIn(pairs),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(Language, TransformedDataIsComputedOnce) {
  const Model model = build(
      "#{data => #{x => [3.0, 1.0, 2.0]}, transformed_data => [{'let', m, {mean, x}}, {declare, c, {vector, "
      "3}}, "
      "{for, i, 1, 3, [{set, {at, c, i}, {'-', {at, x, i}, m}}]}], parameters => [{a, real}], "
      "model => [{target, {'*', a, {sum, {square, c}}}}]}");
  EXPECT_DOUBLE_EQ(density(model, {1.5}), 3.0);
  for (const Statement& s : model.density.body)
    EXPECT_NE(s.kind, StatementKind::For) << to_string(model.density);
}

TEST(Language, OutputsAreParametersThenTransformedThenGenerated) {
  const Model model = build(
      "#{data => #{y => [1.0, 2.0]}, parameters => [{mu, real}, {s, real, [{lower, 0}]}], "
      "transformed => [{m2, {'*', 2, mu}}, {declare, v, {vector, 2}}, {set, {at, v, 1}, mu}, {set, {at, v, "
      "2}, s}], "
      "model => [{'~', y, {normal, mu, s}}], "
      "generated => [{log_lik, {normal_lpdf, y, mu, s}}, {n, {'+', 1, 2}}]}");
  ASSERT_EQ(model.outputs.size(), 6u);
  const char* names[] = {"mu", "s", "m2", "v", "log_lik", "n"};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(model.outputs[i].name, names[i]);
  EXPECT_EQ(model.outputs[3].shape, Shape{2});
  EXPECT_EQ(model.outputs[4].kind, OutputKind::Generated);
  const auto out = draw(model, {0.5, std::log(2.0)});
  ASSERT_EQ(out.size(), 8u);
  EXPECT_DOUBLE_EQ(out[2], 1.0);
  EXPECT_DOUBLE_EQ(out[4], 2.0);
  EXPECT_NEAR(out[5], -0.5 * 0.0625 - std::log(2.0) - 0.91893853320467274, 1e-14);
  EXPECT_EQ(out[7], 3.0);
}

TEST(Language, ConstraintTextsReadLikeTheModel) {
  const Model model = build(
      "#{parameters => [{a, real, [{lower, 0}, {upper, 1}]}, {b, {simplex, 3}}, {c, {matrix, 2, 3}}, "
      "{d, {array, [4], {ordered, 2}}}]}");
  EXPECT_EQ(model.parameters[0].constraint, "real, lower 0, upper 1");
  EXPECT_EQ(model.parameters[1].constraint, "simplex 3");
  EXPECT_EQ(model.parameters[2].constraint, "matrix 2x3");
  EXPECT_EQ(model.parameters[3].constraint, "array [4] of ordered 2");
  EXPECT_EQ(model.dimension, 1u + 2 + 6 + 8);
  EXPECT_EQ(model.parameters[3].shape, (Shape{4, 2}));
}

/// dz/dt = -k z, and a pendulum-like pair, by each solver.
TEST(Language, OdeSolversSolve) {
  for (const char* solver :
       {"{ode_rk4, decay, [z0, 1.0], 0, ts, 50, k}", "{ode_rk45, decay, [z0, 1.0], 0, ts, k}",
        "{ode_rk45_tol, decay, [z0, 1.0], 0, ts, 1.0e-9, 40, k}"}) {
    const Model model = build(
        std::string("#{functions => #{decay => {[t, z, k], [{'*', {'-', 0, k}, {at, z, 1}}, {cos, t}]}}, "
                    "data => #{ts => [0.5, 1.0, 3.0]}, parameters => [{z0, real}, {k, real, [{lower, 0}]}], "
                    "transformed => [{z, ") +
        solver + "}], model => [{target, {sum, z}}]}");
    const auto out = draw(model, {1.5, std::log(0.8)});
    const double times[] = {0.5, 1.0, 3.0};
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(out[static_cast<std::size_t>(2 + 2 * i)], 1.5 * std::exp(-0.8 * times[i]), 5e-6) << solver;
      EXPECT_NEAR(out[static_cast<std::size_t>(3 + 2 * i)], 1 + std::sin(times[i]), 5e-6) << solver;
    }
  }
}

TEST(Language, AnOdeThatNeedsMoreStepsIsNaN) {
  const Model model = build(
      "#{functions => #{f => {[t, z], [{'*', 1000, {cos, {'*', 500, t}}}]}}, parameters => [{z0, real}], "
      "transformed => [{z, {ode_rk45_tol, f, [z0], 0, [10.0], 1.0e-8, 3}}], model => [{target, {sum, z}}]}");
  EXPECT_TRUE(std::isnan(density(model, {0.0})));
}

// ---- compiled well

std::string logistic(int rows, int columns) {
  std::mt19937_64 engine(3);
  std::normal_distribution<double> normal;
  std::string x, y;
  for (int i = 0; i < rows; ++i) {
    x += i ? ", [" : "[";
    for (int j = 0; j < columns; ++j) x += (j ? ", " : "") + std::to_string(normal(engine));
    x += "]";
    y += (i ? ", " : "") + std::to_string(engine() % 2);
  }
  return "#{data => #{'X' => [" + x + "], y => [" + y + "]}, parameters => [{a, real}, {b, {vector, " +
         std::to_string(columns) +
         "}}], model => [{'let', eta, {'+', a, {matmul, 'X', b}}}, "
         "{'~', y, {bernoulli_logit, eta}}]}";
}

// The linear predictor, the link and the density of a row are one trip of one independent loop; nothing of
// length N is kept.
TEST(CompiledWell, ARegressionIsOneLoopOverRows) {
  const Model model = build(logistic(50, 4));
  int loops = 0;
  for (const Statement& s : model.density.body) {
    if (s.kind != StatementKind::For) continue;
    ++loops;
    EXPECT_TRUE(model.density.loops[s.loop].independent);
    EXPECT_EQ(model.density.loops[s.loop].max_trips, 50u);
  }
  EXPECT_EQ(loops, 1) << to_string(model.density);
  for (const Memory& memory : model.density.memories)
    if (memory.space == Space::Local) {
      EXPECT_EQ(memory.size, 1u);
    }
}

TEST(CompiledWell, SizeDoesNotDependOnRows) {
  const Model small = build(logistic(10, 4)), large = build(logistic(1000, 4));
  EXPECT_EQ(small.density.values.size(), large.density.values.size());
  EXPECT_EQ(small.density.memories.size(), large.density.memories.size());
}

TEST(CompiledWell, TheProgramDoesNotDependOnDataValues) {
  const std::string text =
      "#{data => #{y => [%], x => [1.0, 2.0, 0.5, 4.0]}, parameters => [{a, real}, {b, real}, "
      "{s, real, [{lower, 0}]}], model => [{'~', y, {normal, {'+', a, {'*', b, x}}, s}}, "
      "{'~', y, {student_t, 3, a, s}}], generated => [{r, {normal_rng, y, s}}]}";
  auto with = [&](const std::string& y) {
    std::string t = text;
    t.replace(t.find('%'), 1, y);
    return build(t);
  };
  const Model one = with("1.0, 2.0, 3.0, 4.0"), other = with("-7.5, 0.25, 0.0, 1.0e3");
  EXPECT_EQ(canonical_bytes(one.density), canonical_bytes(other.density));
  EXPECT_EQ(canonical_bytes(one.draws), canonical_bytes(other.draws));
  EXPECT_NE(canonical_bytes(one.density), canonical_bytes(with("1.0, 2.0, 3.0, 4.5e-1").draws));
}

// Whole numbers that are no size, bound or index are data like any other.
TEST(CompiledWell, ScalarsOfDataAreNoPartOfTheProgram) {
  auto with = [](const std::string& data) {
    return build(
        "#{data => #{" + data +
        ", 'K' => 2}, transformed_data => [{'let', twice, {'*', 2, n}}], parameters => [{theta, real, [{lower, 0}, "
        "{upper, 1}]}, {a, {vector, 'K'}}, {s, real, [{lower, 0}]}], model => [{'~', k, {binomial, n, theta}}, {'~', "
        "y, {binomial_logit, trials, {at, a, g}}}, {'~', a, {normal, scale, {'*', s, n}}}, {'~', s, {gamma, shape, "
        "twice}}, {for, i, 1, 'K', [{target, {'/', {at, a, i}, n}}]}], generated => [{again, {poisson_rng, {'*', "
        "theta, n}}}, {odd, {'rem', n, 2}}]}");
  };
  const Model one =
      with("n => 10, k => 3, y => [1, 2, 0], trials => [4, 4, 5], g => [1, 2, 1], scale => 1, shape => 2");
  const Model other =
      with("n => 23, k => 0, y => [7, 0, 3], trials => [9, 1, 3], g => [2, 1, 2], scale => 4, shape => 1");
  EXPECT_EQ(canonical_bytes(one.density), canonical_bytes(other.density))
      << to_string(one.density) << to_string(other.density);
  EXPECT_EQ(canonical_bytes(one.draws), canonical_bytes(other.draws));
  EXPECT_NE(density(one, {0.1, 0.2, 0.3, 0.4}), density(other, {0.1, 0.2, 0.3, 0.4}));
}

TEST(CompiledWell, InvariantsLeaveTheirLoops) {
  const Model model = build(
      "#{data => #{y => [1.0, 2.0, 3.0, 4.0]}, parameters => [{a, real}, {s, real}], "
      "model => [{'~', y, {cauchy, a, {log1p_exp, s}}}]}");
  std::function<void(const Block&, bool)> walk = [&](const Block& block, bool inside) {
    for (const Statement& s : block) {
      if (s.kind == StatementKind::For) walk(s.body, true);
      if (s.kind != StatementKind::Let || !inside) continue;
      const Value& v = model.density.values[s.value];
      EXPECT_FALSE(v.op == Op::Call && functions()[v.function].name == "log1p_exp")
          << to_string(model.density);
      EXPECT_FALSE(v.op == Op::Call && functions()[v.function].name == "/") << to_string(model.density);
    }
  };
  walk(model.density.body, false);
}

// A Gaussian block costs the same however many rows it has.
TEST(CompiledWell, GaussianBlocksAreSufficientStatistics) {
  const Model model = build(
      "#{data => #{y => [1.0, 2.0, 3.5, 4.0, 4.5, 7.0], x => [1.0, 2.0, 0.5, 4.0, -1.0, 2.0]}, "
      "parameters => [{a, real}, {b, real}, {s, real, [{lower, 0}]}], "
      "model => [{for, n, 1, 6, [{'~', {at, y, n}, {normal, {'+', a, {'*', b, {at, x, n}}}, s}}]}]}");
  for (const Loop& loop : model.density.loops) EXPECT_LE(loop.max_trips, 2u);
  const Model mean = build(
      "#{data => #{y => [1.0, 2.0, 3.5, 4.0, 4.5, 7.0]}, parameters => [{a, real}, {s, real, [{lower, 0}]}], "
      "model => [{'~', y, {normal, a, s}}]}");
  EXPECT_TRUE(mean.density.loops.empty()) << to_string(mean.density);
}

// ---- random numbers: moments over many draws, z below 5 (a false alarm in 1.7 million a comparison)

struct Generator {
  const char* call;
  double mean, variance;
};

const Generator generators[] = {
    {"{normal_rng, 1.5, 2}", 1.5, 4},
    {"{std_normal_rng}", 0, 1},
    {"{half_normal_rng, 2}", 2 * std::sqrt(2 / M_PI), 4 * (1 - 2 / M_PI)},
    {"{lognormal_rng, 0.1, 0.5}", std::exp(0.1 + 0.125), (std::exp(0.25) - 1) * std::exp(0.2 + 0.25)},
    {"{student_t_rng, 7, 1, 2}", 1, 4 * 7.0 / 5},
    {"{half_student_t_rng, 30, 1}", 0.80460, 30.0 / 28 - 0.80460 * 0.80460},
    {"{laplace_rng, 1, 2}", 1, 8},
    {"{logistic_rng, 1, 2}", 1, 4 * M_PI* M_PI / 3},
    {"{gumbel_rng, 1, 2}", 1 + 2 * 0.57721566490153286, 4 * M_PI* M_PI / 6},
    {"{skew_normal_rng, 1, 2, 3}", 1 + 2 * 3 / std::sqrt(10.0) * std::sqrt(2 / M_PI),
     4 * (1 - 2 * 0.9 / M_PI)},
    {"{exp_mod_normal_rng, 1, 2, 0.5}", 3, 8},
    {"{exponential_rng, 0.5}", 2, 4},
    {"{gamma_rng, 2.5, 2}", 1.25, 0.625},
    {"{gamma_rng, 0.4, 2}", 0.2, 0.1},
    {"{inv_gamma_rng, 6, 2}", 0.4, 0.04},
    {"{chi_square_rng, 5}", 5, 10},
    {"{weibull_rng, 2, 1}", std::tgamma(1.5), 1 - std::tgamma(1.5) * std::tgamma(1.5)},
    {"{rayleigh_rng, 2}", 2 * std::sqrt(M_PI / 2), (4 - M_PI) / 2 * 4},
    {"{pareto_rng, 1, 6}", 1.2, 6.0 / (25 * 4)},
    {"{uniform_rng, -1, 3}", 1, 16.0 / 12},
    {"{beta_rng, 2, 3}", 0.4, 0.04},
    {"{beta_proportion_rng, 0.25, 8}", 0.25, 0.25 * 0.75 / 9},
    {"{von_mises_rng, 0.5, 4}", 0.5, 0.30},
    {"{bernoulli_rng, 0.3}", 0.3, 0.21},
    {"{bernoulli_logit_rng, 0.4}", 0.598687660112452, 0.240260745740942},
    {"{binomial_rng, 12, 0.3}", 3.6, 2.52},
    {"{poisson_rng, 3.5}", 3.5, 3.5},
    {"{poisson_rng, 45.0}", 45, 45},
    {"{poisson_log_rng, 1.0}", M_E, M_E},
    {"{geometric_rng, 0.3}", 0.7 / 0.3, 0.7 / 0.09},
    {"{neg_binomial_rng, 3, 0.5}", 6, 18},
    {"{neg_binomial_2_rng, 6, 3}", 6, 18},
    {"{neg_binomial_2_log_rng, 0.0, 3}", 1, 1 + 1.0 / 3},
    {"{hypergeometric_rng, 5, 6, 4}", 3, 5 * 0.6 * 0.4 * 5 / 9},
    {"{discrete_uniform_rng, 1, 6}", 3.5, 35.0 / 12},
    {"{categorical_rng, [0.2, 0.3, 0.5]}", 2.3, 0.61},
    {"{categorical_logit_rng, {log, [0.2, 0.3, 0.5]}}", 2.3, 0.61},
    {"{at, {dirichlet_rng, [1.0, 2.0, 3.0]}, 3}", 0.5, 0.25 / 7},
    {"{at, {multi_normal_rng, [1.0, 2.0], [[2.0, 0.5], [0.5, 1.0]]}, 2}", 2, 1},
};

class Generators : public testing::TestWithParam<Generator> {};

TEST_P(Generators, HaveTheirMoments) {
  const Generator& g = GetParam();
  const Model model = build(
      "#{parameters => [{a, real}], generated => [{declare, r, {vector, 100}}, "
      "{for, i, 1, 100, [{set, {at, r, i}, " +
      std::string(g.call) + "}]}]}");
  std::mt19937_64 engine(11);
  std::uniform_real_distribution<double> uniform(1e-12, 1);
  Evaluator evaluator(model.draws, model.data);
  double sum = 0, squares = 0, fourth = 0;
  int n = 0;
  for (int run = 0; run < 200; ++run) {
    const auto out = evaluator.run(std::vector<double>{0.0}, [&] { return uniform(engine); }).output;
    for (std::size_t i = 1; i < out.size(); ++i, ++n) {
      const double d = out[i] - g.mean;
      sum += d;
      squares += d * d;
      fourth += d * d * d * d;
    }
  }
  const double mean = sum / n, second = squares / n;
  EXPECT_LT(std::abs(mean) / std::sqrt(second / n), 5) << g.call << " mean " << mean + g.mean;
  // The stated variance of a circular distribution is approximate.
  const double slack = std::string(g.call).find("von_mises") != std::string::npos ||
                               std::string(g.call).find("half_student") != std::string::npos
                           ? 0.02
                           : 0;
  EXPECT_LT(std::abs(second - g.variance), 5 * std::sqrt((fourth / n - second * second) / n) + slack)
      << g.call << " variance " << second;
}

INSTANTIATE_TEST_SUITE_P(All, Generators, testing::ValuesIn(generators), [](const auto& one) {
  std::string name;
  for (char c : std::string(one.param.call))
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name;
});

}  // namespace
}  // namespace drey::model
