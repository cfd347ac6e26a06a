// Every entry of the language's tables on the device: densities, distribution functions, truncation and censoring of
// every univariate distribution, every distribution of vectors, every function, every form, every type of parameter.
// Kernel against host evaluator at 1,000 random points, value and gradient, both precisions. The tables are the code's
// own: an entry that has no model here fails.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "grad/differentiate.h"
#include "model/constraints.h"
#include "model/distributions.h"
#include "model/evaluator.h"
#include "model/functions.h"
#include "model/library.h"
#include "model/model.h"
#include "model/vector_distributions.h"
#include "support/device.h"
#include "support/erlang_text.h"

namespace drey::glsl {
namespace {

/// One entry: what it declares and what it adds. Its names are its own.
struct Entry {
  std::string name;
  std::string parameters, statements;
  std::string data = {}, functions = {};
};

/// Entries in one kernel, since drivers take long to begin a kernel.
struct Pack {
  std::string name;
  std::vector<Entry> entries;
  double f64 = 1e-10, f32 = 1e-3;  ///< allowed, relative to 1 + the size of what is compared
  double spread = 0.7;             ///< standard deviation of the points

  std::string text() const {
    std::string data, functions, parameters, statements;
    const auto join = [](std::string& all, const std::string& one) {
      if (!one.empty()) all += (all.empty() ? "" : ",\n    ") + one;
    };
    for (const Entry& e : entries)
      join(data, e.data), join(functions, e.functions), join(parameters, e.parameters),
          join(statements, e.statements);
    return "#{data => #{" + data + "}, functions => #{" + functions + "},\n  parameters => [" + parameters +
           "],\n  model => [" + statements + "]}";
  }
};

void PrintTo(const Pack& pack, std::ostream* out) { *out << pack.name; }

std::vector<Pack> packs(const std::string& name, const std::vector<Entry>& entries, std::size_t members,
                        double f64, double f32) {
  std::vector<Pack> all;
  for (std::size_t i = 0; i < entries.size(); i += members) {
    Pack pack;
    pack.f64 = f64, pack.f32 = f32;
    for (std::size_t k = i; k < std::min(entries.size(), i + members); ++k)
      pack.entries.push_back(entries[k]);
    pack.name = name + "_" + pack.entries.front().name + "_to_" + pack.entries.back().name;
    all.push_back(std::move(pack));
  }
  return all;
}

// ---- univariate distributions

std::string parameter(const std::string& name, model::Domain domain) {
  switch (domain) {
    case model::Domain::Positive:
    case model::Domain::NonNegative:
      return "{" + name + ", real, [{lower, 0}]}";
    case model::Domain::Unit:
      return "{" + name + ", real, [{lower, 0}, {upper, 1}]}";
    default:
      return "{" + name + ", real}";
  }
}

/// A distribution with parameters to differentiate by, its outcome one of them where it is continuous.
struct Univariate {
  std::string call;  ///< ", a, b": the parameters of the distribution
  std::string outcome;
  std::string low, high;  ///< bounds within the support
  std::string parameters;
};

Univariate univariate(const model::Distribution& d) {
  Univariate u;
  const std::string y = "y_" + d.name;
  const auto declare = [&](const std::string& text) {
    u.parameters += (u.parameters.empty() ? "" : ", ") + text;
  };
  for (const auto& p : d.parameters) {
    const bool whole = p.domain == model::Domain::Count || p.domain == model::Domain::Integer;
    if (whole) {
      u.call += d.name == "hypergeometric" ? (p.name == "n"   ? ", 5"
                                              : p.name == "a" ? ", 7"
                                                              : ", 6")
                : p.name == "b"            ? ", 9"
                : p.name == "n"            ? ", 5"
                                           : ", 0";
    } else if ((d.name == "uniform" || d.name == "pareto") &&
               (p.name == "a" || p.name == "b" || p.name == "y_min")) {
      u.call += p.name == "a" ? ", -1" : p.name == "b" ? ", 1" : ", 0.5";
    } else {
      declare(parameter(p.name + "_" + y, p.domain));
      u.call += ", " + p.name + "_" + y;
    }
  }
  if (d.outcome != model::Domain::Real) {
    const bool binary = d.outcome == model::Domain::Binary;
    u.outcome = d.name == "hypergeometric" ? "2" : binary ? "[0, 1, 1]" : "[0, 1, 4]";
    u.low = "0", u.high = binary ? "1" : "4";
    return u;
  }
  // Bounds around whatever the outcome is, within the support.
  const auto between = [&](const std::string& low, const std::string& high) {
    declare("{" + y + ", real, [{lower, " + low + "}, {upper, " + high + "}]}");
    u.low = "{'+', " + low + ", {'*', 0.4, {'-', " + y + ", " + low + "}}}";
    u.high = "{'+', " + y + ", {'*', 0.6, {'-', " + high + ", " + y + "}}}";
  };
  const auto above = [&](const std::string& low) {
    declare("{" + y + ", real, [{lower, " + low + "}]}");
    u.low = "{'+', " + low + ", {'*', 0.4, {'-', " + y + ", " + low + "}}}";
    u.high = "{'+', " + y + ", 1.5}";
  };
  if (d.name == "uniform")
    between("-1", "1");
  else if (d.lower == "0" && d.upper == "1")
    between("0", "1");
  else if (d.name == "pareto")
    above("0.5");
  else if (d.name == "pareto_type_2")
    above("mu_" + y);
  else if (d.lower == "0")
    above("0");
  else if (d.name == "von_mises") {
    declare("{" + y + ", real, [{lower, {'-', mu_" + y + ", 3}}, {upper, {'+', mu_" + y + ", 3}}]}");
    u.low = "{'-', " + y + ", {'*', 0.4, {'-', " + y + ", {'-', mu_" + y + ", 3}}}}";
    u.high = "{'+', " + y + ", {'*', 0.4, {'-', {'+', mu_" + y + ", 3}, " + y + "}}}";
  } else {
    declare("{" + y + ", real}");
    u.low = "{'-', " + y + ", 1.2}", u.high = "{'+', " + y + ", 0.9}";
  }
  u.outcome = y;
  return u;
}

std::vector<Pack> univariate_packs() {
  std::vector<Entry> densities, tails;
  for (const model::Distribution& d : model::distributions()) {
    Univariate u = univariate(d);
    const std::string dist = "{" + d.name + u.call + "}";
    if (u.parameters.empty()) u.parameters = "{z_" + d.name + ", real}";  // of whole numbers alone
    densities.push_back({d.name, u.parameters, "{'~', " + u.outcome + ", " + dist + "}"});
    // Few places, since every distribution function there takes a driver long; of an integral two.
    std::string statements = fmt::format(
        "{{'let', l_{0}, {4}}}, {{target, {{{0}_lcdf, l_{0}{1}}}}}, {{target, {{'*', 0.7, {{{0}_lccdf, l_{0}{1}}}}}}}, "
        "{{target, {{{0}_cdf, l_{0}{1}}}}}, {{'~', {2}, {{truncate, {3}, l_{0}, none}}}}, {{'~', l_{0}, {{censor, {3}, "
        "l_{0}, none}}}}",
        d.name, u.call, u.outcome, dist, u.low);
    if (!d.integrated)
      statements += fmt::format(
          ", {{'let', h_{0}, {3}}}, {{'~', {1}, {{truncate, {2}, l_{0}, h_{0}}}}}, {{'~', {1}, {{truncate, {2}, none, "
          "h_{0}}}}}, {{'~', h_{0}, {{censor, {2}, none, h_{0}}}}}",
          d.name, u.outcome, dist, u.high);
    tails.push_back({d.name, u.parameters, statements});
  }
  std::vector<Pack> all = packs("density", densities, 8, 1e-10, 1e-3);
  for (Pack& pack : packs("tails", tails, 2, 1e-8, 4e-3)) {
    pack.spread = 0.5;  // further out a probability is 0 in f32
    all.push_back(std::move(pack));
  }
  return all;
}

// ---- distributions of vectors

/// What several entries read: vectors v, w, a matrix m, a scalar s, a positive a, a definite matrix spd and its factor.
const Entry shared{
    "shared", "{v, {vector, 3}}, {w, {vector, 3}}, {m, {matrix, 2, 3}}, {s, real}, {a, real, [{lower, 0}]}",
    "{'let', spd, {'+', {tcrossprod, {transpose, m}}, {'*', 1.5, {identity_matrix, 3}}}}, {'let', chol, {cholesky, spd}}",
    "i => 7, j => 3, xs => [0.0, 0.5, 1.5], flag => 1, table => [[1.0, 0.5, -0.3], [0.0, -2.0, 0.7]]",
    "growth => {[t, y, r], [{'*', r, {at, y, 1}, {'-', 1, {at, y, 2}}}, {'-', {at, y, 1}, {at, y, 2}}]}"};

const std::map<std::string, std::string> vector_densities = {
    {"categorical", "{'~', [1, 3, 2, 3], {categorical, {softmax, v}}}"},
    {"categorical_logit", "{'~', [1, 3, 2, 3], {categorical_logit, v}}"},
    {"ordered_logistic", "{'~', [1, 3, 2, 4, 1], {ordered_logistic, s, {cumulative_sum, {exp, v}}}}"},
    {"multinomial", "{'~', [2, 0, 5], {multinomial, {softmax, v}}}"},
    {"dirichlet",
     "{'~', {softmax, w}, {dirichlet, {exp, v}}}, {'~', [{softmax, w}, {softmax, v}], {dirichlet, a}}"},
    {"multi_normal", "{'~', v, {multi_normal, w, spd}}, {'~', m, {multi_normal, w, spd}}"},
    {"multi_normal_cholesky",
     "{'~', v, {multi_normal_cholesky, w, chol}}, {'~', m, {multi_normal_cholesky, s, chol}}"},
    {"multi_student_t", "{'~', v, {multi_student_t, a, w, spd}}, {'~', m, {multi_student_t, 4, w, spd}}"},
    {"lkj_corr_cholesky", "{'~', lc, {lkj_corr_cholesky, a}}"},
    {"lkj_corr", "{'~', cm, {lkj_corr, a}}"},
    {"wishart", "{'~', cv, {wishart, {'+', 3, a}, spd}}"},
    {"inv_wishart", "{'~', cv, {inv_wishart, {'+', 3, a}, spd}}"},
    {"gaussian_random_walk", "{'~', v, {gaussian_random_walk, s, a}}"},
    {"normal_id_glm",
     "{'~', [0.3, -1.0], {normal_id_glm, table, s, v, a}}, {'~', {at, v, [1, 2]}, {normal_id_glm, m, s, w, a}}"},
    {"bernoulli_logit_glm", "{'~', [0, 1], {bernoulli_logit_glm, table, s, v}}"},
    {"poisson_log_glm", "{'~', [2, 0], {poisson_log_glm, table, {tanh, s}, {tanh, v}}}"},
    {"neg_binomial_2_log_glm", "{'~', [2, 7], {neg_binomial_2_log_glm, table, s, v, a}}"},
};

// ---- forms

const std::map<std::string, std::string> form_uses = {
    {"+", "{target, {'+', v, s, w}}"},
    {"-", "{target, {'-', v, s, w}}, {target, {'-', s}}"},
    {"*", "{target, {'*', v, s, w}}"},
    {"/", "{target, {'/', v, {'+', 1, a}}}, {target, {'*', s, {'/', i, j}}}"},
    {"^", "{target, {'^', {exp, v}, w}}, {target, {'^', v, 2}}"},
    {"pow", "{target, {pow, {exp, v}, w}}"},
    {"div", "{target, {'*', s, {'div', i, j}}}"},
    {"rem", "{target, {'*', s, {'rem', i, j}}}"},
    {"<", "{target, {'*', v, {'<', v, w}}}"},
    {">", "{target, {'*', v, {'>', v, w}}}"},
    {"=<", "{target, {'*', v, {'=<', v, w}}}"},
    {"<=", "{target, {'*', v, {'<=', i, j}}}"},
    {">=", "{target, {'*', v, {'>=', v, w}}}"},
    {"==", "{target, {'*', v, {'==', v, w}}}"},
    {"/=", "{target, {'*', v, {'/=', i, j}}}"},
    {"!=", "{target, {'*', v, {'!=', v, w}}}"},
    {"and", "{target, {'*', s, {'and', {'<', s, 0.5}, {'>', s, -0.5}}}}"},
    {"or", "{target, {'*', s, {'or', {'>', s, 0.5}, {'<', s, -0.5}}}}"},
    {"not", "{target, {'*', s, {'not', {'>', s, 0.5}}}}"},
    {"if_else", "{target, {if_else, {'<', v, w}, {sin, v}, w}}"},
    {"sum", "{target, {square, {sum, v}}}"},
    {"mean", "{target, {square, {mean, v}}}"},
    {"variance", "{target, {variance, v}}"},
    {"sd", "{target, {sd, v}}"},
    {"prod", "{target, {prod, v}}"},
    {"min", "{target, {square, {min, v}}}, {target, {min, v, w}}"},
    {"max", "{target, {square, {max, v}}}, {target, {max, v, w}}"},
    {"dot", "{target, {dot, v, w}}"},
    {"dot_self", "{target, {dot_self, v}}"},
    {"matmul", "{target, {matmul, m, v}}, {target, {matmul, [s, a], m}}, {target, {sin, {matmul, m, spd}}}"},
    {"transpose", "{target, {sin, {matmul, {transpose, m}, [s, a]}}}"},
    {"log_sum_exp", "{target, {log_sum_exp, v}}, {target, {log_sum_exp, v, w}}"},
    {"rep",
     "{target, {'*', {rep, s, 3}, v}}, {target, {'*', {rep, s, 2, 3}, m}}, {target, {'*', {rep, v, 2}, m}}"},
    {"to_vector", "{target, {square, {sum, {at, {to_vector, m}, [2, 5]}}}}"},
    {"to_matrix", "{target, {sin, {matmul, {to_matrix, {to_vector, m}, 3, 2}, [s, a]}}}"},
    {"size", "{target, {'*', s, {size, v}}}"},
    {"log_mix", "{target, {log_mix, {inv_logit, s}, v, w}}, {target, {log_mix, {softmax, v}, w}}"},
    {"cumulative_sum", "{target, {sin, {cumulative_sum, v}}}"},
    {"softmax", "{target, {dot, w, {softmax, v}}}"},
    {"log_softmax", "{target, {dot, w, {log_softmax, v}}}"},
    {"reverse", "{target, {dot, w, {reverse, v}}}"},
    {"append", "{target, {square, {cumulative_sum, {append, v, s, w}}}}"},
    {"cholesky", "{target, {sin, {cholesky, spd}}}"},
    {"solve_lower", "{target, {sin, {solve_lower, chol, v}}}, {target, {solve_lower, chol, spd}}"},
    {"solve_lower_transposed", "{target, {sin, {solve_lower_transposed, chol, v}}}"},
    {"solve_spd", "{target, {sin, {solve_spd, spd, v}}}"},
    {"inverse_spd", "{target, {sin, {inverse_spd, spd}}}"},
    {"log_determinant_spd", "{target, {log_determinant_spd, spd}}"},
    {"diagonal", "{target, {sin, {diagonal, spd}}}"},
    {"diag_matrix", "{target, {sin, {matmul, m, {diag_matrix, v}}}}"},
    {"identity_matrix", "{target, {'*', s, {identity_matrix, 3}}}"},
    {"diag_pre_multiply", "{target, {sin, {diag_pre_multiply, [s, a], m}}}"},
    {"diag_post_multiply", "{target, {sin, {diag_post_multiply, m, v}}}"},
    {"outer", "{target, {sin, {outer, v, [s, a]}}}"},
    {"quad_form", "{target, {quad_form, spd, v}}"},
    {"tcrossprod", "{target, {sin, {tcrossprod, m}}}"},
    {"crossprod", "{target, {sin, {crossprod, m}}}"},
    {"trace", "{target, {sin, {trace, spd}}}"},
    {"row_sums", "{target, {sin, {row_sums, m}}}"},
    {"column_sums", "{target, {sin, {column_sums, m}}}"},
    {"rows", "{target, {'*', s, {rows, m}}}"},
    {"columns", "{target, {'*', s, {columns, m}}}"},
    {"gp_exp_quad_cov", "{target, {sin, {gp_exp_quad_cov, xs, a, {exp, s}}}}"},
    {"gp_exponential_cov", "{target, {sin, {gp_exponential_cov, xs, a, {exp, s}}}}"},
    {"gp_matern32_cov", "{target, {sin, {gp_matern32_cov, xs, a, {exp, s}}}}"},
    {"gp_matern52_cov", "{target, {sin, {gp_matern52_cov, xs, a, {exp, s}}}}"},
    {"gp_periodic_cov", "{target, {sin, {gp_periodic_cov, xs, a, {exp, s}, {exp, {at, v, 1}}}}}"},
    {"ode_rk4", "{target, {sin, {ode_rk4, growth, [a, {exp, s}], 0, [0.3, 0.8], 6, {tanh, {at, v, 1}}}}}"},
    {"ode_rk45", "{target, {sin, {ode_rk45, growth, [a, {exp, s}], 0, [0.1], {tanh, {at, v, 1}}}}}"},
    {"ode_rk45_tol",
     "{target, {sin, {ode_rk45_tol, growth, [a, {exp, s}], 0, [0.1], 1.0e-4, 8, {tanh, {at, v, 1}}}}}"},
    {"ode_rodas", "{target, {sin, {ode_rodas, growth, [a, {exp, s}], 0, [0.1], {tanh, {at, v, 1}}}}}"},
    {"ode_rodas_tol",
     "{target, {sin, {ode_rodas_tol, growth, [a, {exp, s}], 0, [0.1], 1.0e-4, 20, {tanh, {at, v, 1}}}}}"},
};

template <typename Table>
std::vector<Entry> uses(const Table& table, const std::map<std::string, std::string>& statements) {
  std::vector<Entry> all;
  for (const auto& entry : table)
    if (const auto found = statements.find(entry.name); found != statements.end()) {
      std::string name = entry.name;
      for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = 'o';
      all.push_back({name, "", found->second});
    }
  return all;
}

std::vector<Pack> with_shared(std::vector<Pack> packs, const std::string& more = {}) {
  for (Pack& pack : packs) {
    Entry base = shared;
    if (!more.empty()) base.parameters += ", " + more;
    pack.entries.insert(pack.entries.begin(), base);
  }
  return packs;
}

std::vector<Pack> vector_packs() {
  return with_shared(packs("vectors", uses(model::vector_distributions(), vector_densities), 9, 1e-9, 1e-3),
                     "{lc, {cholesky_corr, 3}}, {cm, {corr_matrix, 3}}, {cv, {cov_matrix, 3}}");
}

std::vector<Pack> form_packs() {
  // In f32 the choice of an adaptive solver's steps is another one.
  return with_shared(packs("forms", uses(model::forms(), form_uses), 24, 1e-9, 2e-3));
}

// ---- functions

std::string argument(const std::string& function, std::size_t k, const std::string& name) {
  using Set = std::set<std::string>;
  static const Set unit{"logit", "inv_Phi", "log1m"}, inner{"asin", "acos", "atanh", "tan"},
      negative{"log1m_exp"}, above_one{"acosh"},
      positive{"log",        "log2",       "log10",      "sqrt",      "inv_sqrt",   "cbrt",
               "inv",        "inv_square", "lgamma",     "digamma",   "trigamma",   "lbeta",
               "gamma_p",    "gamma_q",    "gamma_q_da", "inc_beta",  "log1p",      "log_expm1",
               "tetragamma", "lchoose",    "bessel_i0",  "bessel_i1", "inc_beta_da"};
  const bool gamma_tail = function.starts_with("log_gamma_");
  const auto with = [&](const char* modifiers) { return "{" + name + ", real, [" + modifiers + "]}"; };
  if ((function == "inc_beta" || function == "inc_beta_da") && k == 2) return with("{lower, 0}, {upper, 1}");
  if ((function == "lchoose" || function == "log_diff_exp") && k == 0)
    return with(("{lower, " + name.substr(0, name.size() - 1) + "2}").c_str());
  if (function == "/" && k == 1) return with("{lower, 0.1}");
  if ((function == "^" && k == 0) || (function == "multiply_log" && k == 1)) return with("{lower, 0.1}");
  if (unit.count(function)) return with("{lower, 0}, {upper, 1}");
  if (inner.count(function)) return with("{lower, -0.99}, {upper, 0.99}");
  if (negative.count(function)) return with("{upper, 0}");
  if (above_one.count(function)) return with("{lower, 1}");
  if (gamma_tail || positive.count(function)) return with("{lower, 0.1}");
  return "{" + name + ", real}";
}

std::vector<Pack> function_packs() {
  std::vector<Entry> all;
  std::size_t serial = 0;
  for (const model::Function& f : model::functions()) {
    Entry entry;
    entry.name = std::isalpha(static_cast<unsigned char>(f.name[0])) ? f.name : fmt::format("o{}", serial);
    const std::string stem = fmt::format("f{}_", ++serial);
    std::string call = "{'" + f.name + "'";
    // The last first: the first may be bounded by the second.
    for (int k = f.arity; k-- > 0;) {
      const std::string name = fmt::format("{}{}", stem, k + 1);
      entry.parameters +=
          (entry.parameters.empty() ? "" : ", ") + argument(f.name, static_cast<std::size_t>(k), name);
    }
    for (int k = 0; k < f.arity; ++k) call += fmt::format(", {}{}", stem, k + 1);
    entry.statements = "{target, " + call + "}}";
    all.push_back(std::move(entry));
  }
  return packs("functions", all, 20, 1e-10, 1e-3);
}

// ---- types and constraints

const std::map<std::string, std::string> type_uses = {
    {"real",
     "{x1, real}, {x2, real, [{lower, x1}]}, {x3, real, [{upper, x1}]}, {x4, real, [{lower, x3}, {upper, x2}]}, {x5, real, "
     "[{offset, x1}, {multiplier, {exp, x1}}]}"},
    {"vector",
     "{x1, {vector, 3}}, {x2, {vector, 3}, [{lower, x1}]}, {x3, {vector, 3}, [{upper, x1}]}, {x4, {vector, 3}, [{lower, "
     "x3}, {upper, x2}]}, {x5, {vector, 3}, [{offset, x1}, {multiplier, {exp, x1}}]}"},
    {"matrix",
     "{x1, {matrix, 2, 3}}, {x2, {matrix, 2, 3}, [{lower, x1}]}, {x3, {matrix, 2, 3}, [{upper, 0.5}]}, {x4, {matrix, 2, "
     "3}, [{lower, -1}, {upper, 2}]}, {x5, {matrix, 2, 3}, [{offset, x1}, {multiplier, 2.5}]}"},
    {"array",
     "{x1, {array, [2, 2], real}}, {x2, {array, [2], {vector, 3}}, [{lower, 0}]}, {x3, {array, [3], {simplex, 3}}}"},
    {"simplex", "{x1, {simplex, 4}}, {x2, {array, [2], {simplex, 3}}}"},
    {"ordered", "{x1, {ordered, 4}}, {x2, {array, [2], {ordered, 3}}}"},
    {"positive_ordered", "{x1, {positive_ordered, 4}}, {x2, {array, [2], {positive_ordered, 2}}}"},
    {"unit_vector", "{x1, {unit_vector, 4}}, {x2, {array, [2], {unit_vector, 2}}}"},
    {"cholesky_corr", "{x1, {cholesky_corr, 4}}, {x2, {array, [2], {cholesky_corr, 2}}}"},
    {"corr_matrix", "{x1, {corr_matrix, 4}}, {x2, {array, [2], {corr_matrix, 2}}}"},
    {"cov_matrix", "{x1, {cov_matrix, 3}}, {x2, {array, [2], {cov_matrix, 2}}}"},
    {"cholesky_cov", "{x1, {cholesky_cov, 3}}, {x2, {array, [2], {cholesky_cov, 2}}}"},
};

std::vector<Pack> type_packs() {
  std::vector<Entry> all;
  for (const auto& [name, declared] : type_uses) {
    Entry entry{name, "", ""};
    for (std::size_t i = 0; i < declared.size(); ++i) {
      // Names of its own.
      const bool x = declared[i] == 'x' && i + 1 < declared.size() &&
                     std::isdigit(static_cast<unsigned char>(declared[i + 1]));
      entry.parameters += x ? fmt::format("x_{}_", name) : std::string(1, declared[i]);
    }
    for (int k = 1; declared.find(fmt::format("x{}", k)) != std::string::npos; ++k)
      entry.statements += (k == 1 ? "" : ", ") +
                          fmt::format("{{target, {{sin, {{'*', {}, x_{}_{}}}}}}}", 0.7 + 0.2 * k, name, k);
    all.push_back(std::move(entry));
  }
  return packs("types", all, 6, 1e-10, 1e-3);
}

// ---- the test

class TableKernel : public ::testing::TestWithParam<Pack> {};

TEST_P(TableKernel, AgreesWithTheEvaluator) {
  constexpr std::uint32_t points = 1000;
  const Pack& pack = GetParam();
  const model::Model model = model::compile(test::erlang(pack.text()));
  const model::Program program = grad::differentiate(model.density, model.dimension);
  std::mt19937_64 random(29);
  std::normal_distribution<double> normal(0, pack.spread);
  std::vector<double> input(model.dimension * points);
  for (double& x : input) x = static_cast<float>(normal(random));  // the same in both precisions
  model::Evaluator evaluator(program, model.data);
  std::vector<model::Evaluator::Result> expected;
  for (std::uint32_t lane = 0; lane < points; ++lane) {
    std::vector<double> point(model.dimension);
    for (std::uint64_t d = 0; d < model.dimension; ++d) point[d] = input[d * points + lane];
    expected.push_back(evaluator.run(point));
    ASSERT_TRUE(std::isfinite(expected.back().target)) << "lane " << lane;
  }
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    const double tolerance = precision == Precision::F64 ? pack.f64 : pack.f32;
    const auto output =
        testing::program_runner(program, model, precision).run(input, points, model.dimension + 1);
    for (std::uint32_t lane = 0; lane < points && !HasFailure(); ++lane) {
      const auto& [target, gradient, ignored] = expected[lane];
      EXPECT_NEAR(output[lane], target, tolerance * (1 + std::abs(target))) << "lane " << lane;
      double size = 1;
      for (const double g : gradient) size = std::max(size, std::abs(g));
      for (const model::Parameter& p : model.parameters)
        for (std::uint64_t d = p.offset; d < p.offset + p.size; ++d)
          EXPECT_NEAR(output[(d + 1) * points + lane], gradient[d], tolerance * size)
              << "by " << p.name << " lane " << lane << (precision == Precision::F64 ? " f64" : " f32");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Univariate, TableKernel, ::testing::ValuesIn(univariate_packs()),
                         [](const auto& one) { return one.param.name; });
INSTANTIATE_TEST_SUITE_P(Vectors, TableKernel, ::testing::ValuesIn(vector_packs()),
                         [](const auto& one) { return one.param.name; });
INSTANTIATE_TEST_SUITE_P(Forms, TableKernel, ::testing::ValuesIn(form_packs()),
                         [](const auto& one) { return one.param.name; });
INSTANTIATE_TEST_SUITE_P(Functions, TableKernel, ::testing::ValuesIn(function_packs()),
                         [](const auto& one) { return one.param.name; });
INSTANTIATE_TEST_SUITE_P(Types, TableKernel, ::testing::ValuesIn(type_packs()),
                         [](const auto& one) { return one.param.name; });

TEST(Tables, EveryEntryHasItsModel) {
  for (const auto& d : model::vector_distributions()) EXPECT_TRUE(vector_densities.count(d.name)) << d.name;
  for (const auto& f : model::forms()) EXPECT_TRUE(form_uses.count(f.name)) << f.name;
  for (const std::string& t : model::type_names()) EXPECT_TRUE(t == "int" || type_uses.count(t)) << t;
}

}  // namespace
}  // namespace drey::glsl
