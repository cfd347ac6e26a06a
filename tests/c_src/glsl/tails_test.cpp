// Tails whose probability is no number of f32 any more (below 1e-38, many below 1e-1000): distribution functions,
// truncation and censoring there, value and gradient, kernel against host evaluator in both precisions.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/device.h"
#include "support/erlang_text.h"

namespace drey::glsl {
namespace {

// Each statement of its own value; a and b are near 1.
const std::vector<std::string> statements = {
    "{gamma_lccdf, 300, {'*', 3, a}, b}",
    "{gamma_lccdf, 9000, {'*', 40, a}, b}",
    "{gamma_lcdf, {'*', 1.0e-20, b}, {'*', 9, a}, 2}",
    "{gamma_lcdf, {'*', 120, b}, {'*', 700, a}, 1}",
    "{chi_square_lccdf, 700, {'*', 5, a}}",
    "{inv_gamma_lcdf, {'*', 0.004, b}, {'*', 2, a}, 1}",
    "{inv_chi_square_lcdf, {'*', 0.002, b}, {'*', 3, a}}",
    "{scaled_inv_chi_square_lcdf, {'*', 0.002, b}, {'*', 3, a}, 1}",
    "{poisson_lccdf, 200, a}",
    "{poisson_lcdf, 3, {'*', 400, a}}",
    "{poisson_log_lccdf, 150, {'-', b, 1}}",
    "{poisson_log_lcdf, 1, {'+', 5, b}}",
    "{gamma_lpdf, 300, {'*', 3, a}, b}",
};
const std::vector<std::string> parts = {
    "{'~', 310, {truncate, {gamma, {'*', 3, a}, b}, 300, none}}",
    "{'~', 310, {truncate, {gamma, {'*', 3, a}, b}, 300, 320}}",
    "{'~', 300, {censor, {gamma, {'*', 3, a}, b}, none, 300}}",
    "{'~', 820, {truncate, {chi_square, {'*', 5, a}}, 800, none}}",
    "{'~', 201, {truncate, {poisson, a}, 200, none}}",
    "{'~', 200, {censor, {poisson, a}, none, 200}}",
    "{'~', 3, {censor, {poisson, {'*', 400, a}}, 3, none}}",
};

void expect_agreement(const std::string& statement) {
  constexpr std::uint32_t points = 64;
  const model::Model model = model::compile(test::erlang(
      "#{parameters => [{a, real, [{lower, 0}]}, {b, real, [{lower, 0}]}], model => [" + statement + "]}"));
  const model::Program program = grad::differentiate(model.density, model.dimension);
  std::mt19937_64 random(31);
  std::normal_distribution<double> normal(0, 0.1);
  std::vector<double> input(model.dimension * points);
  for (double& x : input) x = static_cast<float>(normal(random));
  model::Evaluator evaluator(program, model.data);
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    const double tolerance = precision == Precision::F64 ? 1e-11 : 2e-5;
    const auto output =
        testing::program_runner(program, model, precision).run(input, points, model.dimension + 1);
    for (std::uint32_t lane = 0; lane < points && !::testing::Test::HasFailure(); ++lane) {
      const double point[] = {input[lane], input[points + lane]};
      const auto expected = evaluator.run(point);
      ASSERT_TRUE(std::isfinite(expected.target)) << statement;
      // Of what is seen in part the value is a difference of two logarithms of up to 1,000, whose spacing in f32 is 6e-5.
      const double spacing = precision == Precision::F64 ? 0 : 1.8e-4;
      EXPECT_NEAR(output[lane], expected.target, spacing + tolerance * (1 + std::abs(expected.target)))
          << statement << " lane " << lane;
      // Relative to what the value itself is made of: a derivative is a difference of such parts too.
      const double size = std::max({1.0, std::abs(expected.gradient[0]), std::abs(expected.gradient[1]),
                                    0.1 * std::abs(expected.target)});
      for (std::uint64_t d = 0; d < 2; ++d)
        EXPECT_NEAR(output[(d + 1) * points + lane], expected.gradient[d], 4 * tolerance * size)
            << statement << " d" << d << " lane " << lane;
    }
  }
}

TEST(FarTails, OfDistributionFunctions) {
  std::string all;
  double weight = 0.5;
  for (const std::string& s : statements) {
    all += (all.empty() ? "" : ", ") + fmt::format("{{target, {{'*', {}, {}}}}}", weight, s);
    weight += 0.07;
  }
  expect_agreement(all);
}

TEST(FarTails, OneByOne) {
  for (const std::string& s : {statements[1], statements[3], statements[8], statements[9]})
    expect_agreement("{target, " + s + "}");
}

TEST(FarTails, OfWhatIsSeenInPart) {
  for (const std::string& s : parts) expect_agreement(s);
}

}  // namespace
}  // namespace drey::glsl
