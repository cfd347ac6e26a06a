#include "stats/summary.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

namespace drey::stats {
namespace {

/// The draws of tests/data/stats/summary.R.
std::vector<double> series(std::int64_t seed, std::size_t chains, std::size_t draws, double phi,
                           double shift) {
  std::int64_t state = seed;
  const auto uniform = [&] {
    state = 16807 * state % 2147483647;
    return static_cast<double>(state) / 2147483647.0;
  };
  std::vector<double> x;
  for (std::size_t c = 0; c < chains; ++c) {
    double last = 0;
    for (std::size_t t = 0; t < draws; ++t) {
      double noise = -6;
      for (int k = 0; k < 12; ++k) noise += uniform();
      last = phi * last + noise;
      x.push_back(last + shift * static_cast<double>(c));
    }
  }
  return x;
}

void expect_near(double got, double want, const std::string& what) {
  EXPECT_NEAR(got, want, 1e-9 * std::max(1.0, std::fabs(want))) << what;
}

TEST(Summary, AgreesWithThePackagePosterior) {
  std::ifstream file(DREY_TEST_DATA "/stats/summary.csv");
  ASSERT_TRUE(file.good());
  std::string line;
  std::getline(file, line);
  int cases = 0;
  while (std::getline(file, line)) {
    std::stringstream fields(line);
    std::string name, field;
    std::getline(fields, name, ',');
    std::vector<double> v;
    while (std::getline(fields, field, ',')) v.push_back(std::stod(field));
    ASSERT_EQ(v.size(), 15u);
    const auto chains = static_cast<std::size_t>(v[1]);
    auto x = series(static_cast<std::int64_t>(v[0]), chains, static_cast<std::size_t>(v[2]), v[3], v[4]);
    if (v[5] != 0)
      for (double& value : x) value = std::floor(value);
    const Row row = summarize(name, x, chains);
    expect_near(row.mean, v[6], name + " mean");
    expect_near(row.sd, v[7], name + " sd");
    expect_near(row.mcse, v[8], name + " mcse");
    expect_near(row.q5, v[9], name + " q5");
    expect_near(row.median, v[10], name + " median");
    expect_near(row.q95, v[11], name + " q95");
    expect_near(row.rhat, v[12], name + " rhat");
    expect_near(row.ess_bulk, v[13], name + " ess_bulk");
    expect_near(row.ess_tail, v[14], name + " ess_tail");
    ++cases;
  }
  EXPECT_EQ(cases, 9);
}

TEST(Summary, UndefinedQuantitiesAreNaN) {
  const std::vector<double> constant(400, 2.5);
  const Row row = summarize("c", constant, 4);
  EXPECT_EQ(row.mean, 2.5);
  EXPECT_EQ(row.sd, 0);
  EXPECT_EQ(row.median, 2.5);
  EXPECT_TRUE(std::isnan(row.rhat));
  EXPECT_TRUE(std::isnan(row.ess_bulk));
  EXPECT_TRUE(std::isnan(row.ess_tail));
  EXPECT_TRUE(std::isnan(row.mcse));

  auto x = series(1, 4, 100, 0.5, 0);
  x[17] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(summarize("n", x, 4).mean));
  x[17] = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(summarize("i", x, 4).rhat));

  EXPECT_TRUE(std::isnan(summarize("none", {}, 4).mean));
  const std::vector<double> single = {1.0};
  EXPECT_EQ(summarize("one", single, 1).mean, 1.0);
  EXPECT_TRUE(std::isnan(summarize("one", single, 1).sd));
  const std::vector<double> pair = {1.0, 2.0, 3.0, 4.0};
  EXPECT_TRUE(std::isnan(summarize("two draws", pair, 2).ess_bulk));
}

TEST(Summary, HugeValuesDoNotOverflowTheMean) {
  const std::vector<double> x(8, 1.5e308);
  EXPECT_NEAR(summarize("huge", x, 2).mean / 1.5e308, 1.0, 1e-12);
}

TEST(Summary, ManyShortChainsCountChains) {
  // 512 independent chains of 20 independent draws: R-hat near 1, effective sizes near the number of draws.
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  std::vector<double> x(512 * 20);
  for (double& value : x) value = normal(random);
  const Row good = summarize("x", x, 512);
  EXPECT_NEAR(good.rhat, 1.0, 0.02);
  EXPECT_GT(good.ess_bulk, 0.7 * 512 * 20);
  EXPECT_LT(good.ess_bulk, 1.4 * 512 * 20);

  // Eight superchains, one stuck far away.
  std::vector<std::uint32_t> superchain(512);
  for (std::uint32_t c = 0; c < 512; ++c) superchain[c] = c % 8;
  EXPECT_LT(summarize("x", x, 512, superchain).rhat, 1.01);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (i / 20 % 8 == 3) x[i] += 1.0;
  EXPECT_GT(summarize("x", x, 512, superchain).rhat, 1.03);
  EXPECT_LT(summarize("x", x, 512, superchain).ess_bulk, 0.7 * 512 * 20);
}

}  // namespace
}  // namespace drey::stats
