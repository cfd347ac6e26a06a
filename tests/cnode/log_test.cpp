#include "cnode/log.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace drey::cnode {
namespace {

TEST(Log, JsonLinesAreJsonWhateverIsInThem) {
  for (const std::string message : {"plain", "a \"quote\" and a \\", "line\nbreak\ttab\x01", ""}) {
    const std::string line = json_line("2026-01-01T00:00:00Z", "info", message);
    EXPECT_EQ(line.back(), '\n');
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    const auto parsed = nlohmann::json::parse(line);
    EXPECT_EQ(parsed["message"], message);
    EXPECT_EQ(parsed["level"], "info");
  }
}

}  // namespace
}  // namespace drey::cnode
