#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace drey::model {

/// An expression as the tables write it: distributions' densities and functions' derivatives stand in the
/// source as one line of infix text each, and are parsed once, at start.
///
///     -0.5 * ((y - mu) / sigma)^2 - log(sigma) - 0.91893853320467274178
///
/// Grammar: + - * / ^ (right associative), unary minus, calls f(a, b), numbers, names, parentheses, comparisons
/// a < b, a <= b, a == b (value 1 or 0) and the choice  condition ? a : b. Operators become calls of the names
/// "+", "-", "*", "/", "^", "neg", "<", "<=", "==", "?:".
struct Formula {
  enum class Kind { Number, Name, Call };
  Kind kind = Kind::Number;
  double number = 0;
  std::string name;  ///< of a Name or a Call
  std::vector<Formula> args;
};

/// \throws Error{internal} with the position when `text` is not of the grammar.
Formula parse_formula(std::string_view text);

}  // namespace drey::model
