#include "nuts/modes.h"

#include <cmath>
#include <random>

#include "c_src/nuts/fixture.h"
#include "nuts/warmup.h"

namespace drey::nuts {
namespace {

/// A normal well of a mixture: every coordinate has this mean and sd.
struct Well {
  double mean, sd, log_weight;
};

/// Two wells in `dimension` coordinates, each normalised but for its weight.
Target wells_target(std::uint64_t dimension, const Well (&wells)[2]) {
  Target target;
  target.name = "wells";
  target.dimension = dimension;
  const auto number = [](double x) { return "real(" + std::to_string(x) + ")"; };
  for (int w = 0; w < 2; ++w) {
    const std::string n = std::to_string(w);
    target.body += "real lp" + n + " = " +
                   number(wells[w].log_weight - static_cast<double>(dimension) * std::log(wells[w].sd)) +
                   ";\n";
    for (std::uint64_t d = 0; d < dimension; ++d)
      target.body += "{ const real r = (model_point[" + std::to_string(d) + "] - " + number(wells[w].mean) +
                     ") / " + number(wells[w].sd) + "; lp" + n + " -= real(0.5) * r * r; }\n";
  }
  target.body +=
      "const real high = max(lp0, lp1), e0 = nuts_exp(lp0 - high), e1 = nuts_exp(lp1 - high);\n"
      "model_target = high + nuts_log(e0 + e1);\n"
      "const real a = e0 / (e0 + e1), b = e1 / (e0 + e1);\n";
  for (std::uint64_t d = 0; d < dimension; ++d) {
    const std::string n = std::to_string(d);
    target.body += "model_gradient[" + n + "] = ";
    for (int w = 0; w < 2; ++w)
      target.body += std::string(w ? " - " : "-") + (w ? "b" : "a") + " * (model_point[" + n + "] - " +
                     number(wells[w].mean) + ") / " + number(wells[w].sd * wells[w].sd);
    target.body += ";\n";
  }
  return target;
}

/// A record of chains that draw from normals of variance sd^2 around a log density.
Chains::Record normal_record(const std::vector<double>& sd, const std::vector<double>& lp,
                             std::uint64_t slots, std::uint64_t dimension) {
  Chains::Record record;
  record.stride = sd.size();
  record.dimension = dimension;
  record.components = 2 * dimension + 3;
  record.reals.resize(slots * record.components * record.stride);
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  for (std::uint64_t s = 0; s < slots; ++s)
    for (std::uint64_t c = 0; c < sd.size(); ++c) {
      const auto at = [&](std::uint64_t component) -> double& {
        return record.reals[(s * record.components + component) * record.stride + c];
      };
      at(dimension) = lp[c];
      at(dimension + 1) = 0.8;
      for (std::uint64_t d = 0; d < dimension; ++d) {
        const double z = normal(random);
        at(d) = sd[c] * z;
        at(dimension + 3 + d) = -z / sd[c];
        at(dimension) -= 0.5 * z * z;
      }
    }
  return record;
}

TEST(LogMasses, WeighWidthAgainstHeight) {
  // Mass 1 each: a chain's log density falls by D log(sd).
  const std::vector<double> sd = {1, 0.01, 30}, lp = {0, -5 * std::log(0.01), -5 * std::log(30)};
  const auto masses = log_masses(normal_record(sd, lp, 40, 5), 40, 3);
  EXPECT_NEAR(masses[0], -2.5, 1);
  EXPECT_NEAR(masses[1], masses[0], 1);
  EXPECT_NEAR(masses[2], masses[0], 1);
}

TEST(LogMasses, OfAChainThatDoesNotMoveIsNone) {
  auto record = normal_record({1, 0}, {0, 100}, 10, 2);
  const auto masses = log_masses(record, 10, 2);
  EXPECT_TRUE(std::isinf(masses[1]) && masses[1] < 0);
  EXPECT_EQ(massless_chains(record, 10, masses), std::vector<std::uint64_t>{1});
}

TEST(MasslessChains, AreThoseBelowTheOneWithMostEvenWhereTheyAreTheMost) {
  const auto record = normal_record(std::vector<double>(6, 1.0), {0, 0, 60, 0, -10, 0}, 20, 3);
  EXPECT_EQ(massless_chains(record, 20, log_masses(record, 20, 6)),
            (std::vector<std::uint64_t>{0, 1, 3, 4, 5}));
}

TEST(MasslessChains, AreNotComparedWithAChainThatHangs) {
  auto record = normal_record(std::vector<double>(3, 1.0), {0, 0, 60}, 20, 3);
  for (std::uint64_t s = 0; s < 20; ++s) record.reals[(s * record.components + 4) * record.stride + 2] = 0.01;
  EXPECT_TRUE(massless_chains(record, 20, log_masses(record, 20, 3)).empty());
}

class Wells : public OnDevice {
 protected:
  /// How many of 64 warmed chains stand in the second well.
  std::uint64_t in_second(const Well (&wells)[2], std::uint64_t dimension, std::uint64_t seed) {
    auto on_device = kernel(wells_target(dimension, wells), false);
    Options options;
    options.chains = 64;
    options.seed = seed;
    options.metric = MetricKind::Diagonal;
    options.max_depth = 6;
    const auto tuning =
        PooledWarmup().run([&](const Metric&) -> ChainKernel& { return on_device; }, options, {}, {}, {});
    std::uint64_t second = 0;
    for (std::uint64_t c = 0; c < 64; ++c)
      second += std::abs(tuning.positions[c * dimension] - wells[1].mean) <
                std::abs(tuning.positions[c * dimension] - wells[0].mean);
    return second;
  }
};

TEST_F(Wells, OfOneMassKeepTheirChainsHoweverTheirHeightsDiffer) {
  // Starts are symmetric: a count below 12 or above 52 of 64 has a probability below 1e-6.
  const auto alike = in_second({{-8, 1, 0}, {8, 1, 0}}, 3, 1);
  EXPECT_GT(alike, 11u);
  EXPECT_LT(alike, 53u);
  // The second is 30 log units higher, and narrower by as much; the starts are about evenly shared.
  const auto narrow = in_second({{-40, 1, 0}, {3, 0.08, 0}}, 12, 3);
  EXPECT_GT(narrow, 0u);
  EXPECT_LT(narrow, 64u);
}

TEST_F(Wells, OfNextToNoMassAreLeftEvenByMostChains) {
  // Two starts of three lead into the first well, whose mass is exp(-50) of the second's.
  EXPECT_EQ(in_second({{-59, 1, -50}, {61, 1, 0}}, 1, 1), 64u);
}

}  // namespace
}  // namespace drey::nuts
