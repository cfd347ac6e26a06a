#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "cnode/bytes.h"

/// Puts fragmented messages together. Sequences of different senders interleave; a sender that dies in the
/// middle leaves one that never ends. One that grows beyond the limits is read to its end and thrown away but for
/// its head, which says whom to tell. Owns no socket and reads no clock.
namespace drey::cnode {

struct FragmentLimits {
  std::size_t sequences = 1024;                ///< incomplete at once: one a process that sends
  std::size_t bytes = std::size_t{512} << 20;  ///< held by all of them
};

class Reassembly {
 public:
  explicit Reassembly(FragmentLimits limits = {}) : limits_(limits) {}

  struct Whole {
    View bytes;  ///< the control term, and the payload behind it
    std::shared_ptr<const void> owner;
    /// Empty, or why there is only the head of the message: `too_large` by itself, `busy` with the others.
    std::string_view cut = {};
  };

  /// The first fragment of sequence `id`; `count` fragments in all, this one included.
  /// \throws Error{bad_fragment}
  std::optional<Whole> first(std::uint64_t id, std::uint64_t count, View data);
  /// A later one; `left` counts down to 1.
  /// \throws Error{bad_fragment}
  std::optional<Whole> more(std::uint64_t id, std::uint64_t left, View data);

  /// Where the data of such a later one, so long, may be written at once, for placed() to take. Until then nothing
  /// else may be called. Empty: there is no such place.
  std::span<std::uint8_t> place(std::uint64_t id, std::uint64_t left, std::size_t size);
  /// more() with data that has been written to its place.
  std::optional<Whole> placed(std::uint64_t id, std::uint64_t left, std::size_t size);

  std::size_t sequences() const { return open_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Sequence {
    std::shared_ptr<std::uint8_t[]> buffer;
    std::size_t size = 0, capacity = 0;
    std::size_t first = 0;   // bytes of the first fragment, which holds the control term
    std::uint64_t left = 0;  // fragments still to come
    std::string_view cut = {};
  };
  void cut(Sequence& sequence, std::size_t more);
  void append(Sequence& sequence, View data);

  FragmentLimits limits_;
  std::unordered_map<std::uint64_t, Sequence> open_;
  std::size_t bytes_ = 0;
  std::size_t capacity_ = 0;  // of all buffers
};

}  // namespace drey::cnode
