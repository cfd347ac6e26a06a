#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

#include "c_src/glsl/math_fixture.h"
#include "model/functions.h"

namespace drey::glsl {
namespace {

/// Kernels for the functions need a device; those for double, one that has them.
class Math : public testing::Test {
 protected:
  void SetUp() override {
    if (gpu::devices().empty()) GTEST_SKIP() << "no Vulkan device";
    device_ = std::make_unique<gpu::Device>(gpu::default_device());
  }
  bool has(bool f64) const { return !f64 || device_->info().f64; }

  /// One value in both precisions; `expected` may be infinite or NaN and is compared to 4 ulp.
  void expect(const std::string& expression, double a, double b, double c, double expected) {
    SCOPED_TRACE(expression + " at " + std::to_string(a) + " " + std::to_string(b) + " " + std::to_string(c));
    expect_as<float>(expression, a, b, c, expected);
    if (has(true)) expect_as<double>(expression, a, b, c, expected);
  }
  void expect(const std::string& expression, double a, double expected) {
    expect(expression, a, 0, 0, expected);
  }

  std::unique_ptr<gpu::Device> device_;

 private:
  std::tuple<std::map<std::string, Applied<float>>, std::map<std::string, Applied<double>>> kernels_;

  template <typename T>
  void expect_as(const std::string& expression, double a, double b, double c, double expected) {
    auto& kernels = std::get<std::map<std::string, Applied<T>>>(kernels_);
    const Applied<T>& apply = kernels.try_emplace(expression, *device_, expression).first->second;
    const T got = apply({static_cast<T>(a), static_cast<T>(b), static_cast<T>(c)}).at(0);
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(got)) << got << (sizeof(T) == 8 ? " in f64" : " in f32");
    else if (std::isinf(expected) || expected == 0)
      EXPECT_EQ(got, static_cast<T>(expected)) << (sizeof(T) == 8 ? "in f64" : "in f32");
    else
      EXPECT_NEAR(static_cast<double>(got), expected, 4 * static_cast<double>(ulp_of<T>(expected)))
          << (sizeof(T) == 8 ? "in f64" : "in f32");
  }
};

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <typename T>
void expect_within_bounds(gpu::Device& device) {
  for (const MathCase& c : math_cases()) {
    const Measurement m = measure<T>(device, c);
    EXPECT_LE(m.ulp, sizeof(T) == 8 ? c.bound_f64 : c.bound_f32)
        << c.expression << " at " << m.at[0] << " " << m.at[1] << " " << m.at[2] << ": " << m.got
        << " instead of " << m.expected;
  }
}

TEST_F(Math, InF32EveryFunctionKeepsItsBound) { expect_within_bounds<float>(*device_); }

TEST_F(Math, InF64EveryFunctionKeepsItsBound) {
  if (!has(true)) GTEST_SKIP() << "no double on this device";
  expect_within_bounds<double>(*device_);
}

// The worst error is worth asserting only if a slightly wrong function exceeds it.
TEST_F(Math, AWrongDigitExceedsTheBound) {
  MathCase wrong = math_cases().front();
  ASSERT_EQ(wrong.name, "exp");
  wrong.expression = "(drey_exp(a) * real(1.0000005lf))";
  wrong.points = 1000;
  EXPECT_GT(measure<float>(*device_, wrong).ulp, wrong.bound_f32);
  if (has(true)) {
    wrong.expression = "(drey_exp(a) * real(1.000000000000001lf))";
    EXPECT_GT(measure<double>(*device_, wrong).ulp, wrong.bound_f64);
  }
}

/// The library's functions that a template of the table calls.
std::set<std::string> called(const std::string& glsl) {
  std::set<std::string> names;
  for (std::size_t at = glsl.find("drey_"); at != std::string::npos; at = glsl.find("drey_", at + 1)) {
    std::size_t end = at;
    while (end < glsl.size() && (std::isalnum(static_cast<unsigned char>(glsl[end])) || glsl[end] == '_'))
      ++end;
    names.insert(glsl.substr(at, end - at));
  }
  return names;
}

TEST(MathTable, EveryLibraryFunctionOfTheTableIsMeasured) {
  std::string measured;
  for (const MathCase& c : math_cases()) measured += c.expression + " ";
  // Exact, or chosen between their arguments.
  const std::set<std::string> exact{"drey_square", "drey_min", "drey_max", "drey_round", "drey_multiply_log"};
  for (const model::Function& f : model::functions())
    for (const std::string& name : called(f.glsl))
      EXPECT_TRUE(exact.contains(name) || measured.find(name + "(") != std::string::npos) << name;
}

TEST(MathTable, TheDocumentStatesTheseBounds) {
  std::ifstream in(std::string(DREY_TEST_DATA) + "/../../docs/functions.md");
  if (!in) GTEST_SKIP() << "no documents here";
  std::vector<std::string> rows;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("| `")) rows.push_back(line);
  const auto cases = math_cases();
  ASSERT_EQ(rows.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::vector<std::string> cells;
    std::istringstream row(rows[i]);
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell);
    ASSERT_EQ(cells.size(), 8u) << rows[i];
    EXPECT_EQ(cells[1], " `" + cases[i].name + (cases[i].scale != nullptr ? "` * " : "` "));
    EXPECT_EQ(std::stod(cells[4]), cases[i].bound_f32) << rows[i];
    EXPECT_EQ(std::stod(cells[7]), cases[i].bound_f64) << rows[i];
  }
}

/// Every function of the table, as the table spells it, agrees with the table's own host value.
TEST_F(Math, TheTableSpellsWhatItMeans) {
  if (!has(true)) GTEST_SKIP() << "no double on this device";
  for (const model::Function& f : model::functions()) {
    std::string expression = f.glsl;
    for (const auto& [from, to] : {std::pair{"$0", "a"}, std::pair{"$1", "b"}, std::pair{"$2", "c"}})
      for (std::size_t at = expression.find(from); at != std::string::npos; at = expression.find(from))
        expression.replace(at, 2, to);
    const bool negative = f.name == "log1m_exp" || f.name == "log1m";
    const double shift = f.name == "acosh" ? 1 : 0;
    std::vector<double> values;
    for (int i = 0; i < 16; ++i) values.push_back((negative ? -1 : 1) * (0.05 + 0.055 * i) + shift);
    for (int i = 0; i < 16; ++i)
      values.push_back(f.name == "log_diff_exp" || f.name == "lchoose" ? 0.01 + 0.002 * i : 1.7 - 0.05 * i);
    for (int i = 0; i < 16; ++i) values.push_back(0.9 - 0.05 * i);
    const auto results = Applied<double>(*device_, expression)(values);
    for (std::size_t i = 0; i < 16; ++i) {
      const double arguments[3] = {values[i], values[16 + i], values[32 + i]};
      const double expected = f.value(arguments);
      EXPECT_NEAR(results.at(i), expected, 1e-13 * (1 + std::abs(expected)))
          << f.name << " of " << arguments[0];
    }
  }
}

TEST_F(Math, ExponentialsAtTheEdges) {
  for (const char* f : {"drey_exp(a)", "drey_exp2(a)"}) {
    expect(f, 0, 1);
    expect(f, inf, inf);
    expect(f, -inf, 0);
    expect(f, nan, nan);
    expect(f, 1e30, inf);
    expect(f, -1e30, 0);
    expect(f, 2000, inf);
    expect(f, -2000, 0);
  }
  expect("drey_exp(a)", 1e-30, 1);
  expect("drey_expm1(a)", 0, 0);
  expect("drey_expm1(a)", inf, inf);
  expect("drey_expm1(a)", -inf, -1);
  expect("drey_expm1(a)", -1e30, -1);
  expect("drey_expm1(a)", nan, nan);
  expect("drey_expm1(a)", 1e-30, 1e-30);
}

TEST_F(Math, LogarithmsAtTheEdges) {
  for (const char* f : {"drey_log(a)", "drey_log2(a)", "drey_log10(a)", "drey_log1p(a - real(1.0))"}) {
    expect(f, 0, -inf);
    expect(f, 1, 0);
    expect(f, -1, nan);
    expect(f, -inf, nan);
    expect(f, inf, inf);
    expect(f, nan, nan);
  }
  expect("drey_log1p(a)", 1e-30, 1e-30);
  expect("drey_log1p(a)", -1, -inf);
  expect("drey_log1p(a)", -1.5, nan);
}

TEST_F(Math, LogarithmsOfSumsAtTheEdges) {
  expect("drey_log1p_exp(a)", inf, inf);
  expect("drey_log1p_exp(a)", -inf, 0);
  expect("drey_log1p_exp(a)", nan, nan);
  expect("drey_log1p_exp(a)", 1e30, 1e30);
  expect("drey_inv_logit(a)", inf, 1);
  expect("drey_inv_logit(a)", -inf, 0);
  expect("drey_inv_logit(a)", 0, 0.5);
  expect("drey_inv_logit(a)", nan, nan);
  expect("drey_logit(a)", 0, -inf);
  expect("drey_logit(a)", 1, inf);
  expect("drey_logit(a)", 0.5, 0);
  expect("drey_logit(a)", 1.5, nan);
  expect("drey_logit(a)", -0.5, nan);
  expect("drey_log1m_exp(a)", 0, -inf);
  expect("drey_log1m_exp(a)", -inf, 0);
  expect("drey_log1m_exp(a)", 1, nan);
  expect("drey_log_expm1(a)", 0, -inf);
  expect("drey_log_expm1(a)", inf, inf);
  expect("drey_log_sum_exp(a, b)", -inf, -inf, 0, -inf);
  expect("drey_log_sum_exp(a, b)", inf, inf, 0, inf);
  expect("drey_log_sum_exp(a, b)", inf, -inf, 0, inf);
  expect("drey_log_sum_exp(a, b)", 3, -inf, 0, 3);
  expect("drey_log_sum_exp(a, b)", nan, 1, 0, nan);
  expect("drey_log_sum_exp(a, b)", 1, nan, 0, nan);
  expect("drey_log_diff_exp(a, b)", 2, 2, 0, -inf);
  expect("drey_log_diff_exp(a, b)", 2, -inf, 0, 2);
  expect("drey_log_diff_exp(a, b)", 1, 2, 0, nan);
  expect("drey_multiply_log(a, b)", 0, 0, 0, 0);
  expect("drey_multiply_log(a, b)", 2, 0, 0, -inf);
}

TEST_F(Math, PowersAtTheEdges) {
  expect("drey_pow(a, b)", 2, 10, 0, 1024);
  expect("drey_pow(a, b)", -2, 3, 0, -8);
  expect("drey_pow(a, b)", -2, 2, 0, 4);
  expect("drey_pow(a, b)", -2, 0.5, 0, nan);
  expect("drey_pow(a, b)", 0, 3, 0, 0);
  expect("drey_pow(a, b)", 0, -1, 0, inf);
  expect("drey_pow(a, b)", 0, 0, 0, 1);
  expect("drey_pow(a, b)", nan, 0, 0, 1);
  expect("drey_pow(a, b)", 1, nan, 0, 1);
  expect("drey_pow(a, b)", nan, 1, 0, nan);
  expect("drey_pow(a, b)", 2, nan, 0, nan);
  expect("drey_pow(a, b)", inf, 2, 0, inf);
  expect("drey_pow(a, b)", inf, -2, 0, 0);
  expect("drey_pow(a, b)", 2, inf, 0, inf);
  expect("drey_pow(a, b)", 2, -inf, 0, 0);
  expect("drey_pow(a, b)", 0.5, inf, 0, 0);
  expect("drey_pow(a, b)", 2, 5000, 0, inf);
  expect("drey_pow(a, b)", 2, -5000, 0, 0);
  expect("drey_cbrt(a)", -27, -3);
  expect("drey_cbrt(a)", 0, 0);
  expect("drey_cbrt(a)", -inf, -inf);
  expect("drey_cbrt(a)", nan, nan);
  expect("drey_hypot(a, b)", 0, 0, 0, 0);
  expect("drey_hypot(a, b)", -3, 4, 0, 5);
  expect("drey_hypot(a, b)", inf, 1, 0, inf);
}

TEST_F(Math, PiecesAtTheEdges) {
  expect("drey_min(a, b)", 1, 2, 0, 1);
  expect("drey_max(a, b)", 1, 2, 0, 2);
  expect("drey_min(a, b)", nan, 2, 0, nan);
  expect("drey_max(a, b)", nan, 2, 0, nan);
  expect("drey_square(a)", -3, 9);
  expect("drey_round(a)", 2.5, 3);
  expect("drey_round(a)", -2.5, -3);
  expect("drey_round(a)", 0.25, 0);
  expect("drey_round(a)", 8388607.0, 8388607.0);
  expect("drey_round(a)", inf, inf);
}

TEST_F(Math, CircularAndHyperbolicAtTheEdges) {
  for (const char* f : {"drey_sin(a)", "drey_cos(a)", "drey_tan(a)"}) {
    expect(f, inf, nan);
    expect(f, nan, nan);
  }
  expect("drey_sin(a)", 0, 0);
  expect("drey_cos(a)", 0, 1);
  expect("drey_tanh(a)", inf, 1);
  expect("drey_tanh(a)", -inf, -1);
  expect("drey_tanh(a)", nan, nan);
  expect("drey_sinh(a)", -inf, -inf);
  expect("drey_cosh(a)", -inf, inf);
  expect("drey_asin(a)", 1, 1.5707963267948966);
  expect("drey_asin(a)", 1.01, nan);
  expect("drey_acos(a)", 1, 0);
  expect("drey_acos(a)", -1, 3.141592653589793);
  expect("drey_acos(a)", -1.01, nan);
  expect("drey_atan(a)", inf, 1.5707963267948966);
  expect("drey_atan(a)", -inf, -1.5707963267948966);
  expect("drey_atan2(a, b)", 0, 0, 0, 0);
  expect("drey_atan2(a, b)", 0, -1, 0, 3.141592653589793);
  expect("drey_atan2(a, b)", -1, 0, 0, -1.5707963267948966);
  expect("drey_atan2(a, b)", inf, inf, 0, 0.7853981633974483);
  expect("drey_asinh(a)", -inf, -inf);
  expect("drey_acosh(a)", 1, 0);
  expect("drey_acosh(a)", 0.5, nan);
  expect("drey_acosh(a)", inf, inf);
  expect("drey_atanh(a)", 1, inf);
  expect("drey_atanh(a)", -1, -inf);
  expect("drey_atanh(a)", 1.5, nan);
}

TEST_F(Math, GammaAtTheEdges) {
  expect("drey_lgamma(a)", 1, 0);
  expect("drey_lgamma(a)", 2, 0);
  expect("drey_lgamma(a)", 0, inf);
  expect("drey_lgamma(a)", -3, inf);
  expect("drey_lgamma(a)", inf, inf);
  expect("drey_lgamma(a)", nan, nan);
  expect("drey_lgamma(a)", 0.5, 0.5723649429247001);
  expect("drey_digamma(a)", 0, nan);
  expect("drey_digamma(a)", -2, nan);
  expect("drey_digamma(a)", inf, inf);
  expect("drey_digamma(a)", nan, nan);
  expect("drey_digamma(a)", 1, -0.5772156649015329);
  expect("drey_trigamma(a)", -1, nan);
  expect("drey_trigamma(a)", inf, 0);
  expect("drey_trigamma(a)", 1, 1.6449340668482264);
  expect("drey_tetragamma(a)", -1, nan);
  expect("drey_tetragamma(a)", inf, 0);
  expect("drey_tetragamma(a)", nan, nan);
  expect("drey_lbeta(a, b)", 0, 1, 0, inf);
  expect("drey_lbeta(a, b)", 1, 1, 0, 0);
  expect("drey_lbeta(a, b)", -1, 1, 0, nan);
  expect("drey_lbeta(a, b)", inf, 1, 0, -inf);
}

TEST_F(Math, IncompleteGammaAndBetaAtTheEdges) {
  expect("drey_gamma_p(a, b)", 1, 0, 0, 0);
  expect("drey_gamma_p(a, b)", 1, inf, 0, 1);
  expect("drey_gamma_q(a, b)", 1, 0, 0, 1);
  expect("drey_gamma_q(a, b)", 1, inf, 0, 0);
  expect("drey_gamma_p(a, b)", 1, 1, 0, 0.6321205588285577);
  expect("drey_gamma_p(a, b)", 0, 1, 0, nan);
  expect("drey_gamma_p(a, b)", 1, -1, 0, nan);
  expect("drey_gamma_q(a, b)", nan, 1, 0, nan);
  expect("drey_gamma_q_da(a, b)", 1, 0, 0, 0);
  expect("drey_gamma_q_da(a, b)", 50, 50, 0, 0.05651312752336053);
  expect("drey_log_gamma_q(a, b)", 1, 0, 0, 0);
  expect("drey_log_gamma_q(a, b)", 1, inf, 0, -inf);
  expect("drey_log_gamma_q(a, b)", 1, 5000, 0, -5000);
  expect("drey_log_gamma_q(a, b)", 30, 5000, 0, -4824.252620703874);
  expect("drey_log_gamma_p(a, b)", 1, 0, 0, -inf);
  expect("drey_log_gamma_p(a, b)", 1, inf, 0, 0);
  expect("drey_log_gamma_p(a, b)", 20, 1e-30, 0, -1423.8866722571808);
  expect("drey_log_gamma_p(a, b)", 0, 1, 0, nan);
  expect("drey_log_gamma_q(a, b)", 1, -1, 0, nan);
  expect("drey_log_gamma_q_da(a, b)", 1, 0, 0, 0);
  expect("drey_log_gamma_p_da(a, b)", 1, inf, 0, 0);
  expect("drey_log_gamma_q_dx(a, b)", 1, 0, 0, 1);
  expect("drey_log_gamma_q_dx(a, b)", 2, 0, 0, 0);
  expect("drey_log_gamma_q_dx(a, b)", 0.5, 0, 0, inf);
  expect("drey_log_gamma_q_dx(a, b)", 2, inf, 0, 1);
  expect("drey_log_gamma_q_dx(a, b)", 1, 5000, 0, 1);
  expect("drey_log_gamma_p_dx(a, b)", 1, 0, 0, inf);
  expect("drey_log_gamma_p_dx(a, b)", 1, inf, 0, 0);
  expect("drey_inc_beta(a, b, c)", 2, 3, 0, 0);
  expect("drey_inc_beta(a, b, c)", 2, 3, 1, 1);
  expect("drey_inc_beta(a, b, c)", 1, 1, 0.25, 0.25);
  expect("drey_inc_beta(a, b, c)", 2, 3, 1.5, nan);
  expect("drey_inc_beta(a, b, c)", -2, 3, 0.5, nan);
  expect("drey_inc_beta(a, b, c)", 2, 3, nan, nan);
  expect("drey_inc_beta_da(a, b, c)", 2, 3, 0, 0);
}

TEST_F(Math, NormalFunctionsAtTheEdges) {
  expect("drey_erf(a)", inf, 1);
  expect("drey_erf(a)", -inf, -1);
  expect("drey_erf(a)", nan, nan);
  expect("drey_erfc(a)", inf, 0);
  expect("drey_erfc(a)", -inf, 2);
  expect("drey_erfc(a)", nan, nan);
  expect("drey_erfcx(a)", inf, 0);
  expect("drey_erfcx(a)", -inf, inf);
  expect("drey_erfcx(a)", nan, nan);
  expect("drey_Phi(a)", 0, 0.5);
  expect("drey_Phi(a)", inf, 1);
  expect("drey_Phi(a)", -inf, 0);
  expect("drey_Phi(a)", nan, nan);
  expect("drey_log_Phi(a)", inf, 0);
  expect("drey_log_Phi(a)", -inf, -inf);
  expect("drey_log_Phi(a)", nan, nan);
  expect("drey_inv_Phi(a)", 0, -inf);
  expect("drey_inv_Phi(a)", 1, inf);
  expect("drey_inv_Phi(a)", 0.5, 0);
  expect("drey_inv_Phi(a)", 1.5, nan);
  expect("drey_inv_Phi(a)", nan, nan);
  expect("drey_owens_t(a, b)", 1, 0, 0, 0);
  expect("drey_owens_t(a, b)", 0, 1, 0, 0.125);
  expect("drey_owens_t(a, b)", 0, inf, 0, 0.25);
  expect("drey_owens_t(a, b)", nan, 1, 0, nan);
  expect("drey_owens_t(a, b)", 1, nan, 0, nan);
}

TEST_F(Math, BesselAtTheEdges) {
  expect("drey_bessel_i0e(a)", 0, 1);
  expect("drey_bessel_i0e(a)", inf, 0);
  expect("drey_bessel_i0e(a)", nan, nan);
  expect("drey_bessel_i1e(a)", 0, 0);
  expect("drey_bessel_i1e(a)", -inf, 0);
  expect("drey_bessel_i1e(a)", nan, nan);
}

}  // namespace
}  // namespace drey::glsl
