#include "nuts/metric.h"

#include "nuts/low_rank.h"

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
/// Vectors of a low-rank metric come in so many: each number is a kernel of its own.
constexpr std::uint64_t kRanks[] = {2, 4, 8, 16};

/// Filled up with vectors that do nothing.
Metric filled_up(const LowRankMetric& low, std::uint64_t dimension, std::uint64_t rank) {
  Metric metric{MetricKind::LowRank, dimension, low.diagonal};
  metric.values.insert(metric.values.end(), low.eigenvalues.begin(), low.eigenvalues.end());
  metric.values.resize(dimension + rank, 1.0);
  metric.values.insert(metric.values.end(), low.vectors.begin(), low.vectors.end());
  metric.values.resize(dimension + rank * (dimension + 1), 0.0);
  return metric;
}

/// A low-rank metric M = S (I + V' (L - I) V) S, S the roots of its diagonal: M x and M^-1 x, in time linear in the
/// dimension.
class LowRankProduct {
 public:
  explicit LowRankProduct(const Metric& metric)
      : scale_(Eigen::Map<const Eigen::ArrayXd>(metric.values.data(), size(metric.dimension)).sqrt()),
        eigenvalues_(
            Eigen::Map<const Eigen::ArrayXd>(metric.values.data() + metric.dimension, size(metric.rank()))),
        vectors_(Eigen::Map<const Rows>(metric.values.data() + metric.dimension + metric.rank(),
                                        size(metric.rank()), size(metric.dimension))) {}
  Eigen::VectorXd times(const Eigen::VectorXd& x) const { return scale_ * middle(scale_ * x.array(), 1); }
  Eigen::VectorXd solved(const Eigen::VectorXd& x) const { return middle(x.array() / scale_, -1) / scale_; }

 private:
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  static Eigen::Index size(std::uint64_t n) { return static_cast<Eigen::Index>(n); }
  Eigen::ArrayXd middle(const Eigen::ArrayXd& x, double power) const {
    const Eigen::ArrayXd weights = (eigenvalues_.pow(power) - 1) * (vectors_ * x.matrix()).array();
    return x + (vectors_.transpose() * weights.matrix()).array();
  }
  Eigen::ArrayXd scale_, eigenvalues_;
  Rows vectors_;
};

/// The largest eigenvalue of from^-1 to, by the power method.
double largest_ratio(const LowRankProduct& from, const LowRankProduct& to, std::uint64_t dimension) {
  constexpr int kPowers = 60;
  // No direction is left out, none favoured.
  Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(static_cast<Eigen::Index>(dimension), 1.0, 2.0);
  for (Eigen::Index d = 1; d < x.size(); d += 2) x[d] = -x[d];
  double norm = 0;
  for (int i = 0; i < kPowers; ++i) {
    x.normalize();
    x = from.solved(to.times(x));
    norm = x.norm();
  }
  return norm;
}

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

std::uint64_t Metric::rank() const {
  return kind == MetricKind::LowRank ? low_rank_of(values, dimension).value_or(0) : 0;
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
  if (kind == MetricKind::LowRank) return low_rank_factor(values, dimension);
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
  const bool low_forced = wanted == MetricKind::LowRank || current.kind == MetricKind::LowRank;
  if (low_forced || (wanted == MetricKind::Auto && !diagonal_only && dimension > kMostDense)) {
    const auto low =
        fisher_low_rank(samples, diagonal, current.rank() ? current.rank() : std::end(kRanks)[-1]);
    if (low_forced || low.spread > gain * low.left) {
      std::uint64_t rank = current.rank();
      if (!rank)
        rank =
            *std::find_if(std::begin(kRanks), std::end(kRanks) - 1, [&](auto r) { return r >= low.rank(); });
      return filled_up(low, dimension, rank);
    }
  }
  return {MetricKind::Diagonal, dimension, diagonal};
}

double metric_change(const Metric& from, const Metric& to) {
  if (from.kind != to.kind || from.values.size() != to.values.size())
    return std::numeric_limits<double>::infinity();
  if (from.kind == MetricKind::LowRank) {
    const LowRankProduct a(from), b(to);
    return std::sqrt(
        std::max(1.0, largest_ratio(a, b, from.dimension) * largest_ratio(b, a, from.dimension)));
  }
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
