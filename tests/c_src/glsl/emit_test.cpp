#include "glsl/emit.h"

#include <gmock/gmock.h>

#include <random>

#include "error.h"
#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/functions.h"
#include "support/device.h"
#include "support/random_lowered.h"

namespace drey::glsl {
namespace {

using testing::Case;

constexpr std::uint32_t points = 64;

std::vector<double> random_points(std::uint64_t dimension, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 0.5);
  std::vector<double> all(dimension * points);
  for (double& x : all) x = static_cast<float>(normal(random));  // the same in both precisions
  return all;
}

/// The kernel's target and gradient against the evaluator's, relative to the size of the terms.
void expect_agreement(const Case& c, Precision precision, double tolerance,
                      std::uint64_t uniform_range = 65536, std::uint32_t uniform_lanes = 0) {
  const model::Program program = grad::differentiate(c.model.density, c.model.dimension);
  auto runner = testing::program_runner(program, c.model, precision, uniform_range, 64, uniform_lanes);
  const std::uint64_t dimension = c.model.dimension;
  const auto input = random_points(dimension, 17);
  const auto output = runner.run(input, points, dimension + 1);
  model::Evaluator evaluator(program, c.model.data);
  for (std::uint32_t lane = 0; lane < points; ++lane) {
    std::vector<double> point(dimension);
    for (std::uint64_t d = 0; d < dimension; ++d) point[d] = input[d * points + lane];
    const auto expected = evaluator.run(point);
    EXPECT_NEAR(output[lane], expected.target, tolerance * (1 + std::abs(expected.target))) << c.name;
    for (std::uint64_t d = 0; d < dimension; ++d)
      EXPECT_NEAR(output[(d + 1) * points + lane], expected.gradient[d],
                  tolerance * (1 + std::abs(expected.gradient[d])))
          << c.name << " d" << d << " lane " << lane;
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back(testing::eight_schools());
  all.push_back(testing::logistic(50, 6));
  all.push_back(testing::logistic(50, 37));
  all.push_back(testing::logistic(47, 4));
  all.push_back(testing::logistic(5, 300));
  all.push_back(testing::garch(63));
  all.push_back(testing::groups());
  return all;
}

TEST(Emit, KernelsAgreeWithTheEvaluatorInF64) {
  for (const Case& c : cases()) expect_agreement(c, Precision::F64, 1e-12);
}

TEST(Emit, KernelsAgreeWithTheEvaluatorInF32) {
  for (const Case& c : cases()) expect_agreement(c, Precision::F32, 4e-5);
}

TEST(Emit, DataMayLieInStorageBuffers) {
  for (const Case& c : cases()) {
    expect_agreement(c, Precision::F64, 1e-12, 0);
    expect_agreement(c, Precision::F32, 4e-5, 512);
  }
}

/// All lanes of a subgroup run the kernel here: the number of points is a multiple of any subgroup's size.
TEST(Emit, LanesMayShareLoads) {
  const std::uint32_t lanes = testing::device().info().subgroup_size;
  ASSERT_EQ(points % lanes, 0u);
  const Case wide = testing::logistic(50, 37);
  const Source source = emit(grad::differentiate(wide.model.density, wide.model.dimension), wide.model,
                             {.uniform_lanes = lanes});
  EXPECT_THAT(source.text, ::testing::HasSubstr("subgroupShuffle("));
  for (const Case& c : cases()) {
    expect_agreement(c, Precision::F64, 1e-12, 65536, lanes);
    expect_agreement(c, Precision::F32, 4e-5, 512, lanes);
  }
}

TEST(Emit, RandomProgramsAgreeWithTheEvaluator) {
  for (unsigned seed = 1; seed <= 8 && !HasFailure(); ++seed) {
    const Case c = testing::random_program(seed);
    expect_agreement(c, Precision::F64, 1e-11);
    expect_agreement(c, Precision::F32, 2e-4);
  }
}

TEST(Emit, TextDoesNotGrowWithTheData) {
  const auto size = [](std::int64_t rows) {
    const Case c = testing::logistic(rows, 20);
    return emit(grad::differentiate(c.model.density, c.model.dimension), c.model, {}).text.size();
  };
  EXPECT_NEAR(static_cast<double>(size(5000)), static_cast<double>(size(500)), 300);
}

// An array that a loop walks is cleared by a loop: drivers spend time by the square of an array's accesses.
TEST(Emit, LongArraysAreClearedByLoops) {
  const Case c = testing::garch(200);
  const Source source = emit(grad::differentiate(c.model.density, c.model.dimension), c.model, {});
  EXPECT_THAT(source.text, ::testing::Not(::testing::HasSubstr("[150] = 0.0;")));
  EXPECT_LT(std::count(source.text.begin(), source.text.end(), '\n'), 400);
}

TEST(Emit, CountsTrips) {
  const Case c = testing::garch(1000);
  const Source source = emit(grad::differentiate(c.model.density, c.model.dimension), c.model, {});
  EXPECT_GE(source.trips, 3u * 250);
  EXPECT_LE(source.trips, 3u * 1000 + 10);
  const Case logistic = testing::logistic(500, 20);
  const Source rows = emit(grad::differentiate(logistic.model.density, 21), logistic.model, {});
  EXPECT_EQ(rows.trips, 126u);  // blocks of four rows
}

TEST(Emit, CountsTripsInsideFunctions) {
  testing::CaseBuilder b(2);
  const auto data = b.data(std::vector<double>(1000, 0.5));
  const auto loop = b.begin_for(0, 1000, true);
  b.add_to_target(b.call("gamma_p", {b.point(0), b.add(b.point(1), b.load(data, b.index(loop)))}));
  b.end_for();
  const Case c = b.done("gamma");
  EXPECT_GE(emit(c.model.density, c.model, {}).trips, 1000u * 100);
}

// Every function of the table has its text in the shaders, and says the same there as on the host.
TEST(Emit, EveryFunctionCompiles) {
  std::string body =
      "#include \"math.glsl\"\nvoid run(uint lane, uint count) {\n  const real x = in_[lane], y = "
      "in_[count + lane], z = in_[2u * count + lane];\n";
  std::size_t index = 0;
  for (const model::Function& f : model::functions()) {
    std::string code;
    for (std::size_t i = 0; i < f.glsl.size(); ++i)
      code += f.glsl[i] == '$' ? std::string(1, "xyz"[f.glsl[++i] - '0']) : std::string(1, f.glsl[i]);
    body += fmt::format("  out_[{}u * count + lane] = {};\n", index++, code);
  }
  const std::vector<double> input = {0.4375, 0.8125, 0.625, 0.3125, 0.75, 0.5625};  // two points
  const auto output = testing::Runner(Precision::F64, body + "}\n").run(input, 2, index);
  for (std::size_t i = 0; i < index; ++i)
    for (std::size_t lane = 0; lane < 2; ++lane) {
      const double args[] = {input[lane], input[2 + lane], input[4 + lane]};
      const model::Function& f = model::functions()[i];
      const double expected = f.value(args), found = output[2 * i + lane];
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(found)) << f.name;
      else
        EXPECT_NEAR(found, expected, 1e-12 * (1 + std::abs(expected))) << f.name;
    }
}

TEST(Emit, IntegersThatDoNotFitAreAnError) {
  testing::CaseBuilder b(1);
  const auto data = b.data(std::vector<std::int64_t>{1, 5'000'000'000});
  b.add_to_target(b.mul(b.point(0), b.to_real(b.at(data, 1))));
  const Case c = b.done("large integer");
  EXPECT_THROW(emit(c.model.density, c.model, {}), Error);
}

}  // namespace
}  // namespace drey::glsl
