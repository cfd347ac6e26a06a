#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "cnode/bytes.h"

/// Puts fragmented messages together. Sequences of different senders interleave; a sender that dies in the
/// middle leaves one that never ends. Owns no socket and reads no clock.
namespace drey::cnode {

struct FragmentLimits {
  std::size_t sequences = 64;                  ///< incomplete at once
  std::size_t bytes = std::size_t{512} << 20;  ///< held by all of them
};

class Reassembly {
 public:
  explicit Reassembly(FragmentLimits limits = {}) : limits_(limits) {}

  struct Whole {
    View bytes;  ///< the control term, and the payload behind it
    std::shared_ptr<const void> owner;
  };

  /// The first fragment of sequence `id`; `count` fragments in all, this one included.
  /// \throws Error{bad_fragment}
  std::optional<Whole> first(std::uint64_t id, std::uint64_t count, View data);
  /// A later one; `left` counts down to 1.
  /// \throws Error{bad_fragment}
  std::optional<Whole> more(std::uint64_t id, std::uint64_t left, View data);

  std::size_t sequences() const { return open_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Sequence {
    std::shared_ptr<std::uint8_t[]> buffer;
    std::size_t size = 0, capacity = 0;
    std::uint64_t left = 0;  // fragments still to come
  };
  void append(Sequence& sequence, View data);

  FragmentLimits limits_;
  std::unordered_map<std::uint64_t, Sequence> open_;
  std::size_t bytes_ = 0;
};

}  // namespace drey::cnode
