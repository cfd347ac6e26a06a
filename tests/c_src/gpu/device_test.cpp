#include "gpu/device.h"

#include <gmock/gmock.h>

#include "c_src/gpu/fixture.h"
#include "error.h"

namespace drey::gpu {
namespace {

using Devices = DeviceTest;

TEST_F(Devices, AreListedWithWhatAKernelHasToFitInto) {
  const auto all = devices();
  ASSERT_FALSE(all.empty());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].index, i);
    EXPECT_FALSE(all[i].name.empty());
    EXPECT_FALSE(all[i].driver.empty());
    EXPECT_GT(all[i].memory_bytes, 0u);
    EXPECT_GE(all[i].storage_range, 1u << 27);
    EXPECT_GE(all[i].uniform_range, 1u << 14);
    EXPECT_GE(all[i].push_constant_bytes, 128u);
    EXPECT_GT(all[i].subgroup_size, 0u);
  }
}

TEST_F(Devices, DefaultIsOneOfThem) { EXPECT_LT(default_device(), devices().size()); }

TEST_F(Devices, DefaultFollowsTheEnvironment) {
  setenv("DREY_DEVICE", "0", 1);
  EXPECT_EQ(default_device(), 0u);
  for (const char* bad : {"one", "99", "-1", "0x"}) {
    setenv("DREY_DEVICE", bad, 1);
    EXPECT_THROW(default_device(), Error) << bad;
  }
  unsetenv("DREY_DEVICE");
}

TEST_F(Devices, AnIndexThatIsNotThereIsAnErrorThatNamesThoseThatAre) {
  try {
    Device device(99);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "no_device");
    EXPECT_THAT(error.message(), testing::HasSubstr("99"));
  }
}

TEST_F(Devices, TheSameOneCanBeOpenedTwice) {
  Device one(0), two(0);
  EXPECT_EQ(one.info().name, two.info().name);
}

}  // namespace
}  // namespace drey::gpu
