#pragma once

#include <cstdint>
#include <vector>

#include "nuts/chains.h"

/// What a warm-up makes of a posterior of several modes: how much mass each chain has around it, and which chains sit
/// where there is next to none. Two modes of comparable mass are both kept, however far apart their log densities.
namespace drey::nuts {

/// The log of the mass around each chain, up to a constant of the posterior: that of a normal with the mean log density
/// of the chain's draws and, in each coordinate, the variance sd(draws) / sd(gradients), which for a normal few draws
/// give exactly. A high and narrow mode can so be compared with a low and wide one.
/// \param record with gradients; its first `slots` draws are looked at
/// \returns [chain]; -infinity for a chain that did not move
std::vector<double> log_masses(const Chains::Record& record, std::uint64_t slots, std::uint64_t chains);

/// Which chains have so little mass around them, next to the chain that has most, that a sampler that mixes would not
/// be found there once in a hundred jobs of so many chains, Monte Carlo errors allowed for.
/// \param log_masses of the same chains and slots
/// \returns sorted chain indices; empty where no chain moves well enough to be compared with
std::vector<std::uint64_t> massless_chains(const Chains::Record& record, std::uint64_t slots,
                                           const std::vector<double>& log_masses);

}  // namespace drey::nuts
