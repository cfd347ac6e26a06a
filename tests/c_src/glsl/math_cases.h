#pragma once

#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/owens_t.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <string>
#include <vector>

/// What each function of the shaders' library is measured on: its expression in GLSL, the truth in 80-bit
/// arithmetic, where, and the bounds that docs/functions.md states.
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

namespace truth {

using Real = long double;
constexpr Real ln2 = 0.693147180559945309417232121458176568L;
constexpr Real pi = 3.141592653589793238462643383279502884L;

inline Real log1m_exp(Real x) { return x > -ln2 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x)); }
inline Real log1p_exp(Real x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x))); }
inline Real logit(Real x) { return x < 0.25L ? std::log(x / (1 - x)) : std::log1p((2 * x - 1) / (1 - x)); }
inline Real lgamma(Real x) {
  int sign = 0;
  return ::lgammal_r(x, &sign);
}
inline Real erfcx(Real x) {
  if (x < 9) {
    const Real square = x * x, rest = std::fma(x, x, -square);
    return std::exp(square) * (1 + rest) * std::erfc(x);
  }
  Real t = 0;  // DLMF 7.9.2
  for (int k = 60; k > 0; --k) t = 0.5L * k / (x + t);
  return 0.564189583547756286948079451560772586L / (x + t);
}
inline Real Phi(Real x) {
  const Real root = 0.707106781186547524400844362104849039L;
  if (x > -1) return 0.5L * std::erfc(-x * root);
  const Real square = x * x, rest = std::fma(x, x, -square);
  return 0.5L * erfcx(-x * root) * std::exp(-0.5L * square) * (1 - 0.5L * rest);
}
inline Real log_Phi(Real x) {
  if (x > -1) return std::log1p(-0.5L * std::erfc(x * 0.707106781186547524400844362104849039L));
  return std::log(0.5L * erfcx(-x * 0.707106781186547524400844362104849039L)) - 0.5L * x * x;
}

// d gamma_q / d a by the series of gamma_p, term by term (DLMF 8.11.4).
inline Real gamma_q_da(Real a, Real x) {
  if (x == 0) return 0;
  Real term = std::exp(a * std::log(x) - x - lgamma(a + 1)), psi = boost::math::digamma(a + 1), sum = 0;
  const Real log_x = std::log(x);
  for (int n = 0; n < 100000; ++n) {
    sum += term * (log_x - psi);
    if (static_cast<Real>(n) > x - a && term * (1 + std::abs(log_x - psi)) < 1e-24L) break;
    psi += 1 / (a + static_cast<Real>(n) + 1);
    term *= x / (a + static_cast<Real>(n) + 1);
  }
  return -sum;
}

// d inc_beta / d a by DLMF 8.17.8, term by term, on the side where it converges faster.
inline Real inc_beta_da(Real a, Real b, Real x) {
  if (x <= 0 || x >= 1) return 0;
  const bool mirror = x > (a + 1) / (a + b + 2);
  const Real p = mirror ? b : a, q = mirror ? a : b, y = mirror ? 1 - x : x;
  Real term = std::exp(p * std::log(y) + q * std::log1p(-y) + lgamma(p + q) - lgamma(p) - lgamma(q)) / p;
  Real dp = std::log(y) - boost::math::digamma(p + 1) + boost::math::digamma(p + q);
  Real dq = std::log1p(-y) - boost::math::digamma(q) + boost::math::digamma(p + q), sum = 0;
  for (int i = 0; i < 1000000; ++i) {
    const Real n = static_cast<Real>(i), ratio = y * (p + q + n) / (p + 1 + n);
    sum += term * (mirror ? dq : dp);
    if (ratio < 1 && term * (1 + std::abs(mirror ? dq : dp)) < 1e-24L * (1 - ratio)) break;
    dp += 1 / (p + q + n) - 1 / (p + 1 + n);
    dq += 1 / (p + q + n);
    term *= ratio;
  }
  return mirror ? -sum : sum;
}

// A tail probability is the exponential of something large, whose own rounding its error is proportional to.
inline Real tail(Real p) { return p > 0 ? p * (1 - std::log(p)) : 0; }

}  // namespace truth

#define DREY_TRUTH(expression)                                       \
  [](const long double* v) -> long double {                          \
    [[maybe_unused]] const long double a = v[0], b = v[1], c = v[2]; \
    return expression;                                               \
  }

inline std::vector<MathCase> math_cases() {
  using R = std::vector<Range>;
  const R any_exp32{even(-87.3, 88.7)}, any_exp64{even(-708, 709.7)};
  const R positive32{log_spaced(1e-37, 3e38)}, positive64{log_spaced(1e-307, 1e308)};
  return {
      {"exp", "drey_exp(a)", DREY_TRUTH(std::exp(a)), any_exp32, any_exp64, 1.5, 1.5},
      {"exp2",
       "drey_exp2(a)",
       DREY_TRUTH(std::exp2(a)),
       {even(-125.9, 127.9)},
       {even(-1021, 1023.9)},
       1.5,
       1.5},
      {"expm1", "drey_expm1(a)", DREY_TRUTH(std::expm1(a)), {even(-20, 20)}, {even(-40, 40)}, 1.5, 1.5},
      {"expm1",
       "drey_expm1(a)",
       DREY_TRUTH(std::expm1(a)),
       {log_spaced(-1, 1)},
       {log_spaced(-1, 1)},
       1.5,
       1.5},
      {"expm1", "drey_expm1(a)", DREY_TRUTH(std::expm1(a)), any_exp32, any_exp64, 1.5, 1.5},
      {"log", "drey_log(a)", DREY_TRUTH(std::log(a)), positive32, positive64, 1.5, 1.5},
      {"log", "drey_log(a)", DREY_TRUTH(std::log(a)), {even(0.3, 3)}, {even(0.3, 3)}, 1.5, 1.5},
      {"log2", "drey_log2(a)", DREY_TRUTH(std::log2(a)), positive32, positive64, 4, 4},
      {"log2", "drey_log2(a)", DREY_TRUTH(std::log2(a)), {even(0.3, 3)}, {even(0.3, 3)}, 4, 4},
      {"log10", "drey_log10(a)", DREY_TRUTH(std::log10(a)), positive32, positive64, 4, 4},
      {"log10", "drey_log10(a)", DREY_TRUTH(std::log10(a)), {even(0.3, 3)}, {even(0.3, 3)}, 4, 4},
      {"log1p", "drey_log1p(a)", DREY_TRUTH(std::log1p(a)), positive32, positive64, 1.5, 1.5},
      {"log1p", "drey_log1p(a)", DREY_TRUTH(std::log1p(a)), {even(-0.9999, 3)}, {even(-0.9999, 3)}, 1.5, 1.5},
      {"log1p",
       "drey_log1p(a)",
       DREY_TRUTH(std::log1p(a)),
       {log_spaced(-0.5, 0.5)},
       {log_spaced(-0.5, 0.5)},
       1.5,
       1.5},
      {"log1p_exp",
       "drey_log1p_exp(a)",
       DREY_TRUTH(truth::log1p_exp(a)),
       {even(-80, 90)},
       {even(-700, 700)},
       4,
       3},
      {"log1p_exp", "drey_log1p_exp(a)", DREY_TRUTH(truth::log1p_exp(a)), {even(-5, 5)}, {even(-5, 5)}, 4, 3},
      {"log1m_exp",
       "drey_log1m_exp(a)",
       DREY_TRUTH(truth::log1m_exp(a)),
       {log_spaced(-80, -1e-6)},
       {log_spaced(-700, -1e-6)},
       3,
       3},
      {"log1m_exp",
       "drey_log1m_exp(a)",
       DREY_TRUTH(truth::log1m_exp(a)),
       {even(-3, -1e-3)},
       {even(-3, -1e-3)},
       3,
       3},
      {"log_expm1",
       "drey_log_expm1(a)",
       DREY_TRUTH(std::log(std::expm1(a))),
       {log_spaced(1e-6, 80)},
       {log_spaced(1e-6, 700)},
       5,
       5,
       DREY_TRUTH(a)},
      {"log_sum_exp",
       "drey_log_sum_exp(a, b)",
       DREY_TRUTH((a > b ? a : b) + std::log1p(std::exp(-std::abs(a - b)))),
       {even(-20, 20), even(-20, 20)},
       {even(-40, 40), even(-40, 40)},
       4,
       4,
       DREY_TRUTH(std::max(std::abs(a), std::abs(b)))},
      {"log_diff_exp",
       "drey_log_diff_exp(b + abs(a), b)",
       DREY_TRUTH(b + std::abs(a) + truth::log1m_exp(b - (b + std::abs(a)))),
       {even(1, 20), even(0.5, 1)},
       {even(1, 40), even(0.5, 1)},
       4,
       4,
       DREY_TRUTH(std::max(std::abs(a), std::abs(b)))},
      {"inv_logit",
       "drey_inv_logit(a)",
       DREY_TRUTH(a < 0 ? std::exp(a) / (1 + std::exp(a)) : 1 / (1 + std::exp(-a))),
       {even(-80, 30)},
       {even(-700, 50)},
       3,
       3},
      {"inv_logit",
       "drey_inv_logit(a)",
       DREY_TRUTH(a < 0 ? std::exp(a) / (1 + std::exp(a)) : 1 / (1 + std::exp(-a))),
       {even(-5, 5)},
       {even(-5, 5)},
       3,
       3},
      {"logit",
       "drey_logit(a)",
       DREY_TRUTH(truth::logit(a)),
       {even(1e-6, 0.999999)},
       {even(1e-6, 0.999999)},
       4,
       4},
      {"logit",
       "drey_logit(a)",
       DREY_TRUTH(truth::logit(a)),
       {log_spaced(1e-30, 0.5)},
       {log_spaced(1e-300, 0.5)},
       4,
       4},
      {"sin", "drey_sin(a)", DREY_TRUTH(std::sin(a)), {even(-30, 30)}, {even(-30, 30)}, 2, 2},
      {"sin",
       "drey_sin(a)",
       DREY_TRUTH(std::sin(a)),
       {log_spaced(-10000, 10000)},
       {log_spaced(-1e8, 1e8)},
       2,
       2},
      {"cos", "drey_cos(a)", DREY_TRUTH(std::cos(a)), {even(-30, 30)}, {even(-30, 30)}, 2, 2},
      {"cos",
       "drey_cos(a)",
       DREY_TRUTH(std::cos(a)),
       {log_spaced(-10000, 10000)},
       {log_spaced(-1e8, 1e8)},
       2,
       2},
      {"tan", "drey_tan(a)", DREY_TRUTH(std::tan(a)), {even(-30, 30)}, {even(-30, 30)}, 4, 4},
      {"tan",
       "drey_tan(a)",
       DREY_TRUTH(std::tan(a)),
       {log_spaced(-10000, 10000)},
       {log_spaced(-1e8, 1e8)},
       4,
       4},
      {"tanh", "drey_tanh(a)", DREY_TRUTH(std::tanh(a)), {even(-12, 12)}, {even(-25, 25)}, 4, 4},
      {"tanh", "drey_tanh(a)", DREY_TRUTH(std::tanh(a)), {log_spaced(-1, 1)}, {log_spaced(-1, 1)}, 4, 4},
      {"sinh", "drey_sinh(a)", DREY_TRUTH(std::sinh(a)), {even(-89, 89)}, {even(-710, 710)}, 4, 4},
      {"sinh", "drey_sinh(a)", DREY_TRUTH(std::sinh(a)), {log_spaced(-2, 2)}, {log_spaced(-2, 2)}, 4, 4},
      {"cosh", "drey_cosh(a)", DREY_TRUTH(std::cosh(a)), {even(-89, 89)}, {even(-710, 710)}, 4, 4},
      {"lgamma",
       "drey_lgamma(a)",
       DREY_TRUTH(truth::lgamma(a)),
       {log_spaced(1e-30, 1e30)},
       {log_spaced(1e-300, 1e300)},
       4,
       8},
      {"lgamma", "drey_lgamma(a)", DREY_TRUTH(truth::lgamma(a)), {even(1e-3, 12)}, {even(1e-3, 16)}, 4, 8},
      {"lgamma",
       "drey_lgamma(a)",
       DREY_TRUTH(truth::lgamma(a)),
       {even(-8, 0)},
       {even(-8, 0)},
       8,
       16,
       DREY_TRUTH(4)},
      {"digamma",
       "drey_digamma(a)",
       DREY_TRUTH(boost::math::digamma(a)),
       {log_spaced(1e-30, 1e30)},
       {log_spaced(1e-300, 1e300)},
       4,
       8},
      {"digamma",
       "drey_digamma(a)",
       DREY_TRUTH(boost::math::digamma(a)),
       {even(1e-3, 12)},
       {even(1e-3, 16)},
       4,
       8},
      {"digamma",
       "drey_digamma(a)",
       DREY_TRUTH(boost::math::digamma(a)),
       {even(-7.9, -0.1)},
       {even(-7.9, -0.1)},
       8,
       16,
       DREY_TRUTH(4)},
      {"trigamma",
       "drey_trigamma(a)",
       DREY_TRUTH(boost::math::trigamma(a)),
       {log_spaced(1e-15, 1e15)},
       {log_spaced(1e-150, 1e150)},
       4,
       8},
      {"trigamma",
       "drey_trigamma(a)",
       DREY_TRUTH(boost::math::trigamma(a)),
       {even(-7.9, 12)},
       {even(-7.9, 16)},
       8,
       16},
      {"tetragamma",
       "drey_tetragamma(a)",
       DREY_TRUTH(boost::math::polygamma(2, a)),
       {log_spaced(1e-11, 1e11)},
       {log_spaced(1e-100, 1e100)},
       6,
       8,
       nullptr,
       10000},
      {"tetragamma",
       "drey_tetragamma(a)",
       DREY_TRUTH(boost::math::polygamma(2, a)),
       {even(0.1, 12)},
       {even(0.1, 16)},
       6,
       8,
       nullptr,
       10000},
      {"lbeta",
       "drey_lbeta(a, b)",
       DREY_TRUTH(truth::lgamma(a) + truth::lgamma(b) - truth::lgamma(a + b)),
       {log_spaced(1e-3, 1e3), log_spaced(1e-3, 1e3)},
       {log_spaced(1e-3, 1e3), log_spaced(1e-3, 1e3)},
       10,
       24,
       DREY_TRUTH(1 + std::abs(truth::lgamma(std::min(a, b))))},
      {"erf", "drey_erf(a)", DREY_TRUTH(std::erf(a)), {even(-4, 4)}, {even(-6, 6)}, 4, 4},
      {"erf", "drey_erf(a)", DREY_TRUTH(std::erf(a)), {log_spaced(-1, 1)}, {log_spaced(-1, 1)}, 4, 4},
      {"erfc", "drey_erfc(a)", DREY_TRUTH(std::erfc(a)), {even(-4, 9.1)}, {even(-6, 26.4)}, 4, 8},
      {"erfcx", "drey_erfcx(a)", DREY_TRUTH(truth::erfcx(a)), {even(-9, 10)}, {even(-26, 30)}, 4, 8},
      {"erfcx",
       "drey_erfcx(a)",
       DREY_TRUTH(truth::erfcx(a)),
       {log_spaced(1e-3, 1e30)},
       {log_spaced(1e-3, 1e300)},
       4,
       8},
      {"Phi", "drey_Phi(a)", DREY_TRUTH(truth::Phi(a)), {even(-12.9, 6)}, {even(-37.4, 9)}, 4, 8},
      {"log_Phi", "drey_log_Phi(a)", DREY_TRUTH(truth::log_Phi(a)), {even(-50, 12)}, {even(-100, 37)}, 6, 8},
      {"log_Phi",
       "drey_log_Phi(a)",
       DREY_TRUTH(truth::log_Phi(a)),
       {log_spaced(-1e10, -1e-3)},
       {log_spaced(-1e50, -1e-3)},
       6,
       8},
      {"inv_Phi",
       "drey_inv_Phi(a)",
       DREY_TRUTH(-1.414213562373095048801688724209698079L * boost::math::erfc_inv(2 * a)),
       {even(1e-6, 0.999999)},
       {even(1e-6, 0.999999)},
       6,
       12},
      {"inv_Phi",
       "drey_inv_Phi(a)",
       DREY_TRUTH(-1.414213562373095048801688724209698079L * boost::math::erfc_inv(2 * a)),
       {log_spaced(1e-37, 0.5)},
       {log_spaced(1e-300, 0.5)},
       6,
       12},
      {"^",
       "drey_pow(a, b)",
       DREY_TRUTH(std::pow(a, b)),
       {log_spaced(1e-4, 1e4), even(-9, 9)},
       {log_spaced(1e-30, 1e30), even(-10, 10)},
       2,
       4},
      {"^",
       "drey_pow(a, b)",
       DREY_TRUTH(std::pow(a, b)),
       {even(0.9, 1.1), even(-800, 800)},
       {even(0.9, 1.1), even(-6000, 6000)},
       4,
       16},
      {"cbrt",
       "drey_cbrt(a)",
       DREY_TRUTH(std::cbrt(a)),
       {log_spaced(1e-37, 3e38)},
       {log_spaced(1e-307, 1e308)},
       2,
       2},
      {"hypot",
       "drey_hypot(a, b)",
       DREY_TRUTH(std::hypot(a, b)),
       {log_spaced(-1e30, 1e30), log_spaced(-1e30, 1e30)},
       {log_spaced(-1e300, 1e300), log_spaced(-1e300, 1e300)},
       3,
       3},
      {"asin", "drey_asin(a)", DREY_TRUTH(std::asin(a)), {even(-1, 1)}, {even(-1, 1)}, 4, 4},
      {"acos", "drey_acos(a)", DREY_TRUTH(std::acos(a)), {even(-1, 1)}, {even(-1, 1)}, 4, 4},
      {"atan", "drey_atan(a)", DREY_TRUTH(std::atan(a)), {even(-5, 5)}, {even(-5, 5)}, 4, 4},
      {"atan",
       "drey_atan(a)",
       DREY_TRUTH(std::atan(a)),
       {log_spaced(-1e3, 1e3)},
       {log_spaced(-1e3, 1e3)},
       4,
       4},
      {"atan2",
       "drey_atan2(a, b)",
       DREY_TRUTH(std::atan2(a, b)),
       {even(-5, 5), even(-5, 5)},
       {even(-5, 5), even(-5, 5)},
       4,
       4},
      {"asinh",
       "drey_asinh(a)",
       DREY_TRUTH(std::asinh(a)),
       {log_spaced(-1e3, 1e3)},
       {log_spaced(-1e3, 1e3)},
       4,
       4},
      {"asinh",
       "drey_asinh(a)",
       DREY_TRUTH(std::asinh(a)),
       {log_spaced(1, 1e30)},
       {log_spaced(1, 1e300)},
       4,
       4},
      {"acosh", "drey_acosh(a)", DREY_TRUTH(std::acosh(a)), {even(1, 10)}, {even(1, 10)}, 4, 4},
      {"acosh",
       "drey_acosh(a)",
       DREY_TRUTH(std::acosh(a)),
       {log_spaced(1, 1e30)},
       {log_spaced(1, 1e300)},
       4,
       4},
      {"atanh",
       "drey_atanh(a)",
       DREY_TRUTH(std::atanh(a)),
       {even(-0.9999, 0.9999)},
       {even(-0.9999, 0.9999)},
       4,
       4},
      {"atanh",
       "drey_atanh(a)",
       DREY_TRUTH(std::atanh(a)),
       {log_spaced(-0.9, 0.9)},
       {log_spaced(-0.9, 0.9)},
       4,
       4},
      {"bessel_i0e",
       "drey_bessel_i0e(a)",
       DREY_TRUTH(boost::math::cyl_bessel_i(0, std::abs(a)) * std::exp(-std::abs(a))),
       {even(-40, 40)},
       {even(-40, 40)},
       4,
       8,
       nullptr,
       4000},
      {"bessel_i0e",
       "drey_bessel_i0e(a)",
       DREY_TRUTH(boost::math::cyl_bessel_i(0, std::abs(a)) * std::exp(-std::abs(a))),
       {log_spaced(1e-3, 1e4)},
       {log_spaced(1e-3, 1e4)},
       4,
       8,
       nullptr,
       4000},
      {"bessel_i1e",
       "drey_bessel_i1e(a)",
       DREY_TRUTH(boost::math::cyl_bessel_i(1, a) * std::exp(-std::abs(a))),
       {even(-40, 40)},
       {even(-40, 40)},
       4,
       8,
       nullptr,
       4000},
      {"bessel_i1e",
       "drey_bessel_i1e(a)",
       DREY_TRUTH(boost::math::cyl_bessel_i(1, a) * std::exp(-std::abs(a))),
       {log_spaced(1e-3, 1e4)},
       {log_spaced(1e-3, 1e4)},
       4,
       8,
       nullptr,
       4000},
      {"gamma_p",
       "drey_gamma_p(a, b)",
       DREY_TRUTH(boost::math::gamma_p(a, b)),
       {log_spaced(1e-2, 1e3), log_spaced(1e-2, 1e3)},
       {log_spaced(1e-2, 1e3), log_spaced(1e-2, 1e3)},
       16,
       16,
       DREY_TRUTH(truth::tail(boost::math::gamma_p(a, b))),
       4000},
      {"gamma_p",
       "drey_gamma_p(a, b)",
       DREY_TRUTH(boost::math::gamma_p(a, b)),
       {even(9000, 11000), even(9500, 10500)},
       {even(9000, 11000), even(9500, 10500)},
       16,
       16,
       DREY_TRUTH(truth::tail(boost::math::gamma_p(a, b))),
       4000},
      {"gamma_q",
       "drey_gamma_q(a, b)",
       DREY_TRUTH(boost::math::gamma_q(a, b)),
       {log_spaced(1e-2, 1e3), log_spaced(1e-2, 1e3)},
       {log_spaced(1e-2, 1e3), log_spaced(1e-2, 1e3)},
       16,
       16,
       DREY_TRUTH(truth::tail(boost::math::gamma_q(a, b))),
       4000},
      {"inc_beta",
       "drey_inc_beta(a, b, c)",
       DREY_TRUTH(boost::math::ibeta(a, b, c)),
       {log_spaced(1e-1, 1e3), log_spaced(1e-1, 1e3), even(0, 1)},
       {log_spaced(1e-1, 1e3), log_spaced(1e-1, 1e3), even(0, 1)},
       32,
       32,
       DREY_TRUTH(truth::tail(boost::math::ibeta(a, b, c))),
       4000},
      {"gamma_q_da",
       "drey_gamma_q_da(a, b)",
       DREY_TRUTH(truth::gamma_q_da(a, b)),
       {log_spaced(1e-1, 1e3), log_spaced(1e-1, 1e3)},
       {log_spaced(1e-1, 1e3), log_spaced(1e-1, 1e3)},
       32,
       64,
       DREY_TRUTH(0.01L),
       2000},
      {"inc_beta_da",
       "drey_inc_beta_da(a, b, c)",
       DREY_TRUTH(truth::inc_beta_da(a, b, c)),
       {log_spaced(1e-1, 1e3), log_spaced(1e-1, 1e3), even(0, 1)},
       {log_spaced(1e-1, 1e3), log_spaced(1e-1, 1e3), even(0, 1)},
       48,
       96,
       DREY_TRUTH(0.01L),
       2000},
      {"owens_t",
       "drey_owens_t(a, b)",
       DREY_TRUTH(boost::math::owens_t(a, b)),
       {even(-4, 4), even(-1, 1)},
       {even(-4, 4), even(-1, 1)},
       8,
       16,
       nullptr,
       4000},
      {"owens_t",
       "drey_owens_t(a, b)",
       DREY_TRUTH(boost::math::owens_t(a, b)),
       {even(-4, 4), even(-8, 8)},
       {even(-4, 4), even(-8, 8)},
       8,
       16,
       nullptr,
       4000},
      {"owens_t",
       "drey_owens_t(a, b)",
       DREY_TRUTH(boost::math::owens_t(a, b)),
       {even(4, 12), log_spaced(1e-3, 1e3)},
       {even(4, 36), log_spaced(1e-3, 1e3)},
       8,
       16,
       nullptr,
       4000},
  };
}

#undef DREY_TRUTH

}  // namespace drey::glsl
