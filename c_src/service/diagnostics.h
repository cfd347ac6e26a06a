#pragma once

#include <string>
#include <vector>

#include "nuts/sampler.h"
#include "stats/summary.h"

/// What a user should know of a run before trusting it: each warning says what was seen and what to do.
namespace drey::service {

/// Beside what the sampler itself says (divergences, trajectories cut at max_depth): E-BFMI below 0.3, R-hat
/// above 1.01, effective sizes below 100 a chain (of four chains at most: 400 are enough to trust the
/// diagnostics themselves).
std::vector<std::string> warnings(const nuts::Draws& draws, const std::vector<stats::Row>& rows);

}  // namespace drey::service
