#include "nuts/lockstep.h"

#include <gtest/gtest.h>

#include <vector>

#include "nuts/mapping.h"

namespace drey::nuts {
namespace {

TEST(Lockstep, ARoundCostsTheMoreLeapfrogsTheCheaperTheyAre) {
  KernelShape shape;
  shape.dimension = 10;
  const double cheap = round_cost(shape, 100), dear = round_cost(shape, 1'000'000);
  EXPECT_GT(cheap, 3);
  EXPECT_LT(cheap, 8);
  EXPECT_LT(dear, 0.1);
  shape.lanes = 8;
  EXPECT_EQ(round_cost(shape, 100), 0) << "a chain with a subgroup of its own waits for none";
}

TEST(Lockstep, EqualTreesCostTheirRounds) {
  const std::vector<std::uint32_t> threes(100, 3), sevens(100, 7), elevens(100, 11), fifteens(100, 15);
  EXPECT_DOUBLE_EQ(lockstep_cost(threes, 5), 5 + 3);
  EXPECT_DOUBLE_EQ(lockstep_cost(sevens, 5), 5 + 7);
  // Rounds of 7 and 4 leapfrogs, 7, 4 and 4, whose lanes are not at the same: of eight the longest, nearly always.
  EXPECT_NEAR(lockstep_cost(elevens, 5), 2 * (5 + 7), 0.1);
  EXPECT_NEAR(lockstep_cost(fifteens, 5), 3 * (5 + 7), 0.4);
  // Where a round costs nothing, those of four waste less.
  EXPECT_NEAR(lockstep_cost(fifteens, 0), 16, 0.2);
  EXPECT_EQ(lockstep_cost({}, 5), 0);
}

TEST(Lockstep, ASmallTreeBesideLargeOnesCostsAsMuch) {
  std::vector<std::uint32_t> mixed(100, 7);
  for (std::size_t i = 0; i < 40; ++i) mixed[i] = 3;
  EXPECT_NEAR(lockstep_cost(mixed, 10), 10 + 7, 0.01);
}

class Jumps : public testing::Test {
 protected:
  /// Two coordinates of `chains` chains: x(slot, chain) and ten times as much.
  template <typename X>
  static Chains::Record record(std::uint64_t slots, std::uint64_t chains, const X& x) {
    Chains::Record record;
    record.stride = chains;
    record.dimension = record.components = 2;
    for (std::uint64_t s = 0; s < slots; ++s)
      for (const double scale : {1.0, 10.0})
        for (std::uint64_t c = 0; c < chains; ++c) record.reals.push_back(scale * x(s, c));
    return record;
  }
};

TEST_F(Jumps, AreMeasuredInUnitsOfTheVariance) {
  // Every chain goes from one end to the other and back.
  const auto ends = record(4, 6, [](auto s, auto c) { return (s + c) % 2 ? 1.0 : -1.0; });
  const auto variances = pooled_variances(ends, 4, 6);
  EXPECT_NEAR(variances[0], 24.0 / 23, 1e-12);
  EXPECT_NEAR(variances[1], 100 * variances[0], 1e-9);
  EXPECT_NEAR(mean_square_jump(ends, 4, 6, variances), 4 / (2 * variances[0]), 1e-12);
  const auto still = record(4, 6, [](auto, auto c) { return static_cast<double>(c); });
  EXPECT_EQ(mean_square_jump(still, 4, 6, pooled_variances(still, 4, 6)), 0);
}

TEST_F(Jumps, LeaveOutWhatNeverMoves) {
  const auto constant = record(3, 4, [](auto, auto) { return 2.0; });
  EXPECT_EQ(mean_square_jump(constant, 3, 4, pooled_variances(constant, 3, 4)), 0);
  const auto once = record(1, 4, [](auto, auto c) { return static_cast<double>(c); });
  EXPECT_EQ(mean_square_jump(once, 1, 4, pooled_variances(once, 1, 4)), 0) << "one draw is no jump";
}

}  // namespace
}  // namespace drey::nuts
