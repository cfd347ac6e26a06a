#include "nuts/pace.h"

#include <gtest/gtest.h>

namespace drey::nuts {
namespace {

TEST(Pace, SettlesOnTheTicksThatMadeMoreTransitions) {
  for (const std::uint32_t better : {4u, 8u}) {
    Pace pace;
    for (int i = 0; i < 40; ++i) pace.saw(pace.ticks(), pace.ticks() == better ? 1'000 : 600, 1e7);
    EXPECT_EQ(pace.ticks(), better);
    EXPECT_EQ(pace.share(), 1);
  }
}

TEST(Pace, DoesNotLearnFromDispatchesTooShortToTime) {
  Pace pace;
  for (int i = 0; i < 40; ++i) pace.saw(pace.ticks(), 1, 1'000);
  EXPECT_LT(pace.share(), 1);
}

}  // namespace
}  // namespace drey::nuts
