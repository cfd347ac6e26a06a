#include "cnode/cookie.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "error.h"

namespace drey::cnode {
namespace {

class Cookie : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("drey_cookie_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    unsetenv("DREY_COOKIE");
    setenv("HOME", folder_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write(const std::string& name, const std::string& text, mode_t mode = 0400) {
    const auto file = folder_ / name;
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return file;
  }
  std::filesystem::path folder_;
};

TEST_F(Cookie, FileBeforeEnvironmentBeforeHome) {
  EXPECT_THROW(find_cookie({}), Error);
  write(".erlang.cookie", "FROMHOME");
  EXPECT_EQ(find_cookie({}), "FROMHOME");
  setenv("DREY_COOKIE", "from_environment", 1);
  EXPECT_EQ(find_cookie({}), "from_environment");
  EXPECT_EQ(find_cookie(write("cookie", "from_file\n")), "from_file");
}

TEST_F(Cookie, FilesThatOthersCanReadAreRefused) {
  for (const mode_t mode : {0440, 0404, 0644, 0666})
    EXPECT_THROW(find_cookie(write("open", "secret", mode)), Error);
  EXPECT_THROW(find_cookie(folder_ / "none"), Error);
  EXPECT_THROW(find_cookie(folder_), Error);
}

TEST_F(Cookie, EmptyLongAndControlCharactersAreRefused) {
  EXPECT_THROW(find_cookie(write("empty", "")), Error);
  EXPECT_THROW(find_cookie(write("blank", " \n")), Error);
  EXPECT_THROW(find_cookie(write("long", std::string(256, 'a'))), Error);
  EXPECT_EQ(find_cookie(write("longest", std::string(255, 'a'))).size(), 255u);
  EXPECT_THROW(find_cookie(write("control", "a\tb")), Error);
}

TEST_F(Cookie, StrengthIsAskedForOffLoopback) {
  EXPECT_THROW(require_strong("monster"), Error);
  EXPECT_THROW(require_strong("changeme"), Error);
  EXPECT_THROW(require_strong("short"), Error);
  EXPECT_NO_THROW(require_strong("KZXJHWQAPRTUVBNMLKJH"));
}

}  // namespace
}  // namespace drey::cnode
