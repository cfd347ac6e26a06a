#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nuts/philox.h"

/// A plain recursive No-U-Turn sampler on the host, in f64: the oracle of shaders/nuts.comp. It builds the
/// tree as the papers write it and shares nothing with the kernel but the random numbers.
namespace drey::nuts {

/// Log density at `point`; writes the gradient.
using LogDensity = std::function<double(std::span<const double> point, std::span<double> gradient)>;

struct ReferenceOptions {
  std::uint64_t seed = 1;
  std::uint64_t chain = 0;
  Phase phase = Phase::Sampling;
  double step_size = 0.1;
  int max_depth = 10;
  std::vector<double> scale;  ///< square roots of the diagonal inverse metric
  /// Where not empty, in place of `scale`: the rows of the lower triangle of a dense inverse metric's Cholesky factor.
  std::vector<double> factor;
};

struct ReferenceDraw {
  std::vector<double> point;
  double lp = 0, accept = 0, energy = 0;
  int depth = 0, leapfrogs = 0;
  bool divergent = false;
  /// The leaf that was selected, in leapfrogs from the start, negative backward; 0: the start itself.
  int selected = 0;
};

/// The transition number `iteration` of a chain that stands at `point`.
/// Sources: Hoffman and Gelman (2014), algorithm 3; Betancourt (2017), appendix A; Stan's base_nuts.hpp for
/// the biased progressive step and the criterion across the seam of two subtrees.
ReferenceDraw reference_transition(const LogDensity& density, const ReferenceOptions& options,
                                   std::uint32_t iteration, std::span<const double> point);

}  // namespace drey::nuts
