#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "service/calls.h"
#include "service/options.h"
#include "service/reasons.h"

namespace drey::service {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const fs::path root = fs::path(DREY_TEST_DATA) / ".." / "..";

/// docs/calls.md must hold each of these lines.
void expect_line(const std::string& document, const std::string& line) {
  EXPECT_NE(document.find("\n" + line + "\n"), std::string::npos) << "docs/calls.md lacks the line\n" << line;
}

class Docs : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(root / "docs")) GTEST_SKIP() << "the sources are not here";
    document_ = read(root / "docs" / "calls.md");
  }
  std::string document_;
};

TEST_F(Docs, NameEveryCallAsTheTableDoes) {
  for (const CallRow& row : calls())
    expect_line(document_, fmt::format("- `{}` answers `{}`: {}.", row.signature, row.answer, row.meaning));
}

TEST_F(Docs, NameEveryOptionAsTheTableDoes) {
  for (const OptionRow& row : option_table())
    expect_line(document_, fmt::format("| `{}` | {} | {} | {} | {} |", row.name, row.value, row.fallback,
                                       row.meaning, row.calls));
}

TEST_F(Docs, NameEveryReasonAsTheTableDoes) {
  for (const auto& [reason, meaning] : reasons)
    expect_line(document_, fmt::format("| `{}` | {} |", reason, meaning));
}

TEST_F(Docs, EveryReasonThrownIsInTheTable) {
  // What the sources throw: Error("reason", ...), and the model's fail("reason", ...).
  const std::regex thrown("Error\\(\\s*\"([a-z_]+)\"");
  std::set<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / "c_src")) {
    const auto extension = entry.path().extension();
    if (extension != ".cpp" && extension != ".h") continue;
    const std::string text = read(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), thrown), end; it != end; ++it)
      found.insert((*it)[1]);
  }
  ASSERT_GT(found.size(), 10u);
  for (const std::string& reason : found)
    EXPECT_TRUE(std::ranges::any_of(reasons, [&](const auto& row) { return row.first == reason; }))
        << "service/reasons.h has no " << reason;
}

}  // namespace
}  // namespace drey::service
