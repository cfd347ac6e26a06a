#include "gpu/buffer.h"

#include "c_src/gpu/fixture.h"
#include "error.h"

namespace drey::gpu {
namespace {

using Buffers = DeviceTest;

TEST_F(Buffers, KeepWhatIsWritten) {
  Device device(0);
  for (const auto placement : {Placement::Device, Placement::Host}) {
    Buffer buffer(device, 64, BufferKind::Storage, placement);
    buffer.fill(7);
    buffer.write_all(std::vector<std::uint32_t>{1, 2, 3}, 8);
    EXPECT_EQ(buffer.read_all<std::uint32_t>(6), (std::vector<std::uint32_t>{7, 7, 1, 2, 3, 7}));
    EXPECT_EQ(buffer.read_all<std::uint32_t>(2, 56), (std::vector<std::uint32_t>{7, 7}));
  }
}

TEST_F(Buffers, RefuseWhatTheDeviceCannotBind) {
  Device device(0);
  try {
    Buffer buffer(device, device.info().uniform_range + 1, BufferKind::Uniform);
    FAIL() << "made";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "device_limit");
  }
}

TEST_F(Buffers, RefuseAccessBeyondTheirEnd) {
  Device device(0);
  Buffer buffer(device, 16);
  EXPECT_THROW(buffer.write_all(std::vector<std::uint32_t>(5)), Error);
  EXPECT_THROW(buffer.read_all<std::uint32_t>(1, 16), Error);
}

}  // namespace
}  // namespace drey::gpu
