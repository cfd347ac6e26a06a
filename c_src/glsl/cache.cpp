#include "glsl/cache.h"

#include <fmt/format.h>
#include <glslang/build_info.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <spirv-tools/libspirv.hpp>
#include <string_view>
#include <system_error>

#include "error.h"
#include "glsl/compile.h"
#include "shaders/shaders.h"

namespace drey::glsl {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Changes when what compile() does to a source changes.
constexpr std::string_view kVersion = "drey kernel cache 2";
/// A file: these 8 bytes, the SHA-256 of key and SPIR-V, the SPIR-V.
constexpr std::string_view kMagic = "DREYSPV1";
constexpr std::string_view kSuffix = ".spv";
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kHeaderBytes = kMagic.size() + kDigestBytes;
constexpr std::uint64_t kMaxKernelBytes = std::uint64_t{64} << 20;
constexpr std::uint32_t kSpirvMagic = 0x07230203;

using Digest = std::array<unsigned char, kDigestBytes>;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw Error("internal", "OpenSSL offers no SHA-256");
  }
  /// Adds the length too, so that two parts cannot be read as another two.
  Sha256& add(std::string_view part) {
    const std::uint64_t size = part.size();
    EVP_DigestUpdate(context_.get(), &size, sizeof size);
    EVP_DigestUpdate(context_.get(), part.data(), part.size());
    return *this;
  }
  Digest finish() {
    Digest digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string hexadecimal(const Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string_view bytes_of(const std::vector<std::uint32_t>& words) {
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(std::uint32_t)};
}

/// Of everything besides the source that decides what a source compiles to.
const std::string& toolchain() {
  static const std::string digest = [] {
    Sha256 hash;
    hash.add(kVersion);
    hash.add(fmt::format("glslang {}.{}.{}{}", GLSLANG_VERSION_MAJOR, GLSLANG_VERSION_MINOR,
                         GLSLANG_VERSION_PATCH, GLSLANG_VERSION_FLAVOR));
    hash.add(spvSoftwareVersionDetailsString());
    for (const std::string_view name : shaders::names()) hash.add(name).add(shaders::text(name));
    return hexadecimal(hash.finish());
  }();
  return digest;
}

bool is_kernel(const fs::path& file) { return file.extension() == kSuffix; }

bool is_unfinished(const fs::path& file) { return file.extension() == ".tmp"; }

}  // namespace

Cache::Cache(fs::path folder, std::uint64_t bytes) : folder_(std::move(folder)), bytes_(bytes) {}

std::optional<fs::path> Cache::default_folder() {
  if (const char* own = std::getenv("DREY_CACHE_DIR")) {
    if (*own == '\0') return std::nullopt;
    return fs::path(own);
  }
  // The XDG specification has relative paths ignored.
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/')
    return fs::path(xdg) / "drey";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return fs::path(home) / ".cache" / "drey";
  return std::nullopt;
}

std::string Cache::key(const std::string& source) {
  return hexadecimal(Sha256().add(toolchain()).add(source).finish());
}

fs::path Cache::file_of(const std::string& key) const { return folder_ / (key + std::string(kSuffix)); }

std::optional<std::vector<std::uint32_t>> Cache::find(const std::string& key) const {
  const fs::path path = file_of(key);
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  const std::uint64_t size = fs::file_size(path, ignored);
  if (ignored) return std::nullopt;
  const auto damaged = [&]() -> std::optional<std::vector<std::uint32_t>> {
    fs::remove(path, ignored);
    return std::nullopt;
  };
  if (size <= kHeaderBytes || size > kMaxKernelBytes || (size - kHeaderBytes) % sizeof(std::uint32_t) != 0)
    return damaged();
  std::ifstream in(path, std::ios::binary);
  std::array<char, kHeaderBytes> header{};
  std::vector<std::uint32_t> words((size - kHeaderBytes) / sizeof(std::uint32_t));
  in.read(header.data(), header.size());
  in.read(reinterpret_cast<char*>(words.data()), static_cast<std::streamsize>(size - kHeaderBytes));
  if (!in) return std::nullopt;  // another process may just have replaced it
  const Digest digest = Sha256().add(key).add(bytes_of(words)).finish();
  if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0 ||
      std::memcmp(header.data() + kMagic.size(), digest.data(), digest.size()) != 0 ||
      words[0] != kSpirvMagic)
    return damaged();
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);  // recently used
  return words;
}

bool Cache::store(const std::string& key, const std::vector<std::uint32_t>& spirv) const {
  std::error_code failed;
  if (fs::create_directories(folder_, failed)) fs::permissions(folder_, fs::perms::owner_all, failed);
  if (!fs::is_directory(folder_, failed)) return false;
  static std::atomic<std::uint64_t> count = 0;
  const fs::path aside = folder_ / fmt::format("{}.{}.{}.tmp", key, ::getpid(), count++);
  const Digest digest = Sha256().add(key).add(bytes_of(spirv)).finish();
  {
    std::ofstream out(aside, std::ios::binary | std::ios::trunc);
    out.write(kMagic.data(), kMagic.size());
    out.write(reinterpret_cast<const char*>(digest.data()), digest.size());
    out.write(bytes_of(spirv).data(), static_cast<std::streamsize>(bytes_of(spirv).size()));
    out.close();
    if (!out) {
      fs::remove(aside, failed);
      return false;
    }
  }
  fs::rename(aside, file_of(key), failed);
  if (failed) {
    std::error_code ignored;
    fs::remove(aside, ignored);
    return false;
  }
  evict();
  return true;
}

void Cache::evict() const {
  struct File {
    fs::path path;
    fs::file_time_type used;
    std::uint64_t size;
  };
  std::vector<File> files;
  std::uint64_t total = 0;
  std::error_code failed;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator at(folder_, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code gone;
    const fs::path& path = at->path();
    if (!at->is_regular_file(gone) || !(is_kernel(path) || is_unfinished(path))) continue;
    const auto used = at->last_write_time(gone);
    const std::uint64_t size = gone ? 0 : at->file_size(gone);
    if (gone) continue;
    if (is_unfinished(path)) {
      if (now - used > 1h) fs::remove(path, gone);
      continue;
    }
    files.push_back({path, used, size});
    total += size;
  }
  if (total <= bytes_) return;
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (total <= bytes_) return;
    std::error_code gone;
    fs::remove(file.path, gone);
    total -= file.size;
  }
}

std::vector<std::uint32_t> Cache::get(
    const std::string& source,
    const std::function<std::vector<std::uint32_t>(const std::string&)>& compile) const {
  const std::string name = key(source);
  if (auto found = find(name)) return *std::move(found);
  std::vector<std::uint32_t> made = compile(source);
  store(name, made);
  return made;
}

std::vector<std::uint32_t> compile_cached(const std::string& source) {
  const auto folder = Cache::default_folder();
  if (!folder) return compile(source);
  return Cache(*folder).get(source, compile);
}

}  // namespace drey::glsl
