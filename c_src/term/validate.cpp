#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "term/codec.h"
#include "term/wire.h"

namespace drey::term {
namespace {

using namespace wire;

constexpr std::size_t no_end = static_cast<std::size_t>(-1);

class Validator {
 public:
  Validator(std::span<const std::uint8_t> bytes, const Limits& limits)
      : reader_(bytes.size() > limits.bytes ? bytes.first(limits.bytes) : bytes),
        limits_(limits),
        stack_(kept()) {
    stack_.clear();
  }

  std::size_t run() {
    stack_.push_back({1, no_end});
    while (!stack_.empty()) {
      Frame& top = stack_.back();
      if (top.left == 0) {
        if (top.end != no_end && top.end != reader_.position())
          fail("a fun's size is not the size of its parts");
        stack_.pop_back();
        continue;
      }
      --top.left;
      element();
    }
    return reader_.position();
  }

 private:
  struct Frame {
    std::uint64_t left;  ///< terms still to come
    std::size_t end;     ///< where the frame must end; no_end: anywhere
  };

  /// A validator calls no other, so a thread's validators share one stack, which is allocated once.
  static std::vector<Frame>& kept() {
    thread_local std::vector<Frame> frames;
    return frames;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error("bad_term", fmt::format("{} (before byte {})", what, reader_.position()));
  }

  /// Opens `count` terms, of which `counted` are elements of a container. Each takes at least a byte, so a
  /// count beyond the bytes left is a lie that costs nothing to see.
  void open(std::uint64_t count, std::size_t end = no_end) {
    if (count > reader_.left())
      fail(fmt::format("a term claims {} elements, and {} bytes are left", count, reader_.left()));
    elements_ += count;
    if (elements_ > limits_.elements)
      fail(fmt::format("the term has more than {} elements; send arrays as {{Type, Shape, Binary}}",
                       limits_.elements));
    if (stack_.size() > limits_.depth) fail(fmt::format("the term is nested deeper than {}", limits_.depth));
    stack_.push_back({count, end});
  }

  void atom() {
    const std::uint8_t tag = reader_.u8();
    std::size_t length = 0;
    switch (tag) {
      case AtomLatin1:
      case AtomUtf8:
        length = reader_.u16();
        break;
      case SmallAtomLatin1:
      case SmallAtomUtf8:
        length = reader_.u8();
        break;
      case AtomCacheRef:
        fail("an atom-cache reference, which was not negotiated");
      default:
        fail(fmt::format("an atom was expected, tag {} found", tag));
    }
    const auto name = reader_.take(length);
    const bool utf8 = tag == AtomUtf8 || tag == SmallAtomUtf8;
    const auto characters = utf8 ? utf8_length(name) : static_cast<std::ptrdiff_t>(length);
    if (characters < 0) fail("an atom's name is not valid UTF-8");
    if (static_cast<std::size_t>(characters) > max_atom_characters)
      fail(fmt::format("an atom of {} characters, {} at most", characters, max_atom_characters));
  }

  void integer() {
    switch (const std::uint8_t tag = reader_.u8()) {
      case SmallInteger:
        reader_.take(1);
        break;
      case Integer:
        reader_.take(4);
        break;
      case SmallBig:
        reader_.take(std::size_t{reader_.u8()} + 1);
        break;
      default:
        fail(fmt::format("an integer was expected, tag {} found", tag));
    }
  }

  void pid() {
    switch (const std::uint8_t tag = reader_.u8()) {
      case NewPid:
        atom();
        reader_.take(12);
        break;
      case Pid:
        atom();
        reader_.take(9);
        break;
      default:
        fail(fmt::format("a pid was expected, tag {} found", tag));
    }
  }

  void reference_words(std::size_t words) {
    if (words == 0 || words > 5) fail(fmt::format("a reference of {} words, 1 to 5 allowed", words));
  }

  void fun() {
    const std::size_t start = reader_.position();
    const std::uint32_t size = reader_.u32();
    if (size < 4 || size - 4 > reader_.left()) fail(fmt::format("a fun claims {} bytes", size));
    reader_.take(1 + 16 + 4);
    const std::uint32_t free = reader_.u32();
    atom();
    integer();
    integer();
    pid();
    open(free, start + size);
  }

  void old_float() {
    const auto field = reader_.take(31);
    const std::string text(field.begin(), field.end());
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || !std::isfinite(value)) fail("a float that is not a finite number");
  }

  void element() {
    const std::uint8_t tag = reader_.peek();
    switch (tag) {
      case AtomLatin1:
      case AtomUtf8:
      case SmallAtomLatin1:
      case SmallAtomUtf8:
      case AtomCacheRef:
        atom();
        return;
      case Pid:
      case NewPid:
        pid();
        return;
      default:
        break;
    }
    reader_.take(1);
    switch (tag) {
      case SmallInteger:
        reader_.take(1);
        break;
      case Integer:
        reader_.take(4);
        break;
      case NewFloat:
        if (!std::isfinite(reader_.f64())) fail("a float that is not a finite number");
        break;
      case Float:
        old_float();
        break;
      case SmallTuple:
        open(reader_.u8());
        break;
      case LargeTuple:
        open(reader_.u32());
        break;
      case Nil:
        break;
      case String: {
        const std::size_t length = reader_.u16();
        elements_ += length;
        reader_.take(length);
        if (elements_ > limits_.elements) fail("the term has too many elements");
        break;
      }
      case ListTag:
        open(std::uint64_t{reader_.u32()} + 1);
        break;
      case MapTag:
        open(std::uint64_t{reader_.u32()} * 2);
        break;
      case BinaryTag:
        reader_.take(reader_.u32());
        break;
      case BitBinary: {
        const std::uint32_t length = reader_.u32();
        const std::uint8_t bits = reader_.u8();
        if (length == 0 || bits == 0 || bits > 8)
          fail(fmt::format("a bit string with {} bits in its last byte", bits));
        reader_.take(length);
        break;
      }
      case SmallBig: {
        const std::size_t length = reader_.u8();
        if (reader_.u8() > 1) fail("a big integer whose sign is neither 0 nor 1");
        reader_.take(length);
        break;
      }
      case LargeBig: {
        const std::size_t length = reader_.u32();
        if (reader_.u8() > 1) fail("a big integer whose sign is neither 0 nor 1");
        reader_.take(length);
        break;
      }
      case Reference:
        atom();
        reader_.take(5);
        break;
      case NewReference: {
        const std::size_t words = reader_.u16();
        reference_words(words);
        atom();
        reader_.take(1 + 4 * words);
        break;
      }
      case NewerReference: {
        const std::size_t words = reader_.u16();
        reference_words(words);
        atom();
        reader_.take(4 + 4 * words);
        break;
      }
      case Port:
        atom();
        reader_.take(5);
        break;
      case NewPort:
        atom();
        reader_.take(8);
        break;
      case V4Port:
        atom();
        reader_.take(12);
        break;
      case NewFun:
        fun();
        break;
      case Export:
        atom();
        atom();
        if (reader_.u8() != SmallInteger) fail("an external fun whose arity is not a small integer");
        reader_.take(1);
        break;
      case Compressed:
        fail("a compressed term inside a term");
      case DistHeader:
        fail("a distribution header inside a term");
      default:
        fail(fmt::format("a tag that no term has: {}", tag));
    }
  }

  Reader reader_;
  const Limits& limits_;
  std::vector<Frame>& stack_;  ///< at most limits.depth + 1 frames
  std::uint64_t elements_ = 0;
};

}  // namespace

std::size_t validate(std::span<const std::uint8_t> bytes, const Limits& limits) {
  return Validator(bytes, limits).run();
}

}  // namespace drey::term
