#include "nuts/warmup.h"

#include "c_src/nuts/fixture.h"
#include "error.h"

namespace drey::nuts {
namespace {

class Warmup : public OnDevice {
 protected:
  static Options options(std::uint64_t chains) {
    Options options;
    options.chains = chains;
    options.seed = 11;
    options.metric = MetricKind::Diagonal;
    return options;
  }

  /// Operations of a gradient beside which a round costs nothing.
  static constexpr std::uint64_t dear = 10'000'000;

  Tuning tune(ChainKernel& on_device, const Options& of) {
    return PooledWarmup().run([&](const Metric&) -> ChainKernel& { return on_device; }, of, {}, {}, {});
  }

  /// Mean acceptance and leapfrogs of `draws` transitions under a tuning.
  std::pair<double, double> behaviour(ChainKernel& on_device, const Tuning& tuning, std::uint32_t draws) {
    Chains chains(on_device, tuning.position_count, draws, false);
    chains.start_at(tuning.positions);
    std::vector<double> scale(tuning.inverse_metric);
    for (double& s : scale) s = std::sqrt(s);
    chains.set_scale(scale);
    RunOptions run;
    run.seed = 5;
    run.limit = draws;
    run.step_size = tuning.step_size;
    chains.run(run);
    const auto record = chains.record(draws);
    double accept = 0, leapfrogs = 0;
    for (std::uint64_t s = 0; s < draws; ++s)
      for (std::uint64_t c = 0; c < tuning.position_count; ++c) {
        accept += record.accept(s, c);
        leapfrogs += record.word(s, 1, c);
      }
    const auto n = static_cast<double>(draws * tuning.position_count);
    return {accept / n, leapfrogs / n};
  }
};

TEST_F(Warmup, LearnsScalesAndAStepThatAcceptsAsAsked) {
  const auto target = normals_target(10);
  auto on_device = kernel(target, false);
  on_device.operations = dear;
  for (const std::uint64_t chains : {1, 4, 64}) {
    const auto tuning = tune(on_device, options(chains));
    EXPECT_EQ(tuning.position_count, chains);
    EXPECT_EQ(tuning.positions.size(), chains * 10);
    for (std::size_t d = 0; d < 10; ++d) {
      const double variance = std::pow(1 + 0.5 * static_cast<double>(d), 2);
      // Exact for a normal, whatever the number of draws; some autocorrelation remains in few.
      EXPECT_NEAR(tuning.inverse_metric[d] / variance, 1, 0.02) << d;
    }
    const auto [accept, leapfrogs] = behaviour(on_device, tuning, 100);
    EXPECT_NEAR(accept, 0.8, chains == 1 ? 0.1 : 0.07);
    EXPECT_LT(leapfrogs, 12);
    EXPECT_LT(tuning.transitions, 250u);
  }
}

TEST_F(Warmup, TakesAShorterStepWhereLanesWaitForOneAnotherAnyhow) {
  // Its trees at an acceptance of 0.8 are of three leapfrogs and of seven.
  const auto target = normals_target(20);
  auto on_device = kernel(target, false);
  const auto cheap = tune(on_device, options(64));
  const auto [cheap_accept, cheap_leapfrogs] = behaviour(on_device, cheap, 100);
  on_device.operations = dear;
  const auto as_asked = tune(on_device, options(64));
  const auto [accept, leapfrogs] = behaviour(on_device, as_asked, 100);
  EXPECT_LT(cheap.step_size, 0.9 * as_asked.step_size);
  EXPECT_GT(cheap_accept, accept + 0.03);
  EXPECT_GT(cheap_leapfrogs, leapfrogs);
  EXPECT_LT(cheap_leapfrogs, 8) << "a round's worth, no more";
  // As many transitions as the two steps' trials need are not always allowed.
  on_device.operations = 0;
  auto few = options(64);
  few.warmup = as_asked.transitions;
  EXPECT_NEAR(tune(on_device, few).step_size / as_asked.step_size, 1, 0.05);
}

TEST_F(Warmup, IsTheSameWhateverTheBudget) {
  const auto target = eight_schools_target();
  auto on_device = kernel(target, false);
  auto of = options(8);
  const auto expected = tune(on_device, of);
  of.budget = 3;
  const auto other = tune(on_device, of);
  EXPECT_EQ(other.step_size, expected.step_size);
  EXPECT_EQ(other.inverse_metric, expected.inverse_metric);
  EXPECT_EQ(other.positions, expected.positions);
}

TEST_F(Warmup, SpendsAFifthOfTheGradientsOfAThousandTransitions) {
  const auto target = eight_schools_target();
  auto on_device = kernel(target, false);
  const auto tuning = tune(on_device, options(64));
  // A thousand warm-up transitions of this posterior take some 13,000 gradients a chain elsewhere.
  EXPECT_LT(tuning.gradients, 2'600u);
  EXPECT_LT(tuning.transitions, 200u);
}

TEST_F(Warmup, FindsScalesThatDifferByMillions) {
  Target target;
  target.name = "scales";
  target.dimension = 4;
  target.body = "model_target = real(0.0);\n";
  const double scales[] = {1e-3, 1, 30, 1e3};
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i),
                      precision = "real(" + std::to_string(1 / (scales[i] * scales[i])) + ")";
    target.body += "model_target -= real(0.5) * model_point[" + n + "] * model_point[" + n + "] * " +
                   precision + "; model_gradient[" + n + "] = -model_point[" + n + "] * " + precision + ";\n";
  }
  auto on_device = kernel(target, false);
  const auto tuning = tune(on_device, options(16));
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(std::log10(std::sqrt(tuning.inverse_metric[i]) / scales[i]), 0, 0.05) << i;
  EXPECT_LT(behaviour(on_device, tuning, 50).second, 12);
}

TEST_F(Warmup, WithoutAFiniteStartSaysSo) {
  Target target = normals_target(2);
  target.body += "model_target = real(1.0) / (model_point[0] - model_point[0]);\n";
  auto on_device = kernel(target, false);
  try {
    tune(on_device, options(2));
    FAIL() << "warmed up";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "bad_start");
  }
}

TEST_F(Warmup, KeepsWithinTheTransitionsAllowed) {
  auto on_device = kernel(normals_target(3), false);
  auto of = options(4);
  of.warmup = 40;
  EXPECT_LE(tune(on_device, of).transitions, 60u);
}

}  // namespace
}  // namespace drey::nuts
