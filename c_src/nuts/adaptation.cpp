#include "nuts/adaptation.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

#include "error.h"

namespace drey::nuts {
namespace {

constexpr double kGamma = 0.05, kOffset = 10, kDecay = 0.75;
/// Step sizes beyond these mean that there is nothing to learn.
constexpr double kLeastStep = 1e-10, kMostStep = 1e7;

}  // namespace

void StepSizeAdaptation::restart(double step_size) {
  mu_ = std::log(step_size);
  gap_ = 0;
  count_ = 0;
  log_step_ = std::log(step_size);
  log_average_ = log_step_;
}

void StepSizeAdaptation::update(double mean_accept) {
  if (!std::isfinite(mean_accept)) mean_accept = 0;
  ++count_;
  const double eta = 1 / (count_ + kOffset);
  gap_ = (1 - eta) * gap_ + eta * (target_ - std::min(1.0, mean_accept));
  log_step_ = std::clamp(mu_ - gap_ * std::sqrt(static_cast<double>(count_)) / kGamma, std::log(kLeastStep),
                         std::log(kMostStep));
  const double weight = std::pow(count_, -kDecay);
  log_average_ = weight * log_step_ + (1 - weight) * log_average_;
}

double StepSizeAdaptation::exploring() const { return std::exp(log_step_); }
double StepSizeAdaptation::averaged() const { return std::exp(log_average_); }

void PooledSamples::add(const Chains::Record& record, std::uint64_t slot, std::uint64_t chain) {
  for (std::uint64_t d = 0; d < dimension; ++d) {
    points.push_back(record.point(slot, chain, d));
    gradients.push_back(record.gradient(slot, chain, d));
  }
}

std::vector<double> fisher_diagonal(const PooledSamples& samples, std::span<const double> previous) {
  const std::uint64_t n = samples.count(), dimension = samples.dimension;
  std::vector<double> metric(previous.begin(), previous.end());
  if (n < 3) return metric;
  const auto variance = [&](const std::vector<double>& values, std::uint64_t d) {
    double mean = 0, sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) mean += values[i * dimension + d];
    mean /= static_cast<double>(n);
    for (std::uint64_t i = 0; i < n; ++i) sum += std::pow(values[i * dimension + d] - mean, 2);
    return sum / static_cast<double>(n - 1);
  };
  for (std::uint64_t d = 0; d < dimension; ++d) {
    const double ratio = std::sqrt(variance(samples.points, d) / variance(samples.gradients, d));
    if (std::isfinite(ratio) && ratio > 0) metric[d] = std::clamp(ratio, 1e-20, 1e20);
  }
  return metric;
}

std::vector<double> fisher_dense(const PooledSamples& samples, std::span<const double> diagonal,
                                 double* spread) {
  const auto n = static_cast<Eigen::Index>(samples.count()),
             dimension = static_cast<Eigen::Index>(samples.dimension);
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::ArrayXd scale = Eigen::Map<const Eigen::ArrayXd>(diagonal.data(), dimension).sqrt();
  const auto covariance = [&](const std::vector<double>& values,
                              const Eigen::ArrayXd& by) -> Eigen::MatrixXd {
    Rows scaled = Eigen::Map<const Rows>(values.data(), n, dimension);
    scaled.rowwise() -= scaled.colwise().mean().eval();
    scaled.array().rowwise() *= by.transpose();
    const double count = static_cast<double>(n);
    return (count / (count + 5)) * (scaled.transpose() * scaled / (count - 1)) +
           1e-3 * (5 / (count + 5)) * Eigen::MatrixXd::Identity(dimension, dimension);
  };
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> gradients(covariance(samples.gradients, scale));
  const Eigen::MatrixXd root = gradients.operatorSqrt(), inverse_root = gradients.operatorInverseSqrt();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> middle(
      root * covariance(samples.points, scale.inverse()) * root);
  const Eigen::MatrixXd mean = inverse_root * middle.operatorSqrt() * inverse_root;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> shape(mean, Eigen::EigenvaluesOnly);
  if (gradients.info() != Eigen::Success || middle.info() != Eigen::Success ||
      shape.info() != Eigen::Success || !mean.allFinite() || !(shape.eigenvalues().minCoeff() > 0))
    throw Error("internal", "the warm-up's draws and gradients give no metric");
  if (spread) *spread = std::sqrt(shape.eigenvalues().maxCoeff() / shape.eigenvalues().minCoeff());
  const Rows metric =
      scale.matrix().asDiagonal() * (0.5 * (mean + mean.transpose())) * scale.matrix().asDiagonal();
  return {metric.data(), metric.data() + metric.size()};
}

std::vector<double> metric_factor(std::span<const double> inverse_metric, std::uint64_t dimension) {
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto size = static_cast<Eigen::Index>(dimension);
  const Eigen::LLT<Eigen::MatrixXd> cholesky(Eigen::Map<const Rows>(inverse_metric.data(), size, size));
  if (cholesky.info() != Eigen::Success)
    throw Error("wrong_tuning", "the inverse metric is not a positive matrix");
  const Eigen::MatrixXd lower = cholesky.matrixL();
  std::vector<double> rows;
  for (Eigen::Index i = 0; i < size; ++i)
    for (Eigen::Index j = 0; j <= i; ++j) rows.push_back(lower(i, j));
  return rows;
}

std::vector<std::uint64_t> stuck_chains(const Chains::Record& record, std::uint64_t slots,
                                        std::uint64_t chains) {
  constexpr double kStuck = 0.1;
  std::vector<std::uint64_t> stuck;
  for (std::uint64_t c = 0; c < chains; ++c) {
    double sum = 0;
    for (std::uint64_t s = slots / 2; s < slots; ++s) sum += record.accept(s, c);
    if (!(sum >= kStuck * static_cast<double>(slots - slots / 2))) stuck.push_back(c);
  }
  if (stuck.size() * 2 > chains) stuck.clear();
  return stuck;
}

}  // namespace drey::nuts
