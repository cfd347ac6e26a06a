#include "glsl/ahead.h"

#include <utility>

#include "glsl/compile.h"

namespace drey::glsl {

void Ahead::begin(std::string source) {
  const std::lock_guard lock(mutex_);
  if (begun_.contains(source)) return;
  auto result = std::async(std::launch::async, [source] { return compile_cached(source); });
  begun_.emplace(std::move(source), std::move(result));
}

std::vector<std::uint32_t> Ahead::compile(const std::string& source) {
  std::unique_lock lock(mutex_);
  auto found = begun_.extract(source);
  lock.unlock();
  return found.empty() ? compile_cached(source) : found.mapped().get();
}

}  // namespace drey::glsl
