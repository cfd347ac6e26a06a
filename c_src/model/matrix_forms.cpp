#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/library.h"

namespace drey::model {
namespace {

using syntax::Expression;

NodeRef arg(Checker& c, const Expression& e, std::size_t i) {
  return c.graph().to_real(c.expression(e.args[i]));
}

NodeRef shaped(Checker& c, const Expression& e, std::size_t i, std::size_t rank, const char* what) {
  NodeRef x = arg(c, e, i);
  if (x->shape.size() != rank)
    throw Error("wrong_shape",
                fmt::format("`{}` takes {} here, found {}", e.name, what, shape_text(x->shape)),
                e.args[i].where);
  return x;
}
NodeRef vector(Checker& c, const Expression& e, std::size_t i) { return shaped(c, e, i, 1, "a vector"); }
NodeRef matrix(Checker& c, const Expression& e, std::size_t i) { return shaped(c, e, i, 2, "a matrix"); }
NodeRef square_matrix(Checker& c, const Expression& e, std::size_t i) {
  NodeRef m = matrix(c, e, i);
  if (m->shape[0] != m->shape[1])
    throw Error("wrong_shape",
                fmt::format("`{}` takes a square matrix, found {}", e.name, shape_text(m->shape)),
                e.args[i].where);
  return m;
}

NodeRef ones(Checker& c, Shape shape) { return c.graph().fill(c.graph().real(1), std::move(shape)); }

/// A vector as the columns (down) or the rows of a matrix.
NodeRef down(Checker& c, NodeRef v, std::uint64_t columns) {
  return c.graph().contract(c.graph().reshape(v, {v->shape[0], 1}), ones(c, {1, columns}));
}
NodeRef across(Checker& c, NodeRef v, std::uint64_t rows) {
  return c.graph().contract(ones(c, {rows, 1}), c.graph().reshape(v, {1, v->shape[0]}));
}

NodeRef identity(Checker& c, std::uint64_t n) {
  std::vector<double> values(n * n);
  for (std::uint64_t i = 0; i < n; ++i) values[i * n + i] = 1;
  return c.graph().add_data("identity", {n, n}, std::move(values));
}

/// Squared distances between all pairs of points: rows of a matrix, or elements of a vector.
NodeRef squared_distances(Checker& c, NodeRef x, const std::string& where) {
  Graph& g = c.graph();
  const std::uint64_t n = x->shape[0];
  if (x->shape.size() == 1) return g.call("square", {g.sub(down(c, x, n), across(c, x, n))});
  if (x->shape[1] > 64 || x->shape[1] == 0)
    throw Error("wrong_shape", "the points have 1 to 64 coordinates", where);
  NodeRef total = nullptr;
  for (std::uint64_t d = 0; d < x->shape[1]; ++d) {
    NodeRef column = g.at(x, {{Axis::Kind::Range, nullptr, 0, n},
                              {Axis::Kind::Scalar, g.integer(static_cast<std::int64_t>(d)), 0, 0}});
    NodeRef square = g.call("square", {g.sub(down(c, column, n), across(c, column, n))});
    total = total ? g.add(total, square) : square;
  }
  return total;
}

NodeRef points(Checker& c, const Expression& e) {
  NodeRef x = arg(c, e, 0);
  if (x->shape.empty() || x->shape.size() > 2)
    throw Error("wrong_shape", fmt::format("`{}` takes a vector, or a matrix of one point a row", e.name),
                e.args[0].where);
  return x;
}

NodeRef scalar(Checker& c, const Expression& e, std::size_t i) { return shaped(c, e, i, 0, "a scalar"); }

NodeRef matern(Checker& c, const Expression& e, int order) {
  Graph& g = c.graph();
  NodeRef x = points(c, e), alpha = scalar(c, e, 1), rho = scalar(c, e, 2);
  NodeRef r = g.call("sqrt", {squared_distances(c, x, e.where)});
  const double root = std::sqrt(order == 1 ? 1.0 : order == 3 ? 3.0 : 5.0);
  NodeRef t = g.mul(g.div(g.real(root), rho), r);
  NodeRef decay = g.mul(g.call("square", {alpha}), g.call("exp", {g.neg(t)}));
  if (order == 1) return decay;
  NodeRef factor = g.add(g.real(1), t);
  if (order == 5) factor = g.add(factor, g.mul(g.real(1.0 / 3), g.call("square", {t})));
  return g.mul(decay, factor);
}

}  // namespace

NodeRef cholesky_of(Checker& c, NodeRef a) {
  Graph& g = c.graph();
  const std::uint64_t n = a->shape[0];
  NodeRef l = c.declare("cholesky", Type::Real, {n, n});
  NodeRef zero = g.integer(0);
  c.loop("i", n, [&](NodeRef i) {
    c.loop("j", zero, i, [&](NodeRef j) {
      NodeRef k = g.add_loop("k", zero, j);
      NodeRef done = g.sum_over(k, g.mul(g.element(l, {i, k}), g.element(l, {j, k})));
      c.store(l, {i, j}, g.div(g.sub(g.element(a, {i, j}), done), g.element(l, {j, j})));
    });
    NodeRef k = g.add_loop("k", zero, i);
    NodeRef done = g.sum_over(k, g.call("square", {g.element(l, {i, k})}));
    c.store(l, {i, i}, g.call("sqrt", {g.sub(g.element(a, {i, i}), done)}));
    c.loop("j", g.shift(i, 1), g.integer(static_cast<std::int64_t>(n)), [&](NodeRef j) {
      c.store(l, {i, j}, g.real(0));
    });
  });
  return l;
}

namespace {

/// Forward (or, transposed, backward) substitution.
NodeRef substitute(Checker& c, NodeRef l, NodeRef b, bool transposed) {
  Graph& g = c.graph();
  const std::uint64_t n = l->shape[0];
  if (b->shape.empty() || b->shape[0] != n || b->shape.size() > 2)
    throw Error("wrong_shape",
                fmt::format("a system of {} equations has the right side {}", n, shape_text(b->shape)));
  NodeRef x = c.declare("solution", Type::Real, b->shape);
  NodeRef last = g.integer(static_cast<std::int64_t>(n) - 1);
  auto column = [&](NodeRef col) {
    auto at = [&](NodeRef m, NodeRef i) { return col ? g.element(m, {i, col}) : g.element(m, {i}); };
    c.loop("r", n, [&](NodeRef r) {
      NodeRef i = transposed ? g.operation(Op::SubI, {last, r}) : r;
      NodeRef k = g.add_loop("k", g.integer(0), r);
      NodeRef j = transposed ? g.operation(Op::SubI, {last, k}) : k;
      NodeRef entry = transposed ? g.element(l, {j, i}) : g.element(l, {i, j});
      NodeRef done = g.sum_over(k, g.mul(entry, at(x, j)));
      std::vector<NodeRef> index{i};
      if (col) index.push_back(col);
      c.store(x, index, g.div(g.sub(at(b, i), done), g.element(l, {i, i})));
    });
  };
  if (b->shape.size() == 1)
    column(nullptr);
  else
    c.loop("column", b->shape[1], column);
  return x;
}

NodeRef log_diagonal_sum(Checker& c, NodeRef l) {
  return c.graph().sum(c.graph().call("log", {diagonal_of(c, l)}));
}

}  // namespace

NodeRef solve_lower_of(Checker& c, NodeRef l, NodeRef b) { return substitute(c, l, b, false); }
NodeRef solve_lower_transposed_of(Checker& c, NodeRef l, NodeRef b) { return substitute(c, l, b, true); }

NodeRef diagonal_of(Checker& c, NodeRef m) {
  Graph& g = c.graph();
  const std::uint64_t n = std::min(m->shape[0], m->shape[1]);
  // Element (i, i) is element i (columns + 1) in row-major order.
  NodeRef flat = g.reshape(m, {m->shape[0] * m->shape[1]});
  NodeRef index =
      g.operation(Op::MulI, {g.count(0, n), g.integer(static_cast<std::int64_t>(m->shape[1]) + 1)});
  return g.at(flat, {{Axis::Kind::Gather, index, 0, 0}});
}

std::vector<Form> matrix_forms() {
  return {
      {"cholesky", 1, 1,
       [](Checker& c, const Expression& e) { return cholesky_of(c, square_matrix(c, e, 0)); },
       "{cholesky, A}", "lower factor L of a positive definite A = L L'; the lower triangle of A is read"},
      {"solve_lower", 2, 2,
       [](Checker& c, const Expression& e) {
         return solve_lower_of(c, square_matrix(c, e, 0), arg(c, e, 1));
       },
       "{solve_lower, L, B}", "L^-1 B for lower triangular L"},
      {"solve_lower_transposed", 2, 2,
       [](Checker& c, const Expression& e) {
         return solve_lower_transposed_of(c, square_matrix(c, e, 0), arg(c, e, 1));
       },
       "{solve_lower_transposed, L, B}", "L'^-1 B for lower triangular L"},
      {"solve_spd", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef l = cholesky_of(c, square_matrix(c, e, 0));
         return solve_lower_transposed_of(c, l, solve_lower_of(c, l, arg(c, e, 1)));
       },
       "{solve_spd, A, B}", "A^-1 B for positive definite A"},
      {"inverse_spd", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef l = cholesky_of(c, square_matrix(c, e, 0));
         return solve_lower_transposed_of(c, l, solve_lower_of(c, l, identity(c, l->shape[0])));
       },
       "{inverse_spd, A}", "A^-1 for positive definite A"},
      {"log_determinant_spd", 1, 1,
       [](Checker& c, const Expression& e) {
         return c.graph().mul(c.graph().real(2), log_diagonal_sum(c, cholesky_of(c, square_matrix(c, e, 0))));
       },
       "{log_determinant_spd, A}", "log det A for positive definite A"},
      {"diagonal", 1, 1, [](Checker& c, const Expression& e) { return diagonal_of(c, matrix(c, e, 0)); },
       "{diagonal, M}", "the diagonal as a vector"},
      {"diag_matrix", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef v = vector(c, e, 0);
         return c.graph().mul(identity(c, v->shape[0]), down(c, v, v->shape[0]));
       },
       "{diag_matrix, V}", "the matrix with diagonal V"},
      {"identity_matrix", 1, 1,
       [](Checker& c, const Expression& e) {
         std::uint64_t n = c.size(e.args[0], "a size");
         if (n > 5000) throw Error("too_large", "a matrix of more than 25 million elements", e.where);
         return identity(c, n);
       },
       "{identity_matrix, N}", "ones on the diagonal"},
      {"diag_pre_multiply", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef v = vector(c, e, 0), m = matrix(c, e, 1);
         return c.graph().mul(down(c, v, m->shape[1]), m);
       },
       "{diag_pre_multiply, V, M}", "row i of M times V[i]"},
      {"diag_post_multiply", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef m = matrix(c, e, 0), v = vector(c, e, 1);
         return c.graph().mul(m, across(c, v, m->shape[0]));
       },
       "{diag_post_multiply, M, V}", "column j of M times V[j]"},
      {"outer", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef a = vector(c, e, 0), b = vector(c, e, 1);
         return c.graph().contract(c.graph().reshape(a, {a->shape[0], 1}),
                                   c.graph().reshape(b, {1, b->shape[0]}));
       },
       "{outer, A, B}", "the matrix A[i] B[j]"},
      {"quad_form", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef a = square_matrix(c, e, 0), x = vector(c, e, 1);
         return c.graph().contract(x, c.graph().contract(a, x));
       },
       "{quad_form, A, X}", "x' A x"},
      {"tcrossprod", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef m = matrix(c, e, 0);
         return c.graph().contract(m, c.graph().transpose(m));
       },
       "{tcrossprod, M}", "M M'"},
      {"crossprod", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef m = matrix(c, e, 0);
         return c.graph().contract(c.graph().transpose(m), m);
       },
       "{crossprod, M}", "M' M"},
      {"trace", 1, 1,
       [](Checker& c, const Expression& e) { return c.graph().sum(diagonal_of(c, matrix(c, e, 0))); },
       "{trace, M}", "sum of the diagonal"},
      {"row_sums", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef m = matrix(c, e, 0);
         return c.graph().contract(m, ones(c, {m->shape[1]}));
       },
       "{row_sums, M}", "one sum a row"},
      {"column_sums", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef m = matrix(c, e, 0);
         return c.graph().contract(ones(c, {m->shape[0]}), m);
       },
       "{column_sums, M}", "one sum a column"},
      {"rows", 1, 1,
       [](Checker& c, const Expression& e) {
         return c.graph().integer(static_cast<std::int64_t>(matrix(c, e, 0)->shape[0]));
       },
       "{rows, M}", "how many"},
      {"columns", 1, 1,
       [](Checker& c, const Expression& e) {
         return c.graph().integer(static_cast<std::int64_t>(matrix(c, e, 0)->shape[1]));
       },
       "{columns, M}", "how many"},
      {"gp_exp_quad_cov", 3, 3,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef x = points(c, e), alpha = scalar(c, e, 1), rho = scalar(c, e, 2);
         NodeRef scale = g.mul(g.real(-0.5), g.call("square", {g.call("inv", {rho})}));
         return g.mul(g.call("square", {alpha}),
                      g.call("exp", {g.mul(scale, squared_distances(c, x, e.where))}));
       },
       "{gp_exp_quad_cov, X, Alpha, Rho}", "alpha^2 exp(-d^2 / (2 rho^2)) for all pairs of points"},
      {"gp_exponential_cov", 3, 3, [](Checker& c, const Expression& e) { return matern(c, e, 1); },
       "{gp_exponential_cov, X, Alpha, Rho}", "alpha^2 exp(-d / rho)"},
      {"gp_matern32_cov", 3, 3, [](Checker& c, const Expression& e) { return matern(c, e, 3); },
       "{gp_matern32_cov, X, Alpha, Rho}", "Matern covariance, smoothness 3/2"},
      {"gp_matern52_cov", 3, 3, [](Checker& c, const Expression& e) { return matern(c, e, 5); },
       "{gp_matern52_cov, X, Alpha, Rho}", "Matern covariance, smoothness 5/2"},
      {"gp_periodic_cov", 4, 4,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef x = points(c, e), alpha = scalar(c, e, 1), rho = scalar(c, e, 2), period = scalar(c, e, 3);
         NodeRef d = g.call("sqrt", {squared_distances(c, x, e.where)});
         NodeRef s = g.call("sin", {g.mul(g.div(g.real(M_PI), period), d)});
         NodeRef scale = g.mul(g.real(-2), g.call("square", {g.call("inv", {rho})}));
         return g.mul(g.call("square", {alpha}), g.call("exp", {g.mul(scale, g.call("square", {s}))}));
       },
       "{gp_periodic_cov, X, Alpha, Rho, Period}", "alpha^2 exp(-2 sin(pi d / period)^2 / rho^2)"},
  };
}

}  // namespace drey::model
