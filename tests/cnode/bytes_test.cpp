#include "cnode/bytes.h"

#include <gtest/gtest.h>

namespace drey::cnode {
namespace {

TEST(Bytes, NumbersAreBigEndianBothWays) {
  Bytes out;
  Writer(out).u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f).raw("xy");
  Reader in(out);
  EXPECT_EQ(in.u8(), 1);
  EXPECT_EQ(in.u16(), 0x0203);
  EXPECT_EQ(in.u32(), 0x04050607u);
  EXPECT_EQ(in.u64(), 0x08090a0b0c0d0e0fu);
  EXPECT_EQ(text(in.rest()), "xy");
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(out[i], i + 1);
}

TEST(Bytes, ReadingPastTheEndThrows) {
  const Bytes three = {1, 2, 3};
  EXPECT_THROW(Reader(three).u32(), Error);
  EXPECT_THROW(Reader(three).take(4), Error);
  Reader in(three);
  in.take(3);
  EXPECT_EQ(in.left(), 0u);
  EXPECT_THROW(in.u8(), Error);
  EXPECT_THROW(in.take(~std::size_t{0}), Error);
}

}  // namespace
}  // namespace drey::cnode
