#pragma once

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "c_src/nuts/fixture.h"
#include "nuts/reference_nuts.h"

/// The rungs that a sampler has to pass, as functions of a kernel: used on the kernels that ship (ladder_test.cpp) and,
/// by mutants_test.cpp, on broken ones.
namespace drey::nuts::ladder {

/// A false alarm of all tests of this folder together, the long ones too, has probability 1e-5: the report counts the
/// comparisons made, and there are fewer than this.
inline constexpr double kFamilyWise = 1e-5, kComparisons = 4000;
inline constexpr double kLeastP = kFamilyWise / kComparisons;

/// The least of some p-values, and of what it is.
struct Verdict {
  double p = 1;
  int comparisons = 0;
  std::string worst;
  bool passed() const { return p > kLeastP; }
  void add(double value, const std::string& of) {
    ++comparisons;
    if (value < p || std::isnan(value)) p = std::isnan(value) ? 0 : value, worst = of;
  }
};

/// How the kernel is run: nothing of it may show in the draws' law, and `budget` not even in the draws.
struct Way {
  int depth_cap = 10;
  std::uint64_t budget = 0;  ///< ticks after which a dispatch is cut; 0: as the sampler likes
};

inline double two_sided_t(double t, double freedom) {
  if (!std::isfinite(t)) return 0;
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(freedom), std::abs(t)));
}

/// Of counts that should all be alike.
inline double uniform_p(const std::vector<double>& counts) {
  double total = 0, chi2 = 0;
  for (const double n : counts) total += n;
  const double expected = total / static_cast<double>(counts.size());
  for (const double n : counts) chi2 += (n - expected) * (n - expected) / expected;
  return boost::math::cdf(
      boost::math::complement(boost::math::chi_squared(static_cast<double>(counts.size() - 1)), chi2));
}

/// A function of a point whose expectation under the target is known.
struct Moment {
  std::string name;
  std::function<double(const std::vector<double>&)> of;
  double truth;
};

/// Means, variances and neighbours' covariances of independent normals (targets.h).
inline std::vector<Moment> moments_of_normals(std::uint64_t dimension) {
  std::vector<Moment> moments;
  for (std::uint64_t d = 0; d < dimension; ++d) {
    const auto mean = static_cast<double>(d), sd = 1 + 0.5 * static_cast<double>(d);
    const auto at = [=](const std::vector<double>& q) { return (q[d] - mean) / sd; };
    moments.push_back({"mean " + std::to_string(d), at, 0});
    moments.push_back({"variance " + std::to_string(d), [=](const auto& q) { return at(q) * at(q); }, 1});
    if (d > 0)
      moments.push_back({"covariance " + std::to_string(d),
                         [=](const auto& q) { return at(q) * (q[d - 1] - mean + 1) / (sd - 0.5); }, 0});
  }
  return moments;
}

/// Of correlated_target().
inline std::vector<Moment> moments_of_correlated() {
  std::vector<Moment> moments;
  for (int d = 0; d < 2; ++d) {
    moments.push_back({"mean", [d](const auto& q) { return q[d]; }, 0});
    moments.push_back({"variance", [d](const auto& q) { return q[d] * q[d]; }, 1});
  }
  moments.push_back({"covariance", [](const auto& q) { return q[0] * q[1]; }, 0.95});
  moments.push_back({"fourth moment", [](const auto& q) { return std::pow(q[0], 4); }, 3});
  return moments;
}

/// Rung 6: moments estimated by independent chains against the truth, each by a t-test over the chains; chains start
/// at `start` and drop the first `dropped` draws.
inline Verdict moments(ChainKernel& kernel, const std::vector<double>& start, double step_size,
                       const std::vector<double>& scale, const std::vector<Moment>& moments,
                       std::uint64_t chains_count, std::uint32_t draws, std::uint32_t dropped,
                       const Way& way = {}) {
  Chains chains(kernel, chains_count, draws, false);
  std::vector<double> starts;
  for (std::uint64_t c = 0; c < chains_count; ++c) starts.insert(starts.end(), start.begin(), start.end());
  chains.start_at(starts);
  chains.set_scale(scale);
  RunOptions run;
  run.seed = 2024;
  run.limit = draws;
  run.step_size = step_size;
  run.depth_cap = way.depth_cap;
  run.budget = way.budget;
  chains.run(run);
  const auto record = chains.record(draws);
  std::vector<double> q(start.size());
  std::vector<std::vector<double>> estimates(moments.size(), std::vector<double>(chains_count));
  for (std::uint64_t c = 0; c < chains_count; ++c)
    for (std::uint64_t s = dropped; s < draws; ++s) {
      for (std::size_t d = 0; d < q.size(); ++d) q[d] = record.point(s, c, d);
      for (std::size_t m = 0; m < moments.size(); ++m)
        estimates[m][c] += moments[m].of(q) / (draws - dropped);
    }
  Verdict verdict;
  for (std::size_t m = 0; m < moments.size(); ++m)
    verdict.add(two_sided_t(z_score(estimates[m], moments[m].truth), static_cast<double>(chains_count - 1)),
                moments[m].name);
  return verdict;
}

/// An exact draw of normals_target(dimension).
inline std::function<std::vector<double>(std::mt19937_64&)> exact_normals(std::uint64_t dimension) {
  return [dimension](std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    std::vector<double> q(dimension);
    for (std::uint64_t d = 0; d < dimension; ++d)
      q[d] = static_cast<double>(d) + (1 + 0.5 * static_cast<double>(d)) * normal(random);
    return q;
  };
}

/// Rung 7: the exact rank test of Gandy and Scott (2020), "Unit testing for MCMC": each replicate begins at
/// an exact draw of the target, which stands at a random place of a sequence of `length` states made by
/// running the reversible sampler both ways. Its rank in the sequence is uniform, whatever the mixing. Ranked are the
/// coordinates, their distances from the mean (which is the coordinate's number, as in normals_target), the products of
/// neighbours, and the log density that `host` gives. \param exact draws a point of the target
inline Verdict ranks(ChainKernel& kernel, const Target& target, double step_size,
                     const std::vector<double>& scale,
                     const std::function<std::vector<double>(std::mt19937_64&)>& exact,
                     std::uint64_t replicates, std::uint32_t length, const Way& way = {}) {
  std::mt19937_64 random(7);
  const std::uint64_t count = 2 * replicates, dimension = scale.size();
  std::vector<double> starts;
  for (std::uint64_t r = 0; r < replicates; ++r) {
    // In the device's precision, as the record has it.
    auto q = exact(random);
    if (!kernel.shape.f64)
      for (double& x : q) x = static_cast<double>(static_cast<float>(x));
    for (int one_way = 0; one_way < 2; ++one_way) starts.insert(starts.end(), q.begin(), q.end());
  }
  Chains chains(kernel, count, length, false);
  chains.start_at(starts);
  chains.set_scale(scale);
  RunOptions run;
  run.seed = 77;
  run.limit = length - 1;
  run.step_size = step_size;
  run.depth_cap = way.depth_cap;
  run.budget = way.budget;
  chains.run(run);
  const auto record = chains.record(length - 1);

  struct Quantity {
    std::string name;
    std::function<double(const std::vector<double>&)> of;
  };
  std::vector<Quantity> quantities;
  for (std::uint64_t d = 0; d < dimension; ++d) {
    const std::string n = std::to_string(d);
    const auto at = [d](const std::vector<double>& q) { return q[d] - static_cast<double>(d); };
    quantities.push_back({"coordinate " + n, at});
    quantities.push_back({"distance " + n, [at](const auto& q) { return std::abs(at(q)); }});
    if (d)
      quantities.push_back({"product " + n, [at, d](const auto& q) {
                              return at(q) * (q[d - 1] - static_cast<double>(d - 1));
                            }});
  }
  quantities.push_back({"log density", [&](const auto& q) {
                          std::vector<double> gradient(q.size());
                          return target.host(q, gradient);
                        }});
  std::vector<std::vector<double>> bins(quantities.size(), std::vector<double>(length));
  std::uniform_int_distribution<std::uint32_t> place(0, length - 1);
  std::vector<double> q(dimension), own(quantities.size());
  std::vector<std::uint32_t> below(quantities.size()), equal(quantities.size());
  for (std::uint64_t r = 0; r < replicates; ++r) {
    const std::uint32_t back = place(random);
    std::copy_n(starts.begin() + static_cast<std::ptrdiff_t>(2 * r * dimension), dimension, q.begin());
    for (std::size_t f = 0; f < quantities.size(); ++f) own[f] = quantities[f].of(q);
    std::fill(below.begin(), below.end(), 0u);
    std::fill(equal.begin(), equal.end(), 0u);
    for (std::uint32_t i = 0; i < length - 1; ++i) {
      const std::uint64_t chain = i < back ? 2 * r : 2 * r + 1, slot = i < back ? i : i - back;
      for (std::size_t d = 0; d < dimension; ++d) q[d] = record.point(slot, chain, d);
      for (std::size_t f = 0; f < quantities.size(); ++f) {
        const double other = quantities[f].of(q);
        below[f] += other < own[f];
        equal[f] += other == own[f];
      }
    }
    // Ties (a chain that did not move) are broken at random.
    for (std::size_t f = 0; f < quantities.size(); ++f)
      bins[f][below[f] + std::uniform_int_distribution<std::uint32_t>(0, equal[f])(random)] += 1;
  }
  Verdict verdict;
  for (std::size_t f = 0; f < quantities.size(); ++f) verdict.add(uniform_p(bins[f]), quantities[f].name);
  return verdict;
}

/// Rung 4: the share of a kernel's transitions that are not those of the recursive sampler from the same points (another
/// depth, another number of leapfrogs, another selected leaf) or whose log density is not that of their point. None is
/// allowed in f64; in f32 one of a thousand, for ties at rounding.
/// \param start of every coordinate
inline double wrong_trees(ChainKernel& kernel, const Target& target, double step_size,
                          const std::vector<double>& scale, double start, std::uint64_t count,
                          std::uint32_t draws, const Way& way = {}) {
  Chains chains(kernel, count, draws, true);
  chains.start_at(std::vector<double>(count * target.dimension, start));
  chains.set_scale(scale);
  RunOptions run;
  run.seed = 31;
  run.limit = draws;
  run.step_size = step_size;
  run.depth_cap = way.depth_cap;
  run.budget = way.budget;
  chains.run(run);
  const auto record = chains.record(draws);
  const bool f64 = kernel.shape.f64;
  ReferenceOptions options;
  options.seed = run.seed;
  options.max_depth = way.depth_cap;
  // The step size and metric as the kernel has them.
  options.step_size = f64 ? step_size : static_cast<double>(static_cast<float>(step_size));
  options.scale = scale;
  if (!f64)
    for (double& x : options.scale) x = static_cast<double>(static_cast<float>(x));
  const double point_error = f64 ? 1e-6 : 1e-3, lp_error = f64 ? 1e-8 : 3e-6;
  std::vector<double> g(target.dimension);
  std::uint64_t wrong = 0;
  for (std::uint64_t c = 0; c < count; ++c) {
    options.chain = c;
    std::vector<double> q(target.dimension, start);
    for (std::uint32_t i = 0; i < draws; ++i) {
      const auto expected = reference_transition(target.host, options, i, q);
      bool right = record.word(i, 0, c) == static_cast<std::uint32_t>(expected.depth) &&
                   record.word(i, 1, c) == static_cast<std::uint32_t>(expected.leapfrogs);
      for (std::size_t d = 0; d < q.size(); ++d) {
        q[d] = record.point(i, c, d);
        right = right && std::abs(q[d] - expected.point[d]) < point_error * (1 + std::abs(q[d]));
      }
      right =
          right && std::abs(record.lp(i, c) - target.host(q, g)) < lp_error * (1 + std::abs(record.lp(i, c)));
      wrong += !right;
    }
  }
  return static_cast<double>(wrong) / static_cast<double>(count * draws);
}

}  // namespace drey::nuts::ladder
