#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stats/summary.h"

/// What a user should know of a run before trusting it: each warning says what was seen and what to do.
namespace drey::service {

/// Beside what the sampler itself says (divergences, trajectories cut at max_depth): E-BFMI below 0.3, R-hat
/// above 1.01, effective sizes below 100 a chain (of four chains at most: 400 are enough to trust the
/// diagnostics themselves).
/// \param ebfmi  of each chain; NaN counts as none
std::vector<std::string> warnings(std::uint64_t chains, std::span<const double> ebfmi,
                                  const std::vector<stats::Row>& rows);

/// E-BFMI of each chain; NaN where the draws are too few to say (fewer than 50).
/// \param energy [chain][draw]
std::vector<double> ebfmi(std::span<const double> energy, std::uint64_t chains);

}  // namespace drey::service
