#include "c_src/nuts/ladder.h"

namespace drey::nuts {
namespace {

class Posteriors : public OnDevice {
 protected:
  std::vector<bool> precisions() const {
    return has_f64() ? std::vector<bool>{false, true} : std::vector<bool>{false};
  }
};

TEST_F(Posteriors, OfIndependentNormalsHaveTheirMoments) {
  for (const std::uint64_t dimension : {1, 3, 10, 40})
    for (const bool f64 : precisions()) {
      auto on_device = kernel(normals_target(dimension), f64);
      std::vector<double> start, scale;
      for (std::uint64_t d = 0; d < dimension; ++d) {
        start.push_back(static_cast<double>(d));
        scale.push_back(1 + 0.4 * static_cast<double>(d));
      }
      std::string worst;
      EXPECT_GT(ladder::moments_p(on_device, start, 0.8 / std::pow(static_cast<double>(dimension), 0.25),
                                  scale, ladder::moments_of_normals(dimension), 128, 400, 20, &worst),
                ladder::kLeastP)
          << worst << " of " << dimension << (f64 ? " in f64" : " in f32");
    }
}

TEST_F(Posteriors, OfCorrelatedNormalsHaveTheirMoments) {
  std::vector<ladder::Moment> moments;
  for (int d = 0; d < 2; ++d) {
    moments.push_back({"mean", [d](const auto& q) { return q[d]; }, 0});
    moments.push_back({"variance", [d](const auto& q) { return q[d] * q[d]; }, 1});
  }
  moments.push_back({"covariance", [](const auto& q) { return q[0] * q[1]; }, 0.95});
  moments.push_back({"fourth moment", [](const auto& q) { return std::pow(q[0], 4); }, 3});
  for (const bool f64 : precisions()) {
    auto on_device = kernel(correlated_target(), f64);
    // Steps coarse and fine: trees shallow and deep.
    for (const double step_size : {0.35, 0.1, 0.02}) {
      std::string worst;
      EXPECT_GT(ladder::moments_p(on_device, {0.1, 0.1}, step_size, {1, 1}, moments, 128, 300, 20, &worst),
                ladder::kLeastP)
          << worst << " at step " << step_size;
    }
  }
}

TEST_F(Posteriors, PassTheExactRankTest) {
  const auto exact = [](std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    std::vector<double> q(3);
    for (int d = 0; d < 3; ++d) q[d] = d + (1 + 0.5 * d) * normal(random);
    return q;
  };
  for (const bool f64 : precisions()) {
    auto on_device = kernel(normals_target(3), f64);
    for (const auto& [step_size, depth] :
         std::vector<std::pair<double, int>>{{0.9, 10}, {0.4, 10}, {0.4, 3}, {1.7, 10}})
      EXPECT_GT(ladder::rank_p(on_device, step_size, {1, 1.2, 1.5}, exact, 4096, 16, depth), ladder::kLeastP)
          << "step " << step_size << " depth " << depth;
  }
}

/// Simulation-based calibration (Talts et al. 2018): parameters from the prior, data from the parameters,
/// ranks of the parameters among draws of the posterior. Every replicate is a chain with data of its own. mu
/// ~ normal(0, 1), log_tau ~ normal(0, 0.25), y[n] ~ normal(mu, exp(log_tau)), n = 1 .. 5.
TEST_F(Posteriors, AreCalibratedOverThousandsOfDataSets) {
  const std::uint64_t replicates = 4096;
  const std::uint32_t ranks = 31, thin = 4, dropped = 10;
  std::mt19937_64 random(12);
  std::normal_distribution<double> normal;
  std::vector<double> truth, y;
  for (std::uint64_t r = 0; r < replicates; ++r) {
    const double mu = normal(random), log_tau = 0.25 * normal(random);
    truth.insert(truth.end(), {mu, log_tau});
    for (int n = 0; n < 5; ++n) y.push_back(mu + std::exp(log_tau) * normal(random));
  }
  glsl::Source source;
  source.text = R"(
layout(std430, set = 0, binding = 8) readonly buffer Data { real data_y[]; };
real model_point[2];
real model_gradient[2];
real model_target;
void model_run() {
  const real mu = model_point[0], s = model_point[1], w = nuts_exp(real(-2.0) * s);
  model_target = real(-0.5) * mu * mu - real(8.0) * s * s - real(5.0) * s;
  model_gradient[0] = -mu;
  model_gradient[1] = real(-16.0) * s - real(5.0);
  for (uint n = 0u; n < 5u; ++n) {
    const real r = data_y[gl_GlobalInvocationID.x * 5u + n] - mu;
    model_target -= real(0.5) * r * r * w;
    model_gradient[0] += r * w;
    model_gradient[1] += r * r * w;
  }
})";
  source.trips = 5;
  const auto bytes = reals_to_bytes(y, false);
  source.data.resize(1);
  source.data[0].binding = kFirstDataBinding;
  source.data[0].bytes.resize(bytes.size());
  std::transform(bytes.begin(), bytes.end(), source.data[0].bytes.begin(),
                 [](std::byte b) { return static_cast<std::uint8_t>(b); });
  ChainKernel on_device(device(), {false, 2, 10, 8}, source, glsl::compile);
  const std::uint32_t draws = dropped + ranks;
  Chains chains(on_device, replicates, draws, false);
  // From the prior, not from the truth: the start must be forgotten.
  std::vector<double> start;
  for (std::uint64_t r = 0; r < replicates; ++r)
    start.insert(start.end(), {normal(random), 0.25 * normal(random)});
  chains.start_at(start);
  chains.set_scale({{0.4, 0.2}});
  RunOptions run;
  run.seed = 3;
  run.thin = thin;
  run.limit = draws * thin;
  run.step_size = 0.4;
  chains.run(run);
  const auto record = chains.record(draws);
  const auto log_joint = [&](std::uint64_t r, double mu, double s) {
    double lp = -0.5 * mu * mu - 8 * s * s - 5 * s;
    for (int n = 0; n < 5; ++n) lp -= 0.5 * std::pow((y[r * 5 + n] - mu) * std::exp(-s), 2);
    return lp;
  };
  for (int quantity = 0; quantity < 3; ++quantity) {
    const auto of = [&](std::uint64_t r, double mu, double s) {
      return quantity == 0 ? mu : quantity == 1 ? s : log_joint(r, mu, s);
    };
    std::vector<double> counts(ranks + 1);
    for (std::uint64_t r = 0; r < replicates; ++r) {
      const double own = of(r, truth[2 * r], truth[2 * r + 1]);
      std::uint32_t below = 0;
      for (std::uint32_t s = dropped; s < draws; ++s)
        below += of(r, record.point(s, r, 0), record.point(s, r, 1)) < own;
      counts[below] += 1;
    }
    const double expected = static_cast<double>(replicates) / (ranks + 1);
    double chi2 = 0;
    for (const double n : counts) chi2 += (n - expected) * (n - expected) / expected;
    EXPECT_GT(boost::math::cdf(boost::math::complement(boost::math::chi_squared(ranks), chi2)),
              ladder::kLeastP)
        << testing::PrintToString(counts) << "quantity " << quantity << ", chi-squared " << chi2 << " on "
        << ranks;
  }
}

}  // namespace
}  // namespace drey::nuts
