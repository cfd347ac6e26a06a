#include "model/vector_distributions.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/library.h"
#include "model/vector_generators.h"
#include "model/vector_terms.h"

namespace drey::model {
namespace {

using Args = std::vector<NodeRef>;

constexpr double log_2pi = 1.83787706640934548356;
constexpr double log_pi = 1.14472988584940017414;

/// 0-based categories.
NodeRef category(Checker& c, NodeRef y, std::uint64_t k, const std::string& where) {
  Graph& g = c.graph();
  if (y->type != Type::Integer)
    throw Error("wrong_type", "the outcome is a category, an integer from 1", where);
  if (y->data_only && y->loops.empty()) {
    for (std::uint64_t i = 0; i < elements(y->shape); ++i) {
      double value = y->scalar() ? c.host().element(y, {}) : c.host().all(y)[i];
      if (value < 1 || value > static_cast<double>(k))
        throw Error("out_of_support", fmt::format("category {} is outside 1..{}", value, k), where);
    }
  }
  return g.shift(y, -1);
}

NodeRef pick(Graph& g, NodeRef v, NodeRef index) {
  if (index->scalar()) return g.element(v, {index});
  return g.at(v, {{Axis::Kind::Gather, index, 0, 0}});
}

NodeRef categorical(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  need(a[0]->shape.size() == 1, "`categorical` takes a vector of probabilities", where);
  return pick(c.graph(), plain(c, c.graph().call("log", {a[0]}), "log theta"),
              category(c, y, a[0]->shape[0], where));
}

NodeRef categorical_logit(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  need(a[0]->shape.size() == 1, "`categorical_logit` takes a vector of log odds", where);
  NodeRef beta = plain(c, a[0], "beta");
  return c.graph().sub(pick(c.graph(), beta, category(c, y, a[0]->shape[0], where)), log_sum_exp_of(c, beta));
}

NodeRef ordered_logistic(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef eta = a[0], cuts = plain(c, a[1], "cuts");
  need(cuts->shape.size() == 1 && cuts->shape[0] > 0, "`ordered_logistic` takes a vector of cut points",
       where);
  const auto k = static_cast<std::int64_t>(cuts->shape[0]) + 1;
  NodeRef z = category(c, y, static_cast<std::uint64_t>(k), where);
  // inv_logit(eta - c[y-1]) - inv_logit(eta - c[y]), each factor by itself so that nothing cancels.
  NodeRef first = g.operation(Op::EqualI, {z, g.integer(0)}),
          last = g.operation(Op::EqualI, {z, g.integer(k - 1)});
  NodeRef below = pick(g, cuts, g.operation(Op::MaxI, {g.shift(z, -1), g.integer(0)}));
  NodeRef above = pick(g, cuts, g.operation(Op::MinI, {z, g.integer(k - 2)}));
  NodeRef zero = g.real(0);
  NodeRef total = g.add(g.select(first, zero, g.call("log_inv_logit", {g.sub(eta, below)})),
                        g.select(last, zero, g.call("log_inv_logit", {g.sub(above, eta)})));
  if (k > 2) {
    NodeRef edge = g.operation(Op::MaxI, {first, last});
    // The unchosen branch keeps a finite derivative.
    NodeRef gap = g.select(edge, g.real(-1), g.sub(below, above));
    total = g.add(total, g.select(edge, zero, g.call("log1m_exp", {gap})));
  }
  return total;
}

NodeRef multinomial(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  need(y->shape.size() == 1 && a[0]->shape == y->shape, "`multinomial` takes as many probabilities as counts",
       where);
  c.check_domain(y, Domain::Count, "the count", where, "out_of_support");
  NodeRef counts = g.to_real(y);
  NodeRef none = g.operation(Op::EqualR, {counts, g.real(0)});
  NodeRef terms = g.select(none, g.real(0), g.mul(counts, g.call("log", {a[0]})));
  NodeRef choices = g.sub(g.call("lgamma", {g.add(g.sum(counts), g.real(1))}),
                          g.sum(g.call("lgamma", {g.add(counts, g.real(1))})));
  return g.add(choices, g.sum(terms));
}

NodeRef dirichlet(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef alpha = a[0];
  need(!y->shape.empty(), "the outcome of `dirichlet` is a simplex", where);
  if (alpha->scalar()) alpha = g.fill(alpha, {y->shape.back()});
  need(alpha->shape.size() == 1 && alpha->shape[0] == y->shape.back() && y->shape.size() <= 2,
       "`dirichlet` takes as many concentrations as the simplex has elements", where);
  c.check_domain(alpha, Domain::Positive, "alpha", where);
  c.check_domain(y, Domain::Unit, "the outcome", where, "out_of_support");
  NodeRef constant = g.sub(g.call("lgamma", {g.sum(alpha)}), g.sum(g.call("lgamma", {alpha})));
  NodeRef powers = g.contract(g.call("log", {y}), g.sub(alpha, g.real(1)));
  return g.add(constant, powers);
}

/// y - mu as one column an outcome.
NodeRef centred(Checker& c, NodeRef y, NodeRef mu, std::uint64_t k, const std::string& where) {
  Graph& g = c.graph();
  y = g.to_real(y);
  need(!y->shape.empty() && y->shape.size() <= 2 && y->shape.back() == k,
       fmt::format("the outcome is {} where vectors of {} were expected", shape_text(y->shape), k), where);
  need(mu->scalar() || mu->shape == y->shape || mu->shape == Shape{k},
       fmt::format("the location is {} and the outcome {}", shape_text(mu->shape), shape_text(y->shape)),
       where);
  if (y->shape.size() == 1) return g.sub(y, mu);
  if (mu->shape.size() == 1) mu = g.contract(g.fill(g.real(1), {y->shape[0], 1}), g.reshape(mu, {1, k}));
  return g.transpose(g.sub(y, mu));
}

/// The squared length of each column (of a vector: its own).
NodeRef squares(Graph& g, NodeRef z) {
  NodeRef squared = g.call("square", {z});
  if (z->shape.size() == 1) return g.sum(squared);
  return g.contract(g.fill(g.real(1), {z->shape[0]}), squared);
}

NodeRef square_matrix(NodeRef m, const std::string& name, const std::string& where) {
  need(m->shape.size() == 2 && m->shape[0] == m->shape[1],
       fmt::format("`{}` takes a square matrix, found {}", name, shape_text(m->shape)), where);
  return m;
}

NodeRef log_diagonal(Checker& c, NodeRef l) {
  return c.graph().sum(c.graph().call("log", {diagonal_of(c, l)}));
}

NodeRef multi_normal_cholesky(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef l = plain(c, square_matrix(a[1], "multi_normal_cholesky", where), "factor");
  const std::uint64_t k = l->shape[0];
  NodeRef z = solve_lower_of(c, l, centred(c, y, a[0], k, where));
  NodeRef constant = g.add(log_diagonal(c, l), g.real(0.5 * log_2pi * static_cast<double>(k)));
  return g.sub(g.mul(g.real(-0.5), squares(g, z)), constant);
}

NodeRef multi_normal(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  NodeRef l = cholesky_of(c, square_matrix(a[1], "multi_normal", where));
  return multi_normal_cholesky(c, y, {a[0], l}, where);
}

NodeRef multi_student_t(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef nu = a[0];
  need(nu->scalar(), "the degrees of freedom are a scalar", where);
  c.check_domain(nu, Domain::Positive, "nu", where);
  NodeRef l = cholesky_of(c, square_matrix(a[2], "multi_student_t", where));
  const auto k = static_cast<double>(l->shape[0]);
  NodeRef z = solve_lower_of(c, l, centred(c, y, a[1], l->shape[0], where));
  NodeRef total = half(g, g.add(nu, g.real(k)));
  // lgamma((nu + K) / 2) - lgamma(nu / 2), which cancels for large nu.
  NodeRef constant = g.sub(g.real(std::lgamma(0.5 * k)), g.call("lbeta", {half(g, nu), g.real(0.5 * k)}));
  constant = g.sub(constant, g.mul(g.real(0.5 * k), g.add(g.call("log", {nu}), g.real(log_pi))));
  constant = g.sub(constant, log_diagonal(c, l));
  return g.sub(constant, g.mul(total, g.call("log1p", {g.div(squares(g, z), nu)})));
}

/// The normalising constant of LKJ; Lewandowski, Kurowicka and Joe, J. Multivariate Analysis 100, 2009,
/// eq. 16.
NodeRef lkj_constant(Graph& g, NodeRef eta, std::uint64_t k) {
  NodeRef total = g.real(0);
  for (std::uint64_t i = 1; i < k; ++i) {
    const auto rest = static_cast<double>(k - i);
    NodeRef shape = g.add(eta, g.real(0.5 * (rest - 1)));
    NodeRef powers = g.mul(g.real(rest * std::log(2.0)), g.add(g.mul(g.real(2), eta), g.real(rest - 2)));
    total = g.add(total, g.add(powers, g.mul(g.real(rest), g.call("lbeta", {shape, shape}))));
  }
  return total;
}

NodeRef lkj_corr_cholesky(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  square_matrix(y, "lkj_corr_cholesky", where);
  need(a[0]->scalar(), "the shape of LKJ is a scalar", where);
  c.check_domain(a[0], Domain::Positive, "eta", where);
  const std::uint64_t k = y->shape[0];
  need(k <= 1000, "the matrix is too large", where);
  std::vector<double> rest;
  for (std::uint64_t i = 0; i < k; ++i) rest.push_back(static_cast<double>(k - 1 - i));
  // The first diagonal element is 1.
  NodeRef powers = g.add(g.add_data("lkj powers", {k}, rest), g.mul(g.real(2), g.sub(a[0], g.real(1))));
  NodeRef logs = g.call("log", {diagonal_of(c, g.to_real(y))});
  return g.sub(g.contract(powers, logs), lkj_constant(g, a[0], k));
}

NodeRef lkj_corr(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  square_matrix(y, "lkj_corr", where);
  need(a[0]->scalar(), "the shape of LKJ is a scalar", where);
  c.check_domain(a[0], Domain::Positive, "eta", where);
  NodeRef l = cholesky_of(c, g.to_real(y));
  NodeRef log_determinant = g.mul(g.real(2), log_diagonal(c, l));
  return g.sub(g.mul(g.sub(a[0], g.real(1)), log_determinant), lkj_constant(g, a[0], y->shape[0]));
}

NodeRef log_multivariate_gamma(Graph& g, NodeRef x, std::uint64_t k) {
  const auto size = static_cast<double>(k);
  NodeRef total = g.real(size * (size - 1) / 4 * log_pi);
  for (std::uint64_t i = 0; i < k; ++i)
    total = g.add(total, g.call("lgamma", {g.sub(x, g.real(0.5 * static_cast<double>(i)))}));
  return total;
}

NodeRef wishart_density(Checker& c, NodeRef y, const Args& a, const std::string& where, bool inverse) {
  Graph& g = c.graph();
  const char* name = inverse ? "inv_wishart" : "wishart";
  square_matrix(y, name, where);
  square_matrix(a[1], name, where);
  need(y->shape == a[1]->shape && a[0]->scalar(),
       fmt::format("`{}` takes a scalar and a matrix of the outcome's shape", name), where);
  const std::uint64_t k = y->shape[0];
  need(k <= 1000, "the matrix is too large", where);
  NodeRef nu = a[0];
  c.check_domain(g.sub(nu, g.real(static_cast<double>(k) - 1)), Domain::Positive, "nu - (K - 1)", where);
  NodeRef ly = cholesky_of(c, g.to_real(y)), ls = cholesky_of(c, a[1]);
  NodeRef log_y = g.mul(g.real(2), log_diagonal(c, ly)), log_s = g.mul(g.real(2), log_diagonal(c, ls));
  // tr(S^-1 Y) = |Ls^-1 Ly|^2, and the other way round.
  NodeRef trace = g.sum(g.call("square", {inverse ? solve_lower_of(c, ly, ls) : solve_lower_of(c, ls, ly)}));
  const auto size = static_cast<double>(k);
  NodeRef constant =
      g.add(g.mul(g.real(0.5 * size * std::log(2.0)), nu), log_multivariate_gamma(g, half(g, nu), k));
  NodeRef value;
  if (inverse)
    value = g.sub(g.mul(half(g, nu), log_s), g.mul(half(g, g.add(nu, g.real(size + 1))), log_y));
  else
    value = g.sub(g.mul(half(g, g.sub(nu, g.real(size + 1))), log_y), g.mul(half(g, nu), log_s));
  return g.sub(g.sub(value, half(g, trace)), constant);
}

NodeRef wishart(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  return wishart_density(c, y, a, where, false);
}
NodeRef inv_wishart(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  return wishart_density(c, y, a, where, true);
}

NodeRef gaussian_random_walk(Checker& c, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  need(y->shape.size() == 1 && y->shape[0] > 0 && a[0]->scalar() && a[1]->scalar(),
       "`gaussian_random_walk` is of a vector, with a scalar start and step", where);
  const std::uint64_t n = y->shape[0];
  NodeRef x = g.to_real(y);
  const Distribution& normal = *find_distribution("normal");
  c.check_domain(a[1], Domain::Positive, "sigma", where);
  NodeRef first = c.univariate(normal, g.element(x, {g.integer(0)}), {a[0], a[1]}, "", where);
  if (n == 1) return first;
  NodeRef steps = g.sub(g.at(x, {{Axis::Kind::Range, nullptr, 1, n - 1}}),
                        g.at(x, {{Axis::Kind::Range, nullptr, 0, n - 1}}));
  return g.add(first, g.sum(c.univariate(normal, steps, {g.real(0), a[1]}, "", where)));
}

NodeRef glm(Checker& c, const char* name, NodeRef y, const Args& a, const std::string& where) {
  Graph& g = c.graph();
  need(a[0]->shape.size() == 2 && a[2]->shape.size() == 1 && a[0]->shape[1] == a[2]->shape[0],
       fmt::format("X is {} and beta {}", shape_text(a[0]->shape), shape_text(a[2]->shape)), where);
  Args args{g.add(a[1], g.contract(a[0], a[2]))};
  const Distribution& d = *find_distribution(name);
  if (a.size() > 3) {
    c.check_domain(a[3], d.parameters[1].domain, d.parameters[1].name, where);
    args.push_back(a[3]);
  }
  return c.univariate(d, y, args, "y", where);
}

const std::vector<VectorDistribution>& table() {
  static const std::vector<VectorDistribution> all = {
      {"categorical", {"theta"}, "integers 1..K", categorical, categorical_index, "probabilities"},
      {"categorical_logit",
       {"beta"},
       "integers 1..K",
       categorical_logit,
       categorical_logit_index,
       "log odds, softmax"},
      {"ordered_logistic",
       {"eta", "c"},
       "integers 1..K",
       ordered_logistic,
       ordered_logistic_index,
       "linear predictor, K - 1 ordered cut points"},
      {"multinomial",
       {"theta"},
       "K counts",
       multinomial,
       multinomial_counts,
       "probabilities",
       {"theta", "N"}},
      {"dirichlet",
       {"alpha"},
       "a simplex of K, or one a row",
       dirichlet,
       dirichlet_draw,
       "concentrations; a scalar stands for K equal ones"},
      {"multi_normal",
       {"mu", "Sigma"},
       "a vector of K, or one a row",
       multi_normal,
       multi_normal_draw,
       "mean, covariance"},
      {"multi_normal_cholesky",
       {"mu", "L"},
       "a vector of K, or one a row",
       multi_normal_cholesky,
       multi_normal_cholesky_draw,
       "mean, lower Cholesky factor of the covariance"},
      {"multi_student_t",
       {"nu", "mu", "Sigma"},
       "a vector of K, or one a row",
       multi_student_t,
       multi_student_t_draw,
       "degrees of freedom, location, scale matrix"},
      {"lkj_corr_cholesky",
       {"eta"},
       "a Cholesky factor of a correlation matrix",
       lkj_corr_cholesky,
       lkj_corr_cholesky_draw,
       "shape; density of the factor",
       {"K", "eta"}},
      {"lkj_corr", {"eta"}, "a correlation matrix", lkj_corr, lkj_corr_draw, "shape", {"K", "eta"}},
      {"wishart",
       {"nu", "S"},
       "a covariance matrix",
       wishart,
       wishart_draw,
       "degrees of freedom, scale matrix"},
      {"inv_wishart",
       {"nu", "S"},
       "a covariance matrix",
       inv_wishart,
       inv_wishart_draw,
       "degrees of freedom, scale matrix"},
      {"gaussian_random_walk",
       {"start", "sigma"},
       "a vector",
       gaussian_random_walk,
       gaussian_random_walk_draw,
       "y[1] about start, each next about the one before, standard deviation sigma",
       {"start", "sigma", "N"}},
      {"normal_id_glm",
       {"X", "alpha", "beta", "sigma"},
       "a vector",
       [](Checker& c, NodeRef y, const Args& a, const std::string& w) { return glm(c, "normal", y, a, w); },
       [](Checker& c, const Args& a, const std::string& w) { return glm_draw(c, "normal", a, w); },
       "normal(alpha + X beta, sigma)"},
      {"bernoulli_logit_glm",
       {"X", "alpha", "beta"},
       "0 or 1",
       [](Checker& c, NodeRef y, const Args& a, const std::string& w) {
         return glm(c, "bernoulli_logit", y, a, w);
       },
       [](Checker& c, const Args& a, const std::string& w) { return glm_draw(c, "bernoulli_logit", a, w); },
       "bernoulli_logit(alpha + X beta)"},
      {"poisson_log_glm",
       {"X", "alpha", "beta"},
       "counts",
       [](Checker& c, NodeRef y, const Args& a, const std::string& w) {
         return glm(c, "poisson_log", y, a, w);
       },
       [](Checker& c, const Args& a, const std::string& w) { return glm_draw(c, "poisson_log", a, w); },
       "poisson_log(alpha + X beta)"},
      {"neg_binomial_2_log_glm",
       {"X", "alpha", "beta", "phi"},
       "counts",
       [](Checker& c, NodeRef y, const Args& a, const std::string& w) {
         return glm(c, "neg_binomial_2_log", y, a, w);
       },
       [](Checker& c, const Args& a, const std::string& w) {
         return glm_draw(c, "neg_binomial_2_log", a, w);
       },
       "neg_binomial_2_log(alpha + X beta, phi)"},
  };
  return all;
}

}  // namespace

std::span<const VectorDistribution> vector_distributions() { return table(); }

const VectorDistribution* find_vector_distribution(std::string_view name) {
  for (const VectorDistribution& d : table())
    if (d.name == name) return &d;
  return nullptr;
}

}  // namespace drey::model
