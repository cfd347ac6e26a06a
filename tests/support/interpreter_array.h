#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What a term of the language evaluates to in the interpreter: a number or an array of them, in long double.
namespace drey::test::interpreted {

using Number = long double;
using Shape = std::vector<std::size_t>;

[[noreturn]] inline void fail(const std::string& what) { throw std::runtime_error("interpreter: " + what); }

struct Array {
  Shape shape;
  std::vector<Number> values{0};
  bool whole = false;  ///< of integers

  static Array scalar(Number x, bool whole = false) { return {{}, {x}, whole}; }
  static Array of(Shape shape, Number x = 0) {
    std::size_t n = 1;
    for (std::size_t d : shape) n *= d;
    return {std::move(shape), std::vector<Number>(n, x), false};
  }
};

/// The parts, all of one shape, along a new first axis.
inline Array pack(const std::vector<Array>& parts) {
  Array out;
  out.values.clear();
  out.shape = {parts.size()};
  out.whole = true;
  if (!parts.empty()) out.shape.insert(out.shape.end(), parts[0].shape.begin(), parts[0].shape.end());
  for (const Array& part : parts) {
    out.values.insert(out.values.end(), part.values.begin(), part.values.end());
    out.whole = out.whole && part.whole;
  }
  return out;
}

/// f(a, b, ...) element by element; scalars go with everything.
inline Array each(const std::vector<Array>& args,
                  const std::function<Number(const std::vector<Number>&)>& f) {
  Array out = Array::scalar(0);
  for (const Array& a : args)
    if (!a.shape.empty()) out = Array::of(a.shape);
  std::vector<Number> x(args.size());
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    for (std::size_t j = 0; j < args.size(); ++j) {
      if (!args[j].shape.empty() && args[j].shape != out.shape) fail("shapes differ");
      x[j] = args[j].values[args[j].shape.empty() ? 0 : i];
    }
    out.values[i] = f(x);
  }
  return out;
}

}  // namespace drey::test::interpreted
