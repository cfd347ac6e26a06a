#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuts/chains.h"

/// What a warm-up learns from its chains, as plain arithmetic on the host.
namespace drey::nuts {

/// Dual averaging of the log step size towards a mean acceptance (Hoffman and Gelman 2014, section 3.2, their
/// constants), fed with the acceptance pooled over chains.
class StepSizeAdaptation {
 public:
  StepSizeAdaptation(double target_accept, double step_size) : target_(target_accept) { restart(step_size); }
  /// Forgets everything but the step size.
  void restart(double step_size);
  void update(double mean_accept);
  /// The step size to try next.
  double exploring() const;
  /// The average that the tuning keeps.
  double averaged() const;

 private:
  double target_, mu_ = 0, gap_ = 0, log_step_ = 0, log_average_ = 0;
  int count_ = 0;
};

/// Draws and their gradients, pooled over chains: [sample][dimension].
struct PooledSamples {
  std::uint64_t dimension = 0;
  std::vector<double> points, gradients;
  std::uint64_t count() const { return dimension ? points.size() / dimension : 0; }
  void add(const Chains::Record& record, std::uint64_t slot, std::uint64_t chain);
};

/// The diagonal inverse metric that minimises the Fisher divergence to a normal: sd(draws) / sd(gradients) of
/// each coordinate (nutpie; Seyboldt, Carlson, Carpenter 2026). Coordinates without spread keep `previous`.
std::vector<double> fisher_diagonal(const PooledSamples& samples, std::span<const double> previous);

/// The dense inverse metric of least Fisher divergence to a normal: the geometric mean of the draws' covariance and
/// the inverse of their gradients' (Seyboldt, Carlson, Carpenter 2026), both shrunk a little towards the diagonal
/// metric. [dimension][dimension], symmetric and positive.
/// \param diagonal fisher_diagonal() of the same samples
/// \param spread   receives the root of the ratio of extreme eigenvalues once the diagonal metric is divided out: how
///                 much longer trajectories are under the diagonal one
/// \throws Error{internal} where the samples' matrices have no decomposition
std::vector<double> fisher_dense(const PooledSamples& samples, std::span<const double> diagonal,
                                 double* spread);

/// The rows of the lower triangle of the Cholesky factor of a dense inverse metric.
/// \throws Error{wrong_tuning} when the matrix is not positive
std::vector<double> metric_factor(std::span<const double> inverse_metric, std::uint64_t dimension);

/// Which chains are stuck: in the second half of the record they accepted next to nothing (mean below 0.1) while
/// most others moved. Empty where none is, or where so many are that the step size must be at fault.
std::vector<std::uint64_t> stuck_chains(const Chains::Record& record, std::uint64_t slots,
                                        std::uint64_t chains);

}  // namespace drey::nuts
