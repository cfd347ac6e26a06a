#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace drey::stats {

/// One scalar's summary. NaN where a quantity is undefined (constant or non-finite draws, too few of them).
struct Row {
  std::string name;  ///< "theta[1]"
  double mean = 0, sd = 0, mcse = 0, q5 = 0, median = 0, q95 = 0, rhat = 0, ess_bulk = 0, ess_tail = 0;
};

/// \param draws [chain][draw] of one scalar
/// Formulae: Vehtari, Gelman, Simpson, Carpenter, Buerkner (2021), "Rank-normalization, folding, and
/// localization: an improved R-hat"; as the R package posterior computes them.
Row summarize(std::string name, std::span<const double> draws, std::uint64_t chains);

/// As above. Where chains are many and short (convergence.h, many_short), the effective sizes count each
/// chain as one observation, and R-hat is the nested one of the superchains given (an id a chain; none:
/// chains as they are, unsplit).
Row summarize(std::string name, std::span<const double> draws, std::uint64_t chains,
              std::span<const std::uint32_t> superchain);

}  // namespace drey::stats
