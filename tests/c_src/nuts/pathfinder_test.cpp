#include "nuts/pathfinder.h"

#include <gtest/gtest.h>
#include <Eigen/LU>

#include <cmath>
#include <random>

#include "c_src/nuts/fixture.h"
#include "nuts/warmup.h"

namespace drey::nuts {
namespace {

using Density = std::function<double(std::span<const double>, std::span<double>)>;

EvaluateBatch batch(std::uint64_t dimension, const Density& density) {
  return [=](std::span<const double> points) {
    std::vector<Evaluation> all;
    for (std::size_t at = 0; at < points.size(); at += dimension) {
      Evaluation one;
      one.gradient.resize(dimension);
      one.value = density(points.subspan(at, dimension), one.gradient);
      all.push_back(std::move(one));
    }
    return all;
  };
}

/// Wells at -m and m in every coordinate, of these sds and log masses.
Density two_wells(double m, double sd_left, double sd_right, double log_left, double log_right) {
  return [=](std::span<const double> x, std::span<double> g) {
    double left = log_left, right = log_right;
    for (const double v : x) {
      left -= 0.5 * std::pow((v + m) / sd_left, 2) + std::log(sd_left);
      right -= 0.5 * std::pow((v - m) / sd_right, 2) + std::log(sd_right);
    }
    const double most = std::max(left, right), a = std::exp(left - most), b = std::exp(right - most);
    for (std::size_t d = 0; d < x.size(); ++d)
      g[d] = -(a * (x[d] + m) / (sd_left * sd_left) + b * (x[d] - m) / (sd_right * sd_right)) / (a + b);
    return most + std::log(a + b);
  };
}

PathfinderResult find(const Density& density, std::uint64_t dimension, std::uint64_t count,
                      std::uint64_t seed = 3, double shift = 0) {
  const auto evaluate = batch(dimension, density);
  auto starts = dispersed_starts(evaluate, dimension, 32, seed, 0);
  // Half of them this far to the right, the others as far to the left.
  for (std::size_t i = 0; i < starts.size(); ++i) starts[i] += i / dimension % 2 ? shift : -shift;
  return pathfinder(evaluate, starts, dimension, count, seed, 0);
}

std::uint64_t on_the_right(const PathfinderResult& found, std::uint64_t dimension) {
  std::uint64_t right = 0;
  for (std::size_t at = 0; at < found.positions.size(); at += dimension) right += found.positions[at] > 0;
  return right;
}

/// A point of a path with known curvature, in more dimensions than the curvature has pairs, and in fewer.
PathPoint known_point(std::size_t dimension, std::size_t pairs) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  PathPoint point;
  for (std::size_t d = 0; d < dimension; ++d) {
    point.position.push_back(normal(random));
    point.at.gradient.push_back(normal(random));
    point.curvature.diagonal.push_back(0.5 + 0.1 * static_cast<double>(d));
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    std::vector<double> step(dimension), bend(dimension);
    for (std::size_t d = 0; d < dimension; ++d) {
      step[d] = normal(random);
      bend[d] = step[d] * (1 + static_cast<double>(d)) + 0.05 * normal(random);
    }
    point.curvature.add(step, bend);
  }
  return point;
}

TEST(NormalApproximation, HasTheCurvaturesCovarianceAndItsOwnDensity) {
  for (const auto& [dimension, pairs] :
       std::vector<std::pair<std::size_t, std::size_t>>{{7, 2}, {3, 5}, {4, 0}}) {
    SCOPED_TRACE(dimension);
    const PathPoint point = known_point(dimension, pairs);
    const NormalApproximation normal(point);
    ASSERT_TRUE(normal.valid());
    const auto n = static_cast<Eigen::Index>(dimension);
    Eigen::MatrixXd factor(n, n), covariance(n, n);
    for (std::size_t d = 0; d < dimension; ++d) {
      std::vector<double> unit(dimension);
      unit[d] = 1;
      const auto moved = normal.draw(unit), column = point.curvature.times(unit);
      for (std::size_t e = 0; e < dimension; ++e) {
        factor(static_cast<Eigen::Index>(e), static_cast<Eigen::Index>(d)) =
            moved[e] - normal.mean()[static_cast<Eigen::Index>(e)];
        covariance(static_cast<Eigen::Index>(e), static_cast<Eigen::Index>(d)) = column[e];
      }
    }
    EXPECT_LT((factor * factor.transpose() - covariance).norm(), 1e-9 * covariance.norm());
    const double log_determinant = std::log(std::abs(factor.determinant()));
    for (const double u : {0.0, 1.5}) {
      const std::vector<double> normals(dimension, u);
      const double expected =
          -0.5 * static_cast<double>(dimension) * (u * u + std::log(2 * M_PI)) - log_determinant;
      EXPECT_NEAR(normal.log_density(normal.draw(normals)).front(), expected, 1e-8);
    }
  }
}

TEST(SmoothWeights, FindTheTailsShape) {
  std::mt19937_64 random(8);
  std::uniform_real_distribution<double> uniform;
  for (const double shape : {0.2, 0.6, 1.2}) {
    std::vector<double> weights(4000);
    for (double& w : weights) w = -shape * std::log(uniform(random));
    const auto before = weights;
    // The posterior sd of k from 190 values of the tail is about (1 + k) / sqrt(190).
    EXPECT_NEAR(smooth_weights(weights), shape, 0.4 * (1 + shape) / 2) << shape;
    EXPECT_LE(*std::max_element(weights.begin(), weights.end()),
              *std::max_element(before.begin(), before.end()));
  }
  std::vector<double> alike(100, -3.0), few(5, 1.0);
  EXPECT_LT(smooth_weights(alike), 0);
  EXPECT_GT(smooth_weights(few), 1);
}

TEST(Pathfinder, FindsANormalsMassAndScales) {
  const Density normal = [](std::span<const double> x, std::span<double> g) {
    double lp = 0;
    for (std::size_t d = 0; d < x.size(); ++d) {
      const double sd = std::pow(10.0, static_cast<double>(d % 3) - 1), r = (x[d] - 5) / sd;
      lp -= 0.5 * r * r;
      g[d] = -r / sd;
    }
    return lp;
  };
  const auto found = find(normal, 9, 64);
  ASSERT_EQ(found.positions.size(), 64u * 9);
  EXPECT_LT(found.pareto_k, 0.7);
  const auto metric = fisher_diagonal(found.samples, std::vector<double>(9, 1.0));
  for (std::size_t d = 0; d < 9; ++d)
    EXPECT_NEAR(std::log10(metric[d]), 2 * (static_cast<double>(d % 3) - 1), 0.1) << d;
}

TEST(Pathfinder, SharesChainsOutByMassNotByHeight) {
  // Each well has as many starts as the other. The right one is narrower: its top is 5.5 log units higher. Bounds of
  // three standard deviations of a multinomial of 64, at fixed seeds.
  for (const auto& [log_right, least, most] : std::vector<std::tuple<double, std::uint64_t, std::uint64_t>>{
           {0.0, 20u, 44u}, {std::log(3.0), 38u, 58u}, {-50.0, 0u, 0u}, {50.0, 64u, 64u}}) {
    const auto found = find(two_wells(10, 0.4, 0.1, 0, log_right), 4, 64, 3, 10);
    const auto right = on_the_right(found, 4);
    EXPECT_GE(right, least) << log_right;
    EXPECT_LE(right, most) << log_right;
  }
}

TEST(Pathfinder, DependsOnSeedAndChainAlone) {
  const auto wells = two_wells(10, 1, 1, 0, 0);
  EXPECT_EQ(find(wells, 3, 16).positions, find(wells, 3, 16).positions);
  EXPECT_NE(find(wells, 3, 16, 4).positions, find(wells, 3, 16).positions);
}

TEST(Pathfinder, KnowsWhenTheClimbLeadsPastTheMass) {
  // A centred hierarchy: the density grows without end as log_sd falls and the others meet.
  const Density hierarchy = [](std::span<const double> x, std::span<double> g) {
    double lp = -0.5 * x[0] * x[0] / 9;
    g[0] = -x[0] / 9;
    for (std::size_t d = 1; d < x.size(); ++d) {
      const double w = std::exp(-2 * x[0]);
      lp -= 0.5 * x[d] * x[d] * w + x[0];
      g[0] += x[d] * x[d] * w - 1;
      g[d] = -x[d] * w;
    }
    return lp;
  };
  EXPECT_TRUE(find(hierarchy, 30, 16).positions.empty());
}

TEST(Pathfinder, WithoutDensityAnywhereGivesNothing) {
  const Density none = [](std::span<const double>, std::span<double>) { return std::nan(""); };
  EXPECT_TRUE(find(none, 2, 8).positions.empty());
}

class LedWarmup : public OnDevice {
 protected:
  Tuning tune(ChainKernel& on_device, const Target& target, Options of) {
    of.start = StartKind::Pathfinder;
    of.metric = MetricKind::Diagonal;
    return PooledWarmup(batch(target.dimension, target.host), shape(target, false))
        .run([&](const Metric&) -> ChainKernel& { return on_device; }, of, {}, {}, {});
  }
};

TEST_F(LedWarmup, SettlesInFewGradients) {
  const auto target = eight_schools_target();
  auto on_device = kernel(target, false);
  Options of;
  of.chains = 64;
  of.seed = 11;
  const auto led = tune(on_device, target, of);
  // A twentieth of what a thousand warm-up transitions take elsewhere, some 13,000.
  EXPECT_LT(led.gradients, 650u);
  EXPECT_LT(led.transitions, 90u);
  const auto again = [&] {
    of.budget = 3;
    return tune(on_device, target, of);
  }();
  EXPECT_EQ(again.positions, led.positions);
  EXPECT_EQ(again.step_size, led.step_size);
}

}  // namespace
}  // namespace drey::nuts
