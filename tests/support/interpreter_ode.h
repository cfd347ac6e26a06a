#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include "support/interpreter_array.h"

/// Ordinary differential equations in the interpreter: what an adaptive solver of the language approximates, by a method
/// that is none of the language's.
namespace drey::test::interpreted {

using State = std::vector<Number>;
using Slope = std::function<State(Number t, const State& y)>;

/// y(to) of dy/dt = f(t, y) from y(from) = y, to about 14 digits: Gragg's midpoint rule extrapolated (Bulirsch and Stoer,
/// Numerische Mathematik 8, 1966), the interval halved where the last two extrapolations differ.
inline State solution(const Slope& f, Number from, Number to, const State& y, int halvings = 12) {
  constexpr std::size_t rows = 9;
  if (from == to) return y;
  const auto moved = [](const State& a, Number by, const State& d) {
    State z = a;
    for (std::size_t j = 0; j < z.size(); ++j) z[j] += by * d[j];
    return z;
  };
  std::vector<State> before;  // the row of the table above
  const State first = f(from, y);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t steps = 2 * (row + 1);
    const Number h = (to - from) / static_cast<Number>(steps);
    State last = y, now = moved(y, h, first);
    for (std::size_t k = 1; k < steps; ++k) {
      State next = moved(last, 2 * h, f(from + static_cast<Number>(k) * h, now));
      last = std::move(now), now = std::move(next);
    }
    const State end = f(to, now);
    for (std::size_t j = 0; j < y.size(); ++j) now[j] = (now[j] + last[j] + h * end[j]) / 2;
    std::vector<State> here{now};
    for (std::size_t column = 1; column <= row; ++column) {
      const Number ratio = static_cast<Number>(row + 1) / static_cast<Number>(row + 1 - column);
      State better = here.back();
      for (std::size_t j = 0; j < y.size(); ++j)
        better[j] += (here.back()[j] - before[column - 1][j]) / (ratio * ratio - 1);
      here.push_back(std::move(better));
    }
    if (row > 2) {
      Number worst = 0;
      for (std::size_t j = 0; j < y.size(); ++j)
        worst = std::max(worst, std::abs(here.back()[j] - before.back()[j]) /
                                    std::max(Number(1), std::abs(here.back()[j])));
      if (!(worst > 1e-14L)) return here.back();
    }
    before = std::move(here);
  }
  if (halvings == 0) fail("an ODE that is too stiff for the interpreter");
  const Number middle = (from + to) / 2;
  return solution(f, middle, to, solution(f, from, middle, y, halvings - 1), halvings - 1);
}

/// The classical method of Runge and Kutta, `steps` steps: what ode_rk4 is.
inline State runge_kutta(const Slope& f, Number from, Number to, State y, std::int64_t steps) {
  const Number h = (to - from) / static_cast<Number>(steps);
  const auto moved = [&](const State& d, Number by) {
    State z = y;
    for (std::size_t j = 0; j < z.size(); ++j) z[j] += by * d[j];
    return z;
  };
  for (std::int64_t s = 0; s < steps; ++s) {
    const Number t = from + static_cast<Number>(s) * h;
    const State k1 = f(t, y), k2 = f(t + h / 2, moved(k1, h / 2));
    const State k3 = f(t + h / 2, moved(k2, h / 2)), k4 = f(t + h, moved(k3, h));
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += h / 6 * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]);
  }
  return y;
}

}  // namespace drey::test::interpreted
