#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"
#include "model/generators.h"
#include "model/vector_distributions.h"

/// Distributions of which only a part is seen: {truncate, D, L, U} and {censor, D, L, U}.
namespace drey::model {

using syntax::Expression;

namespace {

bool infinite(const Expression& e) {
  if (e.kind == Expression::Kind::Name) return e.name == "infinity" || e.name == "inf" || e.name == "none";
  return e.kind == Expression::Kind::Call && (e.name == "-" || e.name == "neg") && e.args.size() == 1 &&
         infinite(e.args[0]);
}

}  // namespace

void Checker::no_univariate(const Expression& e) {
  if (find_vector_distribution(e.name))
    throw Error(
        "unknown_distribution",
        fmt::format(
            "`{}` has no distribution function of one number; only univariate distributions are truncated "
            "and censored",
            e.name),
        e.where);
  unknown("univariate distribution", e.name, distribution_names(), e.where, "unknown_distribution");
}

/// log f(y) - log P(L <= Y <= U), -infinity outside.
NodeRef Checker::truncated(const Expression& e, NodeRef outcome, const std::string& outcome_name) {
  arity(e, 3, 3);
  Graph& g = graph();
  const Expression& inner = distribution(e.args[0]);
  const Distribution* d = find_distribution(inner.name);
  if (!d) no_univariate(inner);
  std::vector<NodeRef> args = distribution_arguments(*d, inner);
  NodeRef density = univariate(*d, outcome, args, outcome_name, inner.where);
  NodeRef lower = infinite(e.args[1]) ? nullptr : expression(e.args[1]);
  NodeRef upper = infinite(e.args[2]) ? nullptr : expression(e.args[2]);
  if (lower && upper) check_domain(g.sub(upper, lower), Domain::NonNegative, "upper - lower", e.where);
  // A whole number at the lower bound is inside.
  NodeRef below = lower && d->outcome != Domain::Real ? arithmetic("-", lower, g.integer(1)) : lower;
  NodeRef mass = nullptr;
  if (lower && upper) {
    // By the tail in which the interval lies: a difference of probabilities near 1 has no digits left.
    NodeRef from = distribution_function(*d, false, below, args, e.where);
    NodeRef left = g.call("log_diff_exp", {distribution_function(*d, false, upper, args, e.where), from});
    NodeRef right = g.call("log_diff_exp", {distribution_function(*d, true, below, args, e.where),
                                            distribution_function(*d, true, upper, args, e.where)});
    mass = g.select(g.operation(Op::LessR, {from, g.real(-M_LN2)}), left, right);
  } else if (lower)
    mass = distribution_function(*d, true, below, args, e.where);
  else if (upper)
    mass = distribution_function(*d, false, upper, args, e.where);
  if (!mass) return density;
  density = g.sub(density, mass);
  return guard(density, g.to_real(outcome), lower ? g.to_real(lower) : nullptr,
               upper ? g.to_real(upper) : nullptr, false);
}

/// An outcome at or beyond a limit says no more than that: log P(Y <= L) at or below L, log P(Y >= U) at or
/// above U.
NodeRef Checker::censored(const Expression& e, NodeRef outcome, const std::string& outcome_name) {
  arity(e, 3, 3);
  Graph& g = graph();
  const Expression& inner = distribution(e.args[0]);
  const Distribution* d = find_distribution(inner.name);
  if (!d) no_univariate(inner);
  std::vector<NodeRef> args = distribution_arguments(*d, inner);
  NodeRef density = univariate(*d, outcome, args, outcome_name, inner.where);
  NodeRef y = g.to_real(outcome);
  auto spread = [&](NodeRef x) { return x->scalar() && !density->scalar() ? g.fill(x, density->shape) : x; };
  if (!infinite(e.args[1])) {
    NodeRef lower = expression(e.args[1]);
    NodeRef tail = distribution_function(*d, false, lower, args, e.where);
    density = g.select(g.operation(Op::LessR, {g.to_real(lower), y}), density, spread(tail));
  }
  if (!infinite(e.args[2])) {
    NodeRef upper = expression(e.args[2]);
    NodeRef from = d->outcome != Domain::Real ? arithmetic("-", upper, g.integer(1)) : upper;
    NodeRef tail = distribution_function(*d, true, from, args, e.where);
    density = g.select(g.operation(Op::LessR, {y, g.to_real(upper)}), density, spread(tail));
  }
  return density;
}

/// One draw of a univariate distribution between two bounds (null: none on that side), by bisection of its
/// distribution function: of the tail in which the bounds lie, so that a far tail keeps its digits. The
/// bisected variable t in [0, 1] is spread over the bounds; a fixed number of halvings, so of loop trips.
NodeRef Checker::truncated_draw(const Distribution& d, const std::vector<NodeRef>& args, NodeRef lower,
                                NodeRef upper, const std::string& where) {
  Graph& g = graph();
  const bool whole = d.outcome != Domain::Real;
  if (!lower && !upper) return univariate_draw(*this, d, args, where);
  constexpr std::uint64_t halvings = 60;
  // Whole numbers lie above the one before the lower bound.
  NodeRef below = lower ? keep(whole ? g.sub(g.call("ceil", {lower}), g.real(1)) : lower, "lower") : nullptr;
  NodeRef above = upper ? keep(whole ? g.call("floor", {upper}) : upper, "upper") : nullptr;
  auto at = [&](NodeRef t) {
    NodeRef x = nullptr;
    if (below && above)
      x = g.add(below, g.mul(t, g.sub(above, below)));
    else if (below)
      x = g.add(below, g.div(t, g.sub(g.real(1), t)));
    else
      x = g.sub(above, g.div(g.sub(g.real(1), t), t));
    return whole ? g.call("floor", {x}) : x;
  };
  auto function = [&](bool upper_tail, NodeRef y) {
    return distribution_function(d, upper_tail, y, args, where);
  };
  const NodeRef never = g.real(-std::numeric_limits<double>::infinity()), all = g.real(0);
  auto ends = [&](bool upper_tail) {
    NodeRef first = below ? function(upper_tail, below) : upper_tail ? all : never;
    NodeRef last = above ? function(upper_tail, above) : upper_tail ? never : all;
    return std::make_pair(keep(first, "first"), keep(last, "last"));
  };
  const auto [lower_first, lower_last] = ends(false);
  const auto [upper_first, upper_last] = ends(true);
  NodeRef u = keep(g.random(), "u");
  NodeRef log_u = g.call("log", {u}), log_v = g.call("log1m", {u});
  auto between = [&](NodeRef first, NodeRef last) {
    return keep(g.call("log_sum_exp", {g.add(log_v, first), g.add(log_u, last)}), "target");
  };
  NodeRef lower_target = between(lower_first, lower_last), upper_target = between(upper_first, upper_last);
  NodeRef in_upper = keep(g.operation(Op::LessR, {upper_target, lower_target}), "tail");
  NodeRef low = declare("low", Type::Real, {halvings + 1}),
          high = declare("high", Type::Real, {halvings + 1});
  store(low, {g.integer(0)}, g.real(0));
  store(high, {g.integer(0)}, g.real(1));
  loop("i", halvings, [&](NodeRef i) {
    NodeRef from = g.element(low, {i}), to = g.element(high, {i});
    NodeRef middle = keep(g.mul(g.real(0.5), g.add(from, to)), "middle"), y = keep(at(middle), "y");
    NodeRef past =
        g.select(in_upper, g.operation(Op::LessR, {function(true, y), upper_target}),
                 g.operation(Op::NotI, {g.operation(Op::LessR, {function(false, y), lower_target})}));
    past = keep(past, "past");
    store(low, {g.shift(i, 1)}, g.select(past, from, middle));
    store(high, {g.shift(i, 1)}, g.select(past, middle, to));
  });
  NodeRef found = keep(at(g.element(high, {g.integer(static_cast<std::int64_t>(halvings))})), "draw");
  // Both bounds are inside whatever rounding did.
  if (above) found = g.call("min", {found, above});
  if (lower) found = g.call("max", {found, whole ? g.add(below, g.real(1)) : below});
  return whole ? keep(g.operation(Op::ToInteger,
                                  {g.add(found, g.select(g.operation(Op::LessR, {found, g.real(0)}),
                                                         g.real(-0.5), g.real(0.5)))}),
                      "draw")
               : keep(found, "draw");
}

/// {truncate_rng, {Distribution, ...}, L, U}
NodeRef Checker::truncated_draw(const Expression& e) {
  if (block_ != BlockKind::Generated)
    throw Error("invalid_model", "`truncate_rng` draws random numbers; it belongs in the generated block",
                e.where);
  arity(e, 3, 3);
  const Expression& inner = distribution(e.args[0]);
  const Distribution* d = find_distribution(inner.name);
  if (!d) no_univariate(inner);
  if (d->name == "hypergeometric")
    throw Error("unknown_function", "`hypergeometric` cannot be drawn truncated", e.where);
  std::vector<NodeRef> values = distribution_arguments(*d, inner);
  NodeRef lower = infinite(e.args[1]) ? nullptr : graph().to_real(expression(e.args[1]));
  NodeRef upper = infinite(e.args[2]) ? nullptr : graph().to_real(expression(e.args[2]));
  if (lower && upper) check_domain(graph().sub(upper, lower), Domain::NonNegative, "upper - lower", e.where);
  values.push_back(lower ? lower : graph().real(0));
  values.push_back(upper ? upper : graph().real(0));
  return for_each_element(d->name, *d, values, {}, e, [&](const std::vector<NodeRef>& all) {
    return truncated_draw(*d, {all.begin(), all.end() - 2}, lower ? all[all.size() - 2] : nullptr,
                          upper ? all.back() : nullptr, e.where);
  });
}

}  // namespace drey::model
