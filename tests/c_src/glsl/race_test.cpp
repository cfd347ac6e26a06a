#include <gmock/gmock.h>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "support/device.h"
#include "support/race.h"

/// The models of the race, from their terms to a kernel: log densities against the published ones, gradients
/// against the evaluator's.
namespace drey::glsl {
namespace {

class RaceKernel : public ::testing::TestWithParam<const char*> {};

TEST_P(RaceKernel, AgreesWithThePublishedDensities) {
  const model::Model model = test::race_model(GetParam());
  const model::Program program = grad::differentiate(model.density, model.dimension);
  const nlohmann::json points = test::race_points(GetParam());
  const auto count = static_cast<std::uint32_t>(points.size());
  std::vector<double> input(model.dimension * count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto z = points[i].at("z").get<std::vector<double>>();
    ASSERT_EQ(z.size(), model.dimension);
    for (std::size_t d = 0; d < z.size(); ++d) input[d * count + i] = z[d];
  }
  model::Evaluator evaluator(program, model.data);
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    auto runner = testing::program_runner(program, model, precision);
    const auto output = runner.run(input, count, model.dimension + 1);
    const double tolerance = precision == Precision::F64 ? 1e-9 : 1e-4;
    for (std::uint32_t i = 0; i < count; ++i) {
      const double expected = points[i].at("log_density").get<double>();
      EXPECT_NEAR(output[i], expected, tolerance * std::abs(expected)) << "point " << i;
      const auto z = points[i].at("z").get<std::vector<double>>();
      const auto host = evaluator.run(z);
      double size = 1;
      for (const double g : host.gradient) size = std::max(size, std::abs(g));
      for (std::size_t d = 0; d < z.size(); ++d)
        EXPECT_NEAR(output[(d + 1) * count + i], host.gradient[d], tolerance * size)
            << "point " << i << " d" << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, RaceKernel, ::testing::ValuesIn(test::race_names),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace drey::glsl
