#include "cnode/buffers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

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

/// Keeps none when it ends.
class KeptBuffers : public testing::Test {
 protected:
  ~KeptBuffers() override { keep_buffers(false); }
};

/// Whether a buffer of that size is one that was let go, whose first byte was marked.
bool was_used(std::size_t size) {
  const auto buffer = make_buffer(size);
  const bool used = buffer[0] == 77;
  buffer[0] = 0;
  return used;
}

void use(std::size_t size) {
  const auto buffer = make_buffer(size);
  for (std::size_t i = 0; i < size; i += 4096) buffer[i] = 77;
  buffer[size - 1] = 77;
}

TEST_F(KeptBuffers, LargeOnesAreUsedAgain) {
  keep_buffers(true);
  use(64 * mb);
  EXPECT_TRUE(was_used(64 * mb - 5000));
  use(64 * mb);
  EXPECT_TRUE(was_used(40 * mb));
}

TEST_F(KeptBuffers, NotForMuchSmallerOnesNorForLarger) {
  keep_buffers(true);
  use(64 * mb);
  EXPECT_FALSE(was_used(20 * mb));
  EXPECT_FALSE(was_used(66 * mb));
}

TEST_F(KeptBuffers, TwoAtATimeAreTwo) {
  keep_buffers(true);
  use(16 * mb);
  const auto one = make_buffer(16 * mb), two = make_buffer(16 * mb);
  EXPECT_NE(one.get(), two.get());
}

TEST_F(KeptBuffers, NoneIsKeptUnlessAsked) {
  use(64 * mb);
  EXPECT_FALSE(was_used(64 * mb));
  keep_buffers(true);
  use(64 * mb);
  keep_buffers(false);
  keep_buffers(true);
  EXPECT_FALSE(was_used(64 * mb));
}

TEST_F(KeptBuffers, IdleOnesAreGivenBack) {
  keep_buffers(true);
  use(64 * mb);
  drop_idle_buffers(std::chrono::seconds(1000));
  EXPECT_TRUE(was_used(64 * mb));
  use(64 * mb);
  drop_idle_buffers(std::chrono::seconds(0));
  EXPECT_FALSE(was_used(64 * mb));
}

TEST_F(KeptBuffers, NotMoreThanTheLimitIsKept) {
  keep_buffers(true);
  {
    std::vector<std::shared_ptr<std::uint8_t[]>> all;
    for (std::size_t bytes = 0; bytes < 2 * kept_buffer_bytes; bytes += 32 * mb) {
      all.push_back(make_buffer(32 * mb));
      all.back()[0] = 77;
    }
  }
  std::size_t kept = 0;
  std::vector<std::shared_ptr<std::uint8_t[]>> again;
  for (std::size_t i = 0; i < 2 * kept_buffer_bytes / (32 * mb); ++i) {
    again.push_back(make_buffer(32 * mb));
    kept += again.back()[0] == 77 ? 32 * mb : 0;
  }
  EXPECT_EQ(kept, kept_buffer_bytes);
}

TEST_F(KeptBuffers, AnyThreadLetsGo) {
  keep_buffers(true);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int k = 0; k < 200; ++k) make_buffer(5 * mb)[0] = 1;
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace drey::cnode
