// Every scalar function of the language against values of mpmath, and its derivatives against extrapolated
// differences of itself.

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "model/functions.h"
#include "support/compiled.h"
#include "support/values.h"

namespace drey {
namespace {

using nlohmann::json;

const json& table() {
  static const json values = test::read_values(DREY_TEST_DATA, "functions.json");
  return values;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, rows] : table().items()) all.push_back(name);
  return all;
}

// Relative error allowed, and an absolute one where the function crosses zero away from x = 0, so that no double
// algorithm of reasonable cost keeps relative digits. The rest: 4e-15, some twenty units in the last place.
struct Bound {
  double relative = 4e-15;
  double absolute = 0;
};
Bound bound(const std::string& name) {
  static const std::map<std::string, Bound> stated = {
      {"lgamma", {2e-14, 2e-15}},        {"digamma", {2e-14, 2e-15}},
      {"trigamma", {1e-13, 0}},          {"tetragamma", {1e-12, 0}},
      {"lbeta", {1e-12, 2e-14}},         {"lchoose", {1e-12, 2e-14}},
      {"gamma_p", {1e-12, 0}},           {"gamma_q", {1e-12, 0}},
      {"gamma_q_da", {1e-8, 1e-14}},     {"log_gamma_p_da", {1e-12, 0}},
      {"log_gamma_q_da", {1e-12, 0}},    {"log_gamma_p_dx", {1e-12, 0}},
      {"log_gamma_q_dx", {1e-12, 0}},    {"inc_beta", {1e-11, 0}},
      {"inc_beta_da", {1e-8, 1e-14}},    {"erfcx", {1e-13, 0}},
      {"log_Phi", {1e-13, 0}},           {"Phi", {2e-13, 0}},
      {"inv_Phi", {1e-13, 0}},           {"owens_t", {1e-12, 1e-18}},
      {"bessel_i0", {1e-13, 0}},         {"bessel_i1", {1e-13, 0}},
      {"bessel_i0e", {1e-13, 0}},        {"bessel_i1e", {1e-13, 0}},
      {"log_bessel_i0", {1e-13, 1e-15}}, {"log_sum_exp", {4e-15, 4e-16}},
      {"log_diff_exp", {1e-13, 0}},      {"sin", {4e-15, 1e-16}},
      {"cos", {4e-15, 1e-16}},           {"tan", {1e-14, 1e-16}},
      {"logit", {4e-15, 4e-16}},         {"acosh", {1e-9, 0}},
      {"log1m_exp", {1e-14, 0}},         {"log_expm1", {1e-13, 0}},
      {"multiply_log", {4e-15, 1e-16}},
  };
  auto found = stated.find(name);
  return found == stated.end() ? Bound{} : found->second;
}

class FunctionValues : public testing::TestWithParam<std::string> {
 protected:
  static std::string model(const std::string& name, std::size_t arity) {
    const char* arguments[] = {"a", "b", "c"};
    std::string parameters, call = "{'" + name + "'";
    for (std::size_t i = 0; i < arity; ++i) {
      parameters += std::string(i ? ", " : "") + "{" + arguments[i] + ", real}";
      call += std::string(", ") + arguments[i];
    }
    return "#{parameters => [" + parameters + "], model => [{target, " + call + "}}]}";
  }
};

TEST_P(FunctionValues, AreMpmaths) {
  const std::string name = GetParam();
  const json& rows = table()[name];
  const std::size_t arity = rows[0].size() - 1;
  const auto id = model::find_function(name, static_cast<int>(arity));
  ASSERT_TRUE(id) << "the language has no function `" << name << "` of " << arity << " arguments";
  const model::Function& function = model::functions()[*id];
  for (const json& row : rows) {
    std::vector<double> args;
    test::flatten(row, args);
    const double expected = args.back();
    args.pop_back();
    const double got = function.value(args.data());
    const Bound allowed = bound(name);
    if (std::isinf(expected))
      EXPECT_EQ(got, expected) << name << row.dump();
    else
      EXPECT_LE(std::abs(got - expected), allowed.relative * std::abs(expected) + allowed.absolute)
          << name << row.dump() << " gave " << fmt::format("{:.17g}", got) << ", relative error "
          << std::abs(got / expected - 1);
  }
}

TEST_P(FunctionValues, CompileToThemselves) {
  const std::string name = GetParam();
  const json& rows = table()[name];
  const std::size_t arity = rows[0].size() - 1;
  const auto id = model::find_function(name, static_cast<int>(arity));
  ASSERT_TRUE(id);
  const test::Compiled compiled(model(name, arity));
  for (const json& row : rows) {
    std::vector<double> args;
    test::flatten(row, args);
    args.pop_back();
    const double direct = model::functions()[*id].value(args.data());
    const double got = compiled.value(args);
    EXPECT_TRUE(got == direct || std::abs(got - direct) <= 4e-16 * std::abs(direct))
        << name << row.dump() << " gave " << got;
  }
}

TEST_P(FunctionValues, HaveTheirDerivatives) {
  const std::string name = GetParam();
  // Steps have derivative 0; where a double's spacing is wider than the function's own scale no difference says
  // anything; gamma_q_da, inc_beta_da and the like are derivatives themselves and end there, tetragamma likewise.
  static const std::set<std::string> none = {
      "floor",      "ceil",           "round",          "trunc",          "gamma_q_da",    "inc_beta_da",
      "tetragamma", "log_gamma_p_da", "log_gamma_q_da", "log_gamma_p_dx", "log_gamma_q_dx"};
  if (none.contains(name)) return;
  const json& rows = table()[name];
  const std::size_t arity = rows[0].size() - 1;
  const test::Compiled compiled(model(name, arity));
  int checked = 0;
  for (const json& row : rows) {
    std::vector<double> args;
    test::flatten(row, args);
    args.pop_back();
    const auto [value, gradient] = compiled.value_and_gradient(args);
    ASSERT_EQ(gradient.size(), arity);
    for (std::size_t i = 0; i < arity; ++i) {
      const auto expected =
          test::derivative<double>([&](std::span<const double> x) { return compiled.value(x); }, args, i);
      // Kinks, ends of the domain, and places where differences cancel are left to the other rows.
      if (!(expected.error <= 1e-7 * std::abs(expected.value)) || (name == "abs" && args[i] == 0)) continue;
      // Values so near a zero of the function say nothing of its slope; see the bound of its values. The derivative of
      // erfcx cancels in its tail, where only second derivatives of log_Phi would use it.
      if ((name == "log_bessel_i0" && std::abs(args[i]) < 1e-6) || (name == "erfcx" && args[i] > 1000))
        continue;
      ++checked;
      // Differences of digamma.
      const double cancelled = name == "lbeta" || name == "lchoose" ? 1e-14 : 0;
      EXPECT_NEAR(gradient[i], expected.value,
                  1e-6 * std::abs(expected.value) + 10 * expected.error + cancelled)
          << name << row.dump() << " argument " << i + 1;
    }
  }
  EXPECT_GE(checked, static_cast<int>(rows.size() / 2)) << "too few points where differences are accurate";
}

INSTANTIATE_TEST_SUITE_P(Table, FunctionValues, testing::ValuesIn(names()), [](const auto& instance) {
  std::string name = instance.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name == "_" ? std::string("power") : name;
});

// Every function of the table is examined here, but for those the arithmetic of the language stands for.
TEST(FunctionTable, IsCovered) {
  const std::set<std::string> elsewhere = {"+", "-", "*", "/", "neg", "fma", "min", "max", "sign"};
  for (const model::Function& function : model::functions())
    EXPECT_TRUE(table().contains(function.name) || elsewhere.contains(function.name))
        << function.name << " has no values in tests/data/values/functions.json";
}

TEST(FunctionTable, ArithmeticIsIeee) {
  const double cases[][2] = {{3, 4}, {-1.5, 0.25}, {1e300, 1e-300}, {0, -2}, {7, 7}};
  auto apply = [](const char* name, double a, double b) {
    const double args[] = {a, b};
    return model::functions()[*model::find_function(name, 2)].value(args);
  };
  for (auto [a, b] : cases) {
    EXPECT_EQ(apply("+", a, b), a + b);
    EXPECT_EQ(apply("-", a, b), a - b);
    EXPECT_EQ(apply("*", a, b), a * b);
    EXPECT_EQ(apply("/", a, b), a / b);
    EXPECT_EQ(apply("min", a, b), std::min(a, b));
    EXPECT_EQ(apply("max", a, b), std::max(a, b));
  }
}

}  // namespace
}  // namespace drey
