#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/erlang_text.h"
#include "term/term.h"

/// A model as tests use it: compiled, differentiated, evaluated on the host. Knows nothing of devices.
namespace drey::test {

class Compiled {
 public:
  explicit Compiled(const term::Term& term)
      : model_(model::compile(term)), gradient_(grad::differentiate(model_.density, model_.dimension)) {}
  explicit Compiled(std::string_view erlang_text) : Compiled(erlang(erlang_text)) {}

  const model::Model& model() const { return model_; }
  const model::Program& gradient() const { return gradient_; }

  /// The log density at an unconstrained point, by the program that computes nothing else.
  double value(std::span<const double> point) const {
    return model::Evaluator(model_.density, model_.data).run(point).target;
  }
  /// The log density and its gradient, by the differentiated program.
  std::pair<double, std::vector<double>> value_and_gradient(std::span<const double> point) const {
    model::Evaluator::Result result = model::Evaluator(gradient_, model_.data).run(point);
    return {result.target, result.gradient};
  }
  /// Everything a draw records, in the order of Model::outputs.
  std::vector<double> outputs(std::span<const double> point,
                              const std::function<double()>& random = nullptr) const {
    return model::Evaluator(model_.draws, model_.data).run(point, random).output;
  }
  /// One output by name. \pre the model has it
  std::vector<double> output(const std::string& name, std::span<const double> point) const {
    std::vector<double> all = outputs(point);
    for (const model::Output& o : model_.outputs)
      if (o.name == name) {
        auto from = all.begin() + static_cast<std::ptrdiff_t>(o.offset);
        return {from, from + static_cast<std::ptrdiff_t>(o.size)};
      }
    return {};
  }

 private:
  model::Model model_;
  model::Program gradient_;
};

/// A derivative and how far the extrapolation that made it may be off.
template <typename Number = double>
struct Derivative {
  Number value = 0;
  Number error = std::numeric_limits<Number>::infinity();
};

/// d f / d x by central differences, extrapolated to step 0 (Ridders, Advances in Engineering Software 4, 1982).
/// The best of several first steps, since a step may leave the domain of f. The error counts the rounding of f too,
/// as `rounding` units in the last place of its value, or of `summand` where that is larger: what f adds up on its way.
template <typename Number>
Derivative<Number> derivative(const std::function<Number(Number)>& f, Number x, Number rounding = 4,
                              Number summand = 0) {
  constexpr int rows = 10;
  constexpr Number epsilon = std::numeric_limits<Number>::epsilon();
  Derivative<Number> best;
  for (Number scale : {std::abs(x), std::max(Number(1), std::abs(x))}) {
    // Near 0 a wide step would reach across what may be a pole there.
    if (scale == 0 || (x != 0 && scale > 1000 * std::abs(x))) continue;
    for (Number first : {Number(0.1), Number(0.01), Number(1e-3), Number(1e-5)}) {
      Number table[rows][rows];
      Number step = first * scale;
      for (int i = 0; i < rows; ++i, step /= Number(1.6)) {
        const volatile Number above = x + step, below = x - step;
        const Number high = f(above), low = f(below);
        table[0][i] = (high - low) / (above - below);
        if (!std::isfinite(table[0][i])) break;
        const Number noise = rounding * epsilon * std::max({std::abs(high), std::abs(low), summand}) / step;
        Number factor = 1;
        for (int j = 1; j <= i; ++j) {
          factor *= Number(1.6) * Number(1.6);
          table[j][i] = (table[j - 1][i] * factor - table[j - 1][i - 1]) / (factor - 1);
          const Number error = noise + std::max(std::abs(table[j][i] - table[j - 1][i]),
                                                std::abs(table[j][i] - table[j - 1][i - 1]));
          if (error < best.error) best = {table[j][i], error};
        }
        if (i > 0 && std::abs(table[i][i] - table[i - 1][i - 1]) > 4 * best.error) break;
      }
    }
  }
  return best;
}

/// d f / d x[i] at a point.
template <typename Number>
Derivative<Number> derivative(const std::function<Number(std::span<const Number>)>& f,
                              std::span<const Number> point, std::size_t i, Number rounding = 4,
                              Number summand = 0) {
  std::vector<Number> moved(point.begin(), point.end());
  return derivative<Number>(
      [&](Number x) {
        moved[i] = x;
        return f(moved);
      },
      point[i], rounding, summand);
}

/// d f / d x[i] of a function in long double, by the central difference of eighth order; the error is estimated by
/// another step. For functions that are smooth within 0.008 of the point.
inline Derivative<long double> central_difference(
    const std::function<long double(std::span<const long double>)>& f, std::span<const long double> point,
    std::size_t i) {
  static constexpr long double weights[] = {4.0L / 5, -1.0L / 5, 4.0L / 105, -1.0L / 280};
  std::vector<long double> moved(point.begin(), point.end());
  auto slope = [&](long double step) {
    long double total = 0;
    for (int k = 1; k <= 4; ++k) {
      moved[i] = point[i] + static_cast<long double>(k) * step;
      const long double high = f(moved);
      moved[i] = point[i] - static_cast<long double>(k) * step;
      total += weights[k - 1] * (high - f(moved));
    }
    return total / step;
  };
  const long double fine = slope(0x1p-10L), coarse = slope(0x1p-9L);
  return {fine, std::abs(fine - coarse)};
}

}  // namespace drey::test
