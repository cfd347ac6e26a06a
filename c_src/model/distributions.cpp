#include "model/distributions.h"

#include <cmath>

namespace drey::model {

std::string domain_text(Domain domain) {
  switch (domain) {
    case Domain::Real:
      return "a finite number";
    case Domain::Positive:
      return "a number > 0";
    case Domain::NonNegative:
      return "a number >= 0";
    case Domain::Unit:
      return "a number in [0, 1]";
    case Domain::Integer:
      return "an integer";
    case Domain::Count:
      return "an integer >= 0";
    case Domain::Natural:
      return "an integer >= 1";
    case Domain::Binary:
      return "0 or 1";
    case Domain::Vector:
      return "a vector";
  }
  return "a number";
}

bool in_domain(Domain domain, double value) {
  if (!std::isfinite(value)) return false;
  const bool whole = value == std::floor(value);
  switch (domain) {
    case Domain::Real:
    case Domain::Vector:
      return true;
    case Domain::Positive:
      return value > 0;
    case Domain::NonNegative:
      return value >= 0;
    case Domain::Unit:
      return value >= 0 && value <= 1;
    case Domain::Integer:
      return whole;
    case Domain::Count:
      return whole && value >= 0;
    case Domain::Natural:
      return whole && value >= 1;
    case Domain::Binary:
      return value == 0 || value == 1;
  }
  return false;
}

namespace {

// log sqrt(2 pi), log pi, log 2 and the like stand as literals: the formula language has numbers only.
#define LOG_SQRT_2PI "0.91893853320467274178"
#define LOG_PI "1.14472988584940017414"
#define LOG_2 "0.69314718055994530942"
#define TWO_PI "6.28318530717958647693"
#define PI "3.14159265358979323846"

// Student's t in standard units z. The incomplete beta function's slope is infinite at z = 0, so within 1e-4
// of it P(0 < T < z) is its series, and what stands beside it in the choice is kept away from there.
#define T_NEAR(z) "exp(-lbeta(0.5 * nu, 0.5) - 0.5 * log(nu)) * " z " * (1 - (nu + 1) * " z "^2 / (6 * nu))"
#define T_AWAY(z) "(abs(" z ") < 1e-4 ? 1 : " z ")"
#define T_MIDDLE(z) "inc_beta(0.5, 0.5 * nu, " T_AWAY(z) "^2 / (nu + " T_AWAY(z) "^2))"
#define T_TAIL(z) "inc_beta(0.5 * nu, 0.5, 1 / (1 + " T_AWAY(z) "^2 / nu))"

std::vector<Distribution> make() {
  using P = std::vector<Distribution::Parameter>;
  const Domain real = Domain::Real, positive = Domain::Positive, unit = Domain::Unit, count = Domain::Count,
               natural = Domain::Natural, binary = Domain::Binary;
  (void)natural;
  std::vector<Distribution> t;
  auto add = [&t](std::string name, P parameters, Domain outcome, std::string lower, std::string upper,
                  std::string density, std::string cdf, std::string ccdf, std::string generator,
                  std::string source) {
    Distribution d;
    d.name = std::move(name);
    d.parameters = std::move(parameters);
    d.outcome = outcome;
    d.lower = std::move(lower);
    d.upper = std::move(upper);
    d.log_density = std::move(density);
    d.log_cdf = std::move(cdf);
    d.log_ccdf = std::move(ccdf);
    d.generator = std::move(generator);
    d.source = std::move(source);
    t.push_back(std::move(d));
  };

  // ---- the real line
  add("normal", {{"mu", real}, {"sigma", positive}}, real, "", "",
      "-0.5 * ((y - mu) / sigma)^2 - log(sigma) - " LOG_SQRT_2PI, "log_Phi((y - mu) / sigma)",
      "log_Phi((mu - y) / sigma)", "mu + sigma * inv_Phi(u)", "mean, standard deviation");
  add("std_normal", {}, real, "", "", "-0.5 * y^2 - " LOG_SQRT_2PI, "log_Phi(y)", "log_Phi(-y)", "inv_Phi(u)",
      "normal(0, 1)");
  add("student_t", {{"nu", positive}, {"mu", real}, {"sigma", positive}}, real, "", "",
      "-lbeta(0.5 * nu, 0.5) - 0.5 * log(nu) - log(sigma) - 0.5 * (nu + 1) * log1p(((y - mu) / sigma)^2 / nu)",
      // 1 / (1 + z^2 / nu) has no digits of a small z left.
      "abs(y - mu) < 1e-4 * sigma ? log(0.5 + " T_NEAR("((y - mu) / sigma)") ") : (abs(y - mu) < 0.5 * sigma ? "
      "log(0.5 + (y < mu ? -0.5 : 0.5) * " T_MIDDLE("((y - mu) / sigma)") ") : (y < mu ? log(0.5 * " T_TAIL(
          "((y - mu) / sigma)") ") : log1m(0.5 * " T_TAIL("((y - mu) / sigma)") ")))",
      "abs(y - mu) < 1e-4 * sigma ? log(0.5 - " T_NEAR("((y - mu) / sigma)") ") : (abs(y - mu) < 0.5 * sigma ? "
      "log(0.5 - (y < mu ? -0.5 : 0.5) * " T_MIDDLE("((y - mu) / sigma)") ") : (y < mu ? log1m(0.5 * " T_TAIL(
          "((y - mu) / sigma)") ") : log(0.5 * " T_TAIL("((y - mu) / sigma)") ")))",
      "", "degrees of freedom, location, scale");
  add("cauchy", {{"mu", real}, {"sigma", positive}}, real, "", "",
      "-" LOG_PI " - log(sigma) - log1p(((y - mu) / sigma)^2)", "log(0.5 + atan((y - mu) / sigma) / " PI ")",
      "log(0.5 - atan((y - mu) / sigma) / " PI ")", "mu + sigma * tan(" PI " * (u - 0.5))",
      "location, scale");
  add("laplace", {{"mu", real}, {"sigma", positive}}, real, "", "",
      "-" LOG_2 " - log(sigma) - abs(y - mu) / sigma",
      "y < mu ? (y - mu) / sigma - " LOG_2 " : log1m(0.5 * exp(-abs(y - mu) / sigma))",
      "y < mu ? log1m(0.5 * exp(-abs(y - mu) / sigma)) : (mu - y) / sigma - " LOG_2,
      "u < 0.5 ? mu + sigma * log(2 * u) : mu - sigma * log(2 * (1 - u))",
      "double exponential: location, scale");
  add("logistic", {{"mu", real}, {"sigma", positive}}, real, "", "",
      "-(y - mu) / sigma - log(sigma) - 2 * log1p_exp(-(y - mu) / sigma)", "log_inv_logit((y - mu) / sigma)",
      "log1m_inv_logit((y - mu) / sigma)", "mu + sigma * logit(u)", "location, scale");
  add("gumbel", {{"mu", real}, {"beta", positive}}, real, "", "",
      "-log(beta) - (y - mu) / beta - exp(-(y - mu) / beta)", "-exp(-(y - mu) / beta)",
      "log1m_exp(-exp(-(y - mu) / beta))", "mu - beta * log(-log(u))", "maximum: location, scale");
  add("skew_normal", {{"xi", real}, {"omega", positive}, {"alpha", real}}, real, "", "",
      LOG_2 " - log(omega) - " LOG_SQRT_2PI
            " - 0.5 * ((y - xi) / omega)^2 + log_Phi(alpha * (y - xi) / omega)",
      "", "", "xi + omega * (alpha * abs(inv_Phi(u)) + inv_Phi(v)) / sqrt(1 + alpha^2)",
      "Azzalini: location, scale, shape");
  add("exp_mod_normal", {{"mu", real}, {"sigma", positive}, {"lambda", positive}}, real, "", "",
      "log(lambda) + lambda * (mu - y) + 0.5 * (lambda * sigma)^2 + log_Phi((y - mu) / sigma - lambda * "
      "sigma)",
      "log_diff_exp(log_Phi((y - mu) / sigma), lambda * (mu - (y < -1e30 ? -1e30 : y)) + 0.5 * (lambda * sigma)^2 + "
      "log_Phi((y - mu) / sigma - lambda * sigma))",
      "log_sum_exp(log_Phi((mu - y) / sigma), lambda * (mu - (y < -1e30 ? -1e30 : y)) + 0.5 * (lambda * sigma)^2 + "
      "log_Phi((y - mu) / sigma - lambda * sigma))",
      "mu + sigma * inv_Phi(u) - log(v) / lambda", "normal plus exponential: mean, sd, rate");

  // ---- the half line
  add("half_normal", {{"sigma", positive}}, real, "0", "",
      "-0.5 * (y / sigma)^2 - log(sigma) - " LOG_SQRT_2PI " + " LOG_2,
      "log(erf(y / sigma * 0.70710678118654752440))",
      "y < sigma ? log1m(erf(y / sigma * 0.70710678118654752440)) : log_Phi(-y / sigma) + " LOG_2,
      "-sigma * inv_Phi(0.5 * u)", "the absolute value of normal(0, sigma)");
  add("half_cauchy", {{"sigma", positive}}, real, "0", "",
      LOG_2 " - " LOG_PI " - log(sigma) - log1p((y / sigma)^2)", "log(2 * atan(y / sigma) / " PI ")",
      "log(2 * atan(sigma / y) / " PI ")", "sigma * tan(0.5 * " PI " * u)",
      "the absolute value of cauchy(0, sigma)");
  add("half_student_t", {{"nu", positive}, {"sigma", positive}}, real, "0", "",
      LOG_2
      " - lbeta(0.5 * nu, 0.5) - 0.5 * log(nu) - log(sigma) - 0.5 * (nu + 1) * log1p((y / sigma)^2 / nu)",
      "y < 1e-4 * sigma ? " LOG_2 " + log(" T_NEAR("(y / sigma)") ") : (y < 0.5 * sigma ? log(" T_MIDDLE(
          "(y / sigma)") ") : log1m(" T_TAIL("(y / sigma)") "))",
      "y < 1e-4 * sigma ? log1m(2 * " T_NEAR("(y / sigma)") ") : (y < 0.5 * sigma ? log1m(" T_MIDDLE(
          "(y / sigma)") ") : log(" T_TAIL("(y / sigma)") "))",
      "", "the absolute value of student_t(nu, 0, sigma)");
  add("lognormal", {{"mu", real}, {"sigma", positive}}, real, "0", "",
      "-0.5 * ((log(y) - mu) / sigma)^2 - log(sigma) - log(y) - " LOG_SQRT_2PI,
      "log_Phi((log(y) - mu) / sigma)", "log_Phi((mu - log(y)) / sigma)", "exp(mu + sigma * inv_Phi(u))",
      "of the logarithm: mean, standard deviation");
  add("exponential", {{"beta", positive}}, real, "0", "", "log(beta) - beta * y", "log1m_exp(-beta * y)",
      "-beta * y", "-log(u) / beta", "rate");
  add("gamma", {{"alpha", positive}, {"beta", positive}}, real, "0", "",
      "alpha * log(beta) - lgamma(alpha) + multiply_log(alpha - 1, y) - beta * y",
      "log_gamma_p(alpha, beta * y)", "log_gamma_q(alpha, beta * y)", "", "shape, rate");
  add("inv_gamma", {{"alpha", positive}, {"beta", positive}}, real, "0", "",
      "alpha * log(beta) - lgamma(alpha) - (alpha + 1) * log(y) - beta / y", "log_gamma_q(alpha, beta / y)",
      "log_gamma_p(alpha, beta / y)", "", "shape, scale");
  add("chi_square", {{"nu", positive}}, real, "0", "",
      "-0.5 * nu * " LOG_2 " - lgamma(0.5 * nu) + multiply_log(0.5 * nu - 1, y) - 0.5 * y",
      "log_gamma_p(0.5 * nu, 0.5 * y)", "log_gamma_q(0.5 * nu, 0.5 * y)", "", "degrees of freedom");
  add("inv_chi_square", {{"nu", positive}}, real, "0", "",
      "-0.5 * nu * " LOG_2 " - lgamma(0.5 * nu) - (0.5 * nu + 1) * log(y) - 0.5 / y",
      "log_gamma_q(0.5 * nu, 0.5 / y)", "log_gamma_p(0.5 * nu, 0.5 / y)", "", "degrees of freedom");
  add("scaled_inv_chi_square", {{"nu", positive}, {"sigma", positive}}, real, "0", "",
      "0.5 * nu * log(0.5 * nu) - lgamma(0.5 * nu) + nu * log(sigma) - (0.5 * nu + 1) * log(y) - "
      "0.5 * nu * sigma^2 / y",
      "log_gamma_q(0.5 * nu, 0.5 * nu * sigma^2 / y)", "log_gamma_p(0.5 * nu, 0.5 * nu * sigma^2 / y)", "",
      "degrees of freedom, scale");
  add("weibull", {{"alpha", positive}, {"sigma", positive}}, real, "0", "",
      "log(alpha) - alpha * log(sigma) + multiply_log(alpha - 1, y) - exp(alpha * (log(y) - log(sigma)))",
      "log1m_exp(-exp(alpha * (log(y) - log(sigma))))", "-exp(alpha * (log(y) - log(sigma)))",
      "sigma * exp(log(-log(u)) / alpha)", "shape, scale");
  add("frechet", {{"alpha", positive}, {"sigma", positive}}, real, "0", "",
      "log(alpha) + alpha * log(sigma) - (alpha + 1) * log(y) - exp(alpha * (log(sigma) - log(y)))",
      "-exp(alpha * (log(sigma) - log(y)))", "log1m_exp(-exp(alpha * (log(sigma) - log(y))))",
      "sigma * exp(-log(-log(u)) / alpha)", "shape, scale");
  add("rayleigh", {{"sigma", positive}}, real, "0", "", "log(y) - 2 * log(sigma) - 0.5 * (y / sigma)^2",
      "log1m_exp(-0.5 * (y / sigma)^2)", "-0.5 * (y / sigma)^2", "sigma * sqrt(-2 * log(u))", "scale");
  add("pareto", {{"y_min", positive}, {"alpha", positive}}, real, "y_min", "",
      "log(alpha) + alpha * log(y_min) - (alpha + 1) * log(y)", "log1m_exp(alpha * (log(y_min) - log(y)))",
      "alpha * (log(y_min) - log(y))", "y_min * exp(-log(u) / alpha)", "minimum, shape");
  add("pareto_type_2", {{"mu", real}, {"lambda", positive}, {"alpha", positive}}, real, "mu", "",
      "log(alpha) - log(lambda) - (alpha + 1) * log1p((y - mu) / lambda)",
      "log1m_exp(-alpha * log1p((y - mu) / lambda))", "-alpha * log1p((y - mu) / lambda)",
      "mu + lambda * expm1(-log(u) / alpha)", "Lomax: location, scale, shape");

  // ---- intervals
  add("uniform", {{"a", real}, {"b", real}}, real, "a", "b", "-log(b - a)", "log(y - a) - log(b - a)",
      "log(b - y) - log(b - a)", "a + (b - a) * u", "lower, upper");
  add("beta", {{"alpha", positive}, {"beta", positive}}, real, "0", "1",
      "multiply_log(alpha - 1, y) + multiply_log(beta - 1, 1 - y) - lbeta(alpha, beta)",
      "y * (alpha + beta) < alpha ? log(inc_beta(alpha, beta, y)) : log1m(inc_beta(beta, alpha, 1 - y))",
      "y * (alpha + beta) < alpha ? log1m(inc_beta(alpha, beta, y)) : log(inc_beta(beta, alpha, 1 - y))", "",
      "shapes");
  add("beta_proportion", {{"mu", unit}, {"kappa", positive}}, real, "0", "1",
      "multiply_log(mu * kappa - 1, y) + multiply_log((1 - mu) * kappa - 1, 1 - y) - "
      "lbeta(mu * kappa, (1 - mu) * kappa)",
      "y < mu ? log(inc_beta(mu * kappa, (1 - mu) * kappa, y)) : log1m(inc_beta((1 - mu) * kappa, mu * kappa, 1 - y))",
      "y < mu ? log1m(inc_beta(mu * kappa, (1 - mu) * kappa, y)) : log(inc_beta((1 - mu) * kappa, mu * kappa, 1 - y))",
      "", "mean, precision");
  add("von_mises", {{"mu", real}, {"kappa", positive}}, real, "", "",
      "kappa * cos(y - mu) - 1.83787706640934548356 - log_bessel_i0(kappa)", "", "", "",
      "location, concentration; y in radians");

  // ---- whole numbers
  add("bernoulli", {{"theta", unit}}, binary, "", "", "y == 1 ? log(theta) : log1m(theta)",
      "y < 1 ? log1m(theta) : 0", "y < 1 ? log(theta) : -1 / 0", "u < theta ? 1 : 0", "chance of success");
  add("bernoulli_logit", {{"alpha", real}}, binary, "", "", "y * alpha - log1p_exp(alpha)",
      "y < 1 ? log1m_inv_logit(alpha) : 0", "y < 1 ? log_inv_logit(alpha) : -1 / 0",
      "u < inv_logit(alpha) ? 1 : 0", "log odds of success");
  add("binomial", {{"n", count}, {"theta", unit}}, count, "", "n",
      "lchoose(n, y) + (y == 0 ? 0 : y * log(theta)) + (y == n ? 0 : (n - y) * log1m(theta))",
      "y < n ? log(inc_beta(n - y, y + 1, 1 - theta)) : 0",
      "y < n ? log(inc_beta(y + 1, n - y, theta)) : -1 / 0", "", "trials, chance of success");
  add("binomial_logit", {{"n", count}, {"alpha", real}}, count, "", "n",
      "lchoose(n, y) + y * alpha - n * log1p_exp(alpha)",
      "y < n ? log(inc_beta(n - y, y + 1, inv_logit(-alpha))) : 0",
      "y < n ? log(inc_beta(y + 1, n - y, inv_logit(alpha))) : -1 / 0", "", "trials, log odds of success");
  add("poisson", {{"lambda", Domain::NonNegative}}, count, "", "",
      "(y == 0 ? 0 : y * log(lambda)) - lambda - lgamma(y + 1)", "log_gamma_q(y + 1, lambda)",
      "log_gamma_p(y + 1, lambda)", "", "rate");
  add("poisson_log", {{"alpha", real}}, count, "", "", "y * alpha - exp(alpha) - lgamma(y + 1)",
      "log_gamma_q(y + 1, exp(alpha))", "log_gamma_p(y + 1, exp(alpha))", "", "log rate");
  add("geometric", {{"theta", unit}}, count, "", "", "log(theta) + (y == 0 ? 0 : y * log1m(theta))",
      "log1m_exp((y + 1) * log1m(theta))", "(y + 1) * log1m(theta)", "floor(log(u) / log1m(theta))",
      "chance of success; failures before the first");
  add("neg_binomial", {{"alpha", positive}, {"beta", positive}}, count, "", "",
      "lgamma(y + alpha) - lgamma(alpha) - lgamma(y + 1) - alpha * log1p(1 / beta) - y * log1p(beta)",
      "log(inc_beta(alpha, y + 1, beta / (1 + beta)))", "log(inc_beta(y + 1, alpha, 1 / (1 + beta)))", "",
      "shape, inverse scale of the mixing gamma");
  add("neg_binomial_2", {{"mu", positive}, {"phi", positive}}, count, "", "",
      "lgamma(y + phi) - lgamma(phi) - lgamma(y + 1) + (y == 0 ? 0 : y * (log(mu) - log(mu + phi))) - "
      "phi * log1p(mu / phi)",
      "log(inc_beta(phi, y + 1, phi / (mu + phi)))", "log(inc_beta(y + 1, phi, mu / (mu + phi)))", "",
      "mean, precision");
  add("neg_binomial_2_log", {{"eta", real}, {"phi", positive}}, count, "", "",
      "lgamma(y + phi) - lgamma(phi) - lgamma(y + 1) + y * (eta - log(phi)) - "
      "(y + phi) * log1p_exp(eta - log(phi))",
      "log(inc_beta(phi, y + 1, inv_logit(log(phi) - eta)))",
      "log(inc_beta(y + 1, phi, inv_logit(eta - log(phi))))", "", "log mean, precision");
  add("discrete_uniform", {{"a", Domain::Integer}, {"b", Domain::Integer}}, Domain::Integer, "a", "b",
      "-log(b - a + 1)", "log(y - a + 1) - log(b - a + 1)", "log(b - y) - log(b - a + 1)",
      "a + floor((b - a + 1) * u)", "first, last");
  add("hypergeometric", {{"n", count}, {"a", count}, {"b", count}}, count, "max(0, n - b)", "min(a, n)",
      "lchoose(a, y) + lchoose(b, n - y) - lchoose(a + b, n)", "", "", "",
      "draws, successes, failures in the urn");

  for (Distribution& d : t) {
    auto parse = [](const std::string& text, Formula& into) {
      if (!text.empty()) into = parse_formula(text);
    };
    d.integrated = d.log_cdf.empty();
    parse(d.log_density, d.log_density_formula);
    parse(d.log_cdf, d.log_cdf_formula);
    parse(d.log_ccdf, d.log_ccdf_formula);
    parse(d.generator, d.generator_formula);
    parse(d.lower, d.lower_formula);
    parse(d.upper, d.upper_formula);
    for (const char* name : {"lognormal", "inv_gamma", "inv_chi_square", "scaled_inv_chi_square", "frechet"})
      d.open |= d.name == name;
  }
  return t;
}

const std::vector<Distribution>& table() {
  static const std::vector<Distribution> all = make();
  return all;
}

}  // namespace

std::span<const Distribution> distributions() { return table(); }

const Distribution* find_distribution(std::string_view name) {
  for (const Distribution& d : table())
    if (d.name == name) return &d;
  return nullptr;
}

}  // namespace drey::model
