#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "cnode/bytes.h"

/// Cuts a stream of bytes into packets with a 4-byte length. Small packets are handed out in place; a large
/// one is received straight into a buffer of its own that its binaries may keep, another to where its reader wants
/// it. Owns no socket.
namespace drey::cnode {

class FrameReader {
 public:
  /// \param max_packet longest packet taken, bytes
  explicit FrameReader(std::size_t max_packet);

  /// Where to receive next; never empty. Valid until the next call of a member.
  std::span<std::uint8_t> space();
  /// Where to receive what comes behind space(), in the same read; may be empty.
  std::span<std::uint8_t> behind();
  /// So many bytes were received there, in both.
  void received(std::size_t count);

  struct Frame {
    View bytes;                         ///< empty: a tick. Valid until the next call of space().
    std::shared_ptr<const void> owner;  ///< keeps the bytes alive when held; null for a small packet
    std::size_t diverted = 0;           ///< bytes behind those, which were received elsewhere: see divert()
  };
  /// The next whole packet, if there is one.
  /// \throws Error{bad_frame} for a packet longer than max_packet
  std::optional<Frame> next();

  /// The packet that is coming in, where it can still be diverted.
  struct Partial {
    View bytes;  ///< what there is of it
    std::size_t length;
  };
  /// After next() has found none.
  std::optional<Partial> partial() const;
  /// Receives all of that packet but its first `head` bytes to `rest`, which must stay until next() gives it.
  void divert(std::size_t head, std::span<std::uint8_t> rest);

 private:
  static constexpr std::size_t ring_size = 256 * 1024;
  static constexpr std::size_t large = 96 * 1024;  // above a BEAM's 64 KiB fragments
  // Behind a diverted packet not more than the next one's head is wanted, which may be diverted, too.
  static constexpr std::size_t peek = 4096;

  std::size_t max_packet_;
  std::unique_ptr<std::uint8_t[]> ring_;
  std::size_t begin_ = 0, end_ = 0;
  std::shared_ptr<std::uint8_t[]> big_;
  std::size_t big_size_ = 0, big_filled_ = 0;
  std::span<std::uint8_t> rest_;  // of a packet that is diverted, whose head is at begin_
  std::size_t head_ = 0, rest_filled_ = 0;
};

}  // namespace drey::cnode
