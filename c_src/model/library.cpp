#include "model/library.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"

namespace drey::model {
namespace {

using syntax::Expression;

/// Vectors up to this length are reduced in straight-line text.
constexpr std::uint64_t unrolled = 8;

NodeRef arg(Checker& c, const Expression& e, std::size_t i) { return c.expression(e.args[i]); }

std::vector<NodeRef> all_args(Checker& c, const Expression& e) {
  std::vector<NodeRef> args;
  for (const Expression& one : e.args) args.push_back(c.expression(one));
  return args;
}

template <char O>
NodeRef binary(Checker& c, const Expression& e) {
  const std::string op(1, O);
  if (e.args.size() == 1) {
    NodeRef x = arg(c, e, 0);
    if (O == '+') return x;
    if (x->type == Type::Integer) return c.graph().operation(Op::SubI, {c.graph().integer(0), x});
    return c.graph().neg(x);
  }
  NodeRef total = arg(c, e, 0);
  for (std::size_t i = 1; i < e.args.size(); ++i) total = c.arithmetic(op, total, arg(c, e, i));
  return total;
}

NodeRef less(Checker& c, NodeRef a, NodeRef b) {
  const bool whole = a->type == Type::Integer && b->type == Type::Integer;
  return c.graph().operation(whole ? Op::LessI : Op::LessR, {a, b});
}
NodeRef equal(Checker& c, NodeRef a, NodeRef b) {
  const bool whole = a->type == Type::Integer && b->type == Type::Integer;
  return c.graph().operation(whole ? Op::EqualI : Op::EqualR, {a, b});
}
NodeRef negate(Checker& c, NodeRef a) { return c.graph().operation(Op::NotI, {a}); }

NodeRef integer_operation(Checker& c, const Expression& e, Op op) {
  NodeRef a = arg(c, e, 0), b = arg(c, e, 1);
  if (a->type != Type::Integer || b->type != Type::Integer)
    throw Error(
        "wrong_type",
        fmt::format("`{}` takes {}, found a real number", e.name,
                    e.name == "and" || e.name == "or" ? "conditions, such as {'<', A, B}" : "integers"),
        e.where);
  if ((op == Op::DivI || op == Op::ModI) && b->lower <= 0)
    throw Error("out_of_range", "the divisor must be known to be positive", e.where);
  return c.graph().operation(op, {a, b});
}

/// Folds a vector's elements with `combine`: in straight line when short, else over a variable.
template <typename Combine>
NodeRef fold(Checker& c, NodeRef x, const char* name, Combine combine) {
  Graph& g = c.graph();
  x = g.to_real(x);
  if (x->scalar()) return x;
  const std::uint64_t n = elements(x->shape);
  if (n == 0) throw Error("wrong_shape", "a vector of no elements has none to take");
  x = g.reshape(x, {n});
  NodeRef total = g.element(x, {g.integer(0)});
  if (n <= unrolled) {
    for (std::uint64_t i = 1; i < n; ++i)
      total = combine(total, g.element(x, {g.integer(static_cast<std::int64_t>(i))}));
    return total;
  }
  NodeRef running = c.declare(name, Type::Real, {n});
  c.store(running, {g.integer(0)}, total);
  c.loop("i", g.integer(1), g.integer(static_cast<std::int64_t>(n)), [&](NodeRef i) {
    NodeRef before = g.element(running, {g.operation(Op::AddI, {i, g.integer(-1)})});
    c.store(running, {i}, combine(before, g.element(x, {i})));
  });
  return g.element(running, {g.integer(static_cast<std::int64_t>(n) - 1)});
}

}  // namespace

NodeRef log_sum_exp_of(Checker& c, NodeRef x) {
  Graph& g = c.graph();
  x = g.to_real(x);
  if (x->scalar()) return x;
  if (elements(x->shape) == 1) return g.element(g.reshape(x, {1}), {g.integer(0)});
  if (elements(x->shape) == 2) {
    NodeRef flat = g.reshape(x, {2});
    return g.call("log_sum_exp", {g.element(flat, {g.integer(0)}), g.element(flat, {g.integer(1)})});
  }
  NodeRef top = g.operation(Op::StopGradient, {fold(c, x, "largest", [&](NodeRef a, NodeRef b) {
                              return g.call("max", {a, b});
                            })});
  NodeRef sum;
  if (elements(x->shape) <= unrolled) {
    NodeRef flat = g.reshape(x, {elements(x->shape)});
    sum = nullptr;
    for (std::uint64_t i = 0; i < elements(x->shape); ++i) {
      NodeRef term = g.call("exp", {g.sub(g.element(flat, {g.integer(static_cast<std::int64_t>(i))}), top)});
      sum = sum ? g.add(sum, term) : term;
    }
  } else {
    sum = g.sum(g.call("exp", {g.sub(x, top)}));
  }
  return g.add(top, g.call("log", {sum}));
}

namespace {

NodeRef vector_argument(Checker& c, const Expression& e, std::size_t i) {
  NodeRef x = arg(c, e, i);
  if (x->shape.size() != 1)
    throw Error("wrong_shape",
                fmt::format("`{}` takes a vector here, found {}", e.name, shape_text(x->shape)),
                e.args[i].where);
  return x;
}

NodeRef number(Checker& c, double value) { return c.graph().real(value); }

}  // namespace

std::vector<Form> basic_forms() {
  constexpr std::size_t many = 64;
  return {
      {"+", 1, many, binary<'+'>, "{'+', A, B...}", "elementwise sum; scalars broadcast"},
      {"-", 1, many, binary<'-'>, "{'-', A, B...}", "elementwise difference; of one argument its negative"},
      {"*", 2, many, binary<'*'>, "{'*', A, B...}", "elementwise product; scalars broadcast"},
      {"/", 2, 2, binary<'/'>, "{'/', A, B}", "elementwise quotient, real also of integers"},
      {"pow", 2, 2, [](Checker& c, const Expression& e) { return c.graph().call("^", all_args(c, e)); },
       "{pow, A, B}", "as {'^', A, B}"},
      {"div", 2, 2, [](Checker& c, const Expression& e) { return integer_operation(c, e, Op::DivI); },
       "{'div', I, J}", "integer quotient"},
      {"rem", 2, 2, [](Checker& c, const Expression& e) { return integer_operation(c, e, Op::ModI); },
       "{'rem', I, J}", "integer remainder"},
      {"<", 2, 2, [](Checker& c, const Expression& e) { return less(c, arg(c, e, 0), arg(c, e, 1)); },
       "{'<', A, B}", "1 or 0"},
      {">", 2, 2, [](Checker& c, const Expression& e) { return less(c, arg(c, e, 1), arg(c, e, 0)); },
       "{'>', A, B}", "1 or 0"},
      {"=<", 2, 2,
       [](Checker& c, const Expression& e) { return negate(c, less(c, arg(c, e, 1), arg(c, e, 0))); },
       "{'=<', A, B}", "1 or 0"},
      {"<=", 2, 2,
       [](Checker& c, const Expression& e) { return negate(c, less(c, arg(c, e, 1), arg(c, e, 0))); },
       "{'<=', A, B}", "1 or 0"},
      {">=", 2, 2,
       [](Checker& c, const Expression& e) { return negate(c, less(c, arg(c, e, 0), arg(c, e, 1))); },
       "{'>=', A, B}", "1 or 0"},
      {"==", 2, 2, [](Checker& c, const Expression& e) { return equal(c, arg(c, e, 0), arg(c, e, 1)); },
       "{'==', A, B}", "1 or 0"},
      {"/=", 2, 2,
       [](Checker& c, const Expression& e) { return negate(c, equal(c, arg(c, e, 0), arg(c, e, 1))); },
       "{'/=', A, B}", "1 or 0"},
      {"!=", 2, 2,
       [](Checker& c, const Expression& e) { return negate(c, equal(c, arg(c, e, 0), arg(c, e, 1))); },
       "{'!=', A, B}", "1 or 0"},
      {"and", 2, 2, [](Checker& c, const Expression& e) { return integer_operation(c, e, Op::MinI); },
       "{'and', A, B}", "of conditions"},
      {"or", 2, 2, [](Checker& c, const Expression& e) { return integer_operation(c, e, Op::MaxI); },
       "{'or', A, B}", "of conditions"},
      {"not", 1, 1,
       [](Checker& c, const Expression& e) { return negate(c, c.condition(arg(c, e, 0), e.where)); },
       "{'not', A}", "of a condition"},
      {"if_else", 3, 3,
       [](Checker& c, const Expression& e) {
         NodeRef condition = arg(c, e, 0);
         if (condition->type != Type::Integer)
           throw Error("wrong_type", "a condition was expected, such as {'<', A, B}", e.args[0].where);
         return c.graph().select(condition, arg(c, e, 1), arg(c, e, 2));
       },
       "{if_else, Condition, A, B}", "A where the condition holds, else B, elementwise"},
      {"sum", 1, 1, [](Checker& c, const Expression& e) { return c.graph().sum(arg(c, e, 0)); }, "{sum, X}",
       "of all elements"},
      {"mean", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef x = arg(c, e, 0);
         double n = static_cast<double>(elements(x->shape));
         if (n == 0) throw Error("wrong_shape", "`mean` of nothing", e.where);
         return c.graph().mul(number(c, 1 / n), c.graph().sum(x));
       },
       "{mean, X}", "of all elements"},
      {"variance", 1, 1,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef x = arg(c, e, 0);
         double n = static_cast<double>(elements(x->shape));
         if (n < 2) throw Error("wrong_shape", "`variance` takes two elements or more", e.where);
         NodeRef centred = g.sub(x, g.mul(number(c, 1 / n), g.sum(x)));
         return g.mul(number(c, 1 / (n - 1)), g.sum(g.call("square", {centred})));
       },
       "{variance, X}", "of all elements, with divisor N - 1"},
      {"sd", 1, 1,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef x = arg(c, e, 0);
         double n = static_cast<double>(elements(x->shape));
         if (n < 2) throw Error("wrong_shape", "`sd` takes two elements or more", e.where);
         NodeRef centred = g.sub(x, g.mul(number(c, 1 / n), g.sum(x)));
         return g.call("sqrt", {g.mul(number(c, 1 / (n - 1)), g.sum(g.call("square", {centred})))});
       },
       "{sd, X}", "of all elements, with divisor N - 1"},
      {"prod", 1, 1,
       [](Checker& c, const Expression& e) {
         return fold(c, arg(c, e, 0), "product", [&](NodeRef a, NodeRef b) { return c.graph().mul(a, b); });
       },
       "{prod, X}", "of all elements"},
      {"min", 1, 2,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         if (e.args.size() == 2) {
           NodeRef a = arg(c, e, 0), b = arg(c, e, 1);
           if (a->type == Type::Integer && b->type == Type::Integer) return g.operation(Op::MinI, {a, b});
           return g.call("min", {a, b});
         }
         return fold(c, arg(c, e, 0), "smallest", [&](NodeRef a, NodeRef b) {
           return g.call("min", {a, b});
         });
       },
       "{min, X} or {min, A, B}", "smallest element; smaller of two, elementwise"},
      {"max", 1, 2,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         if (e.args.size() == 2) {
           NodeRef a = arg(c, e, 0), b = arg(c, e, 1);
           if (a->type == Type::Integer && b->type == Type::Integer) return g.operation(Op::MaxI, {a, b});
           return g.call("max", {a, b});
         }
         return fold(c, arg(c, e, 0), "largest", [&](NodeRef a, NodeRef b) { return g.call("max", {a, b}); });
       },
       "{max, X} or {max, A, B}", "largest element; larger of two, elementwise"},
      {"dot", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef a = vector_argument(c, e, 0), b = vector_argument(c, e, 1);
         return c.graph().contract(a, b);
       },
       "{dot, A, B}", "of two vectors"},
      {"dot_self", 1, 1,
       [](Checker& c, const Expression& e) {
         return c.graph().sum(c.graph().call("square", {vector_argument(c, e, 0)}));
       },
       "{dot_self, A}", "{dot, A, A}"},
      {"matmul", 2, 2,
       [](Checker& c, const Expression& e) {
         NodeRef a = arg(c, e, 0), b = arg(c, e, 1);
         if (a->scalar() || b->scalar())
           throw Error("wrong_shape", "`matmul` takes matrices and vectors; for scalars write {'*', A, B}",
                       e.where);
         return c.graph().contract(a, b);
       },
       "{matmul, X, B}", "matrix by vector, vector by matrix, or matrix by matrix"},
      {"transpose", 1, 1, [](Checker& c, const Expression& e) { return c.graph().transpose(arg(c, e, 0)); },
       "{transpose, X}", "of a matrix"},
      {"log_sum_exp", 1, 2,
       [](Checker& c, const Expression& e) {
         if (e.args.size() == 2) return c.graph().call("log_sum_exp", all_args(c, e));
         return log_sum_exp_of(c, arg(c, e, 0));
       },
       "{log_sum_exp, X} or {log_sum_exp, A, B}", "log of the sum of exp, without overflow"},
      {"rep", 2, 3,
       [](Checker& c, const Expression& e) {
         NodeRef x = arg(c, e, 0);
         Shape shape;
         for (std::size_t i = 1; i < e.args.size(); ++i) shape.push_back(c.size(e.args[i], "a count"));
         if (x->scalar()) return c.graph().fill(x, shape);
         if (x->shape.size() != 1 || shape.size() != 1)
           throw Error("wrong_shape", "`rep` repeats a scalar, or a vector as the rows of a matrix", e.where);
         std::vector<NodeRef> rows(shape[0], x);
         return c.graph().pack(std::move(rows));
       },
       "{rep, X, N} or {rep, X, R, C}", "a scalar as a vector or matrix; a vector as N equal rows"},
      {"to_vector", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef x = arg(c, e, 0);
         return c.graph().reshape(x, {elements(x->shape)});
       },
       "{to_vector, X}", "all elements, row by row"},
      {"to_matrix", 3, 3,
       [](Checker& c, const Expression& e) {
         NodeRef x = arg(c, e, 0);
         Shape shape{c.size(e.args[1], "rows"), c.size(e.args[2], "columns")};
         if (elements(shape) != elements(x->shape))
           throw Error("wrong_shape",
                       fmt::format("{} has {} elements, a matrix {} has {}", shape_text(x->shape),
                                   elements(x->shape), shape_text(shape), elements(shape)),
                       e.where);
         return c.graph().reshape(x, shape);
       },
       "{to_matrix, X, R, C}", "the elements row by row"},
      {"size", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef x = arg(c, e, 0);
         return c.graph().integer(static_cast<std::int64_t>(x->shape.empty() ? 1 : x->shape[0]));
       },
       "{size, X}", "elements of a vector, rows of a matrix"},
      {"log_mix", 2, 3,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef theta = g.to_real(arg(c, e, 0));
         if (e.args.size() == 2) return log_sum_exp_of(c, g.add(g.call("log", {theta}), arg(c, e, 1)));
         NodeRef a = g.add(g.call("log", {theta}), arg(c, e, 1)),
                 b = g.add(g.call("log1m", {theta}), arg(c, e, 2));
         return g.call("log_sum_exp", {a, b});
       },
       "{log_mix, Theta, A, B} or {log_mix, Thetas, Lps}",
       "log density of a mixture: log(theta exp(a) + (1 - theta) exp(b)), elementwise; of K components, a "
       "scalar"},
      {"cumulative_sum", 1, 1,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef x = g.to_real(vector_argument(c, e, 0));
         const std::uint64_t n = x->shape[0];
         if (n == 0) return x;
         NodeRef out = c.declare("cumulative sum", Type::Real, {n});
         c.store(out, {g.integer(0)}, g.element(x, {g.integer(0)}));
         c.loop("i", g.integer(1), g.integer(static_cast<std::int64_t>(n)), [&](NodeRef i) {
           c.store(out, {i}, g.add(g.element(out, {g.shift(i, -1)}), g.element(x, {i})));
         });
         return out;
       },
       "{cumulative_sum, X}", "x[1], x[1] + x[2], ..."},
      {"softmax", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef x = c.graph().to_real(vector_argument(c, e, 0));
         return c.graph().call("exp", {c.graph().sub(x, log_sum_exp_of(c, x))});
       },
       "{softmax, X}", "exp(x) / sum(exp(x))"},
      {"log_softmax", 1, 1,
       [](Checker& c, const Expression& e) {
         NodeRef x = c.graph().to_real(vector_argument(c, e, 0));
         return c.graph().sub(x, log_sum_exp_of(c, x));
       },
       "{log_softmax, X}", "its logarithm"},
      {"reverse", 1, 1,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         NodeRef x = vector_argument(c, e, 0);
         const std::uint64_t n = x->shape[0];
         NodeRef index = g.operation(Op::SubI, {g.integer(static_cast<std::int64_t>(n) - 1), g.count(0, n)});
         return g.at(x, {{Axis::Kind::Gather, index, 0, 0}});
       },
       "{reverse, X}", "the elements from last to first"},
      {"append", 2, many,
       [](Checker& c, const Expression& e) {
         Graph& g = c.graph();
         std::vector<NodeRef> parts = all_args(c, e);
         Shape inner;
         for (NodeRef part : parts)
           if (!part->scalar()) inner = Shape(part->shape.begin() + 1, part->shape.end());
         std::uint64_t n = 0;
         bool integers = true;
         for (NodeRef part : parts) {
           n += part->scalar() ? 1 : part->shape[0];
           integers &= part->type == Type::Integer;
           if (part->scalar() ? !inner.empty() : Shape(part->shape.begin() + 1, part->shape.end()) != inner)
             throw Error("wrong_shape", "`append` joins vectors and scalars, or matrices of equal rows",
                         e.where);
         }
         Shape shape = inner;
         shape.insert(shape.begin(), n);
         NodeRef out = c.declare("appended", integers ? Type::Integer : Type::Real, shape);
         std::int64_t at = 0;
         for (NodeRef part : parts) {
           if (!integers) part = g.to_real(part);
           if (part->scalar()) {
             c.store(out, {g.integer(at++)}, part);
             continue;
           }
           c.loop("i", part->shape[0], [&](NodeRef i) {
             if (inner.empty()) return c.store(out, {g.shift(i, at)}, g.element(part, {i}));
             c.loop("j", inner[0], [&](NodeRef j) {
               c.store(out, {g.shift(i, at), j}, g.element(part, {i, j}));
             });
           });
           at += static_cast<std::int64_t>(part->shape[0]);
         }
         return out;
       },
       "{append, A, B...}", "one after the other: vectors, scalars, or rows of matrices"},
  };
}

namespace {

const std::vector<Form>& table() {
  static const std::vector<Form> all = [] {
    std::vector<Form> joined = basic_forms();
    for (auto& more : {matrix_forms(), ode_forms()}) joined.insert(joined.end(), more.begin(), more.end());
    return joined;
  }();
  return all;
}

}  // namespace

std::span<const Form> forms() { return table(); }

const Form* find_form(std::string_view name) {
  for (const Form& form : table())
    if (form.name == name) return &form;
  return nullptr;
}

}  // namespace drey::model
