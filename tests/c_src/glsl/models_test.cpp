// Model terms all the way to the device: statements, constraints, matrix forms and differential equations together,
// kernel against host evaluator at random points, value and gradient, both precisions. Entry by entry: tables_test.cpp.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/device.h"
#include "support/erlang_text.h"

namespace drey::glsl {
namespace {

struct Term {
  std::string name;
  std::string text;
  double f64 = 1e-10, f32 = 1e-3;  ///< allowed, relative to 1 + the size of what is compared
  std::uint32_t points = 1000;
};

void PrintTo(const Term& term, std::ostream* out) { *out << term.name; }

std::vector<Term> terms() {
  std::vector<Term> all;
  auto add = [&all](std::string name, std::string text, double f64 = 1e-10, double f32 = 1e-3) {
    all.push_back({std::move(name), "#{" + text + "}", f64, f32});
  };
  add("constraints",
      "parameters => [{s, {simplex, 3}}, {o, {ordered, 3}}, {p, {positive_ordered, 2}}, {u, {unit_vector, 3}}, {l, "
      "{cholesky_corr, 3}}, {c, {corr_matrix, 3}}, {k, {cholesky_cov, 2}}, {v, {cov_matrix, 2}}, {b, {vector, 2}, "
      "[{lower, -1}, {upper, {at, p, 1}}]}, {m, {matrix, 2, 2}, [{offset, {at, o, 1}}, {multiplier, {at, p, 2}}]}, {a, "
      "{array, [2], {simplex, 3}}}], model => [{target, {'*', 0.3, {sum, {log, s}}}}, {'~', o, {normal, 0, 1}}, {'~', p, "
      "{lognormal, 0, 1}}, {target, {dot, u, [0.5, -1.0, 2.0]}}, {'~', l, {lkj_corr_cholesky, 2}}, {'~', c, {lkj_corr, "
      "1.5}}, {'~', {matmul, k, [1.0, 2.0]}, {normal, 0, 2}}, {'~', v, {wishart, 5, [[1.0, 0.2], [0.2, 2.0]]}}, {'~', b, "
      "{normal, 0, 1}}, {'~', {to_vector, m}, {student_t, 4, 0, 1}}, {'~', a, {dirichlet, [2.0, 1.0, 3.0]}}]");
  add("matrix_forms",
      "data => #{x => [0.0, 0.5, 1.5, 2.0], y => [0.3, -0.2, 1.0, 0.7], 'M' => [[1.0, 2.0], [0.5, -1.0], [0.0, 3.0], "
      "[1.5, 1.0]]}, parameters => [{a, real, [{lower, 0}]}, {r, real, [{lower, 0}]}, {b, {vector, 2}}], model => "
      "[{'let', k, {'+', {gp_exp_quad_cov, x, a, r}, {'*', 0.3, {identity_matrix, 4}}}}, {'~', y, {multi_normal, "
      "{matmul, 'M', b}, k}}, {target, {log_determinant_spd, k}}, {target, {sum, {solve_spd, k, y}}}, {target, "
      "{quad_form, k, y}}, {target, {log_sum_exp, {cumulative_sum, b}}}, {target, {dot, {softmax, b}, [1.0, 2.0]}}, "
      "{'~', b, {normal, 0, 1}}]",
      1e-9);
  add("distribution_functions",
      "parameters => [{a, real, [{lower, 0}]}, {b, real, [{lower, 0}]}, {x, real}, {z, real, [{lower, 0}, {upper, 1}]}], "
      "model => [{target, {normal_lcdf, x, 0, a}}, {target, {student_t_lccdf, x, a, 0, b}}, {target, {gamma_lcdf, a, "
      "b, 1.5}}, {target, {beta_lccdf, z, a, b}}, {target, {poisson_lcdf, 3, a}}, {target, {weibull_lccdf, b, a, 1.0}}, "
      "{'~', x, {truncate, {normal, 0, b}, none, 4}}]",
      1e-8, 4e-3);
  add("user_functions_and_recursion",
      "functions => #{step => {[h, y, a, b], {sqrt, {'+', 0.1, {'*', a, {square, y}}, {'*', b, {square, h}}}}}}, data => "
      "#{y => [0.5, -0.2, 1.1, 0.3, -0.7, 0.4]}, parameters => [{a, real, [{lower, 0}, {upper, 1}]}, {b, real, [{lower, "
      "0}, {upper, {'-', 1, a}}]}], model => [{declare, s, {vector, 6}}, {set, {at, s, 1}, 0.5}, {for, t, 2, 6, [{set, "
      "{at, s, t}, {step, {at, s, {'-', t, 1}}, {at, y, {'-', t, 1}}, a, b}}]}, {'~', y, {normal, 0, s}}]");
  const std::string lotka =
      "functions => #{f => {[t, y, a, b], [{'*', {at, y, 1}, {'-', a, {at, y, 2}}}, {'*', {at, y, 2}, {'-', {at, y, 1}, "
      "b}}]}}, parameters => [{a, real, [{lower, 0}]}, {b, real, [{lower, 0}]}, {y0, {vector, 2}, [{lower, 0}]}], ";
  add("ode_rk4", lotka + "model => [{target, {sum, {ode_rk4, f, y0, 0, [0.5, 1.0], 8, a, b}}}]");
  // In f32 the choice of steps is another one: what both compute agrees to the tolerance of the solver.
  add("ode_rk45",
      lotka + "model => [{target, {sum, {ode_rk45_tol, f, y0, 0, [0.5, 1.0], 1.0e-4, 40, a, b}}}]", 1e-9,
      1e-2);
  add("ode_rodas",
      lotka + "model => [{target, {sum, {ode_rodas_tol, f, y0, 0, [0.2, 0.5, 1.0], 1.0e-4, 160, a, b}}}]",
      1e-9, 1e-2);
  return all;
}

class ModelKernel : public ::testing::TestWithParam<Term> {};

TEST_P(ModelKernel, AgreesWithTheEvaluator) {
  const Term& term = GetParam();
  const model::Model model = model::compile(test::erlang(term.text));
  const model::Program program = grad::differentiate(model.density, model.dimension);
  std::mt19937_64 random(23);
  std::normal_distribution<double> normal(0, 0.7);
  std::vector<double> input(model.dimension * term.points);
  for (double& x : input) x = static_cast<float>(normal(random));  // the same in both precisions
  model::Evaluator evaluator(program, model.data);
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    const double tolerance = precision == Precision::F64 ? term.f64 : term.f32;
    auto runner = testing::program_runner(program, model, precision);
    const auto output = runner.run(input, term.points, model.dimension + 1);
    for (std::uint32_t lane = 0; lane < term.points && !HasFailure(); ++lane) {
      std::vector<double> point(model.dimension);
      for (std::uint64_t d = 0; d < model.dimension; ++d) point[d] = input[d * term.points + lane];
      const auto expected = evaluator.run(point);
      ASSERT_TRUE(std::isfinite(expected.target)) << "lane " << lane;
      EXPECT_NEAR(output[lane], expected.target, tolerance * (1 + std::abs(expected.target)))
          << "lane " << lane;
      double size = 1;
      for (const double g : expected.gradient) size = std::max(size, std::abs(g));
      for (std::uint64_t d = 0; d < model.dimension; ++d)
        EXPECT_NEAR(output[(d + 1) * term.points + lane], expected.gradient[d], tolerance * size)
            << "d" << d << " lane " << lane;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Terms, ModelKernel, ::testing::ValuesIn(terms()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace drey::glsl
