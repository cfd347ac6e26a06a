#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "gpu/device.h"

namespace drey::gpu {

/// A device under the validation layers; fails on any message of theirs. Skips where there is no device.
class DeviceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { setenv("DREY_VALIDATION", "1", 1); }
  void SetUp() override {
    if (devices().empty()) GTEST_SKIP() << "no Vulkan device";
    before_ = validation_messages().size();
  }
  void TearDown() override {
    const auto messages = validation_messages();
    for (std::size_t i = before_; i < messages.size(); ++i) ADD_FAILURE() << messages[i];
  }

 private:
  std::size_t before_ = 0;
};

}  // namespace drey::gpu
