#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nuts/kernel_source.h"

/// A saved state of chains as bytes (Chains::save), from whoever hands it in. This file knows what the words of a
/// state mean and what they may be; nothing of devices.
namespace drey::nuts {

/// What must agree for a state to go on under a kernel: equal for equal arithmetic and layout.
std::string state_layout(const KernelShape& shape);

/// Bytes of the state of `count` chains.
std::uint64_t state_size(const KernelShape& shape, std::uint64_t count);
/// Bytes of `slots` recorded draws of `count` chains, without gradients.
std::uint64_t record_size(const KernelShape& shape, std::uint64_t count, std::uint64_t slots);

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
