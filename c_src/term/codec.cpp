#include "term/codec.h"

#include <cstdlib>
#include <limits>
#include <utility>

#include <ei.h>

#include "term/wire.h"

namespace drey::term {
namespace {

using namespace wire;

/// Builds terms from bytes that validate() has accepted: counts are true and nesting is bounded, so recursion
/// and reservations are safe here. The reader still checks its end.
class Decoder {
 public:
  Decoder(std::span<const std::uint8_t> bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), reader_(bytes), owner_(std::move(owner)) {}

  Term term() {
    const std::size_t start = reader_.position();
    const std::uint8_t tag = reader_.u8();
    switch (tag) {
      case SmallInteger:
        return std::int64_t{reader_.u8()};
      case Integer:
        return std::int64_t{static_cast<std::int32_t>(reader_.u32())};
      case NewFloat:
        return reader_.f64();
      case Float: {
        const auto field = reader_.take(31);
        return std::strtod(std::string(field.begin(), field.end()).c_str(), nullptr);
      }
      case AtomLatin1:
        return latin1(reader_.u16());
      case SmallAtomLatin1:
        return latin1(reader_.u8());
      case AtomUtf8:
        return utf8(reader_.u16());
      case SmallAtomUtf8:
        return utf8(reader_.u8());
      case SmallTuple:
        return Tuple{terms(reader_.u8())};
      case LargeTuple:
        return Tuple{terms(reader_.u32())};
      case Nil:
        return List{};
      case String: {
        List list;
        const auto characters = reader_.take(reader_.u16());
        list.elements.reserve(characters.size());
        for (const std::uint8_t c : characters) list.elements.emplace_back(std::int64_t{c});
        return list;
      }
      case ListTag:
        return list();
      case MapTag: {
        Map map;
        const std::uint32_t count = reader_.u32();
        map.pairs.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i) {
          Term key = term();
          Term value = term();
          map.pairs.emplace_back(std::move(key), std::move(value));
        }
        return map;
      }
      case BinaryTag:
        return binary(reader_.take(reader_.u32()));
      case SmallBig:
        return big(start, reader_.u8());
      case LargeBig:
        return big(start, reader_.u32());
      default:
        break;
    }
    return opaque(start);
  }

  std::size_t position() const { return reader_.position(); }

 private:
  std::vector<Term> terms(std::size_t count) {
    std::vector<Term> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) all.push_back(term());
    return all;
  }

  /// After the tag. A tail that is itself a list continues this one, in the same vector: a chain of tails
  /// costs no more than its elements.
  Term list() {
    List all;
    for (;;) {
      const std::uint32_t count = reader_.u32();
      for (std::uint32_t i = 0; i < count; ++i) all.elements.push_back(term());
      if (reader_.peek() != ListTag) break;
      reader_.u8();
    }
    Term tail = term();
    if (auto* rest = tail.as<List>())
      all.elements.insert(all.elements.end(), rest->elements.begin(), rest->elements.end());
    else if (all.elements.empty())
      return tail;
    else
      all.tail = std::make_shared<const Term>(std::move(tail));
    return all;
  }

  Term utf8(std::size_t length) {
    const auto name = reader_.take(length);
    return Atom{std::string(name.begin(), name.end())};
  }

  Term latin1(std::size_t length) {
    std::string name;
    for (const std::uint8_t c : reader_.take(length)) {
      if (c < 0x80) {
        name += static_cast<char>(c);
      } else {
        name += static_cast<char>(0xc0 | c >> 6);
        name += static_cast<char>(0x80 | (c & 0x3f));
      }
    }
    return Atom{std::move(name)};
  }

  Term binary(std::span<const std::uint8_t> bytes) const {
    if (owner_ && bytes.size() > 64) return Binary(owner_, bytes);
    return Binary(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  }

  Term big(std::size_t start, std::size_t length) {
    const bool negative = reader_.u8() != 0;
    const auto digits = reader_.take(length);  // little-endian
    std::uint64_t magnitude = 0;
    bool fits = true;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      if (i < 8)
        magnitude |= std::uint64_t{digits[i]} << (8 * i);
      else
        fits = fits && digits[i] == 0;
    }
    constexpr std::uint64_t top = std::uint64_t{1} << 63;
    if (fits && (magnitude < top || (negative && magnitude == top)))
      return static_cast<std::int64_t>(negative ? std::uint64_t{0} - magnitude : magnitude);
    return kept(start);
  }

  /// Steps over a term that is kept as bytes; the tag has been read.
  Term opaque(std::size_t start) {
    const std::size_t length = validate(bytes_.subspan(start), {bytes_.size(), 1 << 16, bytes_.size()});
    reader_.take(start + length - reader_.position());
    return kept(start);
  }

  Term kept(std::size_t start) const {
    const auto part = bytes_.subspan(start, reader_.position() - start);
    return Opaque{{part.begin(), part.end()}};
  }

  std::span<const std::uint8_t> bytes_;
  Reader reader_;
  std::shared_ptr<const void> owner_;
};

/// Writes small parts with `ei` (whose encoders report the size they need when given no buffer) and takes
/// large binaries by reference.
class Encoder {
 public:
  explicit Encoder(std::size_t share_from) : share_from_(share_from) { buffer_.reserve(256); }

  void term(const Term& value) {
    std::visit([this](const auto& v) { write(v); }, value.value());
  }

  Encoded finish() {
    flush();
    return std::move(out_);
  }

 private:
  template <typename Function, typename... Args>
  void ei(Function function, Args... args) {
    int size = 0;
    if (function(nullptr, &size, args...) != 0)
      throw Error("bad_term", "a term has a part that the external term format cannot hold");
    const std::size_t at = buffer_.size();
    buffer_.resize(at + static_cast<std::size_t>(size));
    int index = 0;
    function(reinterpret_cast<char*>(buffer_.data() + at), &index, args...);
  }

  static int count(std::size_t n) {
    if (n > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      throw Error("too_large", fmt::format("a term of {} elements cannot be encoded", n));
    return static_cast<int>(n);
  }

  void u32(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) buffer_.push_back(static_cast<std::uint8_t>(value >> shift));
  }

  void write(std::int64_t value) {
    // As a BEAM does: 97, 98, then 110. (ei uses 110 beyond 28 bits already.)
    if (value >= 0 && value <= 255) {
      buffer_.push_back(SmallInteger);
      buffer_.push_back(static_cast<std::uint8_t>(value));
    } else if (value >= std::numeric_limits<std::int32_t>::min() &&
               value <= std::numeric_limits<std::int32_t>::max()) {
      buffer_.push_back(Integer);
      u32(static_cast<std::uint32_t>(value));
    } else {
      ei(ei_encode_longlong, static_cast<long long>(value));
    }
  }

  void write(double value) {
    if (!std::isfinite(value))
      throw Error("not_finite", fmt::format("{} cannot be sent as an Erlang float", value));
    ei(ei_encode_double, value);
  }

  void write(const Atom& value) {
    if (value.name.size() < 64 && ascii(value.name)) {
      buffer_.push_back(SmallAtomUtf8);
      buffer_.push_back(static_cast<std::uint8_t>(value.name.size()));
      buffer_.insert(buffer_.end(), value.name.begin(), value.name.end());
      return;
    }
    ei(ei_encode_atom_len_as, value.name.data(), count(value.name.size()), ERLANG_UTF8, ERLANG_UTF8);
  }

  void write(const Binary& value) {
    if (value.size() > std::numeric_limits<std::uint32_t>::max())
      throw Error("too_large", fmt::format("a binary of {} bytes cannot be encoded", value.size()));
    buffer_.push_back(BinaryTag);
    u32(static_cast<std::uint32_t>(value.size()));
    if (value.size() > 0 && value.size() >= share_from_) {
      flush();
      out_.size += value.size();
      out_.pieces.push_back({{}, value});
    } else {
      buffer_.insert(buffer_.end(), value.bytes().begin(), value.bytes().end());
    }
  }

  static bool ascii(std::string_view name) {
    for (const char c : name)
      if (static_cast<unsigned char>(c) >= 0x80) return false;
    return true;
  }

  void write(const Tuple& value) {
    ei(ei_encode_tuple_header, count(value.elements.size()));
    for (const Term& element : value.elements) term(element);
  }

  void write(const List& value) {
    if (!value.elements.empty()) {
      ei(ei_encode_list_header, count(value.elements.size()));
      for (const Term& element : value.elements) term(element);
    }
    if (value.tail)
      term(*value.tail);
    else
      buffer_.push_back(Nil);
  }

  void write(const Map& value) {
    ei(ei_encode_map_header, count(value.pairs.size()));
    for (const auto& [key, element] : value.pairs) {
      term(key);
      term(element);
    }
  }

  void write(const Opaque& value) { buffer_.insert(buffer_.end(), value.bytes.begin(), value.bytes.end()); }

  void flush() {
    if (buffer_.empty()) return;
    out_.size += buffer_.size();
    out_.pieces.push_back({std::exchange(buffer_, {}), {}});
  }

  std::size_t share_from_;
  std::vector<std::uint8_t> buffer_;
  Encoded out_;
};

}  // namespace

Term decode(std::span<const std::uint8_t> bytes, std::size_t* used, std::shared_ptr<const void> owner,
            const Limits& limits) {
  const std::size_t length = validate(bytes, limits);
  if (used) *used = length;
  return Decoder(bytes.first(length), std::move(owner)).term();
}

Encoded encode(const Term& term, std::size_t share_from) {
  Encoder encoder(share_from);
  encoder.term(term);
  return encoder.finish();
}

std::vector<std::uint8_t> Encoded::flatten() const {
  std::vector<std::uint8_t> all;
  all.reserve(size);
  for (const Piece& piece : pieces) {
    const auto part = piece.bytes();
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace drey::term
