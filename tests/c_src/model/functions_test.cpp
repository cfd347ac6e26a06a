#include "model/functions.h"

#include <gmock/gmock.h>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "support/differences.h"
#include "support/programs.h"

namespace drey::model {
namespace {

/// Arguments at which a function is smooth.
std::vector<std::vector<double>> arguments(const Function& f) {
  const std::string& n = f.name;
  if (n == "inc_beta" || n == "inc_beta_da") return {{0.7, 2.5, 0.3}, {5, 1.5, 0.8}, {30, 20, 0.55}};
  if (n == "lchoose") return {{7.5, 2.25}, {40, 3.5}};
  if (n == "log_diff_exp") return {{1.5, 0.25}, {-3, -9}, {2, 1.7}};
  if (n == "fma") return {{0.4, -1.2, 0.9}};
  if (f.arity == 2) return {{0.6, 1.3}, {2.5, 0.7}, {9.5, 12.25}};
  if (n == "log1m" || n == "logit" || n == "inv_Phi" || n == "asin" || n == "acos" || n == "atanh")
    return {{0.1}, {0.5}, {0.93}};
  if (n == "log1m_exp") return {{-0.01}, {-0.7}, {-12}};
  if (n == "acosh") return {{1.2}, {7}};
  if (n == "erf" || n == "erfc" || n == "erfcx" || n == "Phi" || n == "log_Phi")
    return {{-1.5}, {-0.2}, {0.3}, {2.2}};
  if (n == "floor" || n == "ceil" || n == "round" || n == "trunc") return {{1.3}, {-2.4}};
  return {{0.11}, {0.8}, {1.7}, {6.3}};
}

TEST(Functions, DerivativesAgreeWithDifferences) {
  for (const Function& f : functions()) {
    for (const auto& at : arguments(f)) {
      if (f.name.ends_with("_da") || f.name.ends_with("_dx") || f.name == "tetragamma")
        continue;  // derivatives of others; none of their own
      testing::CaseBuilder b(at.size());
      std::vector<ValueId> args;
      for (std::size_t i = 0; i < at.size(); ++i) args.push_back(b.point(static_cast<std::int64_t>(i)));
      b.add_to_target(b.call(f.name, args));
      const testing::Case c = b.done(f.name);
      const Program program = grad::differentiate(c.model.density, at.size());
      const auto result = Evaluator(program, c.model.data).run(at);
      EXPECT_EQ(result.target, f.value(at.data())) << f.name;
      const auto expected =
          testing::gradient_by_differences([&](std::span<const double> x) { return f.value(x.data()); }, at,
                                           0.004 * std::min(1.0, std::abs(at[0])));
      for (std::size_t k = 0; k < at.size(); ++k)
        EXPECT_NEAR(result.gradient[k], expected[k], 2e-7 * (1 + std::abs(expected[k])))
            << f.name << " argument " << k << " at " << ::testing::PrintToString(at);
    }
  }
}

// Where 2 a erfcx(a) - 2 / sqrt(pi) has no digits left. Values of mpmath at 60 digits.
TEST(Functions, TheDerivativeOfErfcxKeepsItsDigits) {
  const double rows[][2] = {{-2, -436.89199672700740222},     {0.5, -0.51268882290258669903},
                            {3, -0.05437226000717287138},     {11.5, -0.0042185884879202153541},
                            {12, -0.003877862738062271026},   {12.5, -0.0035766920698145527735},
                            {30, -0.00062583541050748406864}, {1000, -5.6418873726549666885e-7},
                            {1e8, -5.6418958354775620232e-17}};
  testing::CaseBuilder b(1);
  b.add_to_target(b.call("erfcx", {b.point(0)}));
  const testing::Case c = b.done("erfcx");
  const Program program = grad::differentiate(c.model.density, 1);
  for (const auto& [at, expected] : rows) {
    const auto result = Evaluator(program, c.model.data).run(std::vector<double>{at});
    EXPECT_NEAR(result.gradient[0], expected, 2e-12 * std::abs(expected)) << at;
  }
}

TEST(Functions, NamesAreUniqueAndFound) {
  for (std::size_t id = 0; id < functions().size(); ++id)
    EXPECT_EQ(find_function(functions()[id].name, functions()[id].arity), static_cast<FunctionId>(id));
  EXPECT_FALSE(find_function("exp", 2));
  EXPECT_FALSE(find_function("no such", 1));
}

TEST(Functions, EdgesBehaveAsIeee) {
  const auto value = [](const char* name, std::vector<double> args) {
    return functions()[function_id(name, static_cast<int>(args.size()))].value(args.data());
  };
  EXPECT_EQ(value("log", {0}), -INFINITY);
  EXPECT_TRUE(std::isnan(value("log", {-1})));
  EXPECT_EQ(value("exp", {1000}), INFINITY);
  EXPECT_EQ(value("log1p_exp", {-1000}), 0);
  EXPECT_EQ(value("log1p_exp", {1000}), 1000);
  EXPECT_EQ(value("log_sum_exp", {-INFINITY, -INFINITY}), -INFINITY);
  EXPECT_EQ(value("log_sum_exp", {-INFINITY, 3}), 3);
  EXPECT_EQ(value("log_diff_exp", {3, -INFINITY}), 3);
  EXPECT_EQ(value("multiply_log", {0, 0}), 0);
  EXPECT_EQ(value("lgamma", {0}), INFINITY);
  EXPECT_TRUE(std::isnan(value("digamma", {-2})));
  EXPECT_EQ(value("inv_Phi", {0}), -INFINITY);
  EXPECT_EQ(value("gamma_p", {2, 0}), 0);
  EXPECT_TRUE(std::isnan(value("gamma_p", {-1, 1})));
  EXPECT_NEAR(value("log_Phi", {-40}), -804.608442, 1e-5);
}

}  // namespace
}  // namespace drey::model
