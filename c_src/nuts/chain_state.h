#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nuts/kernel_source.h"

/// A saved state of chains as bytes (Chains::save), from whoever hands it in. This file knows what the words of a
/// state mean and what they may be; nothing of devices.
namespace drey::nuts {

/// Words of a chain's state, [word][chain], as shaders/nuts_state.glsl numbers them.
namespace word {
inline constexpr std::uint64_t kMode = 0, kIteration = 1, kDepth = 2, kLeaf = 3;
/// Of the last dispatch: that it was not cut short; gradients that the chain used, and that its lane had time for.
inline constexpr std::uint64_t kMarker = 7, kUsed = 8, kMade = 9;
}  // namespace word

/// Modes of a chain, as shaders/nuts.comp numbers them: those that it may have between dispatches, and one that it may not.
namespace mode {
inline constexpr std::uint32_t kRunning = 0, kFresh = 1, kGiven = 3, kFailed = 4, kLast = kFailed,
                               kFinished = 2;
}  // namespace mode

/// What must agree for a state to go on under a kernel: equal for equal arithmetic and layout.
std::string state_layout(const KernelShape& shape);

/// Bytes of the state of `count` chains.
std::uint64_t state_size(const KernelShape& shape, std::uint64_t count);
/// Bytes of `slots` recorded draws of `count` chains, without gradients.
std::uint64_t record_size(const KernelShape& shape, std::uint64_t count, std::uint64_t slots);

/// The fewest and the most transitions that a chain of a state has made.
std::pair<std::uint32_t, std::uint32_t> transitions(std::span<const std::byte> state, std::uint64_t count);

/// What a kernel would index memory by is inside its bounds, and every chain has made at least `least` and at most
/// `most` transitions. Numbers that are not finite are the sampler's to reject.
/// \throws Error{wrong_checkpoint} what is not, and in which chain
void check_state(const KernelShape& shape, std::span<const std::byte> state, std::uint64_t count,
                 std::uint64_t least, std::uint64_t most);

/// The chains [from, from + width) of a state of `count` chains.
std::vector<std::byte> state_columns(const KernelShape& shape, std::span<const std::byte> state,
                                     std::uint64_t count, std::uint64_t from, std::uint64_t width);
/// The same of a record of `slots` draws.
std::vector<std::byte> record_columns(const KernelShape& shape, std::span<const std::byte> record,
                                      std::uint64_t slots, std::uint64_t count, std::uint64_t from,
                                      std::uint64_t width);

}  // namespace drey::nuts
