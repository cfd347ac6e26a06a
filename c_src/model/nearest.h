#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spelling.h"

/// The nearest known name to a misspelt one, for messages.
namespace drey::model {

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
      {"transformed_parameters", "transformed"},
      {"generated_quantities", "generated"},
      {"%", "rem"},
      {"mod", "rem"},
      {"**", "^"},
      {"&&", "and"},
      {"||", "or"},
      {"!", "not"},
      {"=:=", "=="},
      {"===", "=="},
      {"!==", "!="},
      {"=/=", "/="},
      {"target+=", "target"},
      {"increment_log_prob", "target"},
      {"=", "let"},
      {"<-", "set"},
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
  const std::string_view near = nearest(name, known);
  return near.empty() ? std::string() : "; did you mean `" + std::string(near) + "`?";
}

}  // namespace drey::model
