#include "glsl/cache.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "error.h"
#include "glsl/compile.h"

namespace drey::glsl {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Words = std::vector<std::uint32_t>;

const Words kSpirv{0x07230203, 0x00010500, 1, 2, 3, 4};

class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "drey_cache_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(folder_)) all.push_back(entry.path());
    return all;
  }
  static void age(const fs::path& file, std::chrono::hours by) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - by);
  }

  fs::path folder_;
};

/// Sets an environment variable while it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    if (value != nullptr)
      ::setenv(name, value, 1);
    else
      ::unsetenv(name);
  }
  ~Variable() {
    if (old_)
      ::setenv(name_, old_->c_str(), 1);
    else
      ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST_F(CacheTest, GivesBackWhatItKept) {
  const Cache cache(folder_ / "made" / "when needed");
  const std::string key = Cache::key("a");
  EXPECT_FALSE(cache.find(key));
  EXPECT_TRUE(cache.store(key, kSpirv));
  EXPECT_EQ(cache.find(key), kSpirv);
  EXPECT_FALSE(cache.find(Cache::key("b")));
}

TEST_F(CacheTest, CompilesOnce) {
  const Cache cache(folder_);
  int compiled = 0;
  const auto compile = [&](const std::string&) {
    ++compiled;
    return kSpirv;
  };
  EXPECT_EQ(cache.get("a", compile), kSpirv);
  EXPECT_EQ(cache.get("a", compile), kSpirv);
  EXPECT_EQ(compiled, 1);
  cache.get("a ", compile);
  EXPECT_EQ(compiled, 2);
}

TEST_F(CacheTest, AFailedCompilationIsNotKept) {
  const Cache cache(folder_);
  EXPECT_THROW(cache.get("a", [](const std::string&) -> Words { throw Error("internal", "no"); }), Error);
  EXPECT_TRUE(files().empty());
}

TEST_F(CacheTest, AnyDamagedByteIsSeenAndTheKernelMadeAgain) {
  const Cache cache(folder_);
  const std::string key = Cache::key("a");
  cache.store(key, kSpirv);
  const fs::path file = files().at(0);
  const auto size = fs::file_size(file);
  for (std::uint64_t at = 0; at < size; ++at) {
    cache.store(key, kSpirv);
    {
      std::fstream edit(file, std::ios::binary | std::ios::in | std::ios::out);
      edit.seekg(static_cast<std::streamoff>(at));
      const char byte = static_cast<char>(edit.get() ^ 0x40);
      edit.seekp(static_cast<std::streamoff>(at));
      edit.put(byte);
    }
    EXPECT_FALSE(cache.find(key)) << "byte " << at;
    EXPECT_FALSE(fs::exists(file));
  }
  EXPECT_EQ(cache.get("a", [](const std::string&) { return kSpirv; }), kSpirv);
}

TEST_F(CacheTest, ATruncatedOrGrownFileIsDamaged) {
  const Cache cache(folder_);
  const std::string key = Cache::key("a");
  for (const std::uint64_t size : {0u, 7u, 39u, 40u, 41u, 44u, 60u, 68u, 80u}) {
    cache.store(key, kSpirv);
    fs::resize_file(files().at(0), size);
    EXPECT_FALSE(cache.find(key)) << size;
  }
}

TEST_F(CacheTest, AKernelUnderAnotherNameIsDamaged) {
  const Cache cache(folder_);
  cache.store(Cache::key("a"), kSpirv);
  fs::rename(files().at(0), folder_ / (Cache::key("b") + ".spv"));
  EXPECT_FALSE(cache.find(Cache::key("b")));
}

TEST_F(CacheTest, TheLeastRecentlyUsedGoFirst) {
  const std::uint64_t one = 40 + 4 * kSpirv.size();
  const Cache cache(folder_, 3 * one);
  const std::vector<std::string> keys{Cache::key("a"), Cache::key("b"), Cache::key("c"), Cache::key("d")};
  for (int i = 0; i < 3; ++i) {
    cache.store(keys[static_cast<std::size_t>(i)], kSpirv);
    age(folder_ / (keys[static_cast<std::size_t>(i)] + ".spv"), std::chrono::hours(3 - i));
  }
  EXPECT_TRUE(cache.find(keys[0]));  // used: now b is the oldest
  EXPECT_TRUE(cache.store(keys[3], kSpirv));
  EXPECT_EQ(files().size(), 3u);
  EXPECT_TRUE(cache.find(keys[0]));
  EXPECT_FALSE(cache.find(keys[1]));
  EXPECT_TRUE(cache.find(keys[2]));
  EXPECT_TRUE(cache.find(keys[3]));
}

TEST_F(CacheTest, OnlyItsOwnFilesAreRemoved) {
  const Cache cache(folder_, 1);
  std::ofstream(folder_ / "letter.txt") << "dear";
  std::ofstream(folder_ / "old.tmp") << "left by a writer that died";
  age(folder_ / "old.tmp", std::chrono::hours(2));
  std::ofstream(folder_ / "new.tmp") << "being written";
  cache.store(Cache::key("a"), kSpirv);
  EXPECT_TRUE(fs::exists(folder_ / "letter.txt"));
  EXPECT_FALSE(fs::exists(folder_ / "old.tmp"));
  EXPECT_TRUE(fs::exists(folder_ / "new.tmp"));
}

TEST_F(CacheTest, AFolderThatCannotBeIsNoError) {
  std::ofstream(folder_ / "file") << "x";
  const Cache cache(folder_ / "file" / "folder");
  EXPECT_FALSE(cache.store(Cache::key("a"), kSpirv));
  EXPECT_EQ(cache.get("a", [](const std::string&) { return kSpirv; }), kSpirv);
}

TEST_F(CacheTest, AFolderInTheFilesPlaceIsNoError) {
  const Cache cache(folder_);
  fs::create_directory(folder_ / (Cache::key("a") + ".spv"));
  EXPECT_FALSE(cache.find(Cache::key("a")));
  EXPECT_FALSE(cache.store(Cache::key("a"), kSpirv));
}

TEST_F(CacheTest, WritersAtOnceLeaveWholeKernels) {
  const Cache cache(folder_);
  const std::string key = Cache::key("a");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) {
        cache.store(key, kSpirv);
        const auto found = cache.find(key);
        EXPECT_TRUE(found == kSpirv);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(CacheTest, TheEnvironmentNamesTheFolder) {
  const Variable home("HOME", "/home/ada");
  {
    const Variable own("DREY_CACHE_DIR", "/c/d"), xdg("XDG_CACHE_HOME", "/x");
    EXPECT_EQ(Cache::default_folder(), fs::path("/c/d"));
  }
  {
    const Variable own("DREY_CACHE_DIR", ""), xdg("XDG_CACHE_HOME", "/x");
    EXPECT_EQ(Cache::default_folder(), std::nullopt);
  }
  const Variable own("DREY_CACHE_DIR", nullptr);
  {
    const Variable xdg("XDG_CACHE_HOME", "/x");
    EXPECT_EQ(Cache::default_folder(), fs::path("/x/drey"));
  }
  const Variable xdg("XDG_CACHE_HOME", nullptr);
  EXPECT_EQ(Cache::default_folder(), fs::path("/home/ada/.cache/drey"));
  const Variable none("HOME", nullptr);
  EXPECT_EQ(Cache::default_folder(), std::nullopt);
}

TEST_F(CacheTest, CompileCachedGivesWhatCompileGives) {
  const std::string source =
      "#version 450\nlayout(local_size_x = 8) in;\n"
      "layout(std430, set = 0, binding = 0) buffer B { float b[]; };\n"
      "void main() { b[gl_GlobalInvocationID.x] *= 2.0; }";
  const Variable own("DREY_CACHE_DIR", folder_.c_str());
  EXPECT_EQ(compile_cached(source), compile(source));
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(compile_cached(source), compile(source));
  EXPECT_EQ(files().size(), 1u);
}

}  // namespace
}  // namespace drey::glsl
