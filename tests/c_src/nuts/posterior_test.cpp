#include "c_src/nuts/ladder.h"

namespace drey::nuts {
namespace {

class Posteriors : public OnDevice {
 protected:
  std::vector<bool> precisions() const {
    return has_f64() ? std::vector<bool>{false, true} : std::vector<bool>{false};
  }
};

TEST_F(Posteriors, OfIndependentNormalsHaveTheirMoments) {
  for (const std::uint64_t dimension : {1, 3, 10, 40})
    for (const bool f64 : precisions()) {
      auto on_device = kernel(normals_target(dimension), f64);
      std::vector<double> start, scale;
      for (std::uint64_t d = 0; d < dimension; ++d) {
        start.push_back(static_cast<double>(d));
        scale.push_back(1 + 0.4 * static_cast<double>(d));
      }
      const auto found =
          ladder::moments(on_device, start, 0.8 / std::pow(static_cast<double>(dimension), 0.25), scale,
                          ladder::moments_of_normals(dimension), 128, 400, 20);
      EXPECT_TRUE(found.passed()) << found.worst << " of " << dimension << (f64 ? " in f64" : " in f32");
    }
}

TEST_F(Posteriors, OfCorrelatedNormalsHaveTheirMoments) {
  for (const bool f64 : precisions()) {
    auto on_device = kernel(correlated_target(), f64);
    // Steps coarse and fine: trees shallow and deep.
    for (const double step_size : {0.35, 0.1, 0.02}) {
      const auto found = ladder::moments(on_device, {0.1, 0.1}, step_size, {1, 1},
                                         ladder::moments_of_correlated(), 128, 300, 20);
      EXPECT_TRUE(found.passed()) << found.worst << " at step " << step_size;
    }
  }
}

TEST_F(Posteriors, PassTheExactRankTestAtSmallAndLargeSteps) {
  const auto target = normals_target(3);
  for (const bool f64 : precisions()) {
    auto on_device = kernel(target, f64);
    for (const double step_size : {0.4, 1.7}) {
      const auto found =
          ladder::ranks(on_device, target, step_size, {1, 1.2, 1.5}, ladder::exact_normals(3), 4096, 16);
      EXPECT_TRUE(found.passed()) << found.worst << ", p " << found.p << " at step " << step_size;
    }
  }
}

}  // namespace
}  // namespace drey::nuts
