#include "nuts/reference_nuts.h"

#include "c_src/nuts/fixture.h"
#include "error.h"

namespace drey::nuts {
namespace {

struct Case {
  Target target;
  double step_size, scale;
  /// Where not 0, a dense metric: a Cholesky factor with `scale` on its diagonal and this below it.
  double below = 0;
};

std::vector<Case> cases() {
  return {{normals_target(1), 0.9, 1.0},        {normals_target(3), 0.6, 1.1},
          {normals_target(10), 0.5, 1.1},       {correlated_target(), 0.3, 1.0},
          {funnel_target(), 0.4, 1.0},          {eight_schools_target(), 0.5, 1.0},
          {normals_target(40), 0.7, 3.0},       {correlated_target(), 0.004, 1.0},
          {correlated_target(), 0.8, 0.6, 0.7}, {eight_schools_target(), 0.4, 1.0, 0.1},
          {normals_target(40), 0.5, 3.0, 0.05}};
}

using Trees = OnDevice;

/// Every transition of the f64 kernel against the plain recursive sampler started from the same point: the
/// same depth, leapfrogs, divergence and selected leaf. Ties at rounding have never been seen; none is
/// allowed.
TEST_F(Trees, OfTheKernelAreThoseOfARecursiveSampler) {
  if (!has_f64()) GTEST_SKIP() << "no f64";
  const std::uint64_t count = 8, draws = 60;
  std::uint64_t deepest = 0, divergent = 0;
  for (const auto& [target, step_size, each_scale, below] : cases()) {
    SCOPED_TRACE(target.name + " " + std::to_string(target.dimension) + (below > 0 ? " dense" : ""));
    KernelShape of = shape(target, true);
    of.dense = below > 0;
    ChainKernel on_device(device(), of, target.source(), glsl::compile);
    Chains chains(on_device, count, draws, true);
    const auto start = starts(target, count);
    std::vector<double> scale(Chains::scale_size(of), of.dense ? below : each_scale);
    for (std::size_t d = 0; of.dense && d < target.dimension; ++d) scale[d * (d + 1) / 2 + d] = each_scale;
    chains.start_at(start);
    chains.set_scale(scale);
    RunOptions run;
    run.seed = 0x123456789abcdef;
    run.first_chain = (std::uint64_t{1} << 32) - 3;  // across a word's end
    run.limit = draws;
    run.step_size = step_size;
    chains.run(run);
    const auto record = chains.record(draws);

    ReferenceOptions options;
    options.seed = run.seed;
    options.step_size = step_size;
    (of.dense ? options.factor : options.scale) = scale;
    for (std::uint64_t c = 0; c < count; ++c) {
      options.chain = run.first_chain + c;
      std::vector<double> q(target.dimension, start[0]), g(target.dimension);
      for (std::uint64_t i = 0; i < draws; ++i) {
        const auto expected = reference_transition(target.host, options, static_cast<std::uint32_t>(i), q);
        ASSERT_EQ(record.word(i, 0, c), static_cast<std::uint32_t>(expected.depth))
            << "chain " << c << " draw " << i;
        ASSERT_EQ(record.word(i, 1, c), static_cast<std::uint32_t>(expected.leapfrogs));
        ASSERT_EQ(record.word(i, 2, c), static_cast<std::uint32_t>(expected.divergent));
        for (std::size_t d = 0; d < q.size(); ++d) {
          ASSERT_NEAR(record.point(i, c, d), expected.point[d], 1e-7 * (1 + std::abs(expected.point[d])));
          q[d] = record.point(i, c, d);
        }
        ASSERT_NEAR(record.accept(i, c), expected.accept, 1e-7);
        ASSERT_NEAR(record.energy(i, c), expected.energy, 1e-6);
        // What is recorded belongs to the point that is recorded.
        ASSERT_NEAR(record.lp(i, c), target.host(q, g), 1e-9 * (1 + std::abs(record.lp(i, c))));
        for (std::size_t d = 0; d < q.size(); ++d)
          ASSERT_NEAR(record.gradient(i, c, d), g[d], 1e-9 * (1 + std::abs(g[d])));
        deepest = std::max<std::uint64_t>(deepest, record.word(i, 0, c));
        divergent += record.word(i, 2, c);
      }
    }
  }
  EXPECT_GE(deepest, 9u) << "the cases should reach deep trees";
  EXPECT_GT(divergent, 0u) << "the cases should diverge somewhere";
}

TEST(ReferenceNuts, EnergyErrorFallsWithTheSquareOfTheStep) {
  const auto target = eight_schools_target();
  const std::vector<double> start(10, 0.3);
  const auto error_at = [&](double step_size) {
    ReferenceOptions options;
    options.scale.assign(10, 1.0);
    options.step_size = step_size;
    options.max_depth = 1;
    double worst = 0;
    for (std::uint32_t i = 0; i < 200; ++i) {
      options.chain = i;
      const auto draw = reference_transition(target.host, options, 0, start);
      // One leapfrog: its energy error is -log of its acceptance where it is below 1.
      worst = std::max(worst, -std::log(draw.accept));
    }
    return worst;
  };
  // A single step's error is of third order; the acceptance sees it divided by nothing else.
  const double ratio = error_at(0.1) / error_at(0.05);
  EXPECT_GT(ratio, 5.0);
  EXPECT_LT(ratio, 12.0);
}

TEST(ReferenceNuts, ALeapfrogBackUndoesALeapfrog) {
  // Reversibility of the transition's deterministic part, by flipping the momentum after some steps.
  const auto target = correlated_target();
  std::vector<double> q = {0.4, -0.2}, p = {1.3, 0.6}, g(2);
  const auto start_q = q, start_p = p;
  const auto steps = [&](int count) {
    target.host(q, g);
    for (int i = 0; i < count; ++i) {
      for (int d = 0; d < 2; ++d) p[d] += 0.05 * g[d];
      for (int d = 0; d < 2; ++d) q[d] += 0.1 * p[d];
      target.host(q, g);
      for (int d = 0; d < 2; ++d) p[d] += 0.05 * g[d];
    }
  };
  steps(40);
  for (double& x : p) x = -x;
  steps(40);
  for (int d = 0; d < 2; ++d) {
    EXPECT_NEAR(q[d], start_q[d], 1e-12);
    EXPECT_NEAR(-p[d], start_p[d], 1e-12);
  }
}

}  // namespace
}  // namespace drey::nuts
