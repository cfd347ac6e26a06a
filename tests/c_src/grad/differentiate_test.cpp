#include "grad/differentiate.h"

#include <gmock/gmock.h>

#include <random>

#include "grad/optimise.h"
#include "model/evaluator.h"
#include "support/differences.h"
#include "support/programs.h"
#include "support/random_lowered.h"

namespace drey::grad {
namespace {

using model::Evaluator;
using testing::Case;

std::vector<double> random_point(std::uint64_t dimension, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 0.5);
  std::vector<double> point(dimension);
  for (double& x : point) x = normal(random);
  return point;
}

void expect_gradient(const Case& c, const model::Program& program) {
  const model::Program reversed = differentiate(program, c.model.dimension);
  Evaluator forward(program, c.model.data), both(reversed, c.model.data);
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const auto point = random_point(c.model.dimension, seed);
    const auto result = both.run(point);
    const double target = forward.run(point).target;
    EXPECT_NEAR(result.target, target, 1e-13 * (1 + std::abs(target))) << c.name;
    const auto expected = testing::gradient_by_differences(
        [&](std::span<const double> x) { return forward.run(x).target; }, point);
    ASSERT_EQ(result.gradient.size(), expected.size());
    for (std::size_t d = 0; d < expected.size(); ++d)
      EXPECT_NEAR(result.gradient[d], expected[d], 2e-8 * (1 + std::abs(expected[d])))
          << c.name << " d" << d << " seed " << seed;
  }
}

TEST(Differentiate, AgreesWithDifferences) {
  for (const Case& c : {testing::eight_schools(), testing::logistic(50, 6), testing::garch(40),
                        testing::groups(), testing::logistic(5, 300)}) {
    expect_gradient(c, c.model.density);
    for (const std::uint64_t unroll : {4, 20})
      for (const std::uint64_t strip : {0, 4})
        expect_gradient(c, optimise(c.model.density, {.unroll_trips = unroll, .strip = strip}));
  }
}

TEST(Differentiate, RandomProgramsAgreeWithDifferences) {
  for (unsigned seed = 1; seed <= 150 && !HasFailure(); ++seed) {
    const Case c = testing::random_program(seed);
    expect_gradient(c, c.model.density);
    expect_gradient(c, optimise(c.model.density, {.unroll_trips = 6, .strip = 4}));
  }
}

TEST(Differentiate, RandomProgramsSurviveRewriting) {
  for (unsigned seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    const Case c = testing::random_program(seed);
    const model::Program reversed = differentiate(c.model.density, c.model.dimension);
    const auto point = random_point(c.model.dimension, seed);
    const auto expected = Evaluator(reversed, c.model.data).run(point);
    for (const std::uint64_t unroll : {0, 3, 24})
      for (const std::uint64_t strip : {0, 4}) {
        const model::Program better = optimise(reversed, {.unroll_trips = unroll, .strip = strip});
        const auto result = Evaluator(better, c.model.data).run(point);
        EXPECT_NEAR(result.target, expected.target, 1e-12 * (1 + std::abs(expected.target))) << c.name;
        for (std::size_t d = 0; d < expected.gradient.size(); ++d)
          EXPECT_NEAR(result.gradient[d], expected.gradient[d], 1e-11 * (1 + std::abs(expected.gradient[d])))
              << c.name << " d" << d << " unroll " << unroll << " strip " << strip;
      }
  }
}

// A sum begun in a straight line and carried on in a loop: its parts are counted once.
TEST(Differentiate, ASumKnownInPart) {
  testing::CaseBuilder b(3);
  const auto sum = b.local(1, "sum");
  const auto zero = b.integer(0);
  b.store(sum, zero, b.call("sin", {b.point(0)}));
  b.accumulate(sum, zero, b.call("exp", {b.point(1)}));
  const auto data = b.data(std::vector<double>(300, 0.01));
  const auto loop = b.begin_for(0, 300, false);
  b.accumulate(sum, zero, b.mul(b.load(data, b.index(loop)), b.point(2)));
  b.end_for();
  b.add_to_target(b.call("tanh", {b.mul(b.real(0.1), b.at(sum, 0))}));
  const Case c = b.done("sum known in part");
  expect_gradient(c, c.model.density);
}

// An accumulator private to the rows of a loop inside a loop that is written out.
TEST(Differentiate, PrivateAccumulatorsInsideAWrittenOutLoop) {
  testing::CaseBuilder b(4);
  const auto data = b.data(std::vector<double>(600, 0.1), 300);
  const auto acc = b.local(1, "acc");
  const auto zero = b.integer(0);
  const auto outer = b.begin_for(0, 2, false);
  const auto rows = b.begin_for(0, 300, true);
  b.store(acc, zero, b.point(0));
  const auto inner = b.begin_for(zero, b.op(model::Op::MinI, {b.index(rows), b.integer(3)}), 3, false);
  b.accumulate(acc, zero, b.load(b.point(), b.add_i(b.index(inner), b.integer(1))));
  b.end_for();
  b.add_to_target(b.mul(b.load(data, b.add_i(b.mul_i(b.index(outer), b.integer(300)), b.index(rows))),
                        b.call("tanh", {b.load(acc, zero)})));
  b.end_for();
  b.end_for();
  const Case c = b.done("private inside written out");
  expect_gradient(c, c.model.density);
}

TEST(Differentiate, RewritingTheResultKeepsIt) {
  for (const Case& c : {testing::eight_schools(), testing::logistic(50, 6), testing::garch(40),
                        testing::groups(), testing::logistic(5, 300)}) {
    const model::Program reversed = differentiate(c.model.density, c.model.dimension);
    Evaluator plain(reversed, c.model.data);
    const auto point = random_point(c.model.dimension, 3);
    const auto expected = plain.run(point);
    for (const std::uint64_t unroll : {0, 4, 20})
      for (const std::uint64_t strip : {0, 2, 4}) {
        const model::Program better = optimise(reversed, {.unroll_trips = unroll, .strip = strip});
        const auto result = Evaluator(better, c.model.data).run(point);
        EXPECT_NEAR(result.target, expected.target, 1e-12 * std::abs(expected.target));
        for (std::size_t d = 0; d < expected.gradient.size(); ++d)
          EXPECT_NEAR(result.gradient[d], expected.gradient[d], 1e-11 * (1 + std::abs(expected.gradient[d])));
      }
  }
}

}  // namespace
}  // namespace drey::grad
