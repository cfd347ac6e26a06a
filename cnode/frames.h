#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "cnode/bytes.h"

/// Cuts a stream of bytes into packets with a 4-byte length. Small packets are handed out in place; a large
/// one is received straight into a buffer of its own that its binaries may keep. Owns no socket.
namespace drey::cnode {

class FrameReader {
 public:
  /// \param max_packet longest packet taken, bytes
  explicit FrameReader(std::size_t max_packet);

  /// Where to receive next; never empty. Valid until the next call of a member.
  std::span<std::uint8_t> space();
  /// So many bytes were received there.
  void received(std::size_t count);

  struct Frame {
    View bytes;                         ///< empty: a tick. Valid until the next call of space().
    std::shared_ptr<const void> owner;  ///< keeps the bytes alive when held; null for a small packet
  };
  /// The next whole packet, if there is one.
  /// \throws Error{bad_frame} for a packet longer than max_packet
  std::optional<Frame> next();

 private:
  static constexpr std::size_t ring_size = 256 * 1024;
  static constexpr std::size_t large = 96 * 1024;  // above a BEAM's 64 KiB fragments, which are read in place

  std::size_t max_packet_;
  std::unique_ptr<std::uint8_t[]> ring_;
  std::size_t begin_ = 0, end_ = 0;
  std::shared_ptr<std::uint8_t[]> big_;
  std::size_t big_size_ = 0, big_filled_ = 0;
};

}  // namespace drey::cnode
