#include "model/functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "error.h"
#include "model/special.h"

namespace drey::model {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// log(1 + exp(x)) without overflow; Maechler, "Accurately computing log(1 - exp(-|a|))", 2012.
double log1p_exp(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double inv_logit(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

// log(1 - exp(x)) for x <= 0, the same note.
double log1m_exp(double x) {
  return x > -0.6931471805599453 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

double log_sum_exp(double a, double b) {
  if (a == b) return a + 0.6931471805599453;  // also both infinite
  const double m = std::max(a, b);
  return m + std::log1p(std::exp(-std::abs(a - b)));
}

double log_diff_exp(double a, double b) {
  if (b == -infinity) return a;
  return a + log1m_exp(b - a);
}

double multiply_log(double a, double b) { return a == 0 && b == 0 ? 0 : a * std::log(b); }

#define DREY_UNARY(expression)    \
  [](const double* v) -> double { \
    const double a = v[0];        \
    return expression;            \
  }
#define DREY_BINARY(expression)      \
  [](const double* v) -> double {    \
    const double a = v[0], b = v[1]; \
    return expression;               \
  }
#define DREY_TERNARY(expression)               \
  [](const double* v) -> double {              \
    const double a = v[0], b = v[1], c = v[2]; \
    return expression;                         \
  }

std::vector<Function> make_table() {
  std::vector<Function> table;
  const auto add = [&table](const char* name, double (*value)(const double*), const char* glsl,
                            std::vector<std::string> derivatives) {
    Function f;
    f.name = name;
    f.arity = static_cast<int>(derivatives.size());
    f.value = value;
    f.glsl = glsl;
    f.derivatives = std::move(derivatives);
    table.push_back(std::move(f));
  };

  // Arithmetic.
  add("+", DREY_BINARY(a + b), "($0 + $1)", {"1", "1"});
  add("-", DREY_BINARY(a - b), "($0 - $1)", {"1", "-1"});
  add("*", DREY_BINARY(a * b), "($0 * $1)", {"b", "a"});
  add("/", DREY_BINARY(a / b), "($0 / $1)", {"1 / b", "-r / b"});
  add("^", DREY_BINARY(std::pow(a, b)), "drey_pow($0, $1)",
      {"b == 0 ? 0 : b * a^(b - 1)", "a == 0 ? 0 : r * log(a)"});
  add("neg", DREY_UNARY(-a), "(-$0)", {"-1"});
  add("fma", DREY_TERNARY(a * b + c), "($0 * $1 + $2)", {"b", "a", "1"});
  add("inv", DREY_UNARY(1 / a), "(real(1.0) / $0)", {"-r * r"});
  add("square", DREY_UNARY(a * a), "drey_square($0)", {"2 * a"});
  add("sqrt", DREY_UNARY(std::sqrt(a)), "sqrt($0)", {"0.5 / r"});
  add("inv_sqrt", DREY_UNARY(1 / std::sqrt(a)), "(real(1.0) / sqrt($0))", {"-0.5 * r / a"});
  add("inv_square", DREY_UNARY(1 / (a * a)), "(real(1.0) / drey_square($0))", {"-2 * r / a"});
  add("cbrt", DREY_UNARY(std::cbrt(a)), "drey_cbrt($0)", {"1 / (3 * r * r)"});
  add("hypot", DREY_BINARY(std::hypot(a, b)), "drey_hypot($0, $1)", {"a / r", "b / r"});

  // Pieces. The derivative at a kink is one of the one-sided ones; of a step it is 0.
  add("abs", DREY_UNARY(std::abs(a)), "abs($0)", {"a < 0 ? -1 : 1"});
  add("min", DREY_BINARY(std::isnan(a) || a < b ? a : b), "drey_min($0, $1)",
      {"a < b ? 1 : 0", "a < b ? 0 : 1"});
  add("max", DREY_BINARY(std::isnan(a) || b < a ? a : b), "drey_max($0, $1)",
      {"b < a ? 1 : 0", "b < a ? 0 : 1"});
  add("floor", DREY_UNARY(std::floor(a)), "floor($0)", {""});
  add("ceil", DREY_UNARY(std::ceil(a)), "ceil($0)", {""});
  add("round", DREY_UNARY(std::round(a)), "drey_round($0)", {""});
  add("trunc", DREY_UNARY(std::trunc(a)), "trunc($0)", {""});
  add("sign", DREY_UNARY(a > 0 ? 1.0 : a < 0 ? -1.0 : 0.0), "sign($0)", {""});

  // Exponentials and logarithms.
  add("exp", DREY_UNARY(std::exp(a)), "drey_exp($0)", {"r"});
  add("exp2", DREY_UNARY(std::exp2(a)), "drey_exp2($0)", {"0.69314718055994530942 * r"});
  add("expm1", DREY_UNARY(std::expm1(a)), "drey_expm1($0)", {"exp(a)"});
  add("log", DREY_UNARY(std::log(a)), "drey_log($0)", {"1 / a"});
  add("log2", DREY_UNARY(std::log2(a)), "drey_log2($0)", {"1.44269504088896340736 / a"});
  add("log10", DREY_UNARY(std::log10(a)), "drey_log10($0)", {"0.43429448190325182765 / a"});
  add("log1p", DREY_UNARY(std::log1p(a)), "drey_log1p($0)", {"1 / (1 + a)"});
  add("log1m", DREY_UNARY(std::log1p(-a)), "drey_log1p(-($0))", {"-1 / (1 - a)"});
  add("log1p_exp", DREY_UNARY(log1p_exp(a)), "drey_log1p_exp($0)", {"inv_logit(a)"});
  add("softplus", DREY_UNARY(log1p_exp(a)), "drey_log1p_exp($0)", {"inv_logit(a)"});
  add("log1m_exp", DREY_UNARY(log1m_exp(a)), "drey_log1m_exp($0)", {"-1 / expm1(-a)"});
  add("log_expm1", DREY_UNARY(a > 30 ? a + std::log1p(-std::exp(-a)) : std::log(std::expm1(a))),
      "drey_log_expm1($0)", {"-1 / expm1(-a)"});
  add("log_sum_exp", DREY_BINARY(log_sum_exp(a, b)), "drey_log_sum_exp($0, $1)",
      {"a == b ? 0.5 : inv_logit(a - b)", "a == b ? 0.5 : inv_logit_complement(a - b)"});
  add("log_diff_exp", DREY_BINARY(log_diff_exp(a, b)), "drey_log_diff_exp($0, $1)",
      {"-1 / expm1(b - a)", "-1 / expm1(a - b)"});
  add("inv_logit", DREY_UNARY(inv_logit(a)), "drey_inv_logit($0)", {"r * inv_logit_complement(a)"});
  // 1 - inv_logit(a) without cancellation, sharing its exponential.
  add("inv_logit_complement", DREY_UNARY(inv_logit(-a)), "drey_inv_logit(-($0))", {"-r * inv_logit(a)"});
  add("logit", DREY_UNARY(std::log(a / (1 - a))), "drey_logit($0)", {"1 / (a * (1 - a))"});
  add("log_inv_logit", DREY_UNARY(-log1p_exp(-a)), "(-drey_log1p_exp(-($0)))", {"inv_logit_complement(a)"});
  add("log1m_inv_logit", DREY_UNARY(-log1p_exp(a)), "(-drey_log1p_exp($0))", {"-inv_logit(a)"});
  add("inv_cloglog", DREY_UNARY(-std::expm1(-std::exp(a))), "(-drey_expm1(-drey_exp($0)))",
      {"exp(a - exp(a))"});
  add("multiply_log", DREY_BINARY(multiply_log(a, b)), "drey_multiply_log($0, $1)",
      {"a == 0 ? (b == 0 ? 0 : log(b)) : log(b)", "a == 0 ? 0 : a / b"});

  // Circular and hyperbolic.
  add("sin", DREY_UNARY(std::sin(a)), "drey_sin($0)", {"cos(a)"});
  add("cos", DREY_UNARY(std::cos(a)), "drey_cos($0)", {"-sin(a)"});
  add("tan", DREY_UNARY(std::tan(a)), "drey_tan($0)", {"1 + r * r"});
  add("asin", DREY_UNARY(std::asin(a)), "drey_asin($0)", {"1 / sqrt((1 - a) * (1 + a))"});
  add("acos", DREY_UNARY(std::acos(a)), "drey_acos($0)", {"-1 / sqrt((1 - a) * (1 + a))"});
  add("atan", DREY_UNARY(std::atan(a)), "drey_atan($0)", {"1 / (1 + a * a)"});
  add("atan2", DREY_BINARY(std::atan2(a, b)), "drey_atan2($0, $1)",
      {"b / hypot(a, b) / hypot(a, b)", "-a / hypot(a, b) / hypot(a, b)"});
  add("sinh", DREY_UNARY(std::sinh(a)), "drey_sinh($0)", {"cosh(a)"});
  add("cosh", DREY_UNARY(std::cosh(a)), "drey_cosh($0)", {"sinh(a)"});
  add("tanh", DREY_UNARY(std::tanh(a)), "drey_tanh($0)", {"1 - r * r"});
  add("asinh", DREY_UNARY(std::asinh(a)), "drey_asinh($0)", {"1 / hypot(1, a)"});
  add("acosh", DREY_UNARY(std::acosh(a)), "drey_acosh($0)", {"1 / sqrt((a - 1) * (a + 1))"});
  add("atanh", DREY_UNARY(std::atanh(a)), "drey_atanh($0)", {"1 / ((1 - a) * (1 + a))"});

  // Gamma and beta.
  add("lgamma", DREY_UNARY(special::lgamma(a)), "drey_lgamma($0)", {"digamma(a)"});
  add("digamma", DREY_UNARY(special::digamma(a)), "drey_digamma($0)", {"trigamma(a)"});
  add("trigamma", DREY_UNARY(special::trigamma(a)), "drey_trigamma($0)", {"tetragamma(a)"});
  add("tetragamma", DREY_UNARY(special::tetragamma(a)), "drey_tetragamma($0)", {""});
  add("lbeta", DREY_BINARY(special::lbeta(a, b)), "drey_lbeta($0, $1)",
      {"digamma(a) - digamma(a + b)", "digamma(b) - digamma(a + b)"});
  add("lchoose", DREY_BINARY(-std::log1p(a) - special::lbeta(a - b + 1, b + 1)),
      "(-drey_log1p($0) - drey_lbeta($0 - $1 + real(1.0), $1 + real(1.0)))",
      {"digamma(a + 1) - digamma(a - b + 1)", "digamma(a - b + 1) - digamma(b + 1)"});
  add("gamma_p", DREY_BINARY(special::gamma_p(a, b)), "drey_gamma_p($0, $1)",
      {"-gamma_q_da(a, b)", "exp((a - 1) * log(b) - b - lgamma(a))"});
  add("gamma_q", DREY_BINARY(special::gamma_q(a, b)), "drey_gamma_q($0, $1)",
      {"gamma_q_da(a, b)", "-exp((a - 1) * log(b) - b - lgamma(a))"});
  add("gamma_q_da", DREY_BINARY(special::gamma_q_da(a, b)), "drey_gamma_q_da($0, $1)", {"", ""});
  // The logarithms of both, for tails whose probability is no number any more.
  add("log_gamma_p", DREY_BINARY(special::log_gamma_p(a, b)), "drey_log_gamma_p($0, $1)",
      {"log_gamma_p_da(a, b)", "log_gamma_p_dx(a, b)"});
  add("log_gamma_q", DREY_BINARY(special::log_gamma_q(a, b)), "drey_log_gamma_q($0, $1)",
      {"log_gamma_q_da(a, b)", "-log_gamma_q_dx(a, b)"});
  add("log_gamma_p_da", DREY_BINARY(special::log_gamma_p_da(a, b)), "drey_log_gamma_p_da($0, $1)", {"", ""});
  add("log_gamma_q_da", DREY_BINARY(special::log_gamma_q_da(a, b)), "drey_log_gamma_q_da($0, $1)", {"", ""});
  add("log_gamma_p_dx", DREY_BINARY(special::log_gamma_p_dx(a, b)), "drey_log_gamma_p_dx($0, $1)", {"", ""});
  add("log_gamma_q_dx", DREY_BINARY(special::log_gamma_q_dx(a, b)), "drey_log_gamma_q_dx($0, $1)", {"", ""});
  add("inc_beta", DREY_TERNARY(special::inc_beta(a, b, c)), "drey_inc_beta($0, $1, $2)",
      {"inc_beta_da(a, b, c)", "-inc_beta_da(b, a, 1 - c)",
       "exp((a - 1) * log(c) + (b - 1) * log1m(c) - lbeta(a, b))"});
  add("inc_beta_da", DREY_TERNARY(special::inc_beta_da(a, b, c)), "drey_inc_beta_da($0, $1, $2)",
      {"", "", ""});

  // The normal family.
  add("erf", DREY_UNARY(std::erf(a)), "drey_erf($0)", {"1.12837916709551257390 * exp(-(a * a))"});
  add("erfc", DREY_UNARY(std::erfc(a)), "drey_erfc($0)", {"-1.12837916709551257390 * exp(-(a * a))"});
  // The derivative by its asymptotic series where the closed form cancels.
  add("erfcx", DREY_UNARY(special::erfcx(a)), "drey_erfcx($0)",
      {"a < 12 ? 2 * a * r - 1.12837916709551257390 : -0.56418958354775628695 / a^2 * (1 - 1.5 / a^2 * (1 - 2.5 / "
       "a^2 * (1 - 3.5 / a^2 * (1 - 4.5 / a^2 * (1 - 5.5 / a^2 * (1 - 6.5 / a^2 * (1 - 7.5 / a^2)))))))"});
  add("Phi", DREY_UNARY(0.5 * std::erfc(-0.70710678118654752440 * a)), "drey_Phi($0)",
      {"0.39894228040143267794 * exp(-0.5 * a * a)"});
  add("log_Phi", DREY_UNARY(special::log_Phi(a)), "drey_log_Phi($0)",
      {"a < -1 ? 0.79788456080286535588 / erfcx(-0.70710678118654752440 * a)"
       " : 0.39894228040143267794 * exp(-0.5 * a * a - r)"});
  add("inv_Phi", DREY_UNARY(special::inv_Phi(a)), "drey_inv_Phi($0)",
      {"2.50662827463100050242 * exp(0.5 * r * r)"});
  add("owens_t", DREY_BINARY(special::owens_t(a, b)), "drey_owens_t($0, $1)",
      {"-0.19947114020071633897 * exp(-0.5 * a * a) * erf(0.70710678118654752440 * a * b)",
       "0.15915494309189533577 * exp(-0.5 * a * a * (1 + b * b)) / (1 + b * b)"});

  // Bessel. The e forms carry the factor exp(-|a|).
  add("bessel_i0", DREY_UNARY(special::bessel_i0e(a) * std::exp(std::abs(a))),
      "(drey_bessel_i0e($0) * drey_exp(abs($0)))", {"bessel_i1(a)"});
  add("bessel_i1", DREY_UNARY(special::bessel_i1e(a) * std::exp(std::abs(a))),
      "(drey_bessel_i1e($0) * drey_exp(abs($0)))", {"a == 0 ? 0.5 : bessel_i0(a) - r / a"});
  add("bessel_i0e", DREY_UNARY(special::bessel_i0e(a)), "drey_bessel_i0e($0)",
      {"bessel_i1e(a) - (a < 0 ? -r : r)"});
  add("bessel_i1e", DREY_UNARY(special::bessel_i1e(a)), "drey_bessel_i1e($0)",
      {"a == 0 ? 0.5 : bessel_i0e(a) - r / a - (a < 0 ? -r : r)"});
  add("log_bessel_i0", DREY_UNARY(std::abs(a) + std::log(special::bessel_i0e(a))),
      "(abs($0) + drey_log(drey_bessel_i0e($0)))", {"bessel_i1e(a) / bessel_i0e(a)"});

  for (Function& f : table)
    for (const std::string& text : f.derivatives)
      f.derivative.push_back(parse_formula(text.empty() ? "0" : text));
  return table;
}

#undef DREY_UNARY
#undef DREY_BINARY
#undef DREY_TERNARY

const std::vector<Function>& table() {
  static const std::vector<Function> all = make_table();
  return all;
}

}  // namespace

std::span<const Function> functions() { return table(); }

std::optional<FunctionId> find_function(std::string_view name, int arity) {
  using Key = std::pair<std::string_view, int>;
  static const std::map<Key, FunctionId> index = [] {
    std::map<Key, FunctionId> made;
    for (std::size_t i = 0; i < table().size(); ++i)
      made.emplace(Key{table()[i].name, table()[i].arity}, static_cast<FunctionId>(i));
    return made;
  }();
  const auto found = index.find({name, arity});
  if (found == index.end()) return std::nullopt;
  return found->second;
}

FunctionId function_id(std::string_view name, int arity) {
  if (const auto id = find_function(name, arity)) return *id;
  throw Error("internal",
              "no function `" + std::string(name) + "` of " + std::to_string(arity) + " arguments");
}

}  // namespace drey::model
