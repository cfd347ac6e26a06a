#include "model/vector_generators.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/distributions.h"
#include "model/generators.h"
#include "model/library.h"
#include "model/vector_terms.h"

namespace drey::model {
namespace {

constexpr double most_draws = 100000;
constexpr std::uint64_t most_rows = 100;

NodeRef square_matrix(NodeRef m, const std::string& name, const std::string& where) {
  need(m->shape.size() == 2 && m->shape[0] == m->shape[1] && m->shape[0] > 0,
       fmt::format("`{}` takes a square matrix, found {}", name, shape_text(m->shape)), where);
  return m;
}

/// A number that is known with the data: how large the draw is.
std::uint64_t known_size(Checker& c, NodeRef n, const char* what, double most, const std::string& where) {
  if (!n->scalar() || !n->data_only || !n->loops.empty())
    throw Error("wrong_type", fmt::format("{} is an integer that is known with the data", what), where);
  const double size = c.host().element(n, {});
  if (!(size >= 1 && size <= most) || size != std::floor(size))
    throw Error("out_of_range", fmt::format("{} is {}, expected 1 to {}", what, size, most), where);
  return static_cast<std::uint64_t>(size);
}

NodeRef real_of(Graph& g, std::uint64_t n) { return g.integer(static_cast<std::int64_t>(n)); }

/// Bartlett's factor: A A' is Wishart with the identity as scale; M. S. Bartlett, Proc. Royal Society of
/// Edinburgh 53, 1933. Diagonal sqrt(chi_square(nu - i)), standard normal below it.
NodeRef bartlett(Checker& c, NodeRef nu, std::uint64_t k) {
  Graph& g = c.graph();
  NodeRef a = c.declare("bartlett", Type::Real, {k, k});
  c.loop("i", k, [&](NodeRef i) {
    NodeRef gamma = gamma_draw(c, half(g, g.sub(nu, g.to_real(i))));
    c.store(a, {i, i}, g.call("sqrt", {g.mul(g.real(2), gamma)}));
    c.loop("j", g.integer(0), i, [&](NodeRef j) { c.store(a, {i, j}, normal_draw(c)); });
    c.loop("j", g.shift(i, 1), real_of(g, k), [&](NodeRef j) { c.store(a, {i, j}, g.real(0)); });
  });
  return a;
}

NodeRef wishart_scale(Checker& c, const GeneratorArgs& a, const char* name, const std::string& where) {
  square_matrix(a[1], name, where);
  need(a[0]->scalar(), "the degrees of freedom are a scalar", where);
  need(a[1]->shape[0] <= most_rows, fmt::format("`{}` draws at most {} rows", name, most_rows), where);
  const auto rows = static_cast<double>(a[1]->shape[0]);
  c.check_domain(c.graph().sub(a[0], c.graph().real(rows - 1)), Domain::Positive, "nu - (K - 1)", where);
  return cholesky_of(c, plain(c, a[1], "scale"));
}

}  // namespace

NodeRef multi_normal_cholesky_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef l = plain(c, square_matrix(a[1], "multi_normal_cholesky_rng", where), "factor");
  const std::uint64_t k = l->shape[0];
  NodeRef z = c.declare("z", Type::Real, {k});
  c.loop("i", k, [&](NodeRef i) { c.store(z, {i}, normal_draw(c)); });
  return c.keep(g.add(g.contract(l, z), a[0]), "draw");
}
NodeRef multi_normal_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  return multi_normal_cholesky_draw(c, {a[0], cholesky_of(c, square_matrix(a[1], "multi_normal_rng", where))},
                                    where);
}
NodeRef multi_student_t_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef z = multi_normal_draw(c, {g.real(0), a[2]}, where);
  NodeRef w = c.keep(g.call("sqrt", {g.div(half(g, a[0]), gamma_draw(c, half(g, a[0])))}), "w");
  return c.keep(g.add(a[1], g.mul(w, z)), "draw");
}
NodeRef dirichlet_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  need(a[0]->shape.size() == 1, "`dirichlet_rng` takes a vector", where);
  NodeRef x = c.declare("gammas", Type::Real, a[0]->shape);
  c.loop("i", a[0]->shape[0], [&](NodeRef i) { c.store(x, {i}, gamma_draw(c, g.element(a[0], {i}))); });
  return c.keep(g.div(x, g.sum(x)), "draw");
}
NodeRef categorical_index(Checker& c, const GeneratorArgs& a, const std::string& where) {
  need(a[0]->shape.size() == 1, "`categorical_rng` takes a vector", where);
  return c.graph().shift(categorical_draw(c, a[0]), 1);
}
NodeRef categorical_logit_index(Checker& c, const GeneratorArgs& a, const std::string& where) {
  need(a[0]->shape.size() == 1, "`categorical_logit_rng` takes a vector", where);
  Graph& g = c.graph();
  return g.shift(categorical_draw(c, c.keep(g.call("exp", {g.sub(a[0], log_sum_exp_of(c, a[0]))}), "theta")),
                 1);
}
NodeRef ordered_logistic_index(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  need(a[0]->scalar() && a[1]->shape.size() == 1, "`ordered_logistic_rng` takes a scalar and a vector",
       where);
  // A logistic number about eta, counted against the cut points.
  NodeRef z = c.keep(g.add(a[0], g.call("logit", {g.random()})), "latent");
  NodeRef above = g.sum(g.to_real(g.operation(Op::LessR, {a[1], z})));
  return c.keep(g.shift(g.operation(Op::ToInteger, {g.add(above, g.real(0.5))}), 1), "category");
}

NodeRef multinomial_counts(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  need(a[0]->shape.size() == 1 && a[0]->shape[0] > 0, "`multinomial_rng` takes a vector of probabilities",
       where);
  const std::uint64_t n = known_size(c, a[1], "how many `multinomial_rng` counts", most_draws, where);
  const std::uint64_t k = a[0]->shape[0];
  NodeRef zero = g.integer(0), last = real_of(g, k - 1);
  NodeRef theta = plain(c, a[0], "theta"), u = c.declare("u", Type::Real, {n});
  c.loop("i", n, [&](NodeRef i) { c.store(u, {i}, g.random()); });
  // Counts below the upper edge of each category; the last edge is 1 but for rounding, so it is not asked.
  NodeRef edge = c.declare("edge", Type::Real, {k}), below = c.declare("below", Type::Real, {k + 1});
  NodeRef counts = c.declare("counts", Type::Integer, {k});
  c.store(below, {zero}, g.real(0));
  c.loop("j", k, [&](NodeRef j) {
    NodeRef before = g.select(g.operation(Op::EqualI, {j, zero}), g.real(0),
                              g.element(edge, {g.operation(Op::MaxI, {g.shift(j, -1), zero})}));
    c.store(edge, {j}, g.add(before, g.element(theta, {j})));
    NodeRef inside = g.sum(g.to_real(g.operation(Op::LessR, {u, g.element(edge, {j})})));
    inside = g.select(g.operation(Op::EqualI, {j, last}), g.real(static_cast<double>(n)), inside);
    c.store(below, {g.shift(j, 1)}, inside);
    NodeRef count = g.sub(g.element(below, {g.shift(j, 1)}), g.element(below, {j}));
    c.store(counts, {j}, g.operation(Op::ToInteger, {g.add(count, g.real(0.5))}));
  });
  return counts;
}

/// Partial correlations 2 beta(b, b) - 1 of canonical vines, b = eta + (K - 2 - j) / 2 in column j (from 0):
/// Lewandowski, Kurowicka and Joe, J. Multivariate Analysis 100, 2009, section 2.4.
NodeRef lkj_corr_cholesky_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  const std::uint64_t k =
      known_size(c, a[0], "the size of the correlation matrix", static_cast<double>(most_rows), where);
  need(a[1]->scalar(), "the shape of LKJ is a scalar", where);
  c.check_domain(a[1], Domain::Positive, "eta", where);
  NodeRef l = c.declare("factor", Type::Real, {k, k});
  c.loop("i", k, [&](NodeRef i) {
    c.loop("j", g.integer(0), i, [&](NodeRef j) {
      NodeRef shape = g.add(a[1], half(g, g.sub(g.real(static_cast<double>(k) - 2), g.to_real(j))));
      shape = c.keep(shape, "shape");
      NodeRef x = gamma_draw(c, shape), y = gamma_draw(c, shape);
      NodeRef partial = g.div(g.sub(x, y), g.add(x, y));
      NodeRef r = g.add_loop("r", g.integer(0), j);
      NodeRef used = g.sum_over(r, g.call("square", {g.element(l, {i, r})}));
      NodeRef rest = g.call("sqrt", {g.call("max", {g.sub(g.real(1), used), g.real(0)})});
      c.store(l, {i, j}, g.mul(partial, rest));
    });
    NodeRef r = g.add_loop("r", g.integer(0), i);
    NodeRef used = g.sum_over(r, g.call("square", {g.element(l, {i, r})}));
    c.store(l, {i, i}, g.call("sqrt", {g.call("max", {g.sub(g.real(1), used), g.real(0)})}));
    c.loop("j", g.shift(i, 1), real_of(g, k), [&](NodeRef j) { c.store(l, {i, j}, g.real(0)); });
  });
  return l;
}

NodeRef lkj_corr_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  NodeRef l = lkj_corr_cholesky_draw(c, a, where);
  return c.keep(c.graph().contract(l, c.graph().transpose(l)), "draw");
}

NodeRef wishart_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef l = wishart_scale(c, a, "wishart_rng", where);
  NodeRef root = c.keep(g.contract(l, bartlett(c, c.keep(a[0], "nu"), a[1]->shape[0])), "root");
  return c.keep(g.contract(root, g.transpose(root)), "draw");
}

/// The inverse of Wishart(nu, S^-1): with S = L L', it is R' R for R = A^-1 L'.
NodeRef inv_wishart_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  NodeRef l = wishart_scale(c, a, "inv_wishart_rng", where);
  NodeRef root = solve_lower_of(c, bartlett(c, c.keep(a[0], "nu"), a[1]->shape[0]), g.transpose(l));
  root = plain(c, root, "root");
  return c.keep(g.contract(g.transpose(root), root), "draw");
}

NodeRef gaussian_random_walk_draw(Checker& c, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  need(a[0]->scalar() && a[1]->scalar(), "`gaussian_random_walk_rng` takes a scalar start and step", where);
  c.check_domain(a[1], Domain::Positive, "sigma", where);
  const std::uint64_t n = known_size(c, a[2], "the length of the walk", most_draws, where);
  NodeRef walk = c.declare("walk", Type::Real, {n});
  NodeRef start = c.keep(a[0], "start"), sigma = c.keep(a[1], "sigma"), zero = g.integer(0);
  c.loop("i", n, [&](NodeRef i) {
    NodeRef before = g.select(g.operation(Op::EqualI, {i, zero}), start,
                              g.element(walk, {g.operation(Op::MaxI, {g.shift(i, -1), zero})}));
    c.store(walk, {i}, g.add(before, g.mul(sigma, normal_draw(c))));
  });
  return walk;
}

NodeRef glm_draw(Checker& c, const char* distribution, const GeneratorArgs& a, const std::string& where) {
  Graph& g = c.graph();
  const Distribution& d = *find_distribution(distribution);
  need(a[0]->shape.size() == 2 && a[2]->shape.size() == 1 && a[0]->shape[1] == a[2]->shape[0],
       fmt::format("X is {} and beta {}", shape_text(a[0]->shape), shape_text(a[2]->shape)), where);
  const std::uint64_t n = a[0]->shape[0];
  need(a[1]->scalar() || a[1]->shape == Shape{n},
       fmt::format("alpha is {} for {} rows of X", shape_text(a[1]->shape), n), where);
  NodeRef eta = c.keep(g.add(a[1], g.contract(a[0], a[2])), "eta");
  const bool real = d.outcome == Domain::Real;
  NodeRef out = c.declare("draw", real ? Type::Real : Type::Integer, {n});
  if (a.size() > 3) {
    need(a[3]->scalar() || a[3]->shape == Shape{n},
         fmt::format("`{}` is {} for {} rows of X", d.parameters[1].name, shape_text(a[3]->shape), n), where);
    c.check_domain(a[3], d.parameters[1].domain, d.parameters[1].name, where);
  }
  c.loop("i", n, [&](NodeRef i) {
    GeneratorArgs args{g.element(eta, {i})};
    if (a.size() > 3) args.push_back(a[3]->scalar() ? a[3] : g.element(a[3], {i}));
    c.store(out, {i}, univariate_draw(c, d, args, where));
  });
  return out;
}

}  // namespace drey::model
