#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "error.h"
#include "grad/optimise.h"
#include "support/compiled.h"
#include "support/interpreter.h"
#include "support/strict_evaluator.h"

/// Whether a compiled model means what its term says: densities, outputs and gradients against the interpreter in long
/// double, and the lowered programs against what they promise.
namespace drey::test {

using Number = Interpreter::Number;

inline std::vector<double> random_point(std::uint64_t seed, std::size_t dimension) {
  std::mt19937_64 random(seed);
  std::vector<double> point(dimension);
  for (double& x : point) x = (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 2.4;
  return point;
}

enum class Verdict { Agrees, Wild, Differs };

struct Outcome {
  Verdict verdict = Verdict::Agrees;
  std::string what;
};

inline bool close(Number got, Number expected, Number relative, Number scale) {
  return std::abs(got - expected) <= relative * std::max({Number(1), std::abs(expected), scale});
}

/// Compares one program at two points. Wild: the program's values say nothing (not finite, or huge).
inline Outcome compared(const std::string& text, const std::vector<std::string>& recorded) {
  const term::Term term = erlang(text);
  std::unique_ptr<Compiled> compiled;
  try {
    compiled = std::make_unique<Compiled>(term);
  } catch (const Error& error) {
    return {Verdict::Differs, "refused: " + error.reason() + ": " + error.message() + " at " + error.where()};
  }
  Interpreter interpreter(term);
  for (std::uint64_t seed : {1, 2}) {
    const std::vector<double> point = random_point(seed, compiled->model().dimension);
    std::vector<Number> exact(point.begin(), point.end());
    const Number expected = interpreter.run(exact);
    if (!std::isfinite(expected) || std::abs(expected) > 1e6) return {Verdict::Wild, ""};
    for (const std::string& name : recorded) {
      const std::vector<Number> values = interpreter.value(name).values;
      const std::vector<double> output = compiled->output(name, point);
      if (values.size() != output.size()) return {Verdict::Differs, "output " + name + " has another size"};
      for (std::size_t i = 0; i < output.size(); ++i)
        if (!close(output[i], values[i], 1e-9, 0))
          return {Verdict::Differs, fmt::format("output {}[{}] is {}, expected {}", name, i + 1, output[i],
                                                static_cast<double>(values[i]))};
    }
    const double density = compiled->value(point);
    if (!close(density, expected, 1e-9, 0))
      return {Verdict::Differs,
              fmt::format("log density {:.15g}, expected {:.15g}", density, static_cast<double>(expected))};
    const auto [value, gradient] = compiled->value_and_gradient(point);
    if (!close(value, expected, 1e-9, 0))
      return {Verdict::Differs, fmt::format("the gradient's log density {:.15g}, expected {:.15g}", value,
                                            static_cast<double>(expected))};
    // The promises of program.h, at run time: the forward program's, then those the reversed one keeps too.
    const StrictEvaluator::Result strict =
        StrictEvaluator(compiled->model().density, compiled->model().data, true).run(point);
    if (!close(strict.target, expected, 1e-9, 0))
      return {Verdict::Differs, "independent loops backwards give another value"};
    // What is differentiated is the program with short loops written out.
    StrictEvaluator(grad::optimise(compiled->model().density, {.unroll_trips = 256, .unroll_values = 1024}),
                    compiled->model().data, true)
        .run(point);
    const StrictEvaluator::Result reversed =
        StrictEvaluator(compiled->gradient(), compiled->model().data, false).run(point);
    for (std::size_t i = 0; i < point.size(); ++i)
      if (!close(reversed.gradient.at(i), gradient.at(i), 1e-9, std::abs(expected)))
        return {Verdict::Differs, "independent loops backwards give another gradient"};
    StrictEvaluator(compiled->model().draws, compiled->model().data, false).run(point);
    if (gradient.size() != point.size()) return {Verdict::Differs, "the gradient has another size"};
    for (std::size_t i = 0; i < point.size(); ++i) {
      const auto slope =
          central_difference([&](std::span<const Number> x) { return interpreter.run(x); }, exact, i);
      // A kink nearby: min, max, abs, or a comparison.
      if (!(slope.error <= 1e-8 * std::max(Number(1), std::abs(slope.value)))) continue;
      if (!close(gradient[i], slope.value, 1e-7, 1e-2 * std::abs(expected)))
        return {Verdict::Differs, fmt::format("derivative {} is {:.12g}, expected {:.12g}", i + 1,
                                              gradient[i], static_cast<double>(slope.value))};
    }
  }
  return {};
}

/// As compared(), a broken promise or an interpreter's refusal being a difference.
inline Outcome compare(const std::string& text, const std::vector<std::string>& recorded = {}) {
  try {
    return compared(text, recorded);
  } catch (const std::exception& error) {
    return {Verdict::Differs, error.what()};
  }
}

}  // namespace drey::test
