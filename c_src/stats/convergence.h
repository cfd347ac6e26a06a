#pragma once

#include <cstdint>
#include <span>

#include "stats/chains.h"

/// R-hat and effective sample sizes. Formulae: Vehtari, Gelman, Simpson, Carpenter, Buerkner (2021),
/// "Rank-normalization, folding, and localization: an improved R-hat", as the R package posterior computes
/// them. Every function answers NaN where its quantity is undefined: constant or non-finite draws, too few of
/// them.
namespace drey::stats {

/// sqrt((B/W + n - 1)/n) of the chains as they are: no splitting, no ranks.
double basic_rhat(const Chains& chains);

/// Geyer's initial monotone sequence estimate of the effective sample size of the chains' mean, as they are.
/// At most S log10(S).
double basic_ess(const Chains& chains);

/// The effective sample size of the mean when each chain counts as one independent observation: for many
/// chains too short for Geyer's sequence. At most S log10(S).
double across_chain_ess(const Chains& chains);

/// The nested R-hat of Margossian et al. (2024): sqrt(1 + B/W), B the variance of the superchains' means, W
/// the mean over superchains of (variance of their chains' means + mean variance within a chain). Its floor
/// is sqrt(1 + 1/M) for M stationary chains of one draw. \param superchain one id a chain; chains that
/// started at the same point share it
double nested_rhat(std::span<const double> draws, std::span<const std::uint32_t> superchain);

/// Whether chains are many (32 or more) and short (fewer than 50 draws): Geyer's sequence and split R-hat
/// then say little, and the across-chain and nested forms take their place.
bool many_short(std::uint64_t chains, std::uint64_t draws);

/// E-BFMI of one chain: mean squared change of the energy over its variance (Betancourt 2016). Below 0.3 the
/// momentum cannot follow the energy's spread.
double ebfmi(std::span<const double> energy);

}  // namespace drey::stats
