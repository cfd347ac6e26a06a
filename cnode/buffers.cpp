#include "cnode/buffers.h"

#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace drey::cnode {
namespace {
constexpr std::size_t huge_page = std::size_t{2} << 20;

/// The buffers that nobody uses.
class Kept {
 public:
  Kept() { all_.reserve(kept_buffer_bytes / (2 * huge_page) + 1); }  // so that give() never allocates

  /// One of at least `size` bytes and not of much more; null: there is none.
  std::uint8_t* take(std::size_t* size) {
    const std::lock_guard lock(mutex_);
    auto best = all_.end();
    for (auto one = all_.begin(); one != all_.end(); ++one)
      if (one->size >= *size && one->size <= 2 * *size && (best == all_.end() || one->size < best->size))
        best = one;
    if (best == all_.end()) return nullptr;
    std::uint8_t* bytes = best->bytes;
    *size = best->size;
    bytes_ -= best->size;
    all_.erase(best);
    return bytes;
  }

  /// \returns whether it was kept
  bool give(std::uint8_t* bytes, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (!keep_ || size > kept_buffer_bytes - bytes_) return false;
    all_.push_back({bytes, size, std::chrono::steady_clock::now()});
    bytes_ += size;
    return true;
  }

  void keep(bool whether) {
    const std::lock_guard lock(mutex_);
    keep_ = whether;
    if (!keep_) drop_idle(std::chrono::seconds(0));
  }

  void drop(std::chrono::seconds idle) {
    const std::lock_guard lock(mutex_);
    drop_idle(idle);
  }

 private:
  struct Buffer {
    std::uint8_t* bytes;
    std::size_t size;
    std::chrono::steady_clock::time_point since;
  };

  void drop_idle(std::chrono::seconds idle) {
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(all_, [&](const Buffer& buffer) {
      if (now - buffer.since < idle) return false;
      bytes_ -= buffer.size;
      std::free(buffer.bytes);
      return true;
    });
  }

  std::mutex mutex_;
  std::vector<Buffer> all_;
  std::size_t bytes_ = 0;
  bool keep_ = false;
};

/// Never destroyed: buffers may be let go as late as any static object.
Kept& kept() {
  static auto* const all = new Kept;
  return *all;
}

}  // namespace

std::shared_ptr<std::uint8_t[]> make_buffer(std::size_t size) {
  if (size < 2 * huge_page) return std::make_shared_for_overwrite<std::uint8_t[]>(size);
  std::size_t whole = (size + huge_page - 1) / huge_page * huge_page;
  std::uint8_t* bytes = kept().take(&whole);
  if (bytes == nullptr) {
    bytes = static_cast<std::uint8_t*>(std::aligned_alloc(huge_page, whole));
    if (bytes == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    (void)madvise(bytes, whole, MADV_HUGEPAGE);
#endif
  }
  return {bytes, [whole](std::uint8_t* unused) {
            if (!kept().give(unused, whole)) std::free(unused);
          }};
}

void keep_buffers(bool keep) { kept().keep(keep); }
void drop_idle_buffers(std::chrono::seconds idle) { kept().drop(idle); }

}  // namespace drey::cnode
