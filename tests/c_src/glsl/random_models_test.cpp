// Random programs of the language on the device: kernel against host evaluator at random points, value and gradient, in
// both precisions. What the programs mean is asked in tests/c_src/model/random_models_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/device.h"
#include "support/erlang_text.h"
#include "support/random_program.h"

namespace drey::glsl {
namespace {

constexpr std::uint32_t points = 64;

/// In f32 what a comparison decides may differ, a solver's steps too, and some matrices are nearly singular: nine points of
/// ten must agree.
void expect_agreement(std::uint64_t seed) {
  const std::string text = test::ProgramGenerator(seed).make().text();
  const model::Model model = model::compile(test::erlang(text));
  const model::Program program = grad::differentiate(model.density, model.dimension);
  std::mt19937_64 random(seed);
  std::vector<double> input(model.dimension * points);
  for (double& x : input)  // the same in both precisions
    x = static_cast<float>((static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 2.4);
  model::Evaluator evaluator(program, model.data);
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    const bool wide = precision == Precision::F64;
    const double tolerance = wide ? 1e-9 : 1e-3;
    const auto output =
        testing::program_runner(program, model, precision).run(input, points, model.dimension + 1);
    std::size_t differing = 0, compared = 0;
    std::string first;
    for (std::uint32_t lane = 0; lane < points; ++lane) {
      std::vector<double> point(model.dimension);
      for (std::uint64_t d = 0; d < model.dimension; ++d) point[d] = input[d * points + lane];
      const auto expected = evaluator.run(point);
      if (!std::isfinite(expected.target) || std::abs(expected.target) > 1e6) continue;
      double size = 1 + std::abs(expected.target) / 100;
      for (const double g : expected.gradient) size = std::max(size, std::abs(g));
      bool agrees = std::abs(output[lane] - expected.target) <= tolerance * (1 + std::abs(expected.target));
      for (std::uint64_t d = 0; d < model.dimension; ++d)
        agrees =
            agrees && std::abs(output[(d + 1) * points + lane] - expected.gradient[d]) <= tolerance * size;
      ++compared;
      if (agrees || differing++ > 0) continue;
      first = fmt::format("lane {}: {:.15g} for {:.15g}; gradient ", lane, output[lane], expected.target);
      for (std::uint64_t d = 0; d < model.dimension; ++d)
        first += fmt::format(" {:.12g} for {:.12g},", output[(d + 1) * points + lane], expected.gradient[d]);
    }
    EXPECT_LE(differing, wide ? 0 : compared / 10)
        << "seed " << seed << (wide ? " f64 " : " f32 ") << first << "\n"
        << text;
  }
}

class RandomModelKernel : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomModelKernel, AgreesWithTheEvaluator) { expect_agreement(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModelKernel, ::testing::Range<std::uint64_t>(2034, 2054));

INSTANTIATE_TEST_SUITE_P(Stiff, RandomModelKernel, ::testing::Values<std::uint64_t>(2056));

// DREY_RANDOM_MODELS=N: N other programs.
TEST(RandomModelKernels, AsManyAsAreAskedFor) {
  const char* asked = std::getenv("DREY_RANDOM_MODELS");
  if (!asked) GTEST_SKIP() << "DREY_RANDOM_MODELS is not set";
  for (std::uint64_t seed = 3'000'000; seed < 3'000'000 + std::strtoull(asked, nullptr, 10); ++seed)
    expect_agreement(seed);
}

}  // namespace
}  // namespace drey::glsl
