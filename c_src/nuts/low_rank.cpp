#include "nuts/low_rank.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "error.h"

namespace drey::nuts {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Up to this dimension the whole space is looked at; beyond it, the widest directions of draws and gradients.
constexpr Eigen::Index kWhole = 160;
/// Samples that are enough for a few directions, and steps of the subspace iteration that finds them.
constexpr Eigen::Index kMostSamples = 8192;
constexpr int kPowers = 6;
/// Shrinkage towards the diagonal, in samples, and what it shrinks to (as Stan's, here in scaled coordinates).
constexpr double kPrior = 5, kPriorVariance = 1e-3;

/// Samples centred and scaled, [sample][dimension].
Rows scaled_samples(const std::vector<double>& values, Eigen::Index dimension, const Eigen::ArrayXd& by) {
  const auto n = static_cast<Eigen::Index>(values.size()) / dimension;
  // Evenly spaced ones where there are more than needed.
  const Eigen::Index stride = (n + kMostSamples - 1) / kMostSamples, kept = n / stride;
  Rows scaled(kept, dimension);
  for (Eigen::Index i = 0; i < kept; ++i)
    scaled.row(i) = Eigen::Map<const Eigen::RowVectorXd>(values.data() + i * stride * dimension, dimension);
  scaled.rowwise() -= scaled.colwise().mean().eval();
  scaled.array().rowwise() *= by.transpose();
  return scaled;
}

/// The covariance of samples in an orthonormal basis (columns), shrunk a little to the identity.
Eigen::MatrixXd covariance(const Rows& samples, const Eigen::MatrixXd& basis) {
  const Eigen::MatrixXd within = samples * basis;
  const auto n = static_cast<double>(samples.rows());
  const Eigen::Index size = basis.cols();
  return (n / (n + kPrior)) * (within.transpose() * within / (n - 1)) +
         kPriorVariance * (kPrior / (n + kPrior)) * Eigen::MatrixXd::Identity(size, size);
}

/// An orthonormal basis of about the widest directions of samples, by subspace iteration from unit vectors spread over
/// the dimensions.
Eigen::MatrixXd widest(const Rows& samples, Eigen::Index count) {
  const Eigen::Index dimension = samples.cols();
  Eigen::MatrixXd basis = Eigen::MatrixXd::Zero(dimension, count);
  for (Eigen::Index d = 0; d < dimension; ++d) basis(d, d % count) = d / count % 2 ? -1 : 1;
  for (int i = 0; i < kPowers; ++i) {
    const Eigen::MatrixXd next = samples.transpose() * (samples * basis);
    basis = Eigen::HouseholderQR<Eigen::MatrixXd>(next).householderQ() *
            Eigen::MatrixXd::Identity(dimension, count);
  }
  return basis;
}

/// Where the metric is looked for: orthonormal columns.
Eigen::MatrixXd search_space(const Rows& points, const Rows& gradients, Eigen::Index most) {
  const Eigen::Index dimension = points.cols();
  if (dimension <= kWhole) return Eigen::MatrixXd::Identity(dimension, dimension);
  const Eigen::Index each = std::min(dimension / 2, 2 * most);
  Eigen::MatrixXd both(dimension, 2 * each);
  both << widest(points, each), widest(gradients, each);
  return Eigen::HouseholderQR<Eigen::MatrixXd>(both).householderQ() *
         Eigen::MatrixXd::Identity(dimension, 2 * each);
}

}  // namespace

std::vector<double> LowRankMetric::packed() const {
  std::vector<double> all(diagonal);
  all.insert(all.end(), eigenvalues.begin(), eigenvalues.end());
  all.insert(all.end(), vectors.begin(), vectors.end());
  return all;
}

LowRankMetric fisher_low_rank(const PooledSamples& samples, std::span<const double> diagonal,
                              std::uint64_t most, double cutoff) {
  const auto dimension = static_cast<Eigen::Index>(samples.dimension);
  LowRankMetric metric;
  metric.diagonal.assign(diagonal.begin(), diagonal.end());
  if (samples.count() < 3 || most == 0) return metric;
  const Eigen::ArrayXd scale = Eigen::Map<const Eigen::ArrayXd>(diagonal.data(), dimension).sqrt();
  const Rows points = scaled_samples(samples.points, dimension, scale.inverse()),
             gradients = scaled_samples(samples.gradients, dimension, scale);
  const Eigen::MatrixXd basis = search_space(points, gradients, static_cast<Eigen::Index>(most));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> forces(covariance(gradients, basis));
  const Eigen::MatrixXd root = forces.operatorSqrt(), inverse_root = forces.operatorInverseSqrt();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> middle(root * covariance(points, basis) * root);
  const Eigen::MatrixXd mean = inverse_root * middle.operatorSqrt() * inverse_root;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> shape(0.5 * (mean + mean.transpose()));
  if (forces.info() != Eigen::Success || middle.info() != Eigen::Success || shape.info() != Eigen::Success ||
      !mean.allFinite() || !(shape.eigenvalues().minCoeff() > 0))
    throw Error("internal", "the warm-up's draws and gradients give no metric");

  const Eigen::VectorXd& eigenvalues = shape.eigenvalues();
  const auto excess = [&](Eigen::Index i) { return std::abs(std::log(eigenvalues[i])); };
  std::vector<Eigen::Index> order(static_cast<std::size_t>(eigenvalues.size()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return excess(a) > excess(b); });
  // What is not kept, and what the search space leaves out, counts as 1.
  double least_left = 1, most_left = 1;
  for (const Eigen::Index i : order) {
    if (metric.rank() < most && excess(i) > std::log(cutoff)) {
      metric.eigenvalues.push_back(eigenvalues[i]);
      const Eigen::VectorXd direction = basis * shape.eigenvectors().col(i);
      metric.vectors.insert(metric.vectors.end(), direction.data(), direction.data() + dimension);
    } else {
      least_left = std::min(least_left, eigenvalues[i]);
      most_left = std::max(most_left, eigenvalues[i]);
    }
  }
  metric.spread = std::sqrt(std::max(1.0, eigenvalues.maxCoeff()) / std::min(1.0, eigenvalues.minCoeff()));
  metric.left = std::sqrt(most_left / least_left);
  return metric;
}

std::vector<double> low_rank_factor(std::span<const double> inverse_metric, std::uint64_t dimension) {
  const std::uint64_t rank = low_rank_of(inverse_metric, dimension).value_or(0);
  std::vector<double> factor(inverse_metric.begin(), inverse_metric.end());
  for (std::uint64_t i = 0; i < dimension + rank; ++i)
    factor[i] = std::sqrt(factor[i]) - (i < dimension ? 0 : 1);
  return factor;
}

std::optional<std::uint64_t> low_rank_of(std::span<const double> inverse_metric, std::uint64_t dimension) {
  if (inverse_metric.size() < dimension || (inverse_metric.size() - dimension) % (dimension + 1))
    return std::nullopt;
  return (inverse_metric.size() - dimension) / (dimension + 1);
}

}  // namespace drey::nuts
