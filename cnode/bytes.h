#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <boost/container/small_vector.hpp>

#include "error.h"

/// Big-endian bytes, in and out. Used by everything that reads or writes the wire; knows no message.
namespace drey::cnode {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

inline std::string_view text(View bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline View view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline bool same(View a, View b) { return text(a) == text(b); }
inline Bytes copy(View bytes) { return {bytes.begin(), bytes.end()}; }

/// The bytes of a pid, a reference or an atom, kept: short ones, which almost all are, without an allocation.
class Id {
 public:
  Id() = default;
  explicit Id(View bytes) : bytes_(bytes.begin(), bytes.end()) {}
  operator View() const { return {bytes_.data(), bytes_.size()}; }  // NOLINT
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Id& other) const { return bytes_ == other.bytes_; }

 private:
  boost::container::small_vector<std::uint8_t, 56> bytes_;
};

/// Appends to a vector that the caller owns and may reuse.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}
  Writer& u8(std::uint8_t value) { return out_.push_back(value), *this; }
  Writer& u16(std::uint16_t value) { return big(value, 2); }
  Writer& u32(std::uint32_t value) { return big(value, 4); }
  Writer& u64(std::uint64_t value) { return big(value, 8); }
  Writer& raw(View bytes) { return out_.insert(out_.end(), bytes.begin(), bytes.end()), *this; }
  Writer& raw(std::string_view bytes) { return raw(view(bytes)); }

 private:
  Writer& big(std::uint64_t value, int count) {
    std::uint8_t bytes[8];
    for (int i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
    out_.insert(out_.end(), bytes, bytes + count);
    return *this;
  }
  Bytes& out_;
};

/// Reads what a peer sent. Never past the end: throws Error{bad_frame} instead.
class Reader {
 public:
  explicit Reader(View bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size() - at_; }
  std::size_t position() const { return at_; }
  View rest() const { return bytes_.subspan(at_); }
  View take(std::size_t count) {
    if (count > left())
      throw Error("bad_frame", fmt::format("{} bytes wanted at byte {}, {} left", count, at_, left()));
    const View part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(big(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big(4)); }
  std::uint64_t u64() { return big(8); }

 private:
  std::uint64_t big(std::size_t count) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(count)) value = value << 8 | byte;
    return value;
  }
  View bytes_;
  std::size_t at_ = 0;
};

}  // namespace drey::cnode
