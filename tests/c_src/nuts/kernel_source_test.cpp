#include "nuts/kernel_source.h"

#include <gmock/gmock.h>

#include "c_src/nuts/targets.h"

namespace drey::nuts {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(NutsKernel, IsTheSameForTheSameProgramAndCountsItsTrips) {
  Target target = normals_target(4);
  target.trips = 100;
  const KernelShape small{false, 4, 10, 8};
  const auto kernel = nuts_kernel(small, target.source());
  EXPECT_EQ(kernel.text, nuts_kernel(small, target.source()).text);
  EXPECT_THAT(kernel.text, Not(HasSubstr("EACH(d) {")));
  EXPECT_THAT(kernel.text, Not(HasSubstr("MERGE_SUBTREE\n")));
  EXPECT_GE(kernel.tick_trips, 101u);
  const KernelShape wide{false, 200, 10, 8};
  EXPECT_GE(nuts_kernel(wide, target.source()).trips(1), 100u + 15 * 33);
}

/// An iterative sampler that keeps, per level, what the two checks across a seam need takes 15 D numbers and 4 D for
/// each level. Merging four leaves in registers saves three levels, and a row of each.
TEST(StateLayout, TakesNoMoreThanTheFormula) {
  for (const std::uint64_t d : {1, 10, 102, 1000})
    for (const int depth : {3, 8, 10, 15}) {
      const StateLayout layout({false, d, depth, 8});
      EXPECT_LE(layout.reals, 15 * d + 4 * static_cast<std::uint64_t>(depth) * d + 12);
      EXPECT_LE(StateLayout::kWords, 12u);
    }
  // Of eight schools at depth 10, in f32: 1.6 kB a chain.
  EXPECT_LT(StateLayout({false, 10, 10, 8}).reals * 4 + StateLayout::kWords * 4, 1650u);
}

}  // namespace
}  // namespace drey::nuts
