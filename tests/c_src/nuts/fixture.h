#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "c_src/nuts/targets.h"
#include "glsl/compile.h"
#include "gpu/device.h"
#include "nuts/chains.h"

namespace drey::nuts {

/// A device to run chains on; skips where there is none. With DREY_VALIDATION=1 any message of the validation
/// layers fails the test.
class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (gpu::devices().empty()) GTEST_SKIP() << "no Vulkan device";
    before_ = gpu::validation_messages().size();
    device_ = std::make_unique<gpu::Device>(gpu::default_device());
  }
  void TearDown() override {
    const auto messages = gpu::validation_messages();
    for (std::size_t i = before_; i < messages.size(); ++i) ADD_FAILURE() << messages[i];
  }
  gpu::Device& device() { return *device_; }
  bool has_f64() const { return device_->info().f64; }

  ChainKernel kernel(const Target& target, bool f64, const Compile& compile = glsl::compile) {
    return ChainKernel(device(), shape(target, f64), target.source(f64), compile);
  }
  static KernelShape shape(const Target& target, bool f64) { return {f64, target.dimension, 10, 8}; }

  /// `count` chains from a point near the middle of the target.
  static std::vector<double> starts(const Target& target, std::uint64_t count) {
    return std::vector<double>(count * target.dimension, 0.125);
  }

 private:
  std::unique_ptr<gpu::Device> device_;
  std::size_t before_ = 0;
};

/// How far a mean lies from the truth, in standard errors estimated from independent chains.
/// \param values [chain]: an estimate from each
inline double z_score(const std::vector<double>& values, double truth) {
  double mean = 0, squares = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  const auto n = static_cast<double>(values.size());
  return (mean - truth) / std::sqrt(squares / (n - 1) / n);
}

}  // namespace drey::nuts
