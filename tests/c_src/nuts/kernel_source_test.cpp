#include "nuts/kernel_source.h"

#include <gmock/gmock.h>

#include "c_src/nuts/targets.h"

namespace drey::nuts {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ExpandEach, WritesBlocksOut) {
  const std::string text = expand_each("a EACH(d) { x[d] = d0 + d; { y(d); } } b", "EACH", 2);
  EXPECT_THAT(text, HasSubstr("{ x[0] = d0 + 0; { y(0); } }"));
  EXPECT_THAT(text, HasSubstr("{ x[1] = d0 + 1; { y(1); } }"));
  EXPECT_THAT(text, Not(HasSubstr("EACH")));
}

TEST(ExpandEach, LeavesCommentsAndOtherWordsAlone) {
  EXPECT_EQ(expand_each("// EACH(d) is\nREACH(d) { } EACH_OTHER(d) { }", "EACH", 3),
            "// EACH(d) is\nREACH(d) { } EACH_OTHER(d) { }");
}

TEST(ExpandLoop, MakesALoopOfSoManyTripsAtOnceAndWhatIsLeft) {
  const std::string text = "EACH(d) { x[d] = d0 + d; }";
  EXPECT_EQ(expand_loop(text, "EACH", "n", 1),
            "{ uint d_ = 0u;\nfor (; d_ < n; ++d_) { x[d_] = d0 + d_; } }\n");
  const std::string three = expand_loop(text, "EACH", "n", 3);
  EXPECT_THAT(three, HasSubstr("for (; d_ + 3u <= n; d_ += 3u) {"));
  EXPECT_THAT(three, HasSubstr("{ x[(d_ + 2u)] = d0 + (d_ + 2u); }"));
  EXPECT_THAT(three, HasSubstr("for (; d_ < n; ++d_) { x[d_] = d0 + d_; }"));
}

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
