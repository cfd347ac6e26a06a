#include "nuts/kernel_source.h"

#include <gmock/gmock.h>

#include "c_src/nuts/targets.h"

namespace drey::nuts {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ExpandEach, WritesBlocksOutOrMakesALoop) {
  const std::string text = "a EACH(d) { x[d] = d0 + d; { y(d); } } b";
  const std::string unrolled = expand_each(text, "EACH", 2, true);
  EXPECT_THAT(unrolled, HasSubstr("{ x[0] = d0 + 0; { y(0); } }"));
  EXPECT_THAT(unrolled, HasSubstr("{ x[1] = d0 + 1; { y(1); } }"));
  EXPECT_THAT(unrolled, Not(HasSubstr("EACH")));
  const std::string loop = expand_each(text, "EACH", 103, false);
  EXPECT_THAT(loop, HasSubstr("for (int d_ = 0; d_ < 102; d_ += 3)"));
  EXPECT_THAT(loop, HasSubstr("{ x[(d_ + 2)] = d0 + (d_ + 2);"));
  EXPECT_THAT(loop, HasSubstr("{ x[102] = d0 + 102;"));
  EXPECT_THAT(loop, Not(HasSubstr("x[103]")));
}

TEST(ExpandEach, LeavesCommentsAndOtherWordsAlone) {
  EXPECT_EQ(expand_each("// EACH(d) is\nREACH(d) { }", "EACH", 3, true), "// EACH(d) is\nREACH(d) { }");
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
  EXPECT_GE(nuts_kernel(wide, target.source()).tick_trips, 100u + 15 * 33);
}

}  // namespace
}  // namespace drey::nuts
