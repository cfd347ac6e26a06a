// The solvers of differential equations: derivatives by the times, those of the start and those of the output.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/compiled.h"

namespace drey {
namespace {

class OdeTimes : public testing::TestWithParam<const char*> {};

// dy/dt = -k y: y = y0 exp(-k (t - t0)), all of whose arguments are parameters.
TEST_P(OdeTimes, MayBeParameters) {
  const std::string solver = GetParam();
  const std::string own = solver == "ode_rk4"          ? ", 60"
                          : solver.ends_with("45_tol") ? ", 1.0e-9, 60"
                          : solver.ends_with("_tol")   ? ", 1.0e-9, 400"
                                                       : "";
  const test::Compiled model(
      "#{functions => #{decay => {[t, y, k], [{'-', {'*', k, {at, y, 1}}}]}}, parameters => [{k, real}, {y0, real}, "
      "{t0, real}, {first, real}, {second, real}], transformed => [{y, {" +
      solver + ", decay, [y0], t0, [first, second]" + own +
      ", k}}], model => [{target, {'*', 0.7, {at, y, 1, 1}}}, {target, {'*', -0.4, {at, y, 2, 1}}}]}");
  const double k = 1.3, y0 = 2.1, t0 = -0.2, first = 0.4, second = 0.9;
  const std::vector<double> point = {k, y0, t0, first, second};
  const double a = y0 * std::exp(-k * (first - t0)), b = y0 * std::exp(-k * (second - t0));
  const auto [value, gradient] = model.value_and_gradient(point);
  // The tolerance of those that say none is 1e-6.
  const double allowed = own.empty() ? 1e-4 : 1e-6;
  EXPECT_NEAR(value, 0.7 * a - 0.4 * b, allowed);
  const double expected[] = {-0.7 * a * (first - t0) + 0.4 * b * (second - t0), (0.7 * a - 0.4 * b) / y0,
                             k * (0.7 * a - 0.4 * b), -0.7 * k * a, 0.4 * k * b};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(gradient[i], expected[i], allowed) << "by argument " << i;
}

INSTANTIATE_TEST_SUITE_P(Solvers, OdeTimes,
                         testing::Values("ode_rk4", "ode_rk45", "ode_rk45_tol", "ode_rodas", "ode_rodas_tol"),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace drey
