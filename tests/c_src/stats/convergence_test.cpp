#include "stats/convergence.h"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include <gtest/gtest.h>

#include "stats/fft.h"

namespace drey::stats {
namespace {

TEST(Fft, IsTheTransform) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (const std::size_t size : {2u, 8u, 64u}) {
    std::vector<std::complex<double>> x(size);
    for (auto& value : x) value = {normal(random), normal(random)};
    auto y = x;
    Fft(size).forward(y);
    for (std::size_t k = 0; k < size; ++k) {
      std::complex<double> sum = 0;
      for (std::size_t t = 0; t < size; ++t)
        sum += x[t] * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * t) /
                                          static_cast<double>(size));
      EXPECT_NEAR(std::abs(y[k] - sum), 0.0, 1e-12);
    }
  }
}

TEST(Chains, SplitDropsTheMiddle) {
  const std::vector<double> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Chains halves = split(x, 2);
  EXPECT_EQ(halves.chains, 4u);
  EXPECT_EQ(halves.draws, 2u);
  EXPECT_EQ(halves.values, (std::vector<double>{1, 2, 4, 5, 6, 7, 9, 10}));
}

TEST(Order, RanksTiesByTheirAverageAndQuantilesOfTypeSeven) {
  const std::vector<double> x = {3, -1, 3, 0.0, -0.0, -7.5};
  const Order order(x);
  const auto z = order.scores();
  EXPECT_EQ(z[0], z[2]);
  EXPECT_EQ(z[3], z[4]) << "both zeros are one value";
  EXPECT_LT(z[5], z[1]);
  EXPECT_NEAR(z[0], 0.915365, 1e-6);  // rank 5.5 of 6: Phi^-1(5.125 / 6.25 = 0.82)
  // quantile(c(3, -1, 3, 0, 0, -7.5), c(.05, .25, .5, .95))
  EXPECT_NEAR(order.quantile(0.05), -5.875, 1e-12);
  EXPECT_NEAR(order.quantile(0.25), -0.75, 1e-12);
  EXPECT_NEAR(order.quantile(0.5), 0.0, 1e-12);
  EXPECT_NEAR(order.quantile(0.95), 3.0, 1e-12);
  EXPECT_EQ(order.quantile(1.0), 3.0);
  EXPECT_EQ(order.quantile(0.0), -7.5);
}

TEST(Order, FoldedScoresOrderByDistance) {
  const std::vector<double> x = {1, 2, 4, 8, 100};  // median 4
  const auto z = Order(x).folded_scores(4);
  EXPECT_LT(z[2], z[1]);
  EXPECT_LT(z[1], z[0]);
  EXPECT_LT(z[0], z[3]);
  EXPECT_LT(z[3], z[4]);
}

TEST(Convergence, NestedRhat) {
  // By hand: superchains {0, 2} and {10, 12} of one draw: B = 50, W = 2.
  const std::vector<double> x = {0, 10, 2, 12};
  const std::vector<std::uint32_t> superchain = {0, 1, 0, 1};
  EXPECT_NEAR(nested_rhat(x, superchain), std::sqrt(1.0 + 50.0 / 2.0), 1e-12);
  EXPECT_TRUE(std::isnan(nested_rhat(x, std::vector<std::uint32_t>{0, 0, 0, 0})));
}

TEST(Convergence, EnergyFraction) {
  // Alternating energies change by 2 each step around a variance of 1.
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) x.push_back(i % 2 ? 1.0 : -1.0);
  EXPECT_NEAR(ebfmi(x), 4.0, 0.01);
  // A slow walk: small changes, large spread.
  for (int i = 0; i < 1000; ++i) x[static_cast<std::size_t>(i)] = i;
  EXPECT_LT(ebfmi(x), 0.001);
  EXPECT_TRUE(std::isnan(ebfmi(std::vector<double>(10, 3.0))));
}

TEST(Convergence, SlowChainsUseEveryLag) {
  // Beyond the lags summed directly the transform takes over; both must agree with the definition.
  std::mt19937_64 random(9);
  std::normal_distribution<double> normal;
  Chains chains;
  chains.chains = 3;
  chains.draws = 700;
  for (int c = 0; c < 3; ++c) {
    double last = 0;
    for (int t = 0; t < 700; ++t) chains.values.push_back(last = 0.97 * last + normal(random));
  }
  // ESS of AR(1) is about S (1 - phi) / (1 + phi).
  const double expected = 2100 * 0.03 / 1.97;
  EXPECT_GT(basic_ess(chains), expected / 2);
  EXPECT_LT(basic_ess(chains), expected * 2);
}

}  // namespace
}  // namespace drey::stats
