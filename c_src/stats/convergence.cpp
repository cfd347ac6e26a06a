#include "stats/convergence.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <vector>

#include "stats/fft.h"

namespace drey::stats {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

double mean(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}

/// With the divisor size - 1.
double variance(std::span<const double> x) {
  const double m = mean(x);
  double sum = 0;
  for (const double v : x) sum += (v - m) * (v - m);
  return sum / (static_cast<double>(x.size()) - 1.0);
}

/// The autocovariance at each lag (divisor n), averaged over chains. A chain that mixes well needs few lags,
/// which are summed directly; the first lag beyond those computes them all by FFT.
class MeanAutocovariance {
 public:
  explicit MeanAutocovariance(const Chains& chains) : chains_(chains.chains), draws_(chains.draws) {
    centred_.reserve(chains.values.size());
    for (std::uint64_t c = 0; c < chains_; ++c) {
      const auto chain = chains.chain(c);
      means_.push_back(mean(chain));
      for (const double v : chain) centred_.push_back(v - means_.back());
    }
  }

  const std::vector<double>& chain_means() const { return means_; }

  double operator[](std::size_t lag) {
    if (lag >= direct && all_.empty()) transform();
    if (lag < all_.size()) return all_[lag];
    while (few_.size() <= lag) few_.push_back(sum(few_.size()));
    return few_[lag];
  }

 private:
  static constexpr std::size_t direct = 16;

  double sum(std::size_t lag) const {
    double total = 0;
    for (std::uint64_t c = 0; c < chains_; ++c) {
      const double* x = centred_.data() + c * draws_;
      // Four sums, so that the additions need not wait for one another.
      double part[4] = {};
      const std::size_t count = draws_ - lag;
      std::size_t t = 0;
      for (; t + 4 <= count; t += 4)
        for (std::size_t k = 0; k < 4; ++k) part[k] += x[t + k] * x[t + k + lag];
      for (; t < count; ++t) part[0] += x[t] * x[t + lag];
      total += part[0] + part[1] + (part[2] + part[3]);
    }
    return total / static_cast<double>(draws_ * chains_);
  }

  /// Two chains a transform, as real and imaginary part: the real part of the inverse of |Z|^2 is the sum of
  /// both autocovariances; and one inverse for all chains, since only their sum is asked for.
  void transform() {
    const Fft fft(std::bit_ceil(2 * draws_));
    std::vector<double> power(fft.size());
    std::vector<std::complex<double>> z(fft.size());
    for (std::uint64_t c = 0; c < chains_; c += 2) {
      std::ranges::fill(z, 0.0);
      for (std::uint64_t t = 0; t < draws_; ++t)
        z[t] = {centred_[c * draws_ + t], c + 1 < chains_ ? centred_[(c + 1) * draws_ + t] : 0.0};
      fft.forward(z);
      // Spelled out: std::norm goes by way of hypot.
      for (std::size_t k = 0; k < z.size(); ++k)
        power[k] += z[k].real() * z[k].real() + z[k].imag() * z[k].imag();
    }
    for (std::size_t k = 0; k < z.size(); ++k) z[k] = power[k];
    fft.forward(z);
    all_.resize(draws_);
    const double scale = 1.0 / (static_cast<double>(fft.size()) * static_cast<double>(draws_ * chains_));
    for (std::uint64_t t = 0; t < draws_; ++t) all_[t] = z[t].real() * scale;
  }

  std::uint64_t chains_, draws_;
  std::vector<double> centred_, means_, few_, all_;
};

double bounded(double ess, double total) { return std::min(ess, total * std::log10(total)); }

}  // namespace

double basic_rhat(const Chains& chains) {
  if (chains.draws < 2 || chains.chains < 2 || !has_spread(chains.values)) return undefined;
  std::vector<double> means;
  double within = 0;
  for (std::uint64_t c = 0; c < chains.chains; ++c) {
    means.push_back(mean(chains.chain(c)));
    within += variance(chains.chain(c));
  }
  within /= static_cast<double>(chains.chains);
  const double n = static_cast<double>(chains.draws);
  return std::sqrt((n * variance(means) / within + n - 1.0) / n);
}

double basic_ess(const Chains& chains) {
  if (chains.draws < 3 || !has_spread(chains.values)) return undefined;
  const double n = static_cast<double>(chains.draws);
  MeanAutocovariance acov(chains);
  const double mean_var = acov[0] * n / (n - 1.0);
  double var_plus = mean_var * (n - 1.0) / n;
  if (chains.chains > 1) var_plus += variance(acov.chain_means());
  const auto rho = [&](std::size_t lag) { return 1.0 - (mean_var - acov[lag]) / var_plus; };

  // Geyer's initial positive sequence of pair sums.
  std::vector<double> rho_hat(chains.draws + 1, 0.0);
  double even = 1.0, odd = rho(1);
  rho_hat[0] = even;
  rho_hat[1] = odd;
  std::size_t t = 0;
  while (t + 5 < chains.draws && even + odd > 0) {
    t += 2;
    even = rho(t);
    odd = rho(t + 1);
    if (even + odd >= 0) {
      rho_hat[t] = even;
      rho_hat[t + 1] = odd;
    }
  }
  const std::size_t last = t;
  if (even > 0) rho_hat[last] = even;
  // Initial monotone sequence.
  for (t = 2; t + 2 <= last; t += 2) {
    if (rho_hat[t] + rho_hat[t + 1] > rho_hat[t - 2] + rho_hat[t - 1]) {
      rho_hat[t] = 0.5 * (rho_hat[t - 2] + rho_hat[t - 1]);
      rho_hat[t + 1] = rho_hat[t];
    }
  }
  double sum = 0;
  // Without a second pair the first lag still counts.
  for (t = 0; t < std::max<std::size_t>(last, 1); ++t) sum += rho_hat[t];
  const double total = static_cast<double>(chains.chains) * n;
  const double tau = std::max(-1.0 + 2.0 * sum + rho_hat[last], 1.0 / std::log10(total));
  return total / tau;
}

double across_chain_ess(const Chains& chains) {
  if (chains.chains < 2 || chains.draws < 1 || !has_spread(chains.values)) return undefined;
  std::vector<double> means;
  for (std::uint64_t c = 0; c < chains.chains; ++c) means.push_back(mean(chains.chain(c)));
  const double error = variance(means) / static_cast<double>(chains.chains);
  return bounded(variance(chains.values) / error, static_cast<double>(chains.values.size()));
}

double nested_rhat(std::span<const double> draws, std::span<const std::uint32_t> superchain) {
  if (superchain.empty() || draws.size() < superchain.size() || !has_spread(draws)) return undefined;
  const std::size_t length = draws.size() / superchain.size();
  struct Group {
    std::vector<double> means;
    double within = 0;
  };
  std::map<std::uint32_t, Group> groups;
  for (std::size_t c = 0; c < superchain.size(); ++c) {
    const auto chain = draws.subspan(c * length, length);
    Group& group = groups[superchain[c]];
    group.means.push_back(mean(chain));
    group.within += length > 1 ? variance(chain) : 0.0;
  }
  std::vector<double> means;
  double within = 0;
  for (const auto& [id, group] : groups) {
    means.push_back(mean(group.means));
    within += (group.means.size() > 1 ? variance(group.means) : 0.0) +
              group.within / static_cast<double>(group.means.size());
  }
  if (means.size() < 2) return undefined;
  return std::sqrt(1.0 + variance(means) / (within / static_cast<double>(means.size())));
}

bool many_short(std::uint64_t chains, std::uint64_t draws) { return chains >= 32 && draws < 50; }

double ebfmi(std::span<const double> energy) {
  if (energy.size() < 2 || !has_spread(energy)) return undefined;
  double change = 0;
  for (std::size_t i = 1; i < energy.size(); ++i)
    change += (energy[i] - energy[i - 1]) * (energy[i] - energy[i - 1]);
  const double m = mean(energy);
  double spread = 0;
  for (const double e : energy) spread += (e - m) * (e - m);
  return change / spread;
}

}  // namespace drey::stats
