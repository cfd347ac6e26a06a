#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "model/evaluator.h"
#include "support/race.h"

namespace drey::model {
namespace {

class Race : public testing::TestWithParam<const char*> {};

TEST_P(Race, LogDensityIsThePublishedOne) {
  const Model model = test::race_model(GetParam());
  Evaluator evaluator(model.density, model.data);
  const nlohmann::json points = test::race_points(GetParam());
  ASSERT_EQ(points.size(), 22u);
  for (const auto& point : points) {
    auto z = point.at("z").get<std::vector<double>>();
    ASSERT_EQ(z.size(), model.dimension);
    double expected = point.at("log_density").get<double>();
    EXPECT_NEAR(evaluator.run(z).target, expected, 1e-9 * std::abs(expected)) << to_string(model.density);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Race, testing::ValuesIn(test::race_names),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace drey::model
