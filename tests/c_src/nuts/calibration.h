#pragma once

#include "c_src/nuts/ladder.h"

/// Simulation-based calibration of a kernel: thousands of data sets in one dispatch.
namespace drey::nuts::ladder {

/// mu ~ normal(0, 1), tau ~ normal(1, 0.2) (positive: five of its sds), y[n] ~ normal(mu, tau), n = 1 .. 5; a point is
/// (mu, log tau), the log density has log tau for its Jacobian. Every chain has data of its own.
struct Calibration {
  static constexpr int kData = 5;
  Target target;
  std::vector<double> truth;  ///< [replicate][2]
  std::vector<double>
      starts;  ///< [replicate][2], from the prior, not from the truth, which must be forgotten
};

inline Calibration calibration(std::uint64_t replicates) {
  Calibration made;
  std::mt19937_64 random(12);
  std::normal_distribution<double> normal;
  const auto prior = [&] {
    double tau = 0;
    const double mu = normal(random);
    while (tau < 0.05) tau = 1 + 0.2 * normal(random);
    return std::pair(mu, std::log(tau));
  };
  for (std::uint64_t r = 0; r < replicates; ++r) {
    const auto [mu, s] = prior();
    made.truth.insert(made.truth.end(), {mu, s});
    for (int n = 0; n < Calibration::kData; ++n)
      made.target.data.push_back(mu + std::exp(s) * normal(random));
    const auto [start_mu, start_s] = prior();
    made.starts.insert(made.starts.end(), {start_mu, start_s});
  }
  made.target.name = "calibration";
  made.target.dimension = 2;
  made.target.trips = Calibration::kData;
  made.target.declarations =
      "layout(std430, set = 0, binding = 8) readonly buffer Data { real data_y[]; };\n";
  made.target.body = R"(
  const real mu = model_point[0], s = model_point[1], tau = nuts_exp(s), w = real(1.0) / (tau * tau);
  model_target = real(-0.5) * mu * mu;
  model_gradient[0] = -mu;
  model_target += real(-12.5) * (tau - real(1.0)) * (tau - real(1.0));
  model_gradient[1] = real(-25.0) * (tau - real(1.0)) * tau;
  model_target += s;
  model_gradient[1] += real(1.0);
  model_target -= real(5.0) * s;
  model_gradient[1] -= real(5.0);
  for (uint n = 0u; n < 5u; ++n) {
    const real r = data_y[CHAIN * 5u + n] - mu;
    model_target -= real(0.5) * r * r * w;
    model_gradient[0] += r * w;
    model_gradient[1] += r * r * w;
  }
)";
  return made;
}

/// Rung 7: ranks of the parameters among draws of the posterior given data from them (Talts et al. 2018; the log joint
/// density and log likelihood as well: Modrak et al. 2023).
inline Verdict calibrated(ChainKernel& kernel, const Calibration& cases, const Way& way = {}) {
  const std::uint64_t replicates = cases.truth.size() / 2;
  const std::uint32_t states = 31, thin = 4, dropped = 10, draws = dropped + states;
  Chains chains(kernel, replicates, draws, false);
  chains.start_at(cases.starts);
  chains.set_scale({{0.4, 0.25}});
  RunOptions run;
  run.seed = 3;
  run.thin = thin;
  run.limit = draws * thin;
  run.step_size = 0.4;
  run.depth_cap = way.depth_cap;
  run.budget = way.budget;
  chains.run(run);
  const auto record = chains.record(draws);
  const auto log_likelihood = [&](std::uint64_t r, double mu, double s) {
    double sum = -Calibration::kData * s;
    for (int n = 0; n < Calibration::kData; ++n)
      sum -= 0.5 * std::pow((cases.target.data[r * Calibration::kData + n] - mu) * std::exp(-s), 2);
    return sum;
  };
  Verdict verdict;
  const char* names[] = {"mu", "log tau", "log likelihood", "log joint density"};
  for (int quantity = 0; quantity < 4; ++quantity) {
    const auto of = [&](std::uint64_t r, double mu, double s) {
      if (quantity == 0) return mu;
      if (quantity == 1) return s;
      const double likelihood = log_likelihood(r, mu, s);
      return quantity == 2 ? likelihood
                           : likelihood - 0.5 * mu * mu - 12.5 * std::pow(std::exp(s) - 1, 2) + s;
    };
    std::vector<double> counts(states + 1);
    for (std::uint64_t r = 0; r < replicates; ++r) {
      const double own = of(r, cases.truth[2 * r], cases.truth[2 * r + 1]);
      std::uint32_t below = 0;
      for (std::uint32_t i = dropped; i < draws; ++i)
        below += of(r, record.point(i, r, 0), record.point(i, r, 1)) < own;
      counts[below] += 1;
    }
    verdict.add(uniform_p(counts), names[quantity]);
  }
  return verdict;
}

}  // namespace drey::nuts::ladder
