#include "stats/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/chains.h"
#include "stats/convergence.h"

namespace drey::stats {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

Chains whole(std::vector<double> values, std::uint64_t chains) {
  const std::uint64_t length = values.size() / chains;
  return {std::move(values), chains, length};
}

/// min and max that keep NaN.
double least(double a, double b) { return std::isnan(a) || std::isnan(b) ? undefined : std::min(a, b); }
double most(double a, double b) { return std::isnan(a) || std::isnan(b) ? undefined : std::max(a, b); }

}  // namespace

Row summarize(std::string name, std::span<const double> draws, std::uint64_t chains,
              std::span<const std::uint32_t> superchain) {
  Row row{std::move(name), undefined, undefined, undefined, undefined,
          undefined,       undefined, undefined, undefined, undefined};
  const bool finite = std::ranges::all_of(draws, [](double x) { return std::isfinite(x); });
  if (draws.empty() || chains == 0 || draws.size() % chains != 0 || !finite) return row;

  const double count = static_cast<double>(draws.size());
  // Around the first value, so that equal draws have their value as mean; divided first, so that nothing
  // overflows.
  double sum = 0;
  for (const double x : draws) sum += x / count - draws.front() / count;
  row.mean = draws.front() + sum;
  double squares = 0;
  for (const double x : draws) squares += (x - row.mean) * (x - row.mean);
  row.sd = draws.size() > 1 ? std::sqrt(squares / (count - 1.0)) : undefined;
  const Order order(draws);
  row.q5 = order.quantile(0.05);
  row.median = order.quantile(0.5);
  row.q95 = order.quantile(0.95);
  if (!has_spread(draws)) return row;

  const std::uint64_t length = draws.size() / chains;
  const bool brief = many_short(chains, length);
  const auto indicator = [&](double bound) {
    std::vector<double> below(draws.size());
    for (std::size_t i = 0; i < draws.size(); ++i) below[i] = draws[i] <= bound ? 1.0 : 0.0;
    return below;
  };
  if (brief) {
    const auto ess = [&](std::vector<double> values) {
      return across_chain_ess(whole(std::move(values), chains));
    };
    const std::vector<double> scores = order.scores(), folded = order.folded_scores(row.median);
    row.mcse = row.sd / std::sqrt(ess({draws.begin(), draws.end()}));
    row.ess_bulk = ess(scores);
    row.ess_tail = least(ess(indicator(row.q5)), ess(indicator(row.q95)));
    row.rhat = superchain.size() == chains
                   ? most(nested_rhat(scores, superchain), nested_rhat(folded, superchain))
                   : most(basic_rhat(whole(scores, chains)), basic_rhat(whole(folded, chains)));
    return row;
  }

  const auto ess = [&](const std::vector<double>& values) { return basic_ess(split(values, chains)); };
  row.mcse = row.sd / std::sqrt(basic_ess(split(draws, chains)));
  row.ess_tail = least(ess(indicator(row.q5)), ess(indicator(row.q95)));
  // Ranks are among the draws that are compared. An even number of draws a chain is split in place; of an odd
  // number the middle draws are dropped first.
  Chains halves = split(draws, chains);
  const Order dropped(halves.values.size() == draws.size() ? std::span<const double>() : halves.values);
  const Order& compared = halves.values.size() == draws.size() ? order : dropped;
  halves.values = compared.folded_scores(row.median);
  const double tail = basic_rhat(halves);
  halves.values = compared.scores();
  row.rhat = most(basic_rhat(halves), tail);
  row.ess_bulk = basic_ess(halves);
  return row;
}

Row summarize(std::string name, std::span<const double> draws, std::uint64_t chains) {
  return summarize(std::move(name), draws, chains, {});
}

}  // namespace drey::stats
