#include "model/formula.h"

#include <cctype>
#include <charconv>

#include "error.h"

namespace drey::model {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Formula whole() {
    Formula formula = choice();
    skip();
    if (at_ != text_.size()) fail("end expected");
    return formula;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error("internal",
                "formula `" + std::string(text_) + "`, column " + std::to_string(at_ + 1) + ": " + what);
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  static Formula call(std::string name, std::vector<Formula> args) {
    return {Formula::Kind::Call, 0, std::move(name), std::move(args)};
  }

  Formula choice() {
    Formula condition = comparison();
    if (!take("?")) return condition;
    Formula yes = choice();
    if (!take(":")) fail("':' expected");
    return call("?:", {std::move(condition), std::move(yes), choice()});
  }
  Formula comparison() {
    Formula left = sum();
    for (const char* op : {"<=", "==", "<"})
      if (take(op)) return call(op, {std::move(left), sum()});
    return left;
  }
  Formula sum() {
    Formula left = product();
    for (;;) {
      if (take("+"))
        left = call("+", {std::move(left), product()});
      else if (take("-"))
        left = call("-", {std::move(left), product()});
      else
        return left;
    }
  }
  Formula product() {
    Formula left = unary();
    for (;;) {
      if (take("*"))
        left = call("*", {std::move(left), unary()});
      else if (take("/"))
        left = call("/", {std::move(left), unary()});
      else
        return left;
    }
  }
  Formula unary() {
    if (take("-")) return call("neg", {unary()});
    return power();
  }
  Formula power() {
    Formula base = primary();
    if (take("^")) return call("^", {std::move(base), unary()});
    return base;
  }
  Formula primary() {
    skip();
    if (take("(")) {
      Formula inner = choice();
      if (!take(")")) fail("')' expected");
      return inner;
    }
    if (at_ == text_.size()) fail("an operand expected");
    const char first = text_[at_];
    if (std::isdigit(static_cast<unsigned char>(first)) || first == '.') {
      double number = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), number);
      if (error != std::errc{}) fail("a number expected");
      at_ += static_cast<std::size_t>(end - begin);
      return {Formula::Kind::Number, number, {}, {}};
    }
    if (!std::isalpha(static_cast<unsigned char>(first)) && first != '_') fail("an operand expected");
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    std::string name(text_.substr(start, at_ - start));
    if (!take("(")) return {Formula::Kind::Name, 0, std::move(name), {}};
    std::vector<Formula> args;
    if (!take(")")) {
      do args.push_back(choice());
      while (take(","));
      if (!take(")")) fail("')' expected");
    }
    return call(std::move(name), std::move(args));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Formula parse_formula(std::string_view text) { return Parser(text).whole(); }

}  // namespace drey::model
