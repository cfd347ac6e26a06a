#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nuts/adaptation.h"

namespace drey::nuts {

/// An inverse metric that is a diagonal but for a few directions: S (I + V' (L - I) V) S, S the square roots of
/// `diagonal`, L the eigenvalues on a diagonal, V the rows of `vectors`.
struct LowRankMetric {
  std::vector<double> diagonal;     ///< [dimension], the variances that scale the coordinates
  std::vector<double> eigenvalues;  ///< [K], of the metric in the scaled coordinates; those left out are 1
  std::vector<double> vectors;      ///< [K][dimension], orthonormal, in the scaled coordinates
  /// The root of the ratio of extreme eigenvalues in the scaled coordinates: how much longer trajectories are under
  /// the diagonal alone. And what of it is left under this metric.
  double spread = 1, left = 1;

  std::uint64_t rank() const { return eigenvalues.size(); }
  /// As Tuning::inverse_metric has it: diagonal, eigenvalues, vectors, one after the other.
  std::vector<double> packed() const;
};

/// The low-rank metric of least Fisher divergence to a normal: the geometric mean of the draws' covariance and the
/// inverse of their gradients', in coordinates that `diagonal` scales, with those eigenvalues that lie beyond `cutoff`
/// or below 1 / `cutoff`, the most extreme first (Seyboldt, Carlson, Carpenter 2026). Looked for in the span of the
/// widest directions of draws and of gradients where the dimension is large, so that work is linear in it.
/// \param diagonal fisher_diagonal() of the same samples
/// \param most     directions at most
/// \throws Error{internal} where the samples' matrices have no decomposition
LowRankMetric fisher_low_rank(const PooledSamples& samples, std::span<const double> diagonal,
                              std::uint64_t most = 16, double cutoff = 2);

/// What the sampler's kernel takes for such a metric (Chains::set_scale): square roots of the diagonal, of each
/// eigenvalue its square root less 1, the vectors.
/// \param inverse_metric as Tuning has it, [dimension + K + K * dimension]
std::vector<double> low_rank_factor(std::span<const double> inverse_metric, std::uint64_t dimension);
/// K of such a metric; nothing where its size is that of none.
std::optional<std::uint64_t> low_rank_of(std::span<const double> inverse_metric, std::uint64_t dimension);

}  // namespace drey::nuts
