#include "glsl/ahead.h"

#include <gtest/gtest.h>

#include "error.h"
#include "glsl/compile.h"

namespace drey::glsl {
namespace {

std::string shader(const std::string& body) {
  return "#version 450\nlayout(local_size_x = 8) in;\nlayout(std430, set = 0, binding = 0) buffer B { float b[]; };\n"
         "void main() { " +
         body + " }\n";
}

TEST(Ahead, GivesWhatCompileGives) {
  Ahead ahead;
  const std::string one = shader("b[0] = 1.0;"), two = shader("b[0] = 2.0;"), three = shader("b[0] = 3.0;");
  ahead.begin(one);
  ahead.begin(two);
  ahead.begin(one);
  EXPECT_EQ(ahead.compile(one), compile(one));
  EXPECT_EQ(ahead.compile(two), compile(two));
  // Not begun, and taken before.
  EXPECT_EQ(ahead.compile(three), compile(three));
  EXPECT_EQ(ahead.compile(one), compile(one));
}

TEST(Ahead, AFailureIsTheAskers) {
  Ahead ahead;
  const std::string wrong = shader("b[0] = nothing;");
  ahead.begin(wrong);
  EXPECT_THROW(ahead.compile(wrong), Error);
}

TEST(Ahead, WhatNobodyAsksForEndsWithIt) {
  Ahead ahead;
  ahead.begin(shader("b[0] = 4.0;"));
  ahead.begin(shader("b[0] = nothing;"));
}

}  // namespace
}  // namespace drey::glsl
