// Truncated distributions integrate (or sum) to 1 between their bounds, are the untruncated density elsewhere but for
// that constant, and have the gradient of what they are. Censored outcomes are tail probabilities.

#include <gtest/gtest.h>

#include <boost/math/quadrature/tanh_sinh.hpp>
#include <cmath>

#include <fmt/format.h>

#include "support/compiled.h"

namespace drey {
namespace {

struct Case {
  const char* distribution;
  double lower, upper;  ///< infinite where there is none
};

constexpr double none = std::numeric_limits<double>::infinity();

std::string text(double x) {
  return x == none ? "infinity" : x == -none ? "{'-', infinity}" : fmt::format("{:.6f}", x);
}

/// Distribution over the parameters a, b with the outcome y.
test::Compiled compiled(const std::string& distribution, const std::string& outcome = "y") {
  return test::Compiled("#{parameters => [" + std::string(outcome == "y" ? "{y, real}, " : "") +
                        "{a, real}, {b, real}], model => [{'~', " + outcome + ", " + distribution + "}]}");
}

// Both bounds far in a tail, where probabilities from the other side are 1. Values of math.erfc.
TEST(TruncatedFarAway, KeepsItsDigits) {
  const test::Compiled above(
      "#{parameters => [{y, real}], model => [{'~', y, {truncate, {normal, 0, 1}, 9, 10}}]}");
  EXPECT_NEAR(above.value(std::vector<double>{9.5}), -2.415721900923856, 1e-12);
  const test::Compiled below(
      "#{parameters => [{y, real}], model => [{'~', y, {truncate, {normal, 0, 1}, {'-', 10}, {'-', 9}}}]}");
  EXPECT_NEAR(below.value(std::vector<double>{-9.5}), -2.415721900923856, 1e-12);
  const auto [value, gradient] = above.value_and_gradient(std::vector<double>{9.25});
  EXPECT_NEAR(gradient[0], -9.25, 1e-12);
}

class Truncated : public testing::TestWithParam<Case> {};

TEST_P(Truncated, IsNormalisedAndDifferentiable) {
  const Case& c = GetParam();
  const std::string distribution =
      fmt::format("{{truncate, {}, {}, {}}}", c.distribution, text(c.lower), text(c.upper));
  const test::Compiled whole = compiled(c.distribution), cut = compiled(distribution);
  std::vector<double> x = {0, 0.7, 1.3};
  auto density = [&](double y) {
    x[0] = y;
    return std::exp(cut.value(x));
  };
  boost::math::quadrature::tanh_sinh<double> integrator(12);
  EXPECT_NEAR(integrator.integrate(density, c.lower, c.upper), 1, 1e-6) << distribution;
  const double from = std::max(c.lower, -5.0), to = std::min(c.upper, 9.0);
  x[0] = from + 0.3 * (to - from);
  const double constant = cut.value(x) - whole.value(x);
  x[0] = from + 0.8 * (to - from);
  EXPECT_NEAR(cut.value(x) - whole.value(x), constant, 1e-12) << distribution;
  // At the bounds themselves too, where formulas meet their ends.
  for (double y : {c.lower, from + 0.3 * (to - from), c.upper}) {
    if (std::isinf(y)) continue;
    x[0] = y;
    const auto [value, gradient] = cut.value_and_gradient(x);
    ASSERT_TRUE(std::isfinite(value)) << distribution << " at " << y;
    for (std::size_t i = y == c.lower || y == c.upper ? 1 : 0; i < x.size(); ++i) {
      const auto slope =
          test::derivative<double>([&](std::span<const double> at) { return cut.value(at); }, x, i, 64, 1);
      EXPECT_NEAR(gradient[i], slope.value, 1e-6 * std::max(1.0, std::abs(slope.value)) + 4 * slope.error)
          << distribution << " at " << y << ", argument " << i;
    }
  }
  for (double y : {c.lower - 0.01, c.upper + 0.01}) {
    if (std::isinf(y)) continue;
    x[0] = y;
    EXPECT_EQ(cut.value(x), -none) << distribution << " at " << y;
  }
}

INSTANTIATE_TEST_SUITE_P(Distributions, Truncated,
                         testing::Values(Case{"{normal, a, b}", -1, 2}, Case{"{normal, a, b}", 0.5, none},
                                         Case{"{normal, a, b}", -none, 0.3}, Case{"{normal, 0, b}", 0, none},
                                         Case{"{student_t, 3, 0.0, b}", 0, none},
                                         Case{"{student_t, b, a, 2}", -1, 4}, Case{"{cauchy, a, b}", 0, 5},
                                         Case{"{logistic, a, b}", -2, none}, Case{"{laplace, a, b}", 0, 3},
                                         Case{"{gumbel, a, b}", -1, 6}, Case{"{exponential, b}", 0.5, 3},
                                         Case{"{gamma, a, b}", 0.2, 4}, Case{"{gamma, 2.5, b}", 1, none},
                                         Case{"{inv_gamma, a, b}", 0.3, 7}, Case{"{lognormal, a, b}", 0.1, 5},
                                         Case{"{weibull, a, b}", 0.5, 3}, Case{"{beta, a, b}", 0.1, 0.8},
                                         Case{"{half_cauchy, b}", 0.5, 20},
                                         Case{"{half_student_t, 4, b}", 0, 3}, Case{"{pareto, 1, b}", 1.5, 8},
                                         Case{"{uniform, -3, 4}", -1, 2},
                                         Case{"{exp_mod_normal, 0, a, b}", -1, 3},
                                         Case{"{skew_normal, 0, a, b}", -1, 3}));

TEST(TruncatedCounts, SumToOneWithBothBounds) {
  for (const char* distribution :
       {"{poisson, b}", "{binomial, 9, 0.4}", "{neg_binomial_2, b, a}", "{poisson_log, a}"}) {
    for (int lower : {0, 2}) {
      double total = 0;
      const std::vector<double> x = {0.7, 1.3};
      for (int y = lower; y <= 6; ++y) {
        const test::Compiled one =
            compiled(fmt::format("{{truncate, {}, {}, 6}}", distribution, lower), std::to_string(y));
        total += std::exp(one.value(x));
      }
      EXPECT_NEAR(total, 1, 1e-10) << distribution << " from " << lower;
    }
  }
}

TEST(Censored, IsATailAtItsLimits) {
  const std::vector<double> x = {0.7, 1.3};
  auto value = [&](const std::string& distribution, const std::string& outcome) {
    return compiled(distribution, outcome).value(x);
  };
  for (const char* d : {"normal", "gamma", "weibull", "logistic"}) {
    const std::string inner = std::string("{") + d + ", a, b}",
                      censored = "{censor, " + inner + ", 0.25, 2.5}";
    auto target = [&](const std::string& e) {
      return test::Compiled("#{parameters => [{a, real}, {b, real}], model => [{target, " + e + "}]}")
          .value(x);
    };
    EXPECT_NEAR(value(censored, "1.5"), value(inner, "1.5"), 1e-14) << d;
    EXPECT_NEAR(value(censored, "0.25"), target(std::string("{") + d + "_lcdf, 0.25, a, b}"), 1e-14) << d;
    EXPECT_NEAR(value(censored, "2.5"), target(std::string("{") + d + "_lccdf, 2.5, a, b}"), 1e-14) << d;
  }
  // Counts: at least U includes U.
  const double below[] = {0.7, 1.3};
  double tail = 0;
  for (int y = 0; y < 4; ++y) tail += std::exp(compiled("{poisson, b}", std::to_string(y)).value(below));
  EXPECT_NEAR(value("{censor, {poisson, b}, {'-', infinity}, 4}", "4"), std::log1p(-tail), 1e-12);
  EXPECT_NEAR(value("{censor, {poisson, b}, {'-', infinity}, 4}", "2"), value("{poisson, b}", "2"), 1e-14);
}

}  // namespace
}  // namespace drey
