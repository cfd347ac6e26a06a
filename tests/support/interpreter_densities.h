#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "support/interpreter_functions.h"

/// Log densities of the language, as textbooks write them; called by the interpreter.
namespace drey::test::interpreted {

inline Number univariate(const std::string& d, const std::vector<Number>& v) {
  const Number y = v[0], a = v.size() > 1 ? v[1] : 0, b = v.size() > 2 ? v[2] : 0,
               c = v.size() > 3 ? v[3] : 0;
  const Number pi = std::acos(Number(-1));
  auto normal = [&](Number x, Number mu, Number sigma) {
    const Number z = (x - mu) / sigma;
    return -z * z / 2 - std::log(sigma) - std::log(2 * pi) / 2;
  };
  auto student_t = [&](Number x, Number nu, Number mu, Number sigma) {
    const Number z = (x - mu) / sigma;
    return std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) - std::log(nu * pi) / 2 - std::log(sigma) -
           (nu + 1) / 2 * std::log1p(z * z / nu);
  };
  auto cauchy = [&](Number x, Number mu, Number sigma) {
    const Number z = (x - mu) / sigma;
    return -std::log(pi) - std::log(sigma) - std::log1p(z * z);
  };
  auto choose = [](Number n, Number k) {
    return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  };
  if (d == "normal") return normal(y, a, b);
  if (d == "std_normal") return normal(y, 0, 1);
  if (d == "half_normal") return std::log(Number(2)) + normal(y, 0, a);
  if (d == "lognormal") return normal(std::log(y), a, b) - std::log(y);
  if (d == "student_t") return student_t(y, a, b, c);
  if (d == "half_student_t") return std::log(Number(2)) + student_t(y, a, 0, b);
  if (d == "cauchy") return cauchy(y, a, b);
  if (d == "half_cauchy") return std::log(Number(2)) + cauchy(y, 0, a);
  if (d == "laplace") return -std::log(2 * b) - std::abs(y - a) / b;
  if (d == "logistic") return -(y - a) / b - std::log(b) - 2 * log1p_exp(-(y - a) / b);
  if (d == "gumbel") return -std::log(b) - (y - a) / b - std::exp(-(y - a) / b);
  if (d == "exponential") return std::log(a) - a * y;
  if (d == "gamma") return a * std::log(b) - std::lgamma(a) + (a - 1) * std::log(y) - b * y;
  if (d == "inv_gamma") return a * std::log(b) - std::lgamma(a) - (a + 1) * std::log(y) - b / y;
  if (d == "weibull") return std::log(a / b) + (a - 1) * std::log(y / b) - std::pow(y / b, a);
  if (d == "beta")
    return std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + (a - 1) * std::log(y) +
           (b - 1) * std::log1p(-y);
  if (d == "uniform") return -std::log(b - a);
  if (d == "bernoulli") return y == 1 ? std::log(a) : std::log1p(-a);
  if (d == "bernoulli_logit") return y == 1 ? -log1p_exp(-a) : -log1p_exp(a);
  if (d == "binomial") return choose(a, y) + y * std::log(b) + (a - y) * std::log1p(-b);
  if (d == "binomial_logit") return choose(a, y) - y * log1p_exp(-b) - (a - y) * log1p_exp(b);
  if (d == "poisson") return y * std::log(a) - a - std::lgamma(y + 1);
  if (d == "poisson_log") return y * a - std::exp(a) - std::lgamma(y + 1);
  if (d == "neg_binomial_2" || d == "neg_binomial_2_log") {
    const Number mu = d == "neg_binomial_2" ? a : std::exp(a);
    return std::lgamma(y + b) - std::lgamma(y + 1) - std::lgamma(b) + y * std::log(mu / (mu + b)) +
           b * std::log(b / (mu + b));
  }
  fail("distribution " + d);
}

/// P(Y <= y), or P(Y > y).
inline Number probability(const std::string& d, Number y, const std::vector<Number>& theta, bool above) {
  if (d == "normal") {
    const Number z = (y - theta[0]) / theta[1] / std::sqrt(Number(2));
    return std::erfc(above ? z : -z) / 2;
  }
  if (d == "logistic") {
    const Number z = (y - theta[0]) / theta[1];
    return 1 / (1 + std::exp(above ? z : -z));
  }
  if (d == "exponential") {
    const Number left = y > 0 ? std::exp(-theta[0] * y) : 1;
    return above ? left : 1 - left;
  }
  if (d == "poisson") {
    Number sum = 0;
    for (Number k = 0; k <= y; ++k) sum += std::exp(k * std::log(theta[0]) - theta[0] - std::lgamma(k + 1));
    return above ? 1 - sum : sum;
  }
  fail("the distribution function of " + d);
}

inline Number multi_normal_cholesky(const std::vector<Number>& y, const Array& mu,
                                    const std::vector<Number>& l) {
  const std::size_t k = y.size();
  std::vector<Number> z(k);
  Number total = 0;
  for (std::size_t i = 0; i < k; ++i) {
    z[i] = y[i] - mu.values[mu.shape.empty() ? 0 : i];
    for (std::size_t j = 0; j < i; ++j) z[i] -= l[i * k + j] * z[j];
    z[i] /= l[i * k + i];
    total -= z[i] * z[i] / 2 + std::log(l[i * k + i]) + std::log(2 * std::acos(Number(-1))) / 2;
  }
  return total;
}

/// The log density of `outcome` under the distribution `d`, summed over the elements.
inline Number density(const std::string& d, const Array& outcome, const std::vector<Array>& rest) {
  if (d == "multi_normal_cholesky") return multi_normal_cholesky(outcome.values, rest[0], rest[1].values);
  if (d == "multi_normal")
    return multi_normal_cholesky(outcome.values, rest[0], apply("cholesky", {rest[1]}).values);
  if (d == "dirichlet") {
    Number total = 0, alphas = 0;
    for (std::size_t i = 0; i < outcome.values.size(); ++i) {
      const Number alpha = rest[0].values[rest[0].shape.empty() ? 0 : i];
      total += (alpha - 1) * std::log(outcome.values[i]) - std::lgamma(alpha);
      alphas += alpha;
    }
    return total + std::lgamma(alphas);
  }
  std::vector<Array> all{outcome};
  all.insert(all.end(), rest.begin(), rest.end());
  Number total = 0;
  for (Number x : each(all, [&](const std::vector<Number>& v) { return univariate(d, v); }).values)
    total += x;
  return total;
}

}  // namespace drey::test::interpreted
