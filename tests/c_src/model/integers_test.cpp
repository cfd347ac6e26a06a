#include "model/integers.h"

#include <gtest/gtest.h>

#include <limits>

namespace drey::model {
namespace {

TEST(FoldIntegers, FoldsWhatHasAValue) {
  EXPECT_EQ(fold_integers(Op::AddI, 2, 3), 5);
  EXPECT_EQ(fold_integers(Op::SubI, 2, 3), -1);
  EXPECT_EQ(fold_integers(Op::MulI, -2, 3), -6);
  EXPECT_EQ(fold_integers(Op::DivI, -7, 2), -3);  // towards 0
  EXPECT_EQ(fold_integers(Op::ModI, -7, 2), -1);
  EXPECT_EQ(fold_integers(Op::DivI, 7, -1), -7);
  EXPECT_EQ(fold_integers(Op::ModI, 7, -1), 0);
  EXPECT_EQ(fold_integers(Op::MinI, 2, 3), 2);
  EXPECT_EQ(fold_integers(Op::MaxI, 2, 3), 3);
  EXPECT_EQ(fold_integers(Op::LessI, 2, 3), 1);
  EXPECT_EQ(fold_integers(Op::EqualI, 2, 3), 0);
  EXPECT_EQ(fold_integers(Op::NotI, 4, 0), 0);
}

TEST(FoldIntegers, LeavesWhatHasNone) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max(), least = -most - 1;
  EXPECT_EQ(fold_integers(Op::AddI, most, 1), std::nullopt);
  EXPECT_EQ(fold_integers(Op::SubI, least, 1), std::nullopt);
  EXPECT_EQ(fold_integers(Op::MulI, most, 2), std::nullopt);
  EXPECT_EQ(fold_integers(Op::DivI, 1, 0), std::nullopt);
  EXPECT_EQ(fold_integers(Op::DivI, least, -1), std::nullopt);
  EXPECT_EQ(fold_integers(Op::ModI, 1, 0), std::nullopt);
  EXPECT_EQ(fold_integers(Op::LessR, 1, 2), std::nullopt);
}

}  // namespace
}  // namespace drey::model
