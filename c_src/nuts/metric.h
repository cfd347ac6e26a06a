#pragma once

#include <cstdint>
#include <vector>

#include "nuts/adaptation.h"
#include "nuts/sampler.h"

/// Which kind of inverse metric a warm-up goes on with, and how far two metrics lie apart.
namespace drey::nuts {

struct Metric {
  MetricKind kind = MetricKind::Diagonal;
  std::uint64_t dimension = 0;
  std::vector<double> values;  ///< as Tuning::inverse_metric

  /// Vectors of a low-rank metric, those that only fill up its kernel's included; 0 for another kind.
  std::uint64_t rank() const;
  static Metric identity(MetricKind kind, std::uint64_t dimension);
  /// Its diagonal, or that of the scaled coordinates where it is of low rank.
  std::vector<double> diagonal() const;
  /// What Chains::set_scale takes.
  std::vector<double> scale() const;
};

/// The metric of least Fisher divergence that `samples` call for.
/// \param current what is in use: a dense metric stays dense and one of low rank keeps its rank, for another kernel would
///                have to be compiled
/// \param wanted  Auto: dense up to 32 dimensions and of low rank beyond, where that makes trajectories shorter by `gain`
///                than a diagonal one, else diagonal
/// \param diagonal_only whether the samples are too far from the posterior for covariances to mean something
Metric learn_metric(const PooledSamples& samples, const Metric& current, MetricKind wanted,
                    bool diagonal_only, double gain = 2);

/// How much longer trajectories are under one of the metrics where the other is right, 1 for the same metric: the
/// root of the ratio of extreme eigenvalues of one in the coordinates that the other scales.
double metric_change(const Metric& from, const Metric& to);

}  // namespace drey::nuts
