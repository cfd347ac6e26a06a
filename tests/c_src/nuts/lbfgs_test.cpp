#include "nuts/lbfgs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace drey::nuts {
namespace {

using Density = std::function<double(std::span<const double>, std::span<double>)>;

EvaluateBatch batch(std::uint64_t dimension, const Density& density, std::uint64_t* evaluations = nullptr) {
  return [=](std::span<const double> points) {
    std::vector<Evaluation> all;
    for (std::size_t at = 0; at < points.size(); at += dimension) {
      Evaluation one;
      one.gradient.resize(dimension);
      one.value = density(points.subspan(at, dimension), one.gradient);
      all.push_back(std::move(one));
    }
    if (evaluations) *evaluations += all.size();
    return all;
  };
}

/// A normal whose variances run from 1 to 1e4, turned by pairs so that no coordinate is an axis.
double tilted_normal(std::span<const double> x, std::span<double> g) {
  double lp = 0;
  for (std::size_t d = 0; d + 1 < x.size(); d += 2) {
    const double a = (x[d] + x[d + 1]) / std::sqrt(2.0) - 3, b = (x[d] - x[d + 1]) / std::sqrt(2.0);
    const double wide = std::pow(10, -4.0 * static_cast<double>(d + 1) / static_cast<double>(x.size()));
    lp -= 0.5 * (a * a + b * b * wide);
    g[d] = (-a - b * wide) / std::sqrt(2.0);
    g[d + 1] = (-a + b * wide) / std::sqrt(2.0);
  }
  return lp;
}

TEST(Lbfgs, ClimbsATiltedNormalFromEveryStart) {
  const std::vector<double> starts = {1, -1, 2, 0, 1, 1, -2, 2, 0, 0, 0.5, 1, 2, 2, -1, -1, 0, 1, 0, 2};
  std::uint64_t evaluations = 0;
  const auto paths = climb(batch(10, tilted_normal, &evaluations), starts, 10, 200);
  ASSERT_EQ(paths.size(), 2u);
  for (const Path& path : paths) {
    EXPECT_TRUE(path.arrived);
    EXPECT_GT(path.points.back().at.value, -0.05);
    for (std::size_t i = 1; i < path.points.size(); ++i)
      EXPECT_GE(path.points[i].at.value, path.points[i - 1].at.value);
  }
  EXPECT_LT(evaluations, 150u);
}

TEST(Lbfgs, KeepsToTheSupport) {
  // log(x) - x has its top at 1 and no density below 0; a full first step would leave.
  const Density gamma = [](std::span<const double> x, std::span<double> g) {
    if (x[0] <= 0) return std::numeric_limits<double>::quiet_NaN();
    g[0] = 1 / x[0] - 1;
    return std::log(x[0]) - x[0];
  };
  const auto paths = climb(batch(1, gamma), std::vector<double>{40, 0.001, -1}, 1, 100);
  EXPECT_NEAR(paths[0].points.back().position[0], 1, 0.2);
  EXPECT_NEAR(paths[1].points.back().position[0], 1, 0.2);
  EXPECT_TRUE(paths[2].points.empty()) << "a start without density makes no path";
}

TEST(Lbfgs, EndsWhereTheDensityHasNoTop) {
  const Density slope = [](std::span<const double> x, std::span<double> g) {
    g[0] = 1;
    return x[0];
  };
  std::uint64_t evaluations = 0;
  const auto paths = climb(batch(1, slope, &evaluations), std::vector<double>{0}, 1, 50);
  EXPECT_FALSE(paths[0].arrived);
  EXPECT_LE(evaluations, 50u);
}

TEST(Lbfgs, CurvatureMeetsTheSecantConditionAndIsSymmetric) {
  Curvature curvature;
  curvature.diagonal = {1, 1, 1};
  EXPECT_TRUE(curvature.add({1, 0.5, 0}, {2, 0.5, 0.1}));
  EXPECT_TRUE(curvature.add({0, 1, -1}, {0.2, 3, -0.5}));
  EXPECT_FALSE(curvature.add({1, 0, 0}, {-1, 0, 0})) << "curves the wrong way";
  const auto step = curvature.times(curvature.bends.back());
  for (int d = 0; d < 3; ++d) EXPECT_NEAR(step[d], curvature.steps.back()[d], 1e-12);
  const auto first = curvature.times(std::vector<double>{1, 0, 0}),
             third = curvature.times(std::vector<double>{0, 0, 1});
  EXPECT_NEAR(first[2], third[0], 1e-12);
}

}  // namespace
}  // namespace drey::nuts
