#include "nuts/mapping.h"

#include "c_src/nuts/fixture.h"
#include "c_src/nuts/forms.h"
#include "c_src/nuts/ladder.h"
#include "error.h"
#include "grad/differentiate.h"
#include "model/model.h"
#include "nuts/low_rank.h"
#include "support/erlang_text.h"

/// A chain per subgroup. Its climb up the ladder is ladder_test.cpp's.
namespace drey::nuts {
namespace {

class SubgroupMapping : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    if (!IsSkipped() && !has_subgroups(device().info())) GTEST_SKIP() << "no subgroups that can shuffle";
  }
  ChainKernel lanes(const Target& target, bool f64, bool dense = false) {
    return form_kernel(device(), Form::Subgroup, target, f64, glsl::compile, dense);
  }
};

/// Draws as bits, to compare without tolerance.
std::vector<double> draw(ChainKernel& kernel, std::uint64_t count, std::uint64_t budget, std::uint32_t ticks,
                         std::uint64_t first_chain, bool cut = false) {
  constexpr std::uint32_t draws = 12;
  Chains chains(kernel, count, draws, true);
  chains.start_dispersed();
  chains.set_scale(std::vector<double>(Chains::scale_size(kernel.shape), 1.0));
  RunOptions run;
  run.seed = 99;
  run.first_chain = first_chain;
  run.limit = draws;
  run.step_size = 0.2;
  run.budget = budget;
  run.ticks = ticks;
  if (cut) {
    for (std::uint32_t at = 0; chains.dispatch(run, 3 + at % 3).finished < count; ++at) {
      const auto state = chains.save();
      chains.start_dispersed();
      chains.restore(state);
    }
  } else {
    chains.run(run);
  }
  const auto record = chains.record(draws);
  std::vector<double> bits;
  for (std::uint64_t c = 0; c < count; ++c)
    for (std::uint64_t s = 0; s < draws; ++s) {
      for (std::uint64_t k = 0; k < record.components; ++k) bits.push_back(record.point(s, c, k));
      for (std::uint64_t k = 0; k < 3; ++k) bits.push_back(record.word(s, k, c));
    }
  return bits;
}

TEST_F(SubgroupMapping, DrawsAreTheSameBytesHoweverTheyAreCut) {
  const auto target = normals_target(11);
  for (const bool f64 : {false, true}) {
    if (f64 && !has_f64()) continue;
    auto kernel = lanes(target, f64);
    const auto expected = draw(kernel, 6, 0, 0, 0);
    for (const auto& [budget, ticks] : std::vector<std::pair<int, int>>{{1, 1}, {7, 3}, {100, 16}})
      EXPECT_TRUE(draw(kernel, 6, budget, ticks, 0) == expected) << budget << " by " << ticks;
    EXPECT_TRUE(draw(kernel, 6, 0, 2, 0, true) == expected);
    const auto some = draw(kernel, 2, 0, 0, 3);
    const std::size_t one = expected.size() / 6;
    EXPECT_TRUE(
        std::equal(some.begin(), some.end(), expected.begin() + static_cast<std::ptrdiff_t>(3 * one)));
  }
}

/// The two mappings use the same random numbers: where nothing rounds differently they draw alike.
TEST_F(SubgroupMapping, DrawsAreThoseOfAChainPerInvocationButForRounding) {
  if (!has_f64()) GTEST_SKIP() << "no f64";
  const auto target = normals_target(11);
  for (const bool dense : {false, true}) {
    KernelShape of = shape(target, true);
    of.dense = dense;
    ChainKernel alone(device(), of, target.source(), glsl::compile);
    auto shared = lanes(target, true, dense);
    const auto expected = draw(alone, 5, 0, 0, 0), found = draw(shared, 5, 0, 0, 0);
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], expected[i], 1e-6 * (1 + std::abs(expected[i])));
  }
}

/// What is stored, or a loop, is computed no other way. Of a chain per invocation 40 dimensions are loops.
TEST_F(SubgroupMapping, StoredArraysAndLoopsChangeNoDrawButForRounding) {
  if (!has_f64()) GTEST_SKIP() << "no f64";
  struct Case {
    std::uint64_t dimension;
    Form one, other;
    bool dense;
  };
  for (const Case& c :
       {Case{11, Form::Together, Form::Stored, false}, Case{11, Form::Together, Form::Stored, true},
        Case{11, Form::Subgroup, Form::SubgroupStored, false},
        Case{11, Form::Subgroup, Form::SubgroupStored, true}, Case{40, Form::Stored, Form::Subgroup, false},
        Case{40, Form::Stored, Form::SubgroupStored, true}}) {
    const auto target = normals_target(c.dimension);
    auto one = form_kernel(device(), c.one, target, true, glsl::compile, c.dense),
         other = form_kernel(device(), c.other, target, true, glsl::compile, c.dense);
    const auto expected = draw(one, 5, 0, 0, 0), found = draw(other, 5, 7, 3, 0, true);
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], expected[i], 1e-6 * (1 + std::abs(expected[i])))
          << c.dimension << ' ' << name_of(c.one) << ' ' << name_of(c.other) << (c.dense ? " dense" : "");
  }
}

/// So many dimensions that a lane's share is loops too.
TEST_F(SubgroupMapping, ManyDimensionsDrawAsAChainPerInvocationButForRounding) {
  if (!has_f64()) GTEST_SKIP() << "no f64";
  const std::uint64_t dimension = 64 * device().info().subgroup_size + 70;
  const auto model = model::compile(test::erlang(fmt::format(
      "#{{parameters => [{{m, real}}, {{b, {{vector, {}}}}}], model => [{{'~', m, {{normal, 0, 1}}}}, "
      "{{'~', b, {{normal, m, 2}}}}]}}",
      dimension - 1)));
  const auto density = grad::differentiate(model.density, model.dimension);
  std::vector<std::vector<double>> found;
  for (const Mapping mapping : {Mapping::Invocation, Mapping::Subgroup}) {
    const auto plan = plan_kernel(device().info(), model, density, {true, dimension}, mapping);
    ChainKernel kernel(device(), plan.shape, plan.source, glsl::compile);
    found.push_back(draw(kernel, 3, 0, 0, 0));
  }
  ASSERT_EQ(found[0].size(), found[1].size());
  for (std::size_t i = 0; i < found[0].size(); ++i)
    ASSERT_NEAR(found[1][i], found[0][i], 1e-6 * (1 + std::abs(found[0][i])));
}

/// Directions of eigenvalue 1 are none: the draws of the diagonal, in both mappings.
TEST_F(SubgroupMapping, LowRankMetricsOfNoDirectionAreTheDiagonal) {
  const auto target = normals_target(11);
  const auto scaled = [&](ChainKernel& kernel, std::vector<double> scale) {
    Chains chains(kernel, 5, 8, false);
    chains.start_dispersed();
    chains.set_scale(scale);
    RunOptions run;
    run.seed = 4;
    run.limit = 8;
    run.step_size = 0.2;
    chains.run(run);
    return chains.record(8).reals;
  };
  std::vector<double> diagonal(11), low(11 + 2 + 22);
  for (std::size_t d = 0; d < 11; ++d) {
    diagonal[d] = low[d] = 1 + 0.25 * static_cast<double>(d);
    low[13 + d] = low[24 + d] = 0.3;
  }
  for (const bool shared : {false, true}) {
    KernelShape of{false, 11, 10, device().info().subgroup_size};
    of.lanes = shared ? of.local_size : 0;
    const auto source = shared ? in_lanes(target, of.lanes, false) : target.source();
    ChainKernel plain(device(), of, source, glsl::compile);
    of.rank = 2;
    ChainKernel ranked(device(), of, source, glsl::compile);
    const auto expected = scaled(plain, diagonal), found = scaled(ranked, low);
    for (std::size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], expected[i], 1e-3 * (1 + std::abs(expected[i]))) << shared;
  }
}

/// A metric that is the target's covariance but for rounding: the right moments, from short trees.
TEST_F(SubgroupMapping, LowRankMetricsSampleTheTarget) {
  const auto target = correlated_target();
  const double r = std::sqrt(0.5);
  const std::vector<double> metric = {1, 1, 1.95, 0.05, r, r, r, -r};
  const auto scale = low_rank_factor(metric, 2);
  for (const bool shared : {false, true}) {
    KernelShape of{false, 2, 10, device().info().subgroup_size};
    of.lanes = shared ? of.local_size : 0;
    of.rank = 2;
    ChainKernel kernel(device(), of, shared ? in_lanes(target, of.lanes, false) : target.source(),
                       glsl::compile);
    EXPECT_TRUE(
        ladder::moments(kernel, {0, 0}, 0.9, scale, ladder::moments_of_correlated(), 128, 200, 20).passed())
        << shared;
    Chains chains(kernel, 64, 50, false);
    chains.start_at(starts(target, 64));
    chains.set_scale(scale);
    RunOptions run;
    run.limit = 50;
    run.step_size = 0.9;
    chains.run(run);
    const auto record = chains.record(50);
    double leapfrogs = 0;
    for (std::uint64_t s = 0; s < 50; ++s)
      for (std::uint64_t c = 0; c < 64; ++c) leapfrogs += record.word(s, 1, c);
    EXPECT_LT(leapfrogs / 50 / 64, 5) << "the metric makes the target round";
  }
}

TEST_F(SubgroupMapping, IsChosenWhereItCostsLess) {
  const auto plan = [&](std::uint64_t dimension, std::uint64_t operations, std::uint32_t lanes) {
    KernelPlan made;
    made.shape.dimension = dimension;
    made.shape.lanes = lanes;
    made.source.operations = operations;
    return made;
  };
  gpu::DeviceInfo software;
  software.type = "cpu";
  software.subgroup_size = 8;
  EXPECT_FALSE(subgroup_pays(software, plan(10, 390, 0), plan(10, 390, 8), 256));
  EXPECT_TRUE(subgroup_pays(software, plan(102, 8451, 0), plan(102, 1351, 8), 256));
  EXPECT_TRUE(subgroup_pays(software, plan(26, 900, 0), plan(26, 600, 8), 64))
      << "the other compiles for ten seconds";
  gpu::DeviceInfo gpu;
  gpu.type = "discrete";
  gpu.subgroup_size = 32;
  EXPECT_TRUE(subgroup_pays(gpu, plan(10, 60'000, 0), plan(10, 3'000, 32), 64)) << "few chains, long data";
  EXPECT_FALSE(subgroup_pays(gpu, plan(10, 390, 0), plan(10, 390, 32), 65'536))
      << "many chains, little to do";
  gpu::DeviceInfo old;
  EXPECT_FALSE(has_subgroups(old));
  EXPECT_THROW(plan_kernel(old, {}, {}, {}, Mapping::Subgroup), Error);
}

}  // namespace
}  // namespace drey::nuts
