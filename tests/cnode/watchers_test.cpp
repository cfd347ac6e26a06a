#include "cnode/watchers.h"

#include <gtest/gtest.h>

#include <set>

namespace drey::cnode {
namespace {

int places[2];
const auto* one = reinterpret_cast<const Session*>(&places[0]);
const auto* two = reinterpret_cast<const Session*>(&places[1]);

Bytes key(int number) {
  return {90, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8)};
}
Watcher watcher(int number) { return {{}, Id(key(number)), {}, {}}; }

TEST(Watchers, AKeyIsOnePerSession) {
  Watchers watchers;
  EXPECT_TRUE(watchers.add(one, key(1), watcher(1)));
  EXPECT_FALSE(watchers.add(one, key(1), watcher(1)));
  EXPECT_TRUE(watchers.add(two, key(1), watcher(1)));
  EXPECT_TRUE(watchers.remove(one, key(1)));
  EXPECT_FALSE(watchers.remove(one, key(1)));
  EXPECT_EQ(watchers.size(), 1u);
  EXPECT_TRUE(watchers.remove(two, key(1)));
}

TEST(Watchers, FewAndManyAreTheSame) {
  for (const int count : {1, 8, 9, 10, 500}) {
    Watchers watchers;
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(watchers.add(one, key(i), watcher(i)));
      EXPECT_TRUE(watchers.add(two, key(i), watcher(1000 + i)));
    }
    // From the front, the back and the middle, while others come.
    std::set<int> left;
    for (int i = 0; i < count; ++i)
      if (i % 3 != 1) {
        EXPECT_TRUE(watchers.remove(one, key(i)));
        EXPECT_FALSE(watchers.remove(one, key(i)));
      } else {
        left.insert(i);
      }
    EXPECT_TRUE(watchers.add(one, key(5000), watcher(5000)));
    EXPECT_EQ(watchers.remove_all(two), static_cast<std::size_t>(count));
    EXPECT_EQ(watchers.remove_all(two), 0u);
    EXPECT_EQ(watchers.size(), left.size() + 1);
    for (const int i : left) EXPECT_FALSE(watchers.add(one, key(i), watcher(i)));
    std::set<int> seen;
    watchers.each([&](const Watcher& each) {
      const View pid = each.pid;
      seen.insert(pid[1] | pid[2] << 8);
    });
    left.insert(5000);
    EXPECT_EQ(seen, left);
  }
}

}  // namespace
}  // namespace drey::cnode
