#include "nuts/metric.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "error.h"
#include "nuts/adaptation.h"

namespace drey::nuts {
namespace {

/// Draws of a normal with covariance L L', and the gradients of its log density, from a fixed seed.
PooledSamples normal_samples(const std::vector<std::vector<double>>& factor, std::size_t count) {
  const std::size_t dimension = factor.size();
  std::mt19937_64 engine(20260101);
  std::normal_distribution<double> normal;
  PooledSamples samples;
  samples.dimension = dimension;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> z(dimension), gradient(dimension);
    for (double& x : z) x = normal(engine);
    for (std::size_t r = 0; r < dimension; ++r) {
      double sum = 0;
      for (std::size_t c = 0; c <= r; ++c) sum += factor[r][c] * z[c];
      samples.points.push_back(3 + sum);
    }
    // L' gradient = -z.
    for (std::size_t r = dimension; r-- > 0;) {
      double sum = -z[r];
      for (std::size_t below = r + 1; below < dimension; ++below) sum -= factor[below][r] * gradient[below];
      gradient[r] = sum / factor[r][r];
    }
    samples.gradients.insert(samples.gradients.end(), gradient.begin(), gradient.end());
  }
  return samples;
}

/// Draws and gradients of a normal determine its covariance better than the draws alone: their geometric mean errs
/// by the shrinkage only.
TEST(Metric, DenseIsTheCovarianceOfANormal) {
  const std::vector<std::vector<double>> factor = {{10}, {0.9, 0.05}, {-4, 0.02, 2}};
  const auto samples = normal_samples(factor, 400);
  double spread = 0;
  const auto diagonal = fisher_diagonal(samples, std::vector<double>(3, 1.0));
  const auto metric = fisher_dense(samples, diagonal, &spread);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      double exact = 0;
      for (std::size_t k = 0; k <= std::min(i, j); ++k) exact += factor[i][k] * factor[j][k];
      const double size = std::sqrt(metric[i * 3 + i] * metric[j * 3 + j]);
      EXPECT_NEAR(metric[i * 3 + j], exact, 0.02 * size) << i << " " << j;
      EXPECT_EQ(metric[i * 3 + j], metric[j * 3 + i]);
    }
  EXPECT_GT(spread, 5) << "a correlation of 0.998 makes the diagonal metric slow";
}

TEST(Metric, WithoutCorrelationADenseOneGainsNothing) {
  const auto samples = normal_samples({{2}, {0, 0.1}, {0, 0, 30}}, 400);
  double spread = 0;
  fisher_dense(samples, fisher_diagonal(samples, std::vector<double>(3, 1.0)), &spread);
  EXPECT_LT(spread, 1.2);
}

TEST(Metric, FactorIsTheLowerTriangleByRows) {
  EXPECT_EQ(metric_factor(std::vector<double>{4, 2, 2, 10}, 2), (std::vector<double>{2, 1, 3}));
  EXPECT_THROW(metric_factor(std::vector<double>{1, 2, 2, 1}, 2), Error);
}

TEST(Metric, IsDenseWhereThatShortensTrajectories) {
  const auto free = Metric::identity(MetricKind::Auto, 3);
  const auto correlated = normal_samples({{10}, {0.9, 0.05}, {-4, 0.02, 2}}, 400),
             independent = normal_samples({{2}, {0, 0.1}, {0, 0, 30}}, 400);
  EXPECT_EQ(learn_metric(correlated, free, MetricKind::Auto, false).kind, MetricKind::Dense);
  EXPECT_EQ(learn_metric(correlated, free, MetricKind::Auto, true).kind, MetricKind::Diagonal);
  EXPECT_EQ(learn_metric(correlated, free, MetricKind::Diagonal, false).kind, MetricKind::Diagonal);
  EXPECT_EQ(learn_metric(independent, free, MetricKind::Auto, false).kind, MetricKind::Diagonal);
  const auto dense = Metric::identity(MetricKind::Dense, 3);
  EXPECT_EQ(learn_metric(independent, dense, MetricKind::Auto, false).kind, MetricKind::Dense)
      << "another kernel would have to be compiled";
}

/// A factor of 40 dimensions whose first two are correlated.
std::vector<std::vector<double>> long_factor() {
  std::vector<std::vector<double>> factor(40);
  for (std::size_t i = 0; i < factor.size(); ++i) {
    factor[i].assign(i + 1, 0);
    factor[i][i] = 1 + 0.1 * static_cast<double>(i);
  }
  factor[1] = {5, 0.5};
  return factor;
}

TEST(Metric, IsOfLowRankWhereTheDimensionIsLarge) {
  const auto free = Metric::identity(MetricKind::Auto, 40);
  const auto samples = normal_samples(long_factor(), 1000);
  const Metric low = learn_metric(samples, free, MetricKind::Auto, false);
  ASSERT_EQ(low.kind, MetricKind::LowRank);
  EXPECT_EQ(low.rank(), 2U) << "one direction is wide, one narrow";
  EXPECT_EQ(low.scale().size(), 40 + 2 * 41U);
  EXPECT_EQ(learn_metric(samples, free, MetricKind::Diagonal, false).kind, MetricKind::Diagonal);
  // The same kernel serves the next window, whatever it finds.
  auto straight = long_factor();
  straight[1] = {0, 1};
  const Metric next = learn_metric(normal_samples(straight, 1000), low, MetricKind::Auto, false);
  EXPECT_EQ(next.kind, MetricKind::LowRank);
  EXPECT_EQ(next.rank(), 2U);
  EXPECT_EQ(learn_metric(normal_samples(straight, 1000), free, MetricKind::Auto, false).kind,
            MetricKind::Diagonal);
}

TEST(Metric, ChangeOfALowRankOneIsThatOfTheMatricesItStandsFor) {
  const auto samples = normal_samples(long_factor(), 1000);
  const Metric low = learn_metric(samples, Metric::identity(MetricKind::Auto, 40), MetricKind::Auto, false);
  Metric plain = low;
  std::fill(plain.values.begin() + 40, plain.values.begin() + 42, 1.0);
  const double most = std::max(low.values[40], low.values[41]),
               least = std::min(low.values[40], low.values[41]);
  EXPECT_NEAR(metric_change(plain, low), std::sqrt(most / least), 1e-3 * std::sqrt(most / least));
  EXPECT_NEAR(metric_change(low, low), 1, 1e-6);
}

TEST(Metric, ChangeIsWhatTrajectoriesWouldGain) {
  const Metric one{MetricKind::Diagonal, 2, {1, 4}}, other{MetricKind::Diagonal, 2, {9, 4}};
  EXPECT_DOUBLE_EQ(metric_change(one, one), 1);
  EXPECT_DOUBLE_EQ(metric_change(one, other), 3);
  const Metric square{MetricKind::Dense, 2, {1, 0, 0, 4}}, turned{MetricKind::Dense, 2, {2.5, 1.5, 1.5, 2.5}},
      round{MetricKind::Dense, 2, {1, 0, 0, 1}};
  EXPECT_NEAR(metric_change(square, square), 1, 1e-12);
  EXPECT_NEAR(metric_change(round, turned), 2, 1e-12);
  EXPECT_TRUE(std::isinf(metric_change(one, square)));
}

}  // namespace
}  // namespace drey::nuts
