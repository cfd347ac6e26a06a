#pragma once

#include <cstdint>
#include <string>

#include "nuts/kernel_source.h"

/// What a metric that is no diagonal is in the sampler's text: METRIC, KICK and DRIFT of shaders/nuts.comp. A diagonal
/// one's stand in the shaders.
namespace drey::nuts {

/// Empty for a diagonal metric.
std::string metric_text(const KernelShape& shape);

/// Loop trips of the three products with a metric in a tick.
std::uint64_t metric_trips(const KernelShape& shape);

}  // namespace drey::nuts
