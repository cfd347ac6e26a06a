#pragma once

#include <boost/math/special_functions/digamma.hpp>
#include <cmath>

/// The truth in 80-bit arithmetic of what neither <cmath> nor Boost gives to the last digit; for math_cases.h.
namespace drey::glsl::truth {

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

// By the series of gamma_p (DLMF 8.11.4) below a + 1, by the continued fraction of gamma_q (DLMF 8.9.2) above, each over
// its exponential factor, their derivatives in a, and the density over them.
struct LogTail {
  Real value, slope, hazard;
  bool upper;
};
inline LogTail log_gamma_tail(Real a, Real x) {
  const Real log_x = std::log(x);
  if (x < a + 1) {
    Real term = 1, sum = 0, lost = 0, psi = 0;
    for (int n = 0; n < 100000; ++n) {
      sum += term, lost += term * psi;
      if (static_cast<Real>(n) > x - a && term * (1 + psi) < 1e-22L * sum) break;
      psi += 1 / (a + static_cast<Real>(n) + 1);
      term *= x / (a + static_cast<Real>(n) + 1);
    }
    return {a * log_x - x - lgamma(a + 1) + std::log(sum), log_x - boost::math::digamma(a + 1) - lost / sum,
            a / (x * sum), false};
  }
  Real f = 1, df = 0;
  for (int n = 4000; n > 0; --n) {
    const Real k = static_cast<Real>(n), above = k * (a - k) / f, d_above = (k - above * df) / f;
    f = (x + 2 * k - 1 - a) + above, df = -1 + d_above;
  }
  return {a * log_x - x - lgamma(a) - std::log(f), log_x - boost::math::digamma(a) - df / f, f / x, true};
}
inline Real log_gamma_q(Real a, Real x) {
  const LogTail t = log_gamma_tail(a, x);
  if (t.upper) return t.value;
  const Real p = boost::math::gamma_p(a, x);
  return p < 0.5L ? std::log1p(-p) : std::log(boost::math::gamma_q(a, x));
}
inline Real log_gamma_p(Real a, Real x) {
  const LogTail t = log_gamma_tail(a, x);
  return t.upper ? std::log1p(-boost::math::gamma_q(a, x)) : t.value;
}
inline Real log_gamma_q_da(Real a, Real x) {
  const LogTail t = log_gamma_tail(a, x);
  return t.upper ? t.slope : -boost::math::gamma_p(a, x) * t.slope / boost::math::gamma_q(a, x);
}
inline Real log_gamma_p_da(Real a, Real x) {
  const LogTail t = log_gamma_tail(a, x);
  return t.upper ? -boost::math::gamma_q(a, x) * t.slope / boost::math::gamma_p(a, x) : t.slope;
}
inline Real log_gamma_q_dx(Real a, Real x) {
  const LogTail t = log_gamma_tail(a, x);
  return t.upper ? t.hazard : t.hazard * boost::math::gamma_p(a, x) / boost::math::gamma_q(a, x);
}
inline Real log_gamma_p_dx(Real a, Real x) {
  const LogTail t = log_gamma_tail(a, x);
  return t.upper ? t.hazard * boost::math::gamma_q(a, x) / boost::math::gamma_p(a, x) : t.hazard;
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

// The logarithm l of a probability p: as p's own error where p is near 1, else as that of the exponent.
inline Real log_tail(Real l) {
  if (l < -1) return 1 - l;
  const Real rest = -std::expm1(l);
  return rest > 0 ? rest * (1 - std::log(rest)) : 0;
}
// A tail probability is the exponential of something large, whose own rounding its error is proportional to.
inline Real tail(Real p) { return p > 0 ? p * (1 - std::log(p)) : 0; }

}  // namespace drey::glsl::truth
