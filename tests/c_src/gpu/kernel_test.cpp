#include "gpu/kernel.h"

#include <array>

#include "c_src/gpu/fixture.h"
#include "c_src/gpu/spirv.h"
#include "error.h"
#include "gpu/commands.h"

namespace drey::gpu {
namespace {

using Kernels = DeviceTest;

struct Push {
  std::uint32_t count, add;
};

Kernel make_add(Device& device, std::uint32_t extra) {
  return Kernel(device, add_spirv, {{0, BufferKind::Storage}, {1, BufferKind::Uniform}}, sizeof(Push),
                std::array{Constant{0, 8}, Constant{1, extra}});
}

TEST_F(Kernels, RunWithBuffersPushAndSpecialisationConstants) {
  Device device(0);
  Buffer data(device, 4 * 20), factor(device, 16, BufferKind::Uniform);
  std::vector<std::uint32_t> values(20);
  for (std::uint32_t i = 0; i < 20; ++i) values[i] = i;
  data.write_all(values);
  factor.write_all(std::vector<std::uint32_t>{3, 0, 0, 0});
  const Kernel kernel = make_add(device, 100);
  const Arguments arguments(device, kernel, {{1, &factor}, {0, &data}});
  Commands commands(device);
  commands.begin();
  commands.dispatch(arguments, bytes_of(Push{18, 5}), 3);
  commands.barrier();
  commands.dispatch(arguments, bytes_of(Push{1, 0}), 3);
  EXPECT_TRUE(device.wait(commands.submit()));
  const auto result = data.read_all<std::uint32_t>(20);
  for (std::uint32_t i = 1; i < 18; ++i) EXPECT_EQ(result[i], i * 3 + 105);
  EXPECT_EQ(result[0], 105 * 3 + 100u);
  EXPECT_EQ(result[18], 18u);
  EXPECT_EQ(result[19], 19u);
}

TEST_F(Kernels, TwoInFlightRunInOrder) {
  Device device(0);
  Buffer data(device, 4 * 8), factor(device, 16, BufferKind::Uniform);
  data.fill(1);
  factor.write_all(std::vector<std::uint32_t>{2, 0, 0, 0});
  const Kernel kernel = make_add(device, 0);
  const Arguments arguments(device, kernel, {{0, &data}, {1, &factor}});
  std::array<Commands, 2> commands{Commands(device), Commands(device)};
  std::uint64_t last = 0;
  std::uint32_t expected = 1;
  for (std::uint32_t i = 0; i < 20; ++i) {
    auto& turn = commands[i % 2];
    turn.begin();
    turn.dispatch(arguments, bytes_of(Push{8, i}), 1);
    last = turn.submit();
    expected = expected * 2 + i;
  }
  EXPECT_TRUE(device.wait(last));
  EXPECT_GE(device.completed(), last);
  EXPECT_EQ(data.read_all<std::uint32_t>(1)[0], expected);
}

TEST_F(Kernels, ARecordingCanBeSubmittedAgain) {
  Device device(0);
  Buffer data(device, 4 * 8), factor(device, 16, BufferKind::Uniform);
  data.fill(0);
  factor.write_all(std::vector<std::uint32_t>{1, 0, 0, 0});
  const Kernel kernel = make_add(device, 0);
  const Arguments arguments(device, kernel, {{0, &data}, {1, &factor}});
  Commands commands(device);
  commands.begin();
  commands.dispatch(arguments, bytes_of(Push{8, 1}), 1);
  commands.submit();
  commands.resubmit();
  EXPECT_TRUE(device.wait(commands.resubmit()));
  EXPECT_EQ(data.read_all<std::uint32_t>(1)[0], 3u);
}

TEST_F(Kernels, CopiesMoveBytesBetweenBuffers) {
  Device device(0);
  Buffer from(device, 64), to(device, 64, BufferKind::Storage, Placement::Host);
  from.fill(9);
  to.fill(0);
  Commands commands(device);
  commands.begin();
  commands.copy(from, to, 16, 0, 8);
  EXPECT_TRUE(device.wait(commands.submit()));
  EXPECT_EQ(to.read_all<std::uint32_t>(7), (std::vector<std::uint32_t>{0, 0, 9, 9, 9, 9, 0}));
  EXPECT_THROW(commands.copy(from, to, 64, 0, 8), Error);
}

TEST_F(Kernels, MistakesInTheirUseAreErrors) {
  Device device(0);
  Buffer data(device, 32);
  const Kernel kernel = make_add(device, 0);
  EXPECT_THROW(Arguments(device, kernel, {{0, &data}}), Error);
  EXPECT_THROW(Arguments(device, kernel, {{0, &data}, {7, &data}}), Error);
  EXPECT_THROW(Kernel(device, add_spirv, {}, 100'000), Error);
}

/// The limit that DeviceInfo::trip_limit states: a loop beyond it ends early, without a sign.
TEST_F(Kernels, TheTripLimitIsWhereTheDriverStopsCounting) {
  Device device(0);
  if (!device.info().trip_limit) GTEST_SKIP() << "no limit here";
  Buffer result(device, 8);
  const Kernel kernel(device, trips_spirv, {{0, BufferKind::Storage}}, 4);
  const Arguments arguments(device, kernel, {{0, &result}});
  const auto trips_made = [&](std::uint32_t wanted) {
    Commands commands(device);
    commands.begin();
    commands.dispatch(arguments, bytes_of(wanted), 1);
    device.wait(commands.submit());
    return result.read_all<std::uint32_t>(2)[1];
  };
  EXPECT_EQ(trips_made(65'000), 65'000u);
  EXPECT_LE(trips_made(70'000), device.info().trip_limit);
}

}  // namespace
}  // namespace drey::gpu
