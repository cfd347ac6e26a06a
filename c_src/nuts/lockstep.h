#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuts/chains.h"
#include "nuts/kernel_source.h"

/// What a transition costs chains that share a subgroup's lanes, and how far it goes: what a warm-up weighs step sizes
/// by. Such chains begin and end their rounds together (shaders/nuts_tick.glsl), so beside a tree of seven leapfrogs one
/// of three costs as much as another of seven, which a shorter step would have made of it. Plain arithmetic on the host,
/// from trees and positions alone: never from a clock, nor from who shared whose subgroup.
namespace drey::nuts {

/// What a round costs beside its leapfrogs, in leapfrogs: its draw recorded, its momenta drawn, its merges. 0 where a
/// chain has a subgroup to itself and waits for none.
/// \param operations of a gradient (glsl::Source)
double round_cost(const KernelShape& shape, std::uint64_t operations);

/// A transition's cost, in leapfrogs: the mean over transitions of so many leapfrogs each, made by chains that do not
/// know of one another, in rounds of the length that suits them best (nuts/pace.h).
/// \param round round_cost()
double lockstep_cost(std::span<const std::uint32_t> leapfrogs, double round);

/// How far a transition goes: the mean over chains and coordinates of the squared distance between draws in a row, by
/// twice the coordinate's variance. 0 of chains that stand still, 1 of independent draws, more of antithetic ones.
/// \param slots     draws of each chain; 0 of less than two
/// \param variances of each coordinate; one without counts for nothing
double mean_square_jump(const Chains::Record& record, std::uint64_t slots, std::uint64_t chains,
                        std::span<const double> variances);

/// Of each coordinate, over all chains' draws.
std::vector<double> pooled_variances(const Chains::Record& record, std::uint64_t slots, std::uint64_t chains);

}  // namespace drey::nuts
