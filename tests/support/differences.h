#pragma once

#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace drey::testing {

/// The gradient by central differences extrapolated to step zero (Ridders 1982; Press et al., Numerical
/// Recipes, 5.7): about 1e-10 relative for smooth functions of order 1.
inline std::vector<double> gradient_by_differences(const std::function<double(std::span<const double>)>& f,
                                                   std::vector<double> x, double first_step = 0.02) {
  std::vector<double> gradient(x.size());
  for (std::size_t d = 0; d < x.size(); ++d) {
    const double at = x[d];
    constexpr int rows = 8;
    double table[rows][rows], best = 0, error = INFINITY, step = first_step;
    for (int i = 0; i < rows; ++i, step /= 1.6) {
      x[d] = at + step;
      const double above = f(x);
      x[d] = at - step;
      table[i][0] = (above - f(x)) / (2 * step);
      double factor = 1.6 * 1.6;
      for (int j = 1; j <= i; ++j, factor *= 1.6 * 1.6) {
        table[i][j] = (table[i][j - 1] * factor - table[i - 1][j - 1]) / (factor - 1);
        const double e =
            std::fmax(std::fabs(table[i][j] - table[i][j - 1]), std::fabs(table[i][j] - table[i - 1][j - 1]));
        if (e <= error) error = e, best = table[i][j];
      }
    }
    x[d] = at;
    gradient[d] = best;
  }
  return gradient;
}

}  // namespace drey::testing
