#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace drey::glsl {

/// Compiled kernels on disk, one file each, for compile_cached and for tests; nobody else needs it. Several
/// processes may use one folder: a file appears whole (written aside, then renamed) or not at all, and one
/// that is damaged is not there. No failure of the disk is an error: what cannot be kept is compiled again.
class Cache {
 public:
  /// Bytes of all kernels together that a folder may hold; the least recently used ones go first.
  static constexpr std::uint64_t kDefaultBytes = std::uint64_t{256} << 20;

  /// \param folder made when the first kernel is stored
  explicit Cache(std::filesystem::path folder, std::uint64_t bytes = kDefaultBytes);

  /// The folder the environment names: $DREY_CACHE_DIR, else $XDG_CACHE_HOME/drey, else $HOME/.cache/drey.
  /// None when DREY_CACHE_DIR is set and empty, or nothing names one.
  static std::optional<std::filesystem::path> default_folder();

  /// The name of a kernel: SHA-256, in hexadecimal, of its source, of all embedded shader files it could
  /// include, and of the versions of this cache, glslang and SPIRV-Tools.
  static std::string key(const std::string& source);

  /// The kernel of that key; none when it is absent or damaged (a damaged file is removed).
  std::optional<std::vector<std::uint32_t>> find(const std::string& key) const;

  /// Keeps a kernel. \returns false when the disk did not take it
  bool store(const std::string& key, const std::vector<std::uint32_t>& spirv) const;

  /// The kernel of `source`, from the folder or else made by `compile` and kept.
  std::vector<std::uint32_t> get(
      const std::string& source,
      const std::function<std::vector<std::uint32_t>(const std::string&)>& compile) const;

 private:
  std::filesystem::path file_of(const std::string& key) const;
  /// Removes the least recently used kernels beyond the bound, and what writers that died left behind.
  void evict() const;

  std::filesystem::path folder_;
  std::uint64_t bytes_;
};

}  // namespace drey::glsl
