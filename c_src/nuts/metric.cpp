#include "nuts/metric.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>

namespace drey::nuts {
namespace {

/// A dense metric is looked for up to this dimension where the choice is free, from samples this many times the
/// dimension.
constexpr std::uint64_t kMostDense = 32, kDenseSamples = 5;

}  // namespace

Metric Metric::identity(MetricKind kind, std::uint64_t dimension) {
  Metric metric{kind == MetricKind::Dense ? kind : MetricKind::Diagonal, dimension, {}};
  if (metric.kind == MetricKind::Diagonal) {
    metric.values.assign(dimension, 1.0);
  } else {
    metric.values.assign(dimension * dimension, 0.0);
    for (std::uint64_t d = 0; d < dimension; ++d) metric.values[d * dimension + d] = 1;
  }
  return metric;
}

std::vector<double> Metric::diagonal() const {
  if (kind != MetricKind::Dense)
    return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(dimension)};
  std::vector<double> result(dimension);
  for (std::uint64_t d = 0; d < dimension; ++d) result[d] = values[d * dimension + d];
  return result;
}

std::vector<double> Metric::scale() const {
  if (kind == MetricKind::Dense) return metric_factor(values, dimension);
  std::vector<double> roots(values);
  for (double& m : roots) m = std::sqrt(m);
  return roots;
}

Metric learn_metric(const PooledSamples& samples, const Metric& current, MetricKind wanted,
                    bool diagonal_only, double gain) {
  const std::uint64_t dimension = samples.dimension;
  const auto diagonal = fisher_diagonal(samples, current.diagonal());
  const bool forced = wanted == MetricKind::Dense;
  const bool looked_for =
      wanted == MetricKind::Auto && !diagonal_only && dimension >= 2 && dimension <= kMostDense;
  if ((forced || looked_for) && samples.count() >= (forced ? 2 : kDenseSamples) * dimension) {
    double spread = 1;
    auto dense = fisher_dense(samples, diagonal, &spread);
    if (forced || current.kind == MetricKind::Dense || spread > gain)
      return {MetricKind::Dense, dimension, std::move(dense)};
  }
  if (current.kind == MetricKind::Dense) return current;
  return {MetricKind::Diagonal, dimension, diagonal};
}

double metric_change(const Metric& from, const Metric& to) {
  if (from.kind != to.kind || from.values.size() != to.values.size())
    return std::numeric_limits<double>::infinity();
  double least = std::numeric_limits<double>::infinity(), most = 0;
  if (from.kind == MetricKind::Dense) {
    using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const auto size = static_cast<Eigen::Index>(from.dimension);
    const Eigen::Map<const Rows> a(from.values.data(), size, size), b(to.values.data(), size, size);
    const Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::MatrixXd> ratio(b, a, Eigen::EigenvaluesOnly);
    if (ratio.info() != Eigen::Success) return std::numeric_limits<double>::infinity();
    least = ratio.eigenvalues().minCoeff();
    most = ratio.eigenvalues().maxCoeff();
  } else {
    for (std::uint64_t d = 0; d < from.dimension; ++d) {
      least = std::min(least, to.values[d] / from.values[d]);
      most = std::max(most, to.values[d] / from.values[d]);
    }
  }
  return least > 0 ? std::sqrt(most / least) : std::numeric_limits<double>::infinity();
}

}  // namespace drey::nuts
