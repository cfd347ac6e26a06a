#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// One thing the shaders' library is measured on: an expression in GLSL, the truth in 80-bit arithmetic, where,
/// and the bounds that docs/functions.md states. The cases stand in math_cases.h.
namespace drey::glsl {

/// One argument's values.
struct Range {
  double low = 0, high = 1;
  /// Evenly spread in log |x| instead of in x; both signs where low is negative: |x| in [high * 1e-6, high].
  bool logarithmic = false;
};

inline Range even(double low, double high) { return {low, high, false}; }
inline Range log_spaced(double low, double high) { return {low, high, true}; }

struct MathCase {
  using Truth = long double (*)(const long double*);
  std::string name;        ///< the language's name
  std::string expression;  ///< GLSL over a, b, c
  Truth truth;
  std::vector<Range> f32, f64;
  double bound_f32, bound_f64;  ///< ulp
  /// Where a result near 0 is a difference of large parts: errors are in ulp of the larger of |result| and
  /// this.
  Truth scale = nullptr;
  std::size_t points = 40000;
};

/// A MathCase::Truth of the arguments a, b, c.
#define DREY_TRUTH(expression)                                       \
  [](const long double* v) -> long double {                          \
    [[maybe_unused]] const long double a = v[0], b = v[1], c = v[2]; \
    return expression;                                               \
  }

}  // namespace drey::glsl
