#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cnode/bytes.h"

/// Proof of the cookie: challenges and their digests.
namespace drey::cnode {

using Digest = std::array<std::uint8_t, 16>;

/// MD5(cookie followed by the challenge in decimal), as every Erlang node computes it.
Digest digest(std::string_view cookie, std::uint32_t challenge);

/// Equality in a time that does not depend on the bytes; false when the lengths differ.
bool equal_in_constant_time(View a, View b);

/// 32 bits from the system's cryptographic generator.
/// \throws Error{no_randomness}
std::uint32_t random_u32();

}  // namespace drey::cnode
