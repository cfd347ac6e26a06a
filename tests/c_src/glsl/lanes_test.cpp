#include "glsl/lanes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "grad/differentiate.h"
#include "grad/optimise.h"
#include "model/evaluator.h"
#include "support/device.h"
#include "support/random_lowered.h"

namespace drey::glsl {
namespace {

using testing::Case;

constexpr std::uint32_t points = 16;

std::uint32_t lanes() { return testing::device().info().subgroup_size; }

/// A differentiated program as a kernel in which a subgroup is a point.
testing::Runner lane_runner(const model::Program& program, const model::Model& model, Precision precision,
                            std::uint32_t lane_values) {
  const Source source =
      emit(program, model,
           {.precision = precision, .first_binding = 2, .chain_lanes = lanes(), .lane_values = lane_values});
  std::string sum = "real drey_lane_sum(real x) {\n";
  for (std::uint32_t step = 1; step < lanes(); step *= 2)
    sum += fmt::format("  x += subgroupShuffleXor(x, {}u);\n", step);
  const std::string body = "#extension GL_KHR_shader_subgroup_shuffle : require\n" + sum +
                           "  return x;\n}\n" + source.text +
                           fmt::format(R"(
void run(uint lane, uint count) {{
  const uint own = lane % {1}u, point = lane / {1}u, points = count / {1}u;
  for (uint k = 0u; k < {2}u; ++k) {{
    const uint d = k * {1}u + own;
    model_point[k] = d < {0}u ? in_[d * points + point] : real(0.0);
  }}
  model_prepare();
  model_run();
  out_[lane] = model_target;
  for (uint k = 0u; k < {2}u; ++k) out_[(k + 1u) * count + lane] = model_gradient[k];
}}
)",
                                       model.dimension, lanes(), (model.dimension + lanes() - 1) / lanes());
  return testing::Runner(precision, body, source.data, lanes());
}

/// Target in every lane, and gradient in its owner's slot, against the evaluator.
void expect_agreement(const Case& c, Precision precision, double tolerance, std::uint32_t lane_values = 256) {
  const model::Program program = grad::differentiate(c.model.density, c.model.dimension);
  auto runner = lane_runner(program, c.model, precision, lane_values);
  const std::uint64_t dimension = c.model.dimension, slots = (dimension + lanes() - 1) / lanes();
  std::mt19937_64 random(17);
  std::normal_distribution<double> normal(0, 0.5);
  // The runner hands [component][invocation] over: a point's numbers stand where the first lanes look for them.
  const std::uint32_t count = points * lanes();
  std::vector<double> input(dimension * points);
  for (double& x : input) x = static_cast<float>(normal(random));
  const auto output = runner.run(input, count, slots + 1);
  model::Evaluator evaluator(program, c.model.data);
  for (std::uint32_t p = 0; p < points; ++p) {
    std::vector<double> point(dimension);
    for (std::uint64_t d = 0; d < dimension; ++d) point[d] = input[d * points + p];
    const auto expected = evaluator.run(point);
    for (std::uint32_t l = 0; l < lanes(); ++l) {
      ASSERT_NEAR(output[p * lanes() + l], expected.target, tolerance * (1 + std::abs(expected.target)))
          << c.name << " lane " << l;
      ASSERT_EQ(output[p * lanes() + l], output[p * lanes()]) << c.name << " lane " << l;
      for (std::uint64_t k = 0; k < slots; ++k) {
        const std::uint64_t d = k * lanes() + l;
        const double found = output[(k + 1) * count + p * lanes() + l];
        const double wanted = d < dimension ? expected.gradient[d] : 0;
        ASSERT_NEAR(found, wanted, tolerance * (1 + std::abs(wanted))) << c.name << " d" << d;
      }
    }
  }
}

/// x[0] ~ N(0, 1), x[t] ~ N(x[t - 3], 1): neighbours that live in other lanes, in both directions.
Case walk(std::int64_t length) {
  testing::CaseBuilder b(static_cast<std::uint64_t>(length));
  b.add_to_target(b.mul(b.point(0), b.point(0)));
  const auto loop = b.begin_for(0, length - 3, true);
  const auto difference =
      b.sub(b.load(b.point(), b.add_i(b.index(loop), b.integer(3))), b.load(b.point(), b.index(loop)));
  b.add_to_target(b.mul(difference, b.mul(difference, b.point(1))));
  b.end_for();
  return b.done("walk");
}

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back(testing::eight_schools());
  all.push_back(testing::logistic(50, 6));
  all.push_back(testing::logistic(5, 300));
  all.push_back(testing::garch(63));
  all.push_back(testing::groups());
  for (const std::int64_t length : {9, 102}) all.push_back(walk(length));
  return all;
}

TEST(Lanes, KernelsAgreeWithTheEvaluator) {
  for (const Case& c : cases()) {
    expect_agreement(c, Precision::F64, 1e-12);
    expect_agreement(c, Precision::F32, 4e-5);
    expect_agreement(c, Precision::F64, 1e-12, 0);
  }
}

TEST(Lanes, LongLoopsStayLoops) {
  const Case c = walk(5000);
  const Source source = emit(grad::differentiate(c.model.density, 5000), c.model, {.chain_lanes = 8});
  EXPECT_LT(source.text.size(), 30'000u);
  EXPECT_GT(source.trips, 600u);
  expect_agreement(c, Precision::F64, 1e-12);
}

TEST(Lanes, RandomProgramsAgreeWithTheEvaluator) {
  for (unsigned seed = 1; seed <= 6 && !HasFailure(); ++seed) {
    const Case c = testing::random_program(seed);
    expect_agreement(c, Precision::F64, 1e-11);
  }
}

}  // namespace
}  // namespace drey::glsl
