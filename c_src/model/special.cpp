#include "model/special.h"

#include <array>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>

namespace drey::model::special {
namespace {

namespace bmp = boost::math::policies;
using Policy = bmp::policy<bmp::domain_error<bmp::ignore_error>, bmp::pole_error<bmp::ignore_error>,
                           bmp::overflow_error<bmp::ignore_error>, bmp::evaluation_error<bmp::ignore_error>,
                           bmp::rounding_error<bmp::ignore_error>, bmp::promote_double<false>>;
constexpr Policy policy{};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

bool pole(double x) { return x <= 0 && x == std::floor(x); }

/// Stirling's remainder, lgamma(x) - ((x - 1/2) log x - x + log(2 pi)/2), for x >= 10 (DLMF 5.11.1).
double stirling(double x) {
  static constexpr std::array<double, 8> c = {1.0 / 12,    -1.0 / 360,        1.0 / 1260,
                                              -1.0 / 1680, 1.0 / 1188.0,      -691.0 / 360360.0,
                                              1.0 / 156,   -3617.0 / 122400.0};
  const double y = 1 / (x * x);
  double sum = 0;
  for (std::size_t k = c.size(); k-- > 0;) sum = sum * y + c[k];
  return sum / x;
}

}  // namespace

double lgamma(double x) {
  if (pole(x)) return infinity;
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double digamma(double x) {
  if (std::isnan(x) || pole(x) || x == -infinity) return nan;
  if (x == infinity) return infinity;
  return boost::math::digamma(x, policy);
}

double trigamma(double x) {
  if (std::isnan(x) || pole(x) || x == -infinity) return nan;
  if (x == infinity) return 0;
  return boost::math::trigamma(x, policy);
}

double tetragamma(double x) {
  if (std::isnan(x) || pole(x) || x == -infinity) return nan;
  if (x == infinity) return 0;
  return boost::math::polygamma(2, x, policy);
}

double lbeta(double a, double b) {
  if (std::isnan(a) || std::isnan(b) || a < 0 || b < 0) return nan;
  if (a == 0 || b == 0) return infinity;
  if (b < a) std::swap(a, b);
  if (b == infinity) return -infinity;
  if (b < 10) return lgamma(a) + lgamma(b) - lgamma(a + b);
  // lgamma(b) - lgamma(a + b) by Stirling, the leading terms combined before they cancel.
  const double s = a + b;
  if (a < 10)
    return lgamma(a) + (stirling(b) - stirling(s)) + a - a * std::log(s) - (b - 0.5) * std::log1p(a / b);
  return -0.5 * std::log(b) + 0.91893853320467274178 + (stirling(a) + stirling(b) - stirling(s)) +
         (a - 0.5) * std::log(a / s) - b * std::log1p(a / b);
}

double gamma_p(double a, double x) {
  if (!(a > 0) || !(x >= 0) || a == infinity) return nan;
  if (x == infinity) return 1;
  return boost::math::gamma_p(a, x, policy);
}

double gamma_q(double a, double x) {
  if (!(a > 0) || !(x >= 0) || a == infinity) return nan;
  if (x == infinity) return 0;
  return boost::math::gamma_q(a, x, policy);
}

namespace {

/// A factor that may be no number of f64, by its logarithm, times a sum and that sum's derivative.
struct Tail {
  double log_factor, sum, derivative;
};

/// gamma_p = sum_n x^(a+n) e^-x / gamma(a+n+1) (DLMF 8.11.4) and its derivative in a, term by term, over the first
/// term. All terms are positive, so it is good wherever gamma_p is not close to 1.
Tail gamma_p_series(double a, double x) {
  double term = 1, total = 0;
  const double log_x = std::log(x);
  double psi = digamma(a + 1);
  double sum = 0;
  for (int n = 0; n < 100000; ++n) {
    const double add = term * (log_x - psi);
    sum += add;
    total += term;
    if (n > x - a && term <= 1e-17 * total && std::abs(add) <= 1e-17 * std::abs(sum)) break;
    psi += 1 / (a + n + 1);
    term *= x / (a + n + 1);
  }
  return {a * std::log(x) - x - lgamma(a + 1), total, sum};
}

/// d gamma_q / d a for x > a + 1: gamma_q = prefix * f, f the continued fraction DLMF 8.9.2 evaluated with
/// its derivative by the forward recurrence (Moore, Algorithm AS 187, 1982).
Tail gamma_q_fraction(double a, double x) {
  double p0 = 0, q0 = 1, p1 = 1, q1 = x - a + 1;  // convergents p/q of 1/(x-a+1 - 1(1-a)/(x-a+3 - ...))
  double dp0 = 0, dq0 = 0, dp1 = 0, dq1 = -1;
  double f = p1 / q1, df = (dp1 - f * dq1) / q1;
  for (int n = 1; n < 100000; ++n) {
    const double an = -n * (n - a), dan = n, bn = x - a + 1 + 2 * n, dbn = -1;
    const double p = bn * p1 + an * p0, q = bn * q1 + an * q0;
    const double dp = dbn * p1 + bn * dp1 + dan * p0 + an * dp0;
    const double dq = dbn * q1 + bn * dq1 + dan * q0 + an * dq0;
    const double scale = 1 / q;
    p0 = p1 * scale, q0 = q1 * scale, dp0 = dp1 * scale, dq0 = dq1 * scale;
    p1 = p * scale, q1 = 1, dp1 = dp * scale, dq1 = dq * scale;
    const double f_next = p1, df_next = dp1 - p1 * dq1;
    const bool done = std::abs(f_next - f) <= 1e-17 * std::abs(f_next) &&
                      std::abs(df_next - df) <= 1e-16 * std::abs(df_next);
    f = f_next, df = df_next;
    if (done) break;
  }
  return {a * std::log(x) - x - lgamma(a), f, df + f * (std::log(x) - digamma(a))};
}

/// Where gamma_q is the smaller tail, and the continued fraction good.
bool far_above(double a, double x) { return x > a + 1 && x > 2; }

bool incomplete_gamma_domain(double a, double x) { return a > 0 && x >= 0 && a < infinity; }

}  // namespace

double gamma_q_da(double a, double x) {
  if (!(a > 0) || !(x >= 0) || a == infinity) return nan;
  if (x == 0 || x == infinity) return 0;
  const bool above = far_above(a, x);
  const Tail tail = above ? gamma_q_fraction(a, x) : gamma_p_series(a, x);
  return (above ? 1 : -1) * std::exp(tail.log_factor) * tail.derivative;
}

double log_gamma_p(double a, double x) {
  if (!incomplete_gamma_domain(a, x)) return nan;
  if (x == 0) return -infinity;
  const double p = gamma_p(a, x);
  if (p > 0.5) return std::log1p(-gamma_q(a, x));
  if (p > 1e-290) return std::log(p);
  const Tail tail = gamma_p_series(a, x);
  return tail.log_factor + std::log(tail.sum);
}

double log_gamma_q(double a, double x) {
  if (!incomplete_gamma_domain(a, x)) return nan;
  if (x == infinity) return -infinity;
  const double q = gamma_q(a, x);
  if (q > 0.5) return std::log1p(-gamma_p(a, x));
  if (q > 1e-290) return std::log(q);
  const Tail tail = gamma_q_fraction(a, x);
  return tail.log_factor + std::log(tail.sum);
}

double log_gamma_p_da(double a, double x) {
  if (!incomplete_gamma_domain(a, x)) return nan;
  if (x == 0) return -infinity;
  if (x == infinity) return 0;
  if (far_above(a, x)) return -gamma_q_da(a, x) / gamma_p(a, x);
  const Tail tail = gamma_p_series(a, x);
  return tail.derivative / tail.sum;
}

double log_gamma_q_da(double a, double x) {
  if (!incomplete_gamma_domain(a, x)) return nan;
  if (x == infinity) return infinity;
  if (x == 0) return 0;
  if (!far_above(a, x)) return gamma_q_da(a, x) / gamma_q(a, x);
  const Tail tail = gamma_q_fraction(a, x);
  return tail.derivative / tail.sum;
}

namespace {

/// Of the tail that is computed at (a, x): its logarithm, and the density over it.
std::pair<double, double> log_and_hazard(double a, double x, bool above) {
  const Tail tail = above ? gamma_q_fraction(a, x) : gamma_p_series(a, x);
  return {tail.log_factor + std::log(tail.sum), above ? 1 / (x * tail.sum) : a / (x * tail.sum)};
}

/// The density at 0.
double gamma_density_at_0(double a) { return a == 1 ? 1 : a > 1 ? 0 : infinity; }

}  // namespace

double log_gamma_p_dx(double a, double x) {
  if (!incomplete_gamma_domain(a, x)) return nan;
  if (x == 0 || x == infinity) return x == 0 ? infinity : 0;
  const bool above = far_above(a, x);
  const auto [log_tail, hazard] = log_and_hazard(a, x, above);
  return above ? hazard / std::expm1(-log_tail) : hazard;
}

double log_gamma_q_dx(double a, double x) {
  if (!incomplete_gamma_domain(a, x)) return nan;
  if (x == 0 || x == infinity) return x == 0 ? gamma_density_at_0(a) : 1;
  const bool above = far_above(a, x);
  const auto [log_tail, hazard] = log_and_hazard(a, x, above);
  return above ? hazard : hazard * std::exp(log_tail) / gamma_q(a, x);
}

double inc_beta(double a, double b, double x) {
  if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1) || a == infinity || b == infinity) return nan;
  return boost::math::ibeta(a, b, x, policy);
}

double inc_beta_da(double a, double b, double x) {
  if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1) || a == infinity || b == infinity) return nan;
  if (x == 0 || x == 1) return 0;
  // I_x(a, b) = x^a (1-x)^b / (a B(a, b)) * F, F = sum_n (a+b)_n / (a+1)_n x^n (DLMF 8.17.8). Its terms are
  // positive; the number needed grows as x nears 1, so the mirrored side is taken there.
  const bool mirror = x > (a + 1) / (a + b + 2);
  const double p = mirror ? b : a, q = mirror ? a : b, y = mirror ? 1 - x : x;
  const double log_y = std::log(y), log_1my = std::log1p(-y);
  double term = std::exp(p * log_y + q * log_1my - lbeta(p, q)) / p;
  // d log term / d p and d log term / d q.
  double dp = log_y - digamma(p + 1) + digamma(p + q);
  double dq = log_1my - digamma(q) + digamma(p + q);
  double sum = 0;
  for (int n = 0; n < 1000000; ++n) {
    const double add = term * (mirror ? dq : dp);
    sum += add;
    const double ratio = y * (p + q + n) / (p + 1 + n);
    if (ratio < 1 && std::abs(add) <= 1e-17 * std::abs(sum) * (1 - ratio)) break;
    dp += 1 / (p + q + n) - 1 / (p + 1 + n);
    dq += 1 / (p + q + n);
    term *= ratio;
  }
  return mirror ? -sum : sum;
}

double erfcx(double x) {
  if (std::isnan(x)) return x;
  if (x < -26.7) return infinity;
  if (x < 2) {
    // exp(x^2) with the rounding of x^2 carried along.
    const double square = x * x, rest = std::fma(x, x, -square);
    return std::exp(square) * (1 + rest) * std::erfc(x);
  }
  // The continued fraction DLMF 7.9.2, backwards; at 2 a hundred terms give all digits.
  double t = 0;
  for (int k = x < 5 ? 120 : 40; k > 0; --k) t = 0.5 * k / (x + t);
  return 0.56418958354775628695 / (x + t);
}

double log_Phi(double x) {
  if (x > -1) return std::log1p(-0.5 * std::erfc(x * 0.70710678118654752440));
  return std::log(0.5 * erfcx(-x * 0.70710678118654752440)) - 0.5 * x * x;
}

double inv_Phi(double p) {
  if (!(p >= 0 && p <= 1)) return nan;
  if (p == 0) return -infinity;
  if (p == 1) return infinity;
  return -1.41421356237309504880 * boost::math::erfc_inv(2 * p, policy);
}

double owens_t(double h, double a) {
  if (std::isnan(h) || std::isnan(a)) return nan;
  return boost::math::owens_t(h, a, policy);
}

double bessel_i0e(double x) {
  x = std::abs(x);
  if (x < 500) return boost::math::cyl_bessel_i(0, x, policy) * std::exp(-x);
  const double y = 1 / (8 * x);  // DLMF 10.40.1
  return 0.39894228040143267794 / std::sqrt(x) *
         (1 + y * (1 + y * 9.0 / 2 * (1 + y * 25.0 / 3 * (1 + y * 49.0 / 4))));
}

double bessel_i1e(double x) {
  const double s = x < 0 ? -1 : 1;
  x = std::abs(x);
  if (x < 500) return s * boost::math::cyl_bessel_i(1, x, policy) * std::exp(-x);
  const double y = 1 / (8 * x);
  return s * 0.39894228040143267794 / std::sqrt(x) *
         (1 - y * 3.0 * (1 + y * 5.0 / 2 * (1 + y * 21.0 / 3 * (1 + y * 45.0 / 4))));
}

}  // namespace drey::model::special
