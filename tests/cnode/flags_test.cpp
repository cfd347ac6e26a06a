#include "cnode/flags.h"

#include <gtest/gtest.h>

namespace drey::cnode::flags {
namespace {

// The values of OTP's erl_dist_protocol; tests/beam compares the whole with what a running BEAM announces.
TEST(Flags, WhatWeAnnounceIsOtpsDefaultButTheAtomCache) {
  constexpr std::uint64_t otp27 = 0xD07DF7FBC;
  EXPECT_EQ(Ours, otp27 & ~DistHdrAtomCache);
  EXPECT_EQ(Ours & Published, 0u);
  EXPECT_EQ(Ours & NameMe, 0u);
}

TEST(Flags, TheShorthandStandsForAllThatOtp25Requires) {
  EXPECT_EQ(Mandatory25, 0x1070F94u);
  EXPECT_EQ(expand(Mandatory25Digest | V4Nc), Mandatory25Digest | V4Nc | Mandatory25);
  EXPECT_EQ(expand(V4Nc), V4Nc);
  EXPECT_EQ(expand(Mandatory25Digest | UnlinkId | V4Nc) & Required, Required);
  EXPECT_NE(expand(Mandatory25Digest) & Required, Required);
}

}  // namespace
}  // namespace drey::cnode::flags
