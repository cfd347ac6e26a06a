#pragma once

#include <array>
#include <cstdint>
#include <span>

/// The sampler's random numbers, on the host: bit for bit what shaders/philox.glsl computes on a device.
namespace drey::nuts {

using Words = std::array<std::uint32_t, 4>;

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): four words from a counter and a key of 64 bits.
Words philox(Words counter, std::uint64_t key);

/// What a random number is for. No two purposes share a counter.
enum class Purpose : std::uint8_t {
  Momentum = 0,   ///< index: block of four normals
  Direction = 1,  ///< index 0, word 0: bit j is the direction of the doubling at depth j
  Leaf = 2,       ///< number 2^depth + leaf: word number % 4 of index number / 4
  Merge = 3,      ///< number depth, likewise
  Start = 4,      ///< on the host alone: attempt * blocks + block of four coordinates
  Output = 5,     ///< number of the draw's Op::Random, likewise
  Approximation =
      6,  ///< on the host alone: block of four normals of a Pathfinder draw, the draw for iteration
};

enum class Phase : std::uint8_t { Sampling = 0, Warmup = 1 };

/// The counter of a chain's numbers. \param chain below 2^56
Words counter(std::uint32_t index, std::uint32_t iteration, std::uint64_t chain, Purpose purpose,
              Phase phase);

/// A uniform in (0, 1) from a word.
inline double uniform(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }

/// Tries of a dispersed start, until its density is finite.
inline constexpr std::uint32_t kStartAttempts = 100;

/// A place uniform on (-2, 2) in each coordinate: what try `attempt` of a dispersed start of a chain is.
void dispersed_start(std::span<double> position, std::uint64_t seed, std::uint64_t chain, Phase phase,
                     std::uint32_t attempt);

/// Two standard normals from two words (Box and Muller 1958).
std::array<double, 2> normals(std::uint32_t a, std::uint32_t b);

}  // namespace drey::nuts
