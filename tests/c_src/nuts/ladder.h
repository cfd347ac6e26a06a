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

/// The rungs that a sampler has to pass, as functions of a kernel: used on the kernel that ships and, by
/// mutants_test.cpp, on broken ones.
namespace drey::nuts::ladder {

/// A false alarm of all tests of this folder together has probability 1e-5; none makes more than a hundred
/// comparisons of this size.
inline constexpr double kFamilyWise = 1e-5, kComparisons = 1000;
inline constexpr double kLeastP = kFamilyWise / kComparisons;

inline double two_sided_t(double t, double freedom) {
  if (!std::isfinite(t)) return 0;
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(freedom), std::abs(t)));
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

/// Rung 6: the least p-value of moments estimated by independent chains against the truth; chains start at
/// `start` and drop the first `dropped` draws.
inline double moments_p(ChainKernel& kernel, const std::vector<double>& start, double step_size,
                        const std::vector<double>& scale, const std::vector<Moment>& moments,
                        std::uint64_t chains_count, std::uint32_t draws, std::uint32_t dropped,
                        std::string* worst = nullptr) {
  Chains chains(kernel, chains_count, draws, false);
  std::vector<double> starts;
  for (std::uint64_t c = 0; c < chains_count; ++c) starts.insert(starts.end(), start.begin(), start.end());
  chains.start_at(starts);
  chains.set_scale(scale);
  RunOptions run;
  run.seed = 2024;
  run.limit = draws;
  run.step_size = step_size;
  chains.run(run);
  const auto record = chains.record(draws);
  double least = 1;
  std::vector<double> q(start.size());
  std::vector<std::vector<double>> estimates(moments.size(), std::vector<double>(chains_count));
  for (std::uint64_t c = 0; c < chains_count; ++c)
    for (std::uint64_t s = dropped; s < draws; ++s) {
      for (std::size_t d = 0; d < q.size(); ++d) q[d] = record.point(s, c, d);
      for (std::size_t m = 0; m < moments.size(); ++m)
        estimates[m][c] += moments[m].of(q) / (draws - dropped);
    }
  for (std::size_t m = 0; m < moments.size(); ++m) {
    const double p =
        two_sided_t(z_score(estimates[m], moments[m].truth), static_cast<double>(chains_count - 1));
    if (p < least) {
      least = p;
      if (worst) *worst = moments[m].name;
    }
  }
  return least;
}

/// Rung 7: the exact rank test of Gandy and Scott (2020), "Unit testing for MCMC": each replicate begins at
/// an exact draw of the target, which stands at a random place of a sequence of `length` states made by
/// running the reversible sampler both ways. Its rank in the sequence is uniform, whatever the mixing. \param
/// exact draws a point of the target \returns the least p-value of chi-squared tests of the ranks of every
/// coordinate and of their squares
inline double rank_p(ChainKernel& kernel, double step_size, const std::vector<double>& scale,
                     const std::function<std::vector<double>(std::mt19937_64&)>& exact,
                     std::uint64_t replicates, std::uint32_t length, int max_depth = 10) {
  std::mt19937_64 random(7);
  const std::uint64_t count = 2 * replicates, dimension = scale.size();
  std::vector<double> starts;
  for (std::uint64_t r = 0; r < replicates; ++r) {
    const auto q = exact(random);
    for (int way = 0; way < 2; ++way) starts.insert(starts.end(), q.begin(), q.end());
  }
  Chains chains(kernel, count, length, false);
  chains.start_at(starts);
  chains.set_scale(scale);
  RunOptions run;
  run.seed = 77;
  run.limit = length - 1;
  run.step_size = step_size;
  run.depth_cap = max_depth;
  chains.run(run);
  const auto record = chains.record(length - 1);
  std::vector<std::vector<double>> bins(2 * dimension, std::vector<double>(length));
  std::uniform_int_distribution<std::uint32_t> place(0, length - 1);
  for (std::uint64_t r = 0; r < replicates; ++r) {
    const std::uint32_t back = place(random);
    for (std::uint64_t f = 0; f < 2 * dimension; ++f) {
      const std::uint64_t d = f / 2;
      const auto test = [&](double x) { return f % 2 ? std::abs(x - static_cast<double>(d)) : x; };
      // In the device's precision, as the record has it.
      const double start = kernel.shape.f64
                               ? starts[2 * r * dimension + d]
                               : static_cast<double>(static_cast<float>(starts[2 * r * dimension + d]));
      const double own = test(start);
      std::uint32_t below = 0, equal = 0;
      for (std::uint32_t i = 0; i < length - 1; ++i) {
        const double other =
            test(i < back ? record.point(i, 2 * r, d) : record.point(i - back, 2 * r + 1, d));
        below += other < own;
        equal += other == own;
      }
      // Ties (a chain that did not move) are broken at random.
      bins[f][below + std::uniform_int_distribution<std::uint32_t>(0, equal)(random)] += 1;
    }
  }
  double least = 1;
  const double expected = static_cast<double>(replicates) / length;
  for (const auto& counts : bins) {
    double chi2 = 0;
    for (const double n : counts) chi2 += (n - expected) * (n - expected) / expected;
    least = std::min(least, boost::math::cdf(boost::math::complement(
                                boost::math::chi_squared(static_cast<double>(length - 1)), chi2)));
  }
  return least;
}

/// Rung 4: whether transitions of an f64 kernel are those of the recursive sampler, from the same points.
inline bool trees_match(ChainKernel& kernel, const Target& target, double step_size, std::uint64_t count,
                        std::uint32_t draws) {
  Chains chains(kernel, count, draws, true);
  const std::vector<double> start(count * target.dimension, 0.125), scale(target.dimension, 1.0);
  chains.start_at(start);
  chains.set_scale(scale);
  RunOptions run;
  run.seed = 31;
  run.limit = draws;
  run.step_size = step_size;
  chains.run(run);
  const auto record = chains.record(draws);
  ReferenceOptions options;
  options.seed = run.seed;
  options.step_size = step_size;
  options.scale = scale;
  std::vector<double> g(target.dimension);
  for (std::uint64_t c = 0; c < count; ++c) {
    options.chain = c;
    std::vector<double> q(target.dimension, 0.125);
    for (std::uint32_t i = 0; i < draws; ++i) {
      const auto expected = reference_transition(target.host, options, i, q);
      if (record.word(i, 0, c) != static_cast<std::uint32_t>(expected.depth) ||
          record.word(i, 1, c) != static_cast<std::uint32_t>(expected.leapfrogs))
        return false;
      for (std::size_t d = 0; d < q.size(); ++d) {
        q[d] = record.point(i, c, d);
        if (!(std::abs(q[d] - expected.point[d]) < 1e-6 * (1 + std::abs(q[d])))) return false;
      }
      if (!(std::abs(record.lp(i, c) - target.host(q, g)) < 1e-8 * (1 + std::abs(record.lp(i, c)))))
        return false;
    }
  }
  return true;
}

}  // namespace drey::nuts::ladder
