#pragma once

/// Special functions on the host in f64: the reference the shaders' own versions are measured against. Pure
/// and thread-safe; outside a function's domain the result is NaN, never an exception.
namespace drey::model::special {

double lgamma(double x);      ///< log |gamma(x)|; +inf at 0, -1, -2, ...
double digamma(double x);     ///< d lgamma; NaN at 0, -1, -2, ...
double trigamma(double x);    ///< d^2 lgamma
double tetragamma(double x);  ///< d^3 lgamma
double lbeta(double a,
             double b);  ///< lgamma(a) + lgamma(b) - lgamma(a + b), without its cancellation; a, b > 0

double gamma_p(double a, double x);         ///< regularised lower incomplete gamma; a > 0, x >= 0
double gamma_q(double a, double x);         ///< 1 - gamma_p
double gamma_q_da(double a, double x);      ///< d gamma_q / d a
double log_gamma_p(double a, double x);     ///< log gamma_p, where gamma_p is no number of f64 any more too
double log_gamma_q(double a, double x);     ///< log gamma_q, likewise
double log_gamma_p_da(double a, double x);  ///< d log_gamma_p / d a
double log_gamma_q_da(double a, double x);  ///< d log_gamma_q / d a
double log_gamma_p_dx(double a, double x);  ///< d log_gamma_p / d x
double log_gamma_q_dx(double a, double x);  ///< -d log_gamma_q / d x
double inc_beta(double a, double b, double x);     ///< regularised incomplete beta; a, b > 0, 0 <= x <= 1
double inc_beta_da(double a, double b, double x);  ///< d inc_beta / d a

double erfcx(double x);              ///< exp(x^2) erfc(x)
double log_Phi(double x);            ///< log of the standard normal distribution function
double inv_Phi(double p);            ///< its inverse; -inf at 0, inf at 1
double owens_t(double h, double a);  ///< Owen's T

double bessel_i0e(double x);  ///< exp(-|x|) I0(x)
double bessel_i1e(double x);  ///< exp(-|x|) I1(x)

}  // namespace drey::model::special
