// The solver for stiff systems against published solutions, its derivatives against differences, and what it says
// where its steps do not suffice.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/compiled.h"

namespace drey {
namespace {

/// Robertson's kinetics (1966): three rates nine orders of magnitude apart.
const std::string robertson =
    "functions => #{robertson => {[t, y, a], "
    "[{'let', slow, {'*', a, {at, y, 1}}}, {'let', back, {'*', 1.0e4, {at, y, 2}, {at, y, 3}}}, "
    "{'let', fast, {'*', 3.0e7, {square, {at, y, 2}}}}, "
    "{return, [{'-', back, slow}, {'-', slow, {'+', back, fast}}, fast]}]}}";

TEST(OdeRodas, RobertsonOverElevenDecades) {
  const test::Compiled model(
      "#{" + robertson +
      ", parameters => [{a, real}], transformed => [{y, {ode_rodas_tol, robertson, [1.0, 0.0, 0.0], 0, "
      "[0.4, 4.0, 40.0, 400.0, 4.0e3, 4.0e4, 4.0e5, 4.0e6, 4.0e7, 4.0e8, 4.0e9, 4.0e10], [1.0e-6, 1.0e-10], "
      "400, a}}], model => [{'~', a, {normal, 0, 1}}]}");
  // The first ten digits, on which Radau and BDF at 1e-13 agree; CVODE's documentation prints five of them.
  const double expected[12][3] = {
      {0.9851721139, 3.386395379e-05, 0.01479402219},   {0.9055186786, 2.240475688e-05, 0.09445891666},
      {0.7158270687, 9.185534765e-06, 0.2841637457},    {0.4505186685, 3.222901442e-06, 0.5494781086},
      {0.1832022578, 8.942371253e-07, 0.816796848},     {0.03898337709, 1.621768316e-07, 0.9610164607},
      {0.004938274521, 1.984994088e-08, 0.9950617056},  {0.0005168096015, 2.068294491e-09, 0.9994831883},
      {5.203071844e-05, 2.081335732e-10, 0.9999479691}, {5.207702104e-06, 2.083091559e-11, 0.9999947923},
      {5.208276611e-07, 2.083311717e-12, 0.9999994792}, {5.208345177e-08, 2.083338178e-13, 0.9999999479}};
  const double point[] = {0.04};
  const std::vector<double> y = model.output("y", point);
  ASSERT_EQ(y.size(), 36u);
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      EXPECT_NEAR(y[3 * i + j], expected[i][j], 2e-5 * expected[i][j]) << "time " << i << " element " << j;
}

TEST(OdeRodas, VanDerPolAtMuOfAThousand) {
  const test::Compiled model(
      "#{functions => #{f => {[t, y, mu], [{at, y, 2}, {'-', {'*', mu, {'-', 1, {square, {at, y, 1}}}, {at, y, 2}}, "
      "{at, y, 1}}]}}, parameters => [{mu, real}], transformed => [{y, {ode_rodas_tol, f, [2.0, 0.0], 0, "
      "[0.0, 1.0, 10.0, 100.0, 500.0, 800.0, 1000.0, 1500.0, 2000.0], 1.0e-6, 800, mu}}], model => [{'~', mu, {normal, 0, "
      "1}}]}");
  // The last is Hairer and Wanner's reference solution.
  const double expected[9][2] = {{2, 0},
                                 {1.999333371, -0.0006670371232},
                                 {1.993314928, -0.0006704037939},
                                 {1.931361321, -0.0007074176282},
                                 {1.596768951, -0.001030391188},
                                 {1.083923365, -0.006195233865},
                                 {-1.863646255, 0.0007535430865},
                                 {-1.354745919, 0.001621788728},
                                 {1.706167732, -0.000892809701}};
  const double point[] = {1000};
  const std::vector<double> y = model.output("y", point);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(y[2 * i], expected[i][0], 1e-4) << "time " << i;
    // The first steps are wider than the fast mode lasts: between them its slope is only roughly known.
    if (i == 1) continue;
    EXPECT_NEAR(y[2 * i + 1], expected[i][1], 1e-3 * std::abs(expected[i][1])) << "time " << i;
  }
}

// A method of order 4 needs few steps for an accurate solution; one with a wrong coefficient does not get there.
TEST(OdeRodas, SmoothSystemsThatNameTheTime) {
  const test::Compiled model(
      "#{functions => #{f => {[t, y, k], [{'*', k, {'-', {cos, t}, {at, y, 1}}}, {'*', {at, y, 1}, {exp, {'-', 0, t}}}, "
      "{'*', {'/', t, {'+', 1, {square, t}}}, {at, y, 3}}]}}, parameters => [{k, real}, {t0, real}, {z, real}], "
      "transformed => [{y, {ode_rodas_tol, f, [z, 0.0, {sqrt, {'+', 1, {square, t0}}}], t0, [0.5, 1.0, 1.0, 7.0], 1.0e-7, 220, k}}], model => "
      "[{target, {sum, {'*', [1.0, -2.0, 0.5], {at, y, 3}}}}, {target, {sum, y}}]}");
  const std::vector<double> point = {2.0, 0.1, 0.7};
  const std::vector<double> y = model.output("y", point);
  const double times[] = {0.5, 1.0, 1.0, 7.0};
  for (std::size_t i = 0; i < 4; ++i) {
    const double k = 2, t = times[i], t0 = 0.1;
    auto forced = [&](double at) { return k / (k * k + 1) * (k * std::cos(at) + std::sin(at)); };
    EXPECT_NEAR(y[3 * i], forced(t) + (0.7 - forced(t0)) * std::exp(-k * (t - t0)), 2e-6) << t;
    EXPECT_NEAR(y[3 * i + 2], std::sqrt(1 + t * t), 2e-6 * t) << t;
  }
  const auto [value, gradient] = model.value_and_gradient(point);
  ASSERT_TRUE(std::isfinite(value));
  for (std::size_t i = 0; i < 3; ++i) {
    // The choice of steps moves with the point, so differences see the solver's own error.
    const double h = 1e-3;
    std::vector<double> moved = point;
    moved[i] += h;
    const double above = model.value(moved);
    moved[i] -= 2 * h;
    const double below = model.value(moved);
    const double expected = (above - below) / (2 * h);
    EXPECT_NEAR(gradient[i], expected, 2e-5 * std::max(1.0, std::abs(expected))) << i;
  }
}

// Pivots: the first is 0 in exact arithmetic at some step sizes, so a solver that does not choose rows fails.
TEST(OdeRodas, RowsAreChosen) {
  const test::Compiled model(
      "#{functions => #{f => {[t, y], [{'+', {'*', 1.0e3, {at, y, 1}}, {'*', 1.0e6, {at, y, 2}}}, "
      "{'-', {'*', -1.0e6, {at, y, 1}}, {'*', 1.0e3, {at, y, 2}}}]}}, parameters => [{a, real}], transformed => [{y, "
      "{ode_rodas, f, [a, 0.0], 0, [1.0e-6, 2.0e-6]}}], model => [{'~', a, {normal, 0, 1}}]}");
  const double point[] = {1.0};
  const std::vector<double> y = model.output("y", point);
  const double w = std::sqrt(1e12 - 1e6);
  for (std::size_t i = 0; i < 2; ++i) {
    const double t = static_cast<double>(i + 1) * 1e-6;
    EXPECT_NEAR(y[2 * i], std::cos(w * t) + 1e3 / w * std::sin(w * t), 1e-5);
    EXPECT_NEAR(y[2 * i + 1], -1e6 / w * std::sin(w * t), 1e-5);
  }
}

// A function of the model that has loops and declarations of its own: its Jacobian goes through them.
TEST(OdeRodas, FunctionsWithStatements) {
  const std::string chain =
      "functions => #{f => {[t, y, k], [{declare, d, {vector, 4}}, {set, {at, d, 1}, {'*', {'-', 0, k}, {at, y, 1}}}, "
      "{for, i, 2, 4, [{set, {at, d, i}, {'*', k, {'-', {at, y, {'-', i, 1}}, {at, y, i}}}}]}, {return, d}]}}";
  const test::Compiled model(
      "#{" + chain +
      ", parameters => [{k, real}], transformed => [{y, {ode_rodas_tol, f, [1.0, 0.0, 0.0, 0.0], "
      "0, [0.3, 2.0], 1.0e-8, 120, k}}], model => [{target, {sum, {log, y}}}]}");
  const double k = 1.7;
  const std::vector<double> point = {k};
  const std::vector<double> y = model.output("y", point);
  double slope = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const double t = i == 0 ? 0.3 : 2.0;
    double term = std::exp(-k * t);
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_NEAR(y[4 * i + j], term, 1e-6 * term + 1e-7) << i << " " << j;
      slope += static_cast<double>(j) / k - t;  // of the logarithm of (k t)^j exp(-k t) / j!
      term *= k * t / static_cast<double>(j + 1);
    }
  }
  EXPECT_NEAR(model.value_and_gradient(point).second[0], slope, 1e-5);
}

TEST(OdeRodas, TooFewStepsAreNaNFromThereOn) {
  const test::Compiled model(
      "#{" + robertson +
      ", parameters => [{a, real}], transformed => [{y, {ode_rodas_tol, robertson, [1.0, 0.0, 0.0], 0, [1.0e-6, 400.0], "
      "1.0e-8, 12, a}}], model => [{'~', a, {normal, 0, 1}}]}");
  const double point[] = {0.04};
  const std::vector<double> y = model.output("y", point);
  EXPECT_NEAR(y[0], 1 - 0.04e-6, 1e-9);
  EXPECT_TRUE(std::isnan(y[3]));
}

}  // namespace
}  // namespace drey
