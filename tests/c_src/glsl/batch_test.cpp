// Calls gathered into loops: the same numbers, to the last bit, and the function's text once.

#include "glsl/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "glsl/emit.h"
#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/compiled.h"
#include "support/random_lowered.h"

namespace drey::glsl {
namespace {

using testing::Case;

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// With functions that every program has, so that all kinds of statements stand between the calls.
TEST(Batch, RandomProgramsKeepEveryBit) {
  std::size_t loops = 0;
  for (unsigned seed = 1; seed <= 200 && !HasFailure(); ++seed) {
    const Case c = testing::random_program(seed);
    const model::Program before = grad::differentiate(c.model.density, c.model.dimension);
    const model::Program after = batch_calls(before, [](std::string_view name) {
      return name == "tanh" || name == "sin" || name == "inv_logit" || name == "log1p_exp" || name == "*";
    });
    ASSERT_NO_THROW(model::validate(after)) << seed;
    loops += after.loops.size() - before.loops.size();
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> point(c.model.dimension);
    for (double& x : point) x = normal(random);
    const auto expected = model::Evaluator(before, c.model.data).run(point);
    const auto found = model::Evaluator(after, c.model.data).run(point);
    EXPECT_EQ(found.target, expected.target) << seed;
    EXPECT_EQ(found.gradient, expected.gradient) << seed;
  }
  EXPECT_GT(loops, 2000u);
}

TEST(Batch, ATruncatedGammaCallsEachFunctionOnce) {
  const test::Compiled compiled(
      "#{parameters => [{y, real, [{lower, 1}, {upper, 2}]}, {a, real, [{lower, 0}]}, {b, real, [{lower, 0}]}], model => "
      "[{'~', y, {truncate, {gamma, a, b}, 1, 2}}, {target, {gamma_lccdf, 3, a, b}}]}");
  const std::string text = emit(compiled.gradient(), compiled.model(), {}).text;
  for (const char* name : {"drey_log_gamma_q(", "drey_log_gamma_p(", "drey_log_gamma_q_da(",
                           "drey_log_gamma_p_da(", "drey_log_gamma_q_dx(", "drey_log_gamma_p_dx("})
    EXPECT_EQ(times(text, name), 1u) << name;
}

}  // namespace
}  // namespace drey::glsl
