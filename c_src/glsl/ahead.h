#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// Kernels' SPIR-V made before it is asked for, so that glslang works while a driver compiles another kernel. Called by
/// the sampler; knows texts only. Whatever is under way is waited for at the end.
namespace drey::glsl {

class Ahead {
 public:
  /// Starts compile_cached(source) on a thread of its own, unless it was begun before.
  void begin(std::string source);
  /// As compile_cached: what was begun, or made now. Thread-safe, as begin() is.
  std::vector<std::uint32_t> compile(const std::string& source);

 private:
  std::mutex mutex_;
  std::map<std::string, std::future<std::vector<std::uint32_t>>> begun_;
};

}  // namespace drey::glsl
