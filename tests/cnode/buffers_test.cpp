#include "cnode/buffers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>

namespace drey::cnode {
namespace {

constexpr std::size_t mb = std::size_t{1} << 20;

std::size_t resident_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

TEST(Buffers, HoldWhatWasAskedFor) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, 4 * mb - 1, 4 * mb, 4 * mb + 1, 9 * mb + 17}) {
    const auto buffer = make_buffer(size);
    ASSERT_NE(buffer, nullptr);
    std::memset(buffer.get(), 0xa5, size);
    EXPECT_TRUE(size == 0 || buffer[size - 1] == 0xa5);
  }
}

TEST(Buffers, LargeOnesBeginOnAHugePage) {
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(make_buffer(5 * mb).get()) % (2 * mb), 0u);
}

TEST(Buffers, AreFreedWithTheirLastOwner) {
  std::weak_ptr<std::uint8_t[]> seen;
  {
    const auto buffer = make_buffer(8 * mb);
    const auto other = buffer;
    seen = other;
  }
  EXPECT_TRUE(seen.expired());
}

TEST(Buffers, ALengthThatIsOnlyClaimedCostsNoMemory) {
  const std::size_t before = resident_kilobytes();
  if (before == 0) GTEST_SKIP() << "no /proc here";
  const auto buffer = make_buffer(512 * mb);
  buffer[0] = 1;
  EXPECT_LT(resident_kilobytes(), before + 64 * 1024);
}

}  // namespace
}  // namespace drey::cnode
