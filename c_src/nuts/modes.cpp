#include "nuts/modes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace drey::nuts {
namespace {

/// A chain that others are compared with accepts at least so much: what one that hangs sees is not a mode.
constexpr double kLeastAccept = 0.3;
/// A mode is left where fewer than one of so many jobs would have a chain in it.
constexpr double kJobs = 100;
/// Monte Carlo errors of two masses, in standard deviations of the log density within a chain.
constexpr double kErrors = 3;

struct Moments {
  double mean = 0, variance = 0;
};

template <typename Value>
Moments moments(std::uint64_t slots, const Value& value) {
  Moments result;
  const auto n = static_cast<double>(slots);
  for (std::uint64_t s = 0; s < slots; ++s) result.mean += value(s) / n;
  for (std::uint64_t s = 0; s < slots; ++s) result.variance += std::pow(value(s) - result.mean, 2) / n;
  return result;
}

}  // namespace

std::vector<double> log_masses(const Chains::Record& record, std::uint64_t slots, std::uint64_t chains) {
  std::vector<double> masses(chains);
  for (std::uint64_t c = 0; c < chains; ++c) {
    double mass = moments(slots, [&](std::uint64_t s) { return record.lp(s, c); }).mean;
    for (std::uint64_t d = 0; d < record.dimension; ++d) {
      const double points = moments(slots, [&](std::uint64_t s) { return record.point(s, c, d); }).variance;
      const double gradients =
          moments(slots, [&](std::uint64_t s) { return record.gradient(s, c, d); }).variance;
      // Half the log of a variance, and that is the root of a ratio. A gradient without spread (a flat or linear
      // direction) says nothing of the width.
      mass += gradients > 0 ? 0.25 * std::log(points / gradients) : 0.5 * std::log(points);
    }
    masses[c] = std::isfinite(mass) ? mass : -std::numeric_limits<double>::infinity();
  }
  return masses;
}

std::vector<std::uint64_t> massless_chains(const Chains::Record& record, std::uint64_t slots,
                                           const std::vector<double>& log_masses) {
  const std::uint64_t chains = log_masses.size();
  double most = -std::numeric_limits<double>::infinity();
  std::vector<double> spreads;
  for (std::uint64_t c = 0; c < chains; ++c) {
    if (!(moments(slots, [&](std::uint64_t s) { return record.accept(s, c); }).mean >= kLeastAccept))
      continue;
    most = std::max(most, log_masses[c]);
    spreads.push_back(std::sqrt(moments(slots, [&](std::uint64_t s) { return record.lp(s, c); }).variance));
  }
  if (!std::isfinite(most)) return {};
  const auto middle = spreads.begin() + static_cast<std::ptrdiff_t>(spreads.size() / 2);
  std::nth_element(spreads.begin(), middle, spreads.end());
  // The log density of a normal's draws spreads by sqrt(D / 2).
  const double error = kErrors * std::max(*middle, std::sqrt(0.5 * static_cast<double>(record.dimension)));
  const double reach = std::log(kJobs * static_cast<double>(chains)) + error;
  std::vector<std::uint64_t> massless;
  for (std::uint64_t c = 0; c < chains; ++c)
    if (!(log_masses[c] >= most - reach)) massless.push_back(c);
  return massless;
}

}  // namespace drey::nuts
