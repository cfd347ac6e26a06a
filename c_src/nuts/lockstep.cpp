#include "nuts/lockstep.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nuts/mapping.h"
#include "nuts/pace.h"

namespace drey::nuts {
namespace {

/// Operations of a round beside its ticks, and those of a slot. From timings of hierarchies of 2 to 10 dimensions on a
/// software device.
constexpr double kRoundFixed = 6000, kRoundSlot = 400;

/// Lanes whose chains wait for one another. More of them wait hardly longer.
constexpr int kLanes = 8;
/// Leapfrogs of a block of leaves, after which a chain may wait for the round's end.
constexpr std::uint32_t kBlock = 4;

double cost_in_rounds_of(std::uint32_t ticks, std::span<const std::uint32_t> leapfrogs, double round) {
  // How many of the rounds have so many leapfrogs of a chain. A trajectory's first round has a block's but one leaf less.
  std::vector<double> rounds(ticks + 1);
  double all = 0;
  for (const std::uint32_t n : leapfrogs) {
    const std::uint32_t first = std::min(n, ticks - 1), rest = n - first;
    rounds[first] += 1;
    rounds[kBlock] += rest / kBlock;
    if (rest % kBlock) rounds[rest % kBlock] += 1;
    all += 1 + (rest + kBlock - 1) / kBlock;
  }
  // Of the lanes' rounds the longest: E[max] is the sum over t of P(max > t).
  double longest = 0, up_to = 0;
  for (std::uint32_t t = 0; t < ticks; ++t) {
    up_to += rounds[t];
    longest += 1 - std::pow(up_to / all, kLanes);
  }
  return all / static_cast<double>(leapfrogs.size()) * (round + longest);
}

}  // namespace

double round_cost(const KernelShape& shape, std::uint64_t operations) {
  if (shape.lanes) return 0;
  return (kRoundFixed + kRoundSlot * static_cast<double>(slots_held(shape))) /
         (static_cast<double>(operations) + tick_operations(shape));
}

double lockstep_cost(std::span<const std::uint32_t> leapfrogs, double round) {
  if (leapfrogs.empty()) return 0;
  double least = std::numeric_limits<double>::infinity();
  for (const std::uint32_t ticks : Pace::kCandidates)
    least = std::min(least, cost_in_rounds_of(ticks, leapfrogs, round));
  return least;
}

std::vector<double> pooled_variances(const Chains::Record& record, std::uint64_t slots,
                                     std::uint64_t chains) {
  std::vector<double> variances(record.dimension);
  const auto n = static_cast<double>(slots * chains);
  for (std::uint64_t d = 0; d < record.dimension; ++d) {
    double mean = 0, squares = 0;
    for (std::uint64_t s = 0; s < slots; ++s)
      for (std::uint64_t c = 0; c < chains; ++c) mean += record.point(s, c, d) / n;
    for (std::uint64_t s = 0; s < slots; ++s)
      for (std::uint64_t c = 0; c < chains; ++c) squares += std::pow(record.point(s, c, d) - mean, 2);
    variances[d] = n > 1 ? squares / (n - 1) : 0;
  }
  return variances;
}

double mean_square_jump(const Chains::Record& record, std::uint64_t slots, std::uint64_t chains,
                        std::span<const double> variances) {
  double sum = 0;
  std::uint64_t counted = 0;
  for (std::uint64_t d = 0; d < record.dimension; ++d) {
    if (!(variances[d] > 0) || !std::isfinite(variances[d])) continue;
    ++counted;
    double squares = 0;
    for (std::uint64_t s = 0; s + 1 < slots; ++s)
      for (std::uint64_t c = 0; c < chains; ++c)
        squares += std::pow(record.point(s + 1, c, d) - record.point(s, c, d), 2);
    sum += squares / (2 * variances[d]);
  }
  return counted && slots > 1 ? sum / static_cast<double>(counted * (slots - 1) * chains) : 0;
}

}  // namespace drey::nuts
