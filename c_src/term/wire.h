#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <fmt/format.h>

#include "error.h"

/// The tags of the external term format and a reader that never reads past its end. Private to this folder.
namespace drey::term::wire {

enum Tag : std::uint8_t {
  DistHeader = 68,
  NewFloat = 70,
  BitBinary = 77,
  Compressed = 80,
  AtomCacheRef = 82,
  NewPid = 88,
  NewPort = 89,
  NewerReference = 90,
  SmallInteger = 97,
  Integer = 98,
  Float = 99,
  AtomLatin1 = 100,
  Reference = 101,
  Port = 102,
  Pid = 103,
  SmallTuple = 104,
  LargeTuple = 105,
  Nil = 106,
  String = 107,
  ListTag = 108,
  BinaryTag = 109,
  SmallBig = 110,
  LargeBig = 111,
  NewFun = 112,
  Export = 113,
  NewReference = 114,
  SmallAtomLatin1 = 115,
  MapTag = 116,
  Fun = 117,
  AtomUtf8 = 118,
  SmallAtomUtf8 = 119,
  V4Port = 120,
  LocalExt = 121,
};

/// What a well-formed atom may hold, whatever its encoding (Erlang's own limit).
inline constexpr std::size_t max_atom_characters = 255;

/// Reads big-endian numbers from bytes. Every member throws Error{bad_term} rather than pass the end.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  std::span<const std::uint8_t> take(std::size_t count) {
    if (count > left())
      throw Error("bad_term", fmt::format("the term is cut short: {} bytes wanted at byte {}, {} left", count,
                                          position_, left()));
    const auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }
  std::uint8_t u8() { return take(1)[0]; }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big(4)); }
  double f64() { return std::bit_cast<double>(big(8)); }
  std::uint8_t peek() const {
    if (left() == 0) throw Error("bad_term", fmt::format("the term is cut short at byte {}", position_));
    return bytes_[position_];
  }

 private:
  std::uint64_t big(std::size_t count) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(count)) value = value << 8 | byte;
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
};

/// The number of characters of well-formed UTF-8; -1 when it is not (overlong forms, surrogates, beyond
/// U+10FFFF and cut sequences included).
inline std::ptrdiff_t utf8_length(std::span<const std::uint8_t> bytes) {
  std::ptrdiff_t count = 0;
  for (std::size_t i = 0; i < bytes.size(); ++count) {
    const std::uint8_t lead = bytes[i++];
    if (lead < 0x80) continue;
    int more = 0;
    std::uint32_t code = 0;
    if ((lead & 0xe0) == 0xc0) {
      more = 1;
      code = lead & 0x1fu;
    } else if ((lead & 0xf0) == 0xe0) {
      more = 2;
      code = lead & 0x0fu;
    } else if ((lead & 0xf8) == 0xf0) {
      more = 3;
      code = lead & 0x07u;
    } else {
      return -1;
    }
    for (int k = 0; k < more; ++k) {
      if (i == bytes.size() || (bytes[i] & 0xc0) != 0x80) return -1;
      code = code << 6 | (bytes[i++] & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return -1;
  }
  return count;
}

}  // namespace drey::term::wire
