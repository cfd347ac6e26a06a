#include "cnode/pace.h"

#include <gtest/gtest.h>

namespace drey::cnode {
namespace {

constexpr std::size_t piece = 32 * 1024;

class PaceTest : public testing::Test {
 protected:
  /// Writes pieces while the window is open; how many went, and the last probe's number.
  std::size_t fill() {
    std::size_t count = 0;
    while (pace.open(now) && count < 10000) {
      if (const auto probe = pace.wrote(piece, now); probe != 0) last = probe;
      ++count;
    }
    return count;
  }

  Pace pace;
  Pace::Time now{std::chrono::seconds(1000)};
  std::uint64_t last = 0;
};

TEST_F(PaceTest, AloneTheWindowIsWideAndRefilledByAnswers) {
  EXPECT_EQ(fill(), Pace::wide / piece);
  EXPECT_EQ(fill(), 0u);
  pace.answered(last, now);
  EXPECT_EQ(fill(), Pace::wide / piece);
}

TEST_F(PaceTest, AnAnswerStandsForThoseBefore) {
  fill();
  ASSERT_GE(last, 2u);
  const auto before = last - 1;
  pace.answered(before, now);
  EXPECT_EQ(fill(), Pace::wide / 2 / piece);
  pace.answered(before, now);  // again: nothing new is known
  EXPECT_EQ(fill(), 0u);
}

TEST_F(PaceTest, WhileOthersSpeakOnePieceIsUnderWayAndProbed) {
  EXPECT_EQ(pace.hurried(now), 0u);  // nothing is under way
  for (int i = 0; i < 10; ++i) {
    last = 0;
    EXPECT_EQ(fill(), 1u);
    ASSERT_NE(last, 0u);
    pace.answered(last, now);
  }
  now += PaceTimes().hurry;
  EXPECT_EQ(fill(), Pace::wide / piece);
}

TEST_F(PaceTest, ASmallMessageBehindBulkIsFollowedByAProbe) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pace.wrote(piece, now), 0u);
  const auto probe = pace.hurried(now);
  EXPECT_NE(probe, 0u);
  EXPECT_EQ(pace.hurried(now), 0u);  // the next one tells nothing more
  EXPECT_FALSE(pace.open(now));
  pace.answered(probe, now);
  EXPECT_TRUE(pace.open(now));
}

TEST_F(PaceTest, WithoutAnswersTheWindowOpensInTime) {
  pace.hurried(now);
  EXPECT_EQ(fill(), 1u);
  EXPECT_EQ(pace.deadline(), now + PaceTimes().patience);
  pace.expired();
  EXPECT_EQ(fill(), 1u);
  const auto late = last;
  pace.answered(late, now);
  EXPECT_EQ(fill(), 1u);
}

TEST_F(PaceTest, APeerThatNeverAnswersIsNotWaitedForAnyMore) {
  for (std::size_t i = 0; i < Pace::deaf; ++i) {
    EXPECT_GT(fill(), 0u);
    EXPECT_FALSE(pace.open(now));
    pace.expired();
  }
  EXPECT_EQ(fill(), 10000u);
}

TEST_F(PaceTest, AnswersToProbesThatWereNeverSentAreIgnored) {
  fill();
  pace.answered(last + 1000, now);
  EXPECT_EQ(fill(), 0u);
  pace.answered(0, now);
  EXPECT_EQ(fill(), 0u);
}

}  // namespace
}  // namespace drey::cnode
