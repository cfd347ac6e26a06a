#include "nuts/adaptation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace drey::nuts {
namespace {

TEST(StepSizeAdaptation, FindsTheStepWhoseAcceptanceIsWanted) {
  // Acceptance falls as exp(-step / 2): 0.8 is met at 2 log(1 / 0.8).
  StepSizeAdaptation adaptation(0.8, 0.01);
  for (int i = 0; i < 200; ++i) adaptation.update(std::exp(-adaptation.exploring() / 2));
  EXPECT_NEAR(adaptation.averaged(), -2 * std::log(0.8), 0.02);
}

TEST(StepSizeAdaptation, StaysFiniteWhateverItIsFed) {
  StepSizeAdaptation adaptation(0.8, 1);
  for (int i = 0; i < 2000; ++i) adaptation.update(i % 3 ? std::nan("") : 0);
  EXPECT_GT(adaptation.averaged(), 0);
  for (int i = 0; i < 2000; ++i) adaptation.update(1);
  EXPECT_TRUE(std::isfinite(adaptation.exploring()));
}

TEST(FisherDiagonal, IsExactForANormalWhateverTheDraws) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  PooledSamples samples;
  samples.dimension = 2;
  const double sd[] = {0.1, 20};
  for (int i = 0; i < 10; ++i)
    for (int d = 0; d < 2; ++d) {
      const double x = normal(random);
      samples.points.push_back(5 + sd[d] * x);
      samples.gradients.push_back(-x / sd[d]);
    }
  const auto metric = fisher_diagonal(samples, std::vector<double>{1, 1});
  EXPECT_NEAR(metric[0], 0.01, 1e-12);
  EXPECT_NEAR(metric[1], 400, 1e-9);
}

TEST(FisherDiagonal, KeepsWhatItCannotEstimate) {
  PooledSamples samples;
  samples.dimension = 2;
  for (int i = 0; i < 5; ++i) {
    samples.points.insert(samples.points.end(), {static_cast<double>(i), 1.0});
    samples.gradients.insert(samples.gradients.end(), {std::nan(""), -1.0 * i});
  }
  EXPECT_EQ(fisher_diagonal(samples, std::vector<double>{7, 8}), (std::vector<double>{7, 8}));
}

}  // namespace
}  // namespace drey::nuts
