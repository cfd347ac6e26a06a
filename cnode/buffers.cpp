#include "cnode/buffers.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace drey::cnode {
namespace {
constexpr std::size_t huge_page = std::size_t{2} << 20;
}  // namespace

std::shared_ptr<std::uint8_t[]> make_buffer(std::size_t size) {
  if (size < 2 * huge_page) return std::make_shared_for_overwrite<std::uint8_t[]>(size);
  const std::size_t rounded = (size + huge_page - 1) / huge_page * huge_page;
  void* memory = std::aligned_alloc(huge_page, rounded);
  if (memory == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  (void)madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  return {static_cast<std::uint8_t*>(memory), [](std::uint8_t* bytes) { std::free(bytes); }};
}

}  // namespace drey::cnode
