#include "nuts/philox.h"

#include <cmath>
#include <numbers>

namespace drey::nuts {

Words philox(Words c, std::uint64_t key) {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

Words counter(std::uint32_t index, std::uint32_t iteration, std::uint64_t chain, Purpose purpose,
              Phase phase) {
  return {index, iteration, static_cast<std::uint32_t>(chain),
          static_cast<std::uint32_t>(chain >> 32) << 8 | static_cast<std::uint32_t>(phase) << 4 |
              static_cast<std::uint32_t>(purpose)};
}

void dispersed_start(std::span<double> position, std::uint64_t seed, std::uint64_t chain, Phase phase,
                     std::uint32_t attempt) {
  const auto blocks = static_cast<std::uint32_t>((position.size() + 3) / 4);
  Words words{};
  for (std::size_t d = 0; d < position.size(); ++d) {
    if (d % 4 == 0)
      words = philox(
          counter(attempt * blocks + static_cast<std::uint32_t>(d / 4), 0, chain, Purpose::Start, phase),
          seed);
    position[d] = 4 * uniform(words[d % 4]) - 2;
  }
}

std::array<double, 2> normals(std::uint32_t a, std::uint32_t b) {
  const double radius = std::sqrt(-2 * std::log(uniform(a))), angle = 2 * std::numbers::pi * uniform(b);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace drey::nuts
