#include "cnode/exports.h"

#include <gtest/gtest.h>

namespace drey::cnode {
namespace {

TEST(Exports, AreFoundByModuleFunctionAndArity) {
  Exports exports;
  exports.add(
      "test",
      {[](std::string_view function, std::size_t arity) { return function == "echo" && arity == 1; }, {}});
  EXPECT_NE(exports.find("test", "echo", 1), nullptr);
  EXPECT_EQ(exports.find("test", "echo", 2), nullptr);
  EXPECT_EQ(exports.find("test", "ech", 1), nullptr);
  EXPECT_EQ(exports.find("tes", "echo", 1), nullptr);
  EXPECT_TRUE(exports.has("test"));
}

}  // namespace
}  // namespace drey::cnode
