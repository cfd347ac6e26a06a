#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nuts/sampler.h"

/// The L-BFGS method (Liu and Nocedal 1989) for many starts side by side, as a device wants it: one batch of
/// evaluations a step for all. Plain arithmetic on the host around a function that evaluates.
namespace drey::nuts {

/// Log density and gradient of many points, [count][dimension]; a value that is not finite means outside the support.
using EvaluateBatch = std::function<std::vector<Evaluation>(std::span<const double>)>;

/// Curvature that a path has met: position and gradient differences of its last steps, oldest first, and a diagonal
/// that Gilbert and Lemarechal's update (1989, section 4.2) fits to them.
struct Curvature {
  std::vector<double> diagonal;                   ///< of the inverse Hessian of -log density, [dimension]
  std::vector<std::vector<double>> steps, bends;  ///< s = x' - x, z = g - g' (of the log density): s.z > 0
  /// Takes a step in, unless it curves the wrong way.
  /// \returns whether it did
  bool add(std::vector<double> step, std::vector<double> bend);
  /// The inverse Hessian times a vector (two-loop recursion).
  std::vector<double> times(std::span<const double> vector) const;
  /// Steps remembered at most.
  static constexpr std::size_t kHistory = 20;
};

/// A place that a path came through, with what it knew of the curvature there.
struct PathPoint {
  std::vector<double> position;
  Evaluation at;
  Curvature curvature;
};

/// A path uphill from one start.
struct Path {
  std::vector<PathPoint>
      points;            ///< accepted ones, the start first; empty where the start had no finite density
  bool arrived = false;  ///< whether it came to a top; else it was cut short
};

/// Climbs the log density from every start until gains are small, by steps that meet the weak Wolfe conditions (line
/// search of Lewis and Overton 2013).
/// \param starts [count][dimension]
/// \param most   batches of evaluations at most; a path has one point in each until it ends
std::vector<Path> climb(const EvaluateBatch& evaluate, std::span<const double> starts,
                        std::uint64_t dimension, std::uint32_t most);

}  // namespace drey::nuts
