#include "nuts/chains.h"

#include "c_src/nuts/fixture.h"
#include "error.h"

namespace drey::nuts {
namespace {

/// Draws as bits, to compare without tolerance.
struct Bits {
  std::vector<double> reals;
  std::vector<std::uint32_t> words;
  bool operator==(const Bits&) const = default;
};

class ChainsOnDevice : public OnDevice {
 protected:
  static RunOptions run_of(std::uint32_t draws) {
    RunOptions run;
    run.seed = 99;
    run.limit = draws;
    run.step_size = 0.5;
    return run;
  }

  static Bits bits(const Chains& chains, std::uint64_t draws) {
    auto record = chains.record(draws);
    return {std::move(record.reals), std::move(record.words)};
  }

  Bits draw(ChainKernel& on_device, const Target& target, std::uint64_t count, std::uint32_t draws,
            std::uint64_t budget, std::uint32_t ticks, std::uint64_t first_chain = 0) {
    Chains chains(on_device, count, draws, true);
    chains.start_at(starts(target, count));
    chains.set_scale(std::vector<double>(target.dimension, 1.0));
    RunOptions run = run_of(draws);
    run.budget = budget;
    run.ticks = ticks;
    run.first_chain = first_chain;
    chains.run(run);
    return bits(chains, draws);
  }
};

TEST_F(ChainsOnDevice, DrawTheSameBytesWhateverTheBudget) {
  const auto target = eight_schools_target();
  for (const bool f64 : {false, true}) {
    if (f64 && !has_f64()) continue;
    auto on_device = kernel(target, f64);
    const auto expected = draw(on_device, target, 24, 30, 0, 0);
    for (const auto& [budget, ticks] :
         std::vector<std::pair<int, int>>{{1, 1}, {7, 1}, {3, 3}, {64, 2}, {100, 16}, {5000, 5}})
      EXPECT_TRUE(draw(on_device, target, 24, 30, budget, ticks) == expected) << budget << " by " << ticks;
  }
}

TEST_F(ChainsOnDevice, DrawTheSameBytesWhoeverRunsBesideThem) {
  const auto target = eight_schools_target();
  auto on_device = kernel(target, false);
  const std::uint32_t draws = 20;
  Chains all(on_device, 24, draws, false);
  const auto from = [&](Chains& chains, std::uint64_t first) {
    std::vector<double> start(chains.count() * target.dimension);
    for (std::uint64_t c = 0; c < chains.count(); ++c)
      for (std::uint64_t d = 0; d < target.dimension; ++d)
        start[c * target.dimension + d] =
            0.01 * static_cast<double>(first + c) + 0.1 * static_cast<double>(d);
    chains.start_at(start);
    chains.set_scale(std::vector<double>(target.dimension, 1.0));
    RunOptions run = run_of(draws);
    run.first_chain = first;
    chains.run(run);
    return chains.record(draws);
  };
  const auto whole = from(all, 0);
  for (const auto& [first, count] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0, 1}, {5, 3}, {9, 15}, {23, 1}}) {
    Chains some(on_device, count, draws, false);
    const auto part = from(some, first);
    for (std::uint64_t s = 0; s < draws; ++s)
      for (std::uint64_t c = 0; c < count; ++c) {
        for (std::uint64_t k = 0; k < part.components; ++k)
          ASSERT_EQ(part.point(s, c, k), whole.point(s, first + c, k)) << "chain " << first + c;
        for (std::uint64_t k = 0; k < 3; ++k) ASSERT_EQ(part.word(s, k, c), whole.word(s, k, first + c));
      }
  }
}

TEST_F(ChainsOnDevice, DrawTheSameBytesWhereLanesGoTogether) {
  const auto target = eight_schools_target();
  for (const bool f64 : {false, true}) {
    if (f64 && !has_f64()) continue;
    auto alone = kernel(target, f64);
    KernelShape of = shape(target, f64);
    of.together = true;
    of.local_size = device().info().subgroup_size;
    ChainKernel together(device(), of, target.source(), glsl::compile);
    for (const std::uint64_t count : {1, 13, 24}) {
      const auto expected = draw(alone, target, count, 20, 0, 0, 3);
      EXPECT_TRUE(draw(together, target, count, 20, 0, 0, 3) == expected) << count;
      EXPECT_TRUE(draw(together, target, count, 20, 7, 2, 3) == expected) << count;
    }
  }
}

TEST_F(ChainsOnDevice, CountTheGradientsThatTheirLanesUsedAndHadRoomFor) {
  const auto target = eight_schools_target();
  const std::uint32_t draws = 20, lanes = std::max(1u, device().info().subgroup_size);
  for (const bool together : {false, true}) {
    if (together && lanes != 8) continue;
    KernelShape of = shape(target, false);
    of.together = together;
    ChainKernel on_device(device(), of, target.source(), glsl::compile);
    const std::uint64_t group = std::min(lanes, of.local_size);
    for (const std::uint64_t count : {group, std::uint64_t{1}}) {
      Chains chains(on_device, count, draws, false);
      chains.start_at(starts(target, count));
      chains.set_scale(std::vector<double>(target.dimension, 1.0));
      RunOptions run = run_of(draws);
      run.ticks = 1;  // rounds of one tick: what a lane has room for is what its subgroup made
      run.budget = 64;
      chains.run(run);
      const auto record = chains.record(draws);
      std::uint64_t gradients = 0, slowest = 0;
      for (std::uint64_t c = 0; c < count; ++c) {
        std::uint64_t own = 1;  // the start
        for (std::uint64_t s = 0; s < draws; ++s) own += record.word(s, 1, c);
        gradients += own;
        slowest = std::max(slowest, own);
      }
      EXPECT_EQ(chains.work().gradients, gradients);
      EXPECT_EQ(chains.work().room, lanes * slowest) << count << " chains, together: " << together;
    }
  }
}

TEST_F(ChainsOnDevice, CutInMidTrajectoryAndResumedElsewhereDrawTheSameBytes) {
  const auto target = normals_target(10);
  auto on_device = kernel(target, false);
  const std::uint64_t count = 8;
  const std::uint32_t draws = 12;
  const auto expected = draw(on_device, target, count, draws, 0, 0);
  RunOptions run = run_of(draws);
  Chains chains(on_device, count, draws, true);
  chains.start_at(starts(target, count));
  chains.set_scale(std::vector<double>(target.dimension, 1.0));
  ChainStatus status;
  std::vector<std::byte> state;
  for (std::uint32_t cut = 0; status.finished < count; ++cut) {
    ASSERT_LT(cut, 10'000u);
    status = chains.dispatch(run, 5 + cut % 3);
    state = chains.save();
    chains.start_dispersed();  // wrecks whatever the bytes would not hold
    chains.restore(state);
  }
  EXPECT_TRUE(bits(chains, draws) == expected);
  EXPECT_THROW(chains.restore(std::span(state).first(8)), Error);
}

TEST_F(ChainsOnDevice, WindowsOfARecordAreTheWholeRecord) {
  const auto target = normals_target(3);
  auto on_device = kernel(target, false);
  const auto expected = draw(on_device, target, 8, 20, 0, 0);
  Chains chains(on_device, 8, 6, true);
  chains.start_at(starts(target, 8));
  chains.set_scale(std::vector<double>(3, 1.0));
  std::vector<double> reals;
  for (std::uint32_t base = 0; base < 20; base += 6) {
    RunOptions run = run_of(std::min(20u, base + 6));
    run.base = base;
    chains.run(run);
    const auto record = chains.record(std::min(6u, 20 - base));
    reals.insert(reals.end(), record.reals.begin(), record.reals.end());
  }
  EXPECT_EQ(reals, expected.reals);
}

TEST_F(ChainsOnDevice, ThinningKeepsEveryNthTransition) {
  const auto target = normals_target(3);
  auto on_device = kernel(target, false);
  const auto all = draw(on_device, target, 8, 21, 0, 0);
  Chains chains(on_device, 8, 7, true);
  chains.start_at(starts(target, 8));
  chains.set_scale(std::vector<double>(3, 1.0));
  RunOptions run = run_of(21);
  run.thin = 3;
  chains.run(run);
  const auto kept = bits(chains, 7);
  const std::size_t slot = kept.reals.size() / 7;
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t k = 0; k < slot; ++k)
      ASSERT_EQ(kept.reals[i * slot + k], all.reals[(3 * i + 2) * slot + k]);
}

TEST_F(ChainsOnDevice, DispersedStartsAreFiniteDifferentAndReproducible) {
  const auto target = normals_target(5);
  auto on_device = kernel(target, false);
  std::vector<std::vector<double>> positions;
  for (int repeat = 0; repeat < 2; ++repeat) {
    Chains chains(on_device, 32, 1, false);
    chains.start_dispersed();
    chains.set_scale(std::vector<double>(5, 1.0));
    RunOptions run = run_of(0);
    chains.run(run);
    positions.push_back(chains.positions());
  }
  EXPECT_EQ(positions[0], positions[1]);
  double least = 2, most = -2;
  for (const double q : positions[0]) {
    EXPECT_LE(std::abs(q), 2);
    least = std::min(least, q);
    most = std::max(most, q);
  }
  EXPECT_LT(least, -1.8);
  EXPECT_GT(most, 1.8);
}

TEST_F(ChainsOnDevice, StartsAreDrawnAgainWhereTheDensityIsNotFinite) {
  Target target = normals_target(2);
  target.body +=
      "if (model_point[0] < real(1.5)) model_target = real(1.0) / (model_point[0] - model_point[0]);\n";
  auto on_device = kernel(target, false);
  Chains chains(on_device, 16, 1, false);
  chains.start_dispersed();
  chains.set_scale({{1.0, 1.0}});
  EXPECT_EQ(chains.run(run_of(0)).failed, 0u);
  const auto positions = chains.positions();
  for (std::size_t c = 0; c < 16; ++c) EXPECT_GE(positions[2 * c], 1.5);
}

TEST_F(ChainsOnDevice, ChainsWithoutAFiniteStartAreReportedNotRun) {
  Target target = normals_target(2);
  target.body += "model_target = real(1.0) / (model_point[0] - model_point[0]);\n";
  auto on_device = kernel(target, false);
  Chains chains(on_device, 4, 1, false);
  chains.start_dispersed();
  chains.set_scale({{1.0, 1.0}});
  EXPECT_EQ(chains.run(run_of(3)).failed, 4u);
}

TEST_F(ChainsOnDevice, AStopRequestEndsARun) {
  const auto target = normals_target(3);
  auto on_device = kernel(target, false);
  Chains chains(on_device, 8, 1, false);
  chains.start_at(starts(target, 8));
  chains.set_scale(std::vector<double>(3, 1.0));
  std::stop_source source;
  RunOptions run = run_of(1'000'000'000);
  int dispatches = 0;
  try {
    chains.run(
        run,
        [&](const ChainStatus&) {
          if (++dispatches == 3) source.request_stop();
        },
        source.get_token());
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "cancelled");
  }
}

/// A model whose loop makes `trips` trips a gradient and adds nothing.
Target looping_target(std::uint32_t trips, std::uint64_t claimed) {
  Target target = normals_target(2);
  target.trips = claimed;
  // What the loop adds is always 0, which no compiler can know.
  target.body += "real nothing = real(0.0);\nfor (int i = 0; i < " + std::to_string(trips) +
                 "; ++i) nothing += real(1e-30) * model_point[i & 1] * nothing;\nmodel_target += nothing;\n";
  return target;
}

TEST_F(ChainsOnDevice, BudgetsKeepWithinTheDevicesLoopTrips) {
  auto plain = kernel(normals_target(2), false);
  const auto expected = draw(plain, normals_target(2), 8, 10, 0, 0);
  for (const std::uint32_t trips : {100u, 3'000u, 25'000u}) {
    const auto target = looping_target(trips, trips);
    auto on_device = kernel(target, false);
    EXPECT_TRUE(draw(on_device, target, 8, 10, 0, 0) == expected) << trips;
    EXPECT_TRUE(draw(on_device, target, 8, 10, 1'000'000, 0) == expected) << trips;
  }
}

TEST_F(ChainsOnDevice, ADispatchThatTheDriverCutShortIsAnError) {
  if (!device().info().trip_limit) GTEST_SKIP() << "no limit here";
  // The model claims fewer trips than it makes: the budget comes out too large.
  for (const std::uint32_t trips : {1'000u, 40'000u, 70'000u}) {
    const auto target = looping_target(trips, 10);
    auto on_device = kernel(target, false);
    try {
      draw(on_device, target, 8, 200, 0, 0);
      FAIL() << "not seen: " << trips;
    } catch (const Error& error) {
      EXPECT_EQ(error.reason(), "internal");
    }
  }
}

TEST_F(ChainsOnDevice, AModelThatCannotMakeOneLeapfrogIsRefused) {
  if (!device().info().trip_limit) GTEST_SKIP() << "no limit here";
  try {
    kernel(looping_target(100, 70'000), false);
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "device_limit");
  }
}

}  // namespace
}  // namespace drey::nuts
