#include "term/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "error.h"

namespace drey::term {
namespace {

constexpr std::uint32_t last_code_point = 0x10ffff;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool word(char c) { return digit(c) || lower(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '@'; }
/// Of a digit in a base up to 36; 36 where it is none.
int value_of(char c) {
  if (digit(c)) return c - '0';
  if (lower(c)) return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 36;
}

void put_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

class Parser {
 public:
  Parser(std::string_view text, const TextLimits& limits) : text_(text), limits_(limits) {}

  Term whole() {
    Term value = one(0);
    skip();
    if (peek() == '.') ++at_;
    skip();
    if (at_ != text_.size()) fail("the end is expected here");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const std::string_view before = text_.substr(0, std::min(at_, text_.size()));
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto begin = before.rfind('\n');
    throw Error("bad_term",
                fmt::format("line {}, column {}: {}", lines + 1,
                            before.size() - (begin == std::string_view::npos ? 0 : begin + 1) + 1, what));
  }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v') {
        ++at_;
      } else if (c == '%') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
    }
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void need(std::string_view token) {
    if (!take(token)) fail(fmt::format("'{}' is expected here", token));
  }

  /// One code point of UTF-8.
  std::uint32_t code_point() {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text_[at_ + i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return ++at_, first;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || at_ + length > text_.size()) fail("this is not UTF-8");
    std::uint32_t c = first & (0xff >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) fail("this is not UTF-8");
      c = c << 6 | (byte(i) & 0x3f);
    }
    if (c > last_code_point || (c >= 0xd800 && c < 0xe000) ||
        c < (length == 4   ? 0x10000u
             : length == 3 ? 0x800u
                           : 0u))
      fail("this is not UTF-8");
    at_ += length;
    return c;
  }

  /// What follows a backslash.
  std::uint32_t escape() {
    const auto number = [&](std::uint32_t base, std::size_t most) {
      std::uint32_t value = 0;
      std::size_t count = 0;
      for (; count < most && value_of(peek()) < static_cast<int>(base); ++count, ++at_) {
        value = value * base + static_cast<std::uint32_t>(value_of(peek()));
        if (value > last_code_point) fail("there is no such character");
      }
      if (count == 0) fail("digits are expected here");
      return value;
    };
    const char c = peek();
    if (c >= '0' && c <= '7') return number(8, 3);
    ++at_;
    switch (c) {
      case 'x':
        if (peek() == '{') {
          ++at_;
          const std::uint32_t value = number(16, 8);
          if (peek() != '}') fail("'}' is expected here");
          return ++at_, value;
        }
        return number(16, 2);
      case '^':
        if (peek() < '@' || peek() > '_') fail("there is no such control character");
        return static_cast<std::uint32_t>(text_[at_++]) & 31;
      case 'b':
        return '\b';
      case 'd':
        return 127;
      case 'e':
        return 27;
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 's':
        return ' ';
      case 't':
        return '\t';
      case 'v':
        return '\v';
      default:
        break;
    }
    --at_;
    return code_point();
  }

  std::vector<std::uint32_t> quoted(char quote) {
    std::vector<std::uint32_t> out;
    const std::size_t from = at_;
    for (++at_; peek() != quote;) {
      if (at_ >= text_.size()) {
        at_ = from;
        fail("the quote that begins here does not end");
      }
      if (peek() == '\\') {
        if (++at_ >= text_.size()) continue;
        out.push_back(escape());
      } else {
        out.push_back(code_point());
      }
    }
    ++at_;
    return out;
  }
  std::string utf8(const std::vector<std::uint32_t>& points) {
    std::string out;
    for (const std::uint32_t c : points) {
      if (c >= 0xd800 && c < 0xe000) fail("there is no such character");
      put_utf8(out, c);
    }
    return out;
  }
  Term quoted_atom() {
    const auto points = quoted('\'');
    if (points.size() > 255) fail("an atom has at most 255 characters");
    return atom(utf8(points));
  }

  bool exponent() const { return peek() == 'e' || peek() == 'E'; }

  Term number() {
    const std::size_t from = at_;
    std::string digits;
    if (peek() == '-' || peek() == '+') {
      if (peek() == '-') digits = "-";
      ++at_;
      skip();
    }
    if (peek() == '$') {
      ++at_;
      if (at_ >= text_.size()) fail("a character is expected here");
      const bool escaped = peek() == '\\';
      if (escaped && ++at_ >= text_.size()) fail("a character is expected here");
      const auto c = static_cast<std::int64_t>(escaped ? escape() : code_point());
      return digits.empty() ? c : -c;
    }
    const auto run = [&](int base) {
      const std::size_t before = digits.size();
      while (value_of(peek()) < base ||
             (peek() == '_' && digits.size() > before && value_of(peek(1)) < base)) {
        if (peek() != '_') digits += peek();
        ++at_;
      }
      if (digits.size() == before) fail("digits are expected here");
    };
    int base = 10;
    run(10);
    if (peek() == '#') {
      const std::string_view given = std::string_view(digits).substr(digits.starts_with('-') ? 1 : 0);
      base = given.size() > 2 ? 0 : std::stoi(std::string(given));
      if (base < 2 || base > 36) fail("a base is from 2 to 36");
      digits.resize(digits.size() - given.size());
      ++at_;
      run(base);
    } else if ((peek() == '.' && digit(peek(1))) || (limits_.short_floats && exponent())) {
      if (peek() == '.') {
        digits += text_[at_++];
        run(10);
      }
      if (exponent()) {
        digits += 'e';
        ++at_;
        if (peek() == '-' || peek() == '+') digits += text_[at_++];
        run(10);
      }
      double value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
        at_ = from;
        fail("this number is too large for a float");
      }
      return value;
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      at_ = from;
      fail("this integer has more than 64 bits");
    }
    return value;
  }

  std::vector<Term> sequence(std::string_view end, std::size_t depth,
                             std::shared_ptr<const Term>* tail = nullptr) {
    std::vector<Term> elements;
    if (take(end)) return elements;
    do elements.push_back(one(depth));
    while (take(","));
    if (tail != nullptr && take("|")) {
      Term last = one(depth);
      if (auto* rest = last.as<List>()) {
        elements.insert(elements.end(), rest->elements.begin(), rest->elements.end());
        *tail = rest->tail;
      } else {
        *tail = std::make_shared<const Term>(std::move(last));
      }
    }
    need(end);
    return elements;
  }

  /// A segment is a byte, or a string whose characters are bytes or (with /utf8) code points.
  Term binary() {
    std::string bytes;
    if (take(">>")) return text({});
    do {
      skip();
      if (peek() == '"') {
        const auto points = quoted('"');
        if (take("/utf8")) {
          bytes += utf8(points);
          continue;
        }
        for (const std::uint32_t c : points) bytes += static_cast<char>(c & 0xff);
      } else if (digit(peek()) || peek() == '-' || peek() == '$') {
        const Term byte = number();
        if (byte.as<std::int64_t>() == nullptr) fail("a byte is an integer");
        bytes += static_cast<char>(*byte.as<std::int64_t>() & 0xff);
      } else {
        fail("a byte or a string is expected here");
      }
    } while (take(","));
    need(">>");
    return text(bytes);
  }

  Term map(std::size_t depth) {
    Map made;
    if (take("}")) return made;
    do {
      Term key = one(depth);
      need("=>");
      made.pairs.emplace_back(std::move(key), one(depth));
    } while (take(","));
    need("}");
    return made;
  }

  Term one(std::size_t depth) {
    if (depth > limits_.depth) fail(fmt::format("this is nested more than {} deep", limits_.depth));
    skip();
    const char c = peek();
    if (c == '\'') return quoted_atom();
    if (c == '"') {
      List string;
      do {
        for (const std::uint32_t point : quoted('"'))
          string.elements.emplace_back(static_cast<std::int64_t>(point));
        skip();
      } while (peek() == '"');
      return string;
    }
    if (take("<<")) return binary();
    if (take("#{")) return map(depth + 1);
    if (take("{")) return tuple(sequence("}", depth + 1));
    if (take("[")) {
      List made;
      made.elements = sequence("]", depth + 1, &made.tail);
      return made;
    }
    if (c == '-' || c == '+' || c == '$' || digit(c)) return number();
    if (lower(c)) {
      const std::size_t from = at_;
      while (word(peek())) ++at_;
      if (at_ - from > 255) fail("an atom has at most 255 characters");
      return atom(text_.substr(from, at_ - from));
    }
    if (at_ >= text_.size()) fail("a term is expected here");
    if (c == '_' || (c >= 'A' && c <= 'Z'))
      fail("variables have no value here; an atom with a capital is quoted");
    fail("a term is expected here");
  }

  std::string_view text_;
  const TextLimits& limits_;
  std::size_t at_ = 0;
};

}  // namespace

Term parse_text(std::string_view text, const TextLimits& limits) {
  if (text.size() > limits.bytes)
    throw Error("bad_term",
                fmt::format("the text has {} bytes; at most {} are read", text.size(), limits.bytes));
  return Parser(text, limits).whole();
}

bool as_text(const Term& term, std::string& text) {
  text.clear();
  if (const auto* name = term.as<Atom>()) {
    text = name->name;
  } else if (const auto* bytes = term.as<Binary>()) {
    text = bytes->text();
  } else if (const auto* list = term.as<List>(); list != nullptr && !list->tail) {
    for (const Term& element : list->elements) {
      const auto* c = element.as<std::int64_t>();
      if (c == nullptr || *c < 0 || *c > last_code_point || (*c >= 0xd800 && *c < 0xe000)) return false;
      put_utf8(text, static_cast<std::uint32_t>(*c));
    }
  } else {
    return false;
  }
  return true;
}

}  // namespace drey::term
