#include "cnode/raw.h"

#include <gtest/gtest.h>

#include "tests/cnode/hex.h"

namespace drey::cnode::raw {
namespace {

TEST(Raw, MakesThePidsOfAnErlangNode) {
  EXPECT_EQ(make_pid("py@127.0.0.1", 0x65, 0x6b00f986), hex(py_pid));
  EXPECT_EQ(pid_node(hex(py_pid)), "py@127.0.0.1");
  EXPECT_TRUE(is_pid(hex(py_pid)));
  EXPECT_FALSE(is_pid(hex(be_request)));
  EXPECT_TRUE(is_reference(hex(be_request)));
}

TEST(Raw, KnowsItsOwnPids) {
  for (const std::uint64_t number :
       {std::uint64_t{1}, std::uint64_t{0xfffffff}, std::uint64_t{0x10000000}, std::uint64_t{1} << 59}) {
    const Bytes pid = make_pid("a@h", number, 5);
    EXPECT_EQ(own_pid(pid, "a@h", 5), number);
    EXPECT_EQ(own_pid(pid, "a@h", 6), std::nullopt);
    EXPECT_EQ(own_pid(pid, "b@h", 5), std::nullopt);
  }
  EXPECT_EQ(own_pid(hex(be_request), "be@127.0.0.1", 0x6b00f987), std::nullopt);
}

TEST(Raw, IntegersAreShortestAndComeBack) {
  const auto put = [](std::uint64_t value) {
    Bytes out;
    Writer writer(out);
    put_integer(writer, value);
    return out;
  };
  EXPECT_EQ(put(255), hex("61ff"));
  EXPECT_EQ(put(256), hex("6200000100"));
  EXPECT_EQ(put(0x7fffffff), hex("627fffffff"));
  EXPECT_EQ(put(0x80000000), hex("6e040000000080"));
  EXPECT_EQ(put(~std::uint64_t{0}), hex("6e0800ffffffffffffffff"));
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{65536}, ~std::uint64_t{0}})
    EXPECT_EQ(unsigned_integer(put(value)), value);
  EXPECT_EQ(unsigned_integer(hex("62ffffffff")), std::nullopt);
  EXPECT_EQ(unsigned_integer(hex("6e0101ff")), std::nullopt);
  EXPECT_EQ(unsigned_integer(hex("6e0900000000000000000001")), std::nullopt);
}

TEST(Raw, AtomsOfEveryEncoding) {
  for (const std::string_view bytes : {"7703726578", "760003726578", "640003726578", "7303726578"}) {
    EXPECT_TRUE(is_atom(hex(bytes), "rex"));
    EXPECT_FALSE(is_atom(hex(bytes), "re"));
  }
  EXPECT_FALSE(is_atom(hex("6d00000003726578"), "rex"));
}

TEST(Raw, ReferencesOfThisNodeAreKnownAgain) {
  for (const std::uint64_t number :
       {std::uint64_t{0}, std::uint64_t{77}, (std::uint64_t{1} << 49) + 262144}) {
    const Bytes reference = make_reference("a@h", number, 9);
    EXPECT_TRUE(is_reference(reference));
    EXPECT_EQ(own_reference(reference, "a@h", 9), number);
    EXPECT_EQ(own_reference(reference, "b@h", 9), std::nullopt);
    EXPECT_EQ(own_reference(reference, "a@h", 8), std::nullopt);
  }
  EXPECT_EQ(own_reference(make_pid("a@h", 1, 9), "a@h", 9), std::nullopt);
  EXPECT_EQ(own_reference(hex("5a0002 7703614068 00000009 00000001 00000000"), "a@h", 9), std::nullopt);
}

TEST(Raw, SplitsTuplesWithoutReadingPastThem) {
  std::size_t used = 0;
  const Bytes bytes = hex("6802 6101 6a ffff");
  const TupleView tuple = split_tuple(bytes, &used);
  EXPECT_EQ(tuple.arity, 2u);
  EXPECT_EQ(used, 5u);
  EXPECT_TRUE(same(tuple.element[0], hex("6101")));
  EXPECT_THROW(split_tuple(hex("6802 6101")), Error);
  EXPECT_THROW(split_tuple(hex("6809 6101 6101 6101 6101 6101 6101 6101 6101 6101")), Error);
  EXPECT_THROW(split_tuple(hex("6a")), Error);
  EXPECT_THROW(split_tuple({}), Error);
}

}  // namespace
}  // namespace drey::cnode::raw
