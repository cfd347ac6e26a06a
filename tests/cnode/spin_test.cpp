#include "cnode/spin.h"

#include <gtest/gtest.h>

namespace drey::cnode {
namespace {

using std::chrono::microseconds;

class SpinTest : public testing::Test {
 protected:
  /// Looks, each a microsecond long, until the event comes `wait` after the last or the loop would sleep.
  /// \returns how long it looked
  microseconds wait_for(microseconds wait) {
    spin.begin(now);
    microseconds looked{0};
    while (looked < wait && spin.look(now)) {
      ++looked;
      now += microseconds(1);
    }
    const bool slept = looked < wait;
    now += wait - looked;
    spin.came(now, slept);
    return looked;
  }

  Spin spin{microseconds(100)};
  Spin::Time now{std::chrono::seconds(1000)};
};

TEST_F(SpinTest, LooksOnceEventsAreCloseTogether) {
  EXPECT_EQ(wait_for(microseconds(40)), microseconds(0));  // not known yet
  EXPECT_EQ(wait_for(microseconds(40)), microseconds(40));
  EXPECT_EQ(wait_for(microseconds(99)), microseconds(99));
}

TEST_F(SpinTest, OneLongWaitEndsIt) {
  wait_for(microseconds(40));
  EXPECT_EQ(wait_for(microseconds(5000)), microseconds(100));
  EXPECT_EQ(wait_for(microseconds(5000)), microseconds(0));
  EXPECT_EQ(wait_for(microseconds(40)), microseconds(0));
  EXPECT_EQ(wait_for(microseconds(40)), microseconds(40));
}

TEST_F(SpinTest, WhatIsRareCostsNothing) {
  microseconds looked{0};
  for (int i = 0; i < 1000; ++i) looked += wait_for(microseconds(150));
  EXPECT_EQ(looked, microseconds(0));
}

TEST_F(SpinTest, LeavesACoreThatOthersWant) {
  wait_for(microseconds(40));
  spin.begin(now);
  ASSERT_TRUE(spin.look(now));
  now += 2 * Spin::lost;  // somebody else ran
  EXPECT_FALSE(spin.look(now));
  spin.came(now + microseconds(1), true);
  now += Spin::polite / 2;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait_for(microseconds(40)), microseconds(0));
  now += Spin::polite;
  wait_for(microseconds(40));
  EXPECT_EQ(wait_for(microseconds(40)), microseconds(40));
}

TEST(Spin, OfNothingNeverLooks) {
  Spin never{microseconds(0)};
  Spin::Time now{std::chrono::seconds(1000)};
  for (int i = 0; i < 10; ++i) {
    never.begin(now);
    EXPECT_FALSE(never.look(now));
    never.came(now, true);
  }
}

}  // namespace
}  // namespace drey::cnode
