#pragma once

#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "term/term.h"

/// Erlang's own notation for terms, so that tests can write models as a user types them:
///     term::Term model = test::erlang("#{data => #{y => [1, 2.5]}, model => [{'~', y, {normal, mu, 1}}]}");
/// Knows integers, floats, atoms (quoted or bare), strings and binaries of text (<<"abc">>), tuples, lists,
/// maps, and comments. Throws std::runtime_error with the offset of the first thing it does not know.
namespace drey::test {

class ErlangText {
 public:
  explicit ErlangText(std::string_view text) : text_(text) {}

  term::Term whole() {
    term::Term value = one();
    skip();
    if (at_ < text_.size() && text_[at_] == '.') ++at_;
    skip();
    if (at_ != text_.size()) fail("end expected");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("Erlang text, offset " + std::to_string(at_) + ": " + what);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  static bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '@'; }

  void skip() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_]))) {
        ++at_;
      } else if (text_[at_] == '%') {
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
    if (!take(token)) fail("'" + std::string(token) + "' expected");
  }
  std::string quoted(char quote) {
    std::string out;
    for (++at_; peek() != quote; ++at_) {
      if (at_ >= text_.size()) fail("unfinished quote");
      if (text_[at_] == '\\') ++at_;
      out += text_[at_];
    }
    ++at_;
    return out;
  }
  std::vector<term::Term> sequence(std::string_view end) {
    std::vector<term::Term> elements;
    if (take(end)) return elements;
    do elements.push_back(one());
    while (take(","));
    need(end);
    return elements;
  }
  term::Term number() {
    std::size_t from = at_;
    if (peek() == '-' || peek() == '+') ++at_;
    bool real = false;
    while (std::isdigit(static_cast<unsigned char>(peek()))) ++at_;
    if (peek() == '.' && at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1]))) {
      real = true;
      for (++at_; std::isdigit(static_cast<unsigned char>(peek()));) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      real = true;
      ++at_;
      if (peek() == '-' || peek() == '+') ++at_;
      while (std::isdigit(static_cast<unsigned char>(peek()))) ++at_;
    }
    std::string digits(text_.substr(from, at_ - from));
    if (real) return term::Term(std::stod(digits));
    return term::Term(static_cast<std::int64_t>(std::stoll(digits)));
  }

  term::Term one() {
    skip();
    char c = peek();
    if (c == '\'') return term::atom(quoted('\''));
    if (take("<<")) {
      skip();
      std::string bytes = peek() == '"' ? quoted('"') : std::string();
      need(">>");
      return term::text(bytes);
    }
    if (take("#{")) {
      term::Map map;
      if (take("}")) return map;
      do {
        term::Term key = one();
        need("=>");
        map.pairs.emplace_back(std::move(key), one());
      } while (take(","));
      need("}");
      return map;
    }
    if (take("{")) return term::tuple(sequence("}"));
    if (take("[")) return term::list(sequence("]"));
    if (c == '-' || c == '+' || std::isdigit(static_cast<unsigned char>(c))) return number();
    if (word(c)) {
      std::size_t from = at_;
      while (word(peek())) ++at_;
      return term::atom(text_.substr(from, at_ - from));
    }
    fail(std::string("unexpected '") + c + "'");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

inline term::Term erlang(std::string_view text) { return ErlangText(text).whole(); }

}  // namespace drey::test
