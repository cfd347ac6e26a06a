#include "stats/chains.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <utility>

#include <boost/math/special_functions/erf.hpp>

namespace drey::stats {

Chains split(std::span<const double> draws, std::uint64_t chains) {
  const std::uint64_t length = chains ? draws.size() / chains : 0;
  if (length < 2) return {{draws.begin(), draws.end()}, chains, length};
  const std::uint64_t half = length / 2;
  Chains result;
  result.chains = 2 * chains;
  result.draws = half;
  result.values.reserve(2 * chains * half);
  for (std::uint64_t c = 0; c < chains; ++c) {
    const auto chain = draws.subspan(c * length, length);
    const auto first = chain.first(half), last = chain.last(half);
    result.values.insert(result.values.end(), first.begin(), first.end());
    result.values.insert(result.values.end(), last.begin(), last.end());
  }
  return result;
}

bool has_spread(std::span<const double> draws) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double x : draws) {
    if (!std::isfinite(x)) return false;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  // The tolerance of the R package posterior.
  return !draws.empty() && high - low >= std::numeric_limits<double>::epsilon();
}

namespace {

double normal_score(double rank, double count) {
  const double p = (rank - 0.375) / (count + 0.25);
  return -std::numbers::sqrt2 * boost::math::erfc_inv(2.0 * p);
}

/// The scores of ranks 1 .. count. All scalars of a job have the same count, so the last table is kept.
std::shared_ptr<const std::vector<double>> score_table(std::size_t count) {
  thread_local std::shared_ptr<const std::vector<double>> kept;
  if (!kept || kept->size() != count) {
    auto table = std::make_shared<std::vector<double>>(count);
    for (std::size_t i = 0; i < (count + 1) / 2; ++i) {
      (*table)[i] = normal_score(static_cast<double>(i + 1), static_cast<double>(count));
      (*table)[count - 1 - i] = -(*table)[i];
    }
    if (count % 2 == 1) (*table)[count / 2] = 0.0;
    kept = std::move(table);
  }
  return kept;
}

/// Scores of values given in ascending order; writes the score of sorted[i] to out[index[i]].
std::vector<double> scores_of(std::span<const double> sorted, std::span<const std::uint32_t> index) {
  const std::size_t count = sorted.size();
  const auto table = score_table(count);
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count;) {
    std::size_t j = i + 1;
    while (j < count && sorted[j] == sorted[i]) ++j;
    // Positions i .. j-1 have ranks i+1 .. j, average (i + 1 + j) / 2.
    const double score = j == i + 1 ? (*table)[i]
                         : (i + j) % 2 == 1
                             ? (*table)[(i + j) / 2]
                             : normal_score(0.5 * static_cast<double>(i + 1 + j), static_cast<double>(count));
    for (; i < j; ++i) out[index[i]] = score;
  }
  return out;
}

/// Doubles as integers of the same order.
std::uint64_t sort_key(double value) {
  // Both zeros are one value.
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return bits >> 63 ? ~bits : bits | std::uint64_t{1} << 63;
}

double sort_value(std::uint64_t key) {
  return std::bit_cast<double>(key >> 63 ? key & ~(std::uint64_t{1} << 63) : ~key);
}

}  // namespace

Order::Order(std::span<const double> values) : sorted_(values.size()), index_(values.size()) {
  // Radix sort, 11 bits a pass: five times as fast as std::sort at the 64,000 draws of a usual scalar.
  struct Item {
    std::uint64_t key;
    std::uint32_t index;
  };
  constexpr int bits = 11, passes = 6;
  constexpr std::size_t buckets = std::size_t{1} << bits;
  std::vector<Item> items(values.size()), other(values.size());
  std::vector<std::array<std::uint32_t, buckets>> counts(passes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t key = sort_key(values[i]);
    items[i] = {key, static_cast<std::uint32_t>(i)};
    for (int pass = 0; pass < passes; ++pass)
      ++counts[static_cast<std::size_t>(pass)][key >> (bits * pass) & (buckets - 1)];
  }
  for (int pass = 0; pass < passes; ++pass) {
    auto& count = counts[static_cast<std::size_t>(pass)];
    if (std::ranges::any_of(count, [&](std::uint32_t n) { return n == values.size(); })) continue;
    std::uint32_t at = 0;
    for (std::uint32_t& n : count) at += std::exchange(n, at);
    for (const Item& item : items) other[count[item.key >> (bits * pass) & (buckets - 1)]++] = item;
    items.swap(other);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    sorted_[i] = sort_value(items[i].key);
    index_[i] = items[i].index;
  }
}

std::vector<double> Order::scores() const { return scores_of(sorted_, index_); }

std::vector<double> Order::folded_scores(double median) const {
  // Distances from it ascend to both sides of it: a merge sorts them.
  const std::size_t count = sorted_.size();
  std::vector<double> distance(count);
  std::vector<std::uint32_t> index(count);
  std::size_t right = static_cast<std::size_t>(std::ranges::lower_bound(sorted_, median) - sorted_.begin());
  std::size_t left = right;
  for (std::size_t i = 0; i < count; ++i) {
    const bool take_right =
        left == 0 || (right < count && sorted_[right] - median <= median - sorted_[left - 1]);
    const std::size_t from = take_right ? right++ : --left;
    distance[i] = std::fabs(sorted_[from] - median);
    index[i] = index_[from];
  }
  return scores_of(distance, index);
}

double Order::quantile(double p) const {
  if (sorted_.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double h = static_cast<double>(sorted_.size() - 1) * p;
  // R's guard against rounding just below a whole position.
  const double low = std::floor(h + 4 * std::numeric_limits<double>::epsilon());
  const auto i = static_cast<std::size_t>(low);
  const double fraction = h - low;
  if (i + 1 >= sorted_.size() || std::fabs(fraction) < 1e-12) return sorted_[std::min(i, sorted_.size() - 1)];
  return sorted_[i] + fraction * (sorted_[i + 1] - sorted_[i]);
}

}  // namespace drey::stats
