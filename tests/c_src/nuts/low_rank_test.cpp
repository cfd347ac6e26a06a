#include "nuts/low_rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace drey::nuts {
namespace {

/// Draws and gradients of a normal with covariance S (I + sum (l_k - 1) v_k v_k') S, the v_k orthonormal.
PooledSamples samples_of(const std::vector<double>& sd, const std::vector<double>& eigenvalues,
                         const std::vector<std::vector<double>>& vectors, std::size_t count) {
  const std::size_t dimension = sd.size();
  std::mt19937_64 engine(77);
  std::normal_distribution<double> normal;
  PooledSamples samples;
  samples.dimension = dimension;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> z(dimension), x, g;
    for (double& value : z) value = normal(engine);
    x = z, g = z;
    for (std::size_t k = 0; k < eigenvalues.size(); ++k) {
      double along = 0;
      for (std::size_t d = 0; d < dimension; ++d) along += vectors[k][d] * z[d];
      for (std::size_t d = 0; d < dimension; ++d) {
        x[d] += (std::sqrt(eigenvalues[k]) - 1) * along * vectors[k][d];
        g[d] += (1 / std::sqrt(eigenvalues[k]) - 1) * along * vectors[k][d];
      }
    }
    for (std::size_t d = 0; d < dimension; ++d) {
      samples.points.push_back(2 + sd[d] * x[d]);
      samples.gradients.push_back(-g[d] / sd[d]);
    }
  }
  return samples;
}

/// Two directions of which every dimension has a part: cosines, orthonormal.
std::vector<std::vector<double>> waves(std::size_t dimension) {
  std::vector<std::vector<double>> vectors(2, std::vector<double>(dimension));
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t d = 0; d < dimension; ++d)
      vectors[k][d] = std::sqrt(2.0 / static_cast<double>(dimension)) *
                      std::cos(M_PI * (static_cast<double>(d) + 0.5) * static_cast<double>(k + 1) /
                               static_cast<double>(dimension));
  return vectors;
}

/// The metric along a direction w: w' M w.
double along(const LowRankMetric& metric, const std::vector<double>& w) {
  const std::size_t dimension = w.size();
  double sum = 0;
  std::vector<double> scaled(dimension);
  for (std::size_t d = 0; d < dimension; ++d) {
    scaled[d] = std::sqrt(metric.diagonal[d]) * w[d];
    sum += scaled[d] * scaled[d];
  }
  for (std::size_t k = 0; k < metric.rank(); ++k) {
    double part = 0;
    for (std::size_t d = 0; d < dimension; ++d) part += metric.vectors[k * dimension + d] * scaled[d];
    sum += (metric.eigenvalues[k] - 1) * part * part;
  }
  return sum;
}

/// In the whole space, and beyond it where only the widest directions are searched.
TEST(LowRank, FindsAWideAndANarrowDirectionAmongScales) {
  for (const std::size_t dimension : {40, 400}) {
    SCOPED_TRACE(dimension);
    std::vector<double> sd(dimension);
    for (std::size_t d = 0; d < dimension; ++d) sd[d] = 0.5 + static_cast<double>(d % 7);
    const auto vectors = waves(dimension);
    const auto samples = samples_of(sd, {100, 0.01}, vectors, 3000);
    const auto diagonal = fisher_diagonal(samples, std::vector<double>(dimension, 1.0));
    const auto metric = fisher_low_rank(samples, diagonal);
    // Where every coordinate has its share of both directions the diagonal cannot see them.
    EXPECT_GE(metric.rank(), 2u);
    EXPECT_LE(metric.rank(), 16u);
    EXPECT_GT(metric.spread, 30);
    EXPECT_LT(metric.left, 3);
    for (std::size_t k = 0; k < 2; ++k) {
      // Of covariance S A S: the direction w = S^-1 v has variance eigenvalue.
      std::vector<double> w(dimension);
      for (std::size_t d = 0; d < dimension; ++d) w[d] = vectors[k][d] / sd[d];
      EXPECT_NEAR(std::log(along(metric, w) / (k == 0 ? 100 : 0.01)), 0, 0.3) << k;
    }
    EXPECT_EQ(metric.packed().size(), dimension + metric.rank() * (1 + dimension));
  }
}

TEST(LowRank, VectorsAreOrthonormal) {
  const std::size_t dimension = 50;
  const auto samples = samples_of(std::vector<double>(dimension, 2.0), {50, 0.02}, waves(dimension), 2000);
  const auto metric = fisher_low_rank(samples, fisher_diagonal(samples, std::vector<double>(dimension, 1.0)));
  for (std::size_t a = 0; a < metric.rank(); ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      double product = 0;
      for (std::size_t d = 0; d < dimension; ++d)
        product += metric.vectors[a * dimension + d] * metric.vectors[b * dimension + d];
      EXPECT_NEAR(product, a == b ? 1 : 0, 1e-10);
    }
}

TEST(LowRank, WithoutCorrelationIsTheDiagonal) {
  const std::size_t dimension = 40;
  const auto samples = samples_of(std::vector<double>(dimension, 3.0), {}, {}, 3000);
  const auto diagonal = fisher_diagonal(samples, std::vector<double>(dimension, 1.0));
  const auto metric = fisher_low_rank(samples, diagonal);
  EXPECT_EQ(metric.rank(), 0u);
  EXPECT_EQ(metric.packed(), diagonal);
}

TEST(LowRank, KeepsTheMostExtremeWhereThereAreTooMany) {
  const std::size_t dimension = 40;
  const auto samples = samples_of(std::vector<double>(dimension, 1.0), {9, 400}, waves(dimension), 3000);
  const auto metric =
      fisher_low_rank(samples, fisher_diagonal(samples, std::vector<double>(dimension, 1.0)), 1);
  ASSERT_EQ(metric.rank(), 1u);
  EXPECT_GT(metric.eigenvalues[0], 20);
}

}  // namespace
}  // namespace drey::nuts
