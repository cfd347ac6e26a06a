#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The nearest known name to a misspelt one, for messages.
namespace drey::model {

/// Levenshtein distance with transpositions of neighbours counted once (optimal string alignment).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

/// What other systems call a thing of this language; empty for names that are none of theirs.
inline std::string_view foreign_name(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"double_exponential", "laplace"},
      {"gaussian", "normal"},
      {"exgaussian", "exp_mod_normal"},
      {"inverse_gamma", "inv_gamma"},
      {"halfnormal", "half_normal"},
      {"halfcauchy", "half_cauchy"},
      {"multivariate_normal", "multi_normal"},
      {"mvnormal", "multi_normal"},
      {"log_normal", "lognormal"},
      {"lkj", "lkj_corr"},
      {"dot_product", "dot"},
      {"mat_mul", "matmul"},
      {"multiply", "*"},
      {"add", "+"},
      {"subtract", "-"},
      {"divide", "/"},
      {"fabs", "abs"},
      {"sqr", "square"},
      {"log_gamma", "lgamma"},
      {"gammaln", "lgamma"},
      {"sigmoid", "inv_logit"},
      {"expit", "inv_logit"},
      {"ifelse", "if_else"},
      {"where", "if_else"},
      {"length", "size"},
      {"num_elements", "size"},
      {"rep_vector", "rep"},
      {"rep_matrix", "rep"},
      {"rep_array", "rep"},
      {"append_row", "append"},
      {"append_array", "append"},
      {"cholesky_decompose", "cholesky"},
      {"mdivide_left_tri_low", "solve_lower"},
      {"mdivide_left_spd", "solve_spd"},
      {"inverse", "inverse_spd"},
      {"log_determinant", "log_determinant_spd"},
      {"multiply_lower_tri_self_transpose", "tcrossprod"},
      {"ode_bdf", "ode_rodas"},
      {"ode_adams", "ode_rodas"},
      {"ode_bdf_tol", "ode_rodas_tol"},
      {"integrate_ode_rk45", "ode_rk45"},
      {"integrate_ode_bdf", "ode_rodas"},
      {"cov_exp_quad", "gp_exp_quad_cov"},
      {"row_vector", "vector"},
      {"cholesky_factor_corr", "cholesky_corr"},
      {"cholesky_factor_cov", "cholesky_cov"},
  };
  for (const auto& [foreign, ours] : names)
    if (foreign == name) return ours;
  return {};
}

/// "; did you mean `normal`?" when a name of `known` is close enough to `name`, else nothing.
inline std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  name = name.substr(0, 64);
  // "double_exponential_lpdf" is that of `laplace`.
  for (const std::string_view suffix : {"", "_lpdf", "_lpmf", "_rng", "_cdf", "_lcdf", "_lccdf"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string ours(foreign_name(name.substr(0, name.size() - suffix.size())));
    const std::string whole = ours + std::string(suffix);
    if (!ours.empty() && std::find(known.begin(), known.end(), whole) != known.end())
      return "; here it is `" + whole + "`";
  }
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string_view nearest;
  for (const std::string& candidate : known) {
    if (candidate.size() > 64) continue;
    std::size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? std::string() : "; did you mean `" + std::string(nearest) + "`?";
}

}  // namespace drey::model
