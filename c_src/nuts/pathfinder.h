#pragma once

#include <Eigen/Core>

#include <cstdint>
#include <span>
#include <vector>

#include "nuts/adaptation.h"
#include "nuts/lbfgs.h"

/// Pathfinder (Zhang, Carpenter, Gelman, Vehtari 2022): starts for a warm-up from normal approximations along
/// quasi-Newton paths, all paths side by side.
namespace drey::nuts {

/// The normal that a point of a path suggests: the inverse Hessian of L-BFGS for a covariance, the mean a Newton step
/// away. Work linear in the dimension (Zhang et al. 2022, algorithms 3 and 4; compact form of Byrd, Nocedal, Schnabel
/// 1994).
class NormalApproximation {
 public:
  /// \throws Error{internal} where the curvature gives no covariance; valid() says so without throwing
  explicit NormalApproximation(const PathPoint& point);
  bool valid() const { return valid_; }
  const Eigen::VectorXd& mean() const { return mean_; }
  /// The draw that independent standard normals give.
  std::vector<double> draw(std::span<const double> normals) const;
  /// \param points [count][dimension]
  /// \returns [count]
  std::vector<double> log_density(std::span<const double> points) const;

 private:
  Eigen::VectorXd mean_, root_;    ///< root of the diagonal part
  Eigen::MatrixXd basis_, lower_;  ///< thin orthonormal columns; factor of I + R gamma R' in them
  double log_determinant_ = 0;     ///< of the covariance's factor
  bool valid_ = true;
};

/// What the paths yield.
struct PathfinderResult {
  std::vector<double> positions;  ///< [count][dimension]
  /// Draws of the approximations in the modes that have mass, with the target's gradients there: for a first metric.
  PooledSamples samples;
  std::uint64_t evaluations = 0;  ///< of the log density, all paths together
  double pareto_k = 0;  ///< of the importance weights: below 0.7 the positions follow the target's mass
};

/// Positions for `count` chains from as many paths as there are starts. The approximation of greatest ELBO of each path
/// gives draws; importance weights, smoothed (Vehtari et al. 2024), share the chains out, so that a mode gets chains by
/// its mass. Where the weights cannot be trusted, every path whose ELBO is within reach of the best keeps its share.
/// \param starts    [paths][dimension]; a path whose start has no finite density is left out
/// \param seed, first_chain key the random numbers: the result depends on nothing else
/// \returns empty positions when no path gives an approximation, and where most paths climbed past the mass towards a
///          density without a top, as that of a centred hierarchy: there the approximations mislead
PathfinderResult pathfinder(const EvaluateBatch& evaluate, std::span<const double> starts,
                            std::uint64_t dimension, std::uint64_t count, std::uint64_t seed,
                            std::uint64_t first_chain);

/// Places uniform on (-2, 2) in each coordinate, as a dispersed chain's start is drawn, and drawn anew, up to 100 times,
/// where the density is not finite. [count][dimension]
std::vector<double> dispersed_starts(const EvaluateBatch& evaluate, std::uint64_t dimension,
                                     std::uint64_t count, std::uint64_t seed, std::uint64_t first_chain);

/// Pareto-smoothed log weights (Vehtari, Simpson, Gelman, Yao, Gabry 2024), and the tail's shape k (Zhang and Stephens
/// 2009, with its weak prior); infinite where the tail has too few values.
double smooth_weights(std::vector<double>& log_weights);

}  // namespace drey::nuts
