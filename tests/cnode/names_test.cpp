#include "cnode/names.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "error.h"

namespace drey::cnode {
namespace {

TEST(Names, PartsAreAroundTheAt) {
  const NodeName name = NodeName::parse("gpu1@10.0.0.7");
  EXPECT_EQ(name.alive, "gpu1");
  EXPECT_EQ(name.host, "10.0.0.7");
  EXPECT_EQ(name.full(), "gpu1@10.0.0.7");
  EXPECT_TRUE(name.is_long());
  EXPECT_TRUE(NodeName::parse("gpu1@::1").is_long());
  EXPECT_FALSE(NodeName::parse("gpu1@host").is_long());
}

TEST(Names, WhatIsNoNameIsRefusedWithTheReason) {
  using namespace std::string_literals;
  for (const std::string& bad : {""s, "nobody"s, "a@b@c"s, "@host"s, "name@"s, "na me@host"s, "name@ho\nst"s,
                                 "a\0@host"s, fmt::format("{:a>250}@host.x", "")})
    EXPECT_THROW(NodeName::parse(bad), Error) << bad;
  EXPECT_NO_THROW(NodeName::parse(fmt::format("{:a>250}@host", "")));
  try {
    NodeName::parse("a@b@c");
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "bad_name");
    EXPECT_NE(error.message().find("two @"), std::string::npos);
  }
}

TEST(Names, TheHostIsThisMachineWhereNoneIsGiven) {
  const NodeName name = own_name("gpu1", false);
  EXPECT_EQ(name.alive, "gpu1");
  EXPECT_FALSE(name.is_long());
}

TEST(Names, LongAndShortDoNotMix) {
  EXPECT_THROW(own_name("gpu1@host", true), Error);
  EXPECT_THROW(own_name("gpu1@host.example.org", false), Error);
  EXPECT_EQ(own_name("gpu1@host.example.org", true).host, "host.example.org");
}

}  // namespace
}  // namespace drey::cnode
