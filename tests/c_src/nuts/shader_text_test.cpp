#include "nuts/shader_text.h"

#include <gmock/gmock.h>

#include "error.h"

namespace drey::nuts {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Shader, IsThereOrSaysSo) {
  EXPECT_THAT(shader("nuts.comp"), HasSubstr("void main()"));
  EXPECT_THROW(shader("none.comp"), Error);
}

TEST(ReplaceWord, TakesWholeWords) {
  EXPECT_EQ(replace_word("d + d0 * (d) - add", "d", "7"), "7 + d0 * (7) - add");
}

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

}  // namespace
}  // namespace drey::nuts
