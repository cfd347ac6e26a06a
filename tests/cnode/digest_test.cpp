#include "cnode/digest.h"

#include <gtest/gtest.h>

#include "tests/cnode/hex.h"

namespace drey::cnode {
namespace {

TEST(Digest, IsMd5OfCookieAndDecimalChallenge) {
  EXPECT_EQ(copy(View(digest("monster", 42))), hex("c59491df69fa3a50e5d6bb31ba9ecb8f"));  // md5("monster42")
  EXPECT_EQ(copy(View(digest("", 0))), hex("cfcd208495d565ef66e7dff9f98764da"));          // md5("0")
  EXPECT_EQ(copy(View(digest("", 4294967295u))),
            copy(View(digest("4294967", 295))));  // decimal, without a sign
}

TEST(Digest, ComparisonIsOfAllBytesAndTheLength) {
  const Digest one = digest("cookie", 1);
  Digest other = one;
  EXPECT_TRUE(equal_in_constant_time(one, other));
  other[15] ^= 1;
  EXPECT_FALSE(equal_in_constant_time(one, other));
  EXPECT_FALSE(equal_in_constant_time(one, View(one).first(15)));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

TEST(Digest, ChallengesDiffer) {
  // Four draws of 32 bits are all equal with probability 2^-96.
  const std::uint32_t first = random_u32();
  EXPECT_FALSE(random_u32() == first && random_u32() == first && random_u32() == first);
}

}  // namespace
}  // namespace drey::cnode
