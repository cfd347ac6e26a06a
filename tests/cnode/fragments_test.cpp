#include "cnode/fragments.h"

#include <gtest/gtest.h>

#include "tests/cnode/hex.h"

namespace drey::cnode {
namespace {

Bytes part(std::uint8_t fill, std::size_t length) { return Bytes(length, fill); }

TEST(Fragments, SequencesInterleave) {
  Reassembly reassembly;
  EXPECT_FALSE(reassembly.first(1, 3, part(1, 10)));
  EXPECT_FALSE(reassembly.first(2, 2, part(2, 20)));
  EXPECT_FALSE(reassembly.more(1, 2, part(3, 10)));
  const auto two = reassembly.more(2, 1, part(4, 5));
  ASSERT_TRUE(two);
  EXPECT_EQ(copy(two->bytes), part(2, 20) + part(4, 5));
  EXPECT_EQ(reassembly.bytes(), 20u);
  const auto one = reassembly.more(1, 1, part(5, 300));  // a last fragment may even be longer
  ASSERT_TRUE(one);
  EXPECT_EQ(copy(one->bytes), part(1, 10) + part(3, 10) + part(5, 300));
  EXPECT_EQ(reassembly.bytes(), 0u);
  EXPECT_EQ(reassembly.sequences(), 0u);
}

TEST(Fragments, DataMayBeWrittenToItsPlace) {
  Reassembly reassembly({8, 100});
  EXPECT_TRUE(reassembly.place(1, 2, 10).empty());  // did not begin
  EXPECT_FALSE(reassembly.first(1, 4, part(1, 10)));
  EXPECT_TRUE(reassembly.place(1, 2, 10).empty());  // 3 is due
  EXPECT_TRUE(reassembly.place(1, 0, 10).empty());
  EXPECT_TRUE(reassembly.place(1, 3, 31).empty());  // there is room for four of 10
  const auto place = reassembly.place(1, 3, 10);
  ASSERT_EQ(place.size(), 10u);
  std::fill(place.begin(), place.end(), std::uint8_t{2});
  EXPECT_FALSE(reassembly.placed(1, 3, 10));
  EXPECT_THROW(reassembly.placed(1, 3, 10), Error);
  EXPECT_FALSE(reassembly.more(1, 2, part(3, 10)));
  EXPECT_EQ(reassembly.bytes(), 30u);
  EXPECT_FALSE(reassembly.first(2, 2, part(9, 65)));
  EXPECT_TRUE(reassembly.place(1, 1, 6).empty());  // beyond the limit of all
  const auto last = reassembly.place(1, 1, 5);
  ASSERT_EQ(last.size(), 5u);
  std::fill(last.begin(), last.end(), std::uint8_t{4});
  const auto whole = reassembly.placed(1, 1, 5);
  ASSERT_TRUE(whole);
  EXPECT_EQ(copy(whole->bytes), part(1, 10) + part(2, 10) + part(3, 10) + part(4, 5));
  EXPECT_EQ(reassembly.bytes(), 65u);
}

TEST(Fragments, OneIsAWhole) {
  Reassembly reassembly;
  const Bytes data = part(1, 10);
  const auto whole = reassembly.first(0, 1, data);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->bytes.data(), data.data());
}

TEST(Fragments, WrongNumbersAreErrors) {
  Reassembly reassembly;
  EXPECT_THROW(reassembly.first(1, 0, part(1, 1)), Error);
  EXPECT_THROW(reassembly.more(1, 1, part(1, 1)), Error);
  EXPECT_FALSE(reassembly.first(1, 4, part(1, 1)));
  EXPECT_THROW(reassembly.first(1, 4, part(1, 1)), Error);
  EXPECT_THROW(reassembly.more(1, 2, part(1, 1)), Error);
  EXPECT_THROW(reassembly.more(1, 0, part(1, 1)), Error);
  EXPECT_THROW(reassembly.more(1, 4, part(1, 1)), Error);
  EXPECT_FALSE(reassembly.more(1, 3, part(1, 1)));
}

TEST(Fragments, WhatIsHeldIsBounded) {
  Reassembly reassembly({3, 1000});
  EXPECT_FALSE(reassembly.first(1, 1000, part(1, 400)));
  EXPECT_FALSE(reassembly.first(2, 2, part(1, 400)));
  EXPECT_FALSE(reassembly.first(3, ~std::uint64_t{0}, part(1, 200)));  // a claimed count costs nothing
  EXPECT_THROW(reassembly.first(4, 2, part(1, 0)), Error);
  EXPECT_EQ(reassembly.bytes(), 1000u);
  const auto whole = reassembly.more(2, 1, part(1, 0));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->cut, "");
}

TEST(Fragments, WhatFindsNoRoomIsReadToItsEndAndItsHeadIsKept) {
  Reassembly reassembly({3, 1000});
  EXPECT_FALSE(reassembly.first(1, 3, part(1, 400)));
  EXPECT_FALSE(reassembly.first(2, 4, part(2, 400)));
  EXPECT_FALSE(reassembly.more(1, 2, part(1, 201)));  // beyond the 1000 of all
  EXPECT_EQ(reassembly.bytes(), 400u);
  EXPECT_FALSE(reassembly.more(2, 3, part(3, 500)));  // the other has its room
  EXPECT_FALSE(reassembly.more(2, 2, part(3, 200)));  // and too little for itself
  EXPECT_EQ(reassembly.bytes(), 0u);
  const auto one = reassembly.more(1, 1, part(1, 100000));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->cut, "busy");
  EXPECT_EQ(copy(one->bytes), part(1, 400));
  const auto two = reassembly.more(2, 1, {});
  ASSERT_TRUE(two);
  EXPECT_EQ(two->cut, "too_large");
  EXPECT_EQ(copy(two->bytes), part(2, 400));
  EXPECT_EQ(reassembly.bytes() + reassembly.sequences(), 0u);
}

TEST(Fragments, AFirstFragmentThatFindsNoRoomIsItsOwnHead) {
  Reassembly reassembly({3, 100000});
  EXPECT_FALSE(reassembly.first(1, 2, part(1, 100001)));
  EXPECT_EQ(reassembly.bytes(), 0u);
  const auto whole = reassembly.more(1, 1, part(1, 5));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->cut, "too_large");
  EXPECT_EQ(whole->bytes.size(), 65536u);
}

}  // namespace
}  // namespace drey::cnode
