#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace drey::stats {

/// Draws of one scalar, [chain][draw], chains of equal length.
struct Chains {
  std::vector<double> values;
  std::uint64_t chains = 0;
  std::uint64_t draws = 0;  ///< a chain

  std::span<const double> chain(std::uint64_t i) const { return std::span(values).subspan(i * draws, draws); }
};

/// Each chain cut into halves, the middle draw dropped when their number is odd. One draw a chain stays one.
Chains split(std::span<const double> draws, std::uint64_t chains);

/// All draws finite, and not all the same.
bool has_spread(std::span<const double> draws);

/// The order of a sample, made once: ranks, normal scores and quantiles follow from it. Linear time.
class Order {
 public:
  /// \param values all finite
  explicit Order(std::span<const double> values);

  /// Normal scores Phi^-1((rank - 3/8) / (S + 1/4)), ties at their average rank, in the order of `values`.
  std::vector<double> scores() const;
  /// The normal scores of |value - median|.
  std::vector<double> folded_scores(double median) const;
  /// The sample quantile of type 7 (Hyndman and Fan 1996), R's default.
  double quantile(double p) const;

 private:
  std::vector<double> sorted_;
  std::vector<std::uint32_t> index_;  ///< sorted_[i] == values[index_[i]]
};

}  // namespace drey::stats
