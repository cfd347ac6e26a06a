#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"

/// Distribution functions that are no formula: sums of a mass function, and integrals of densities that leave
/// no digits to a difference of probabilities.
namespace drey::model {
namespace {

/// exp(-cut) is what an integral leaves out beyond its end, relative to its integrand at the start.
constexpr double cut = 40;

/// Nodes and weights of Gauss and Legendre on [0, 1], by Newton's method from Chebyshev's nodes.
struct Quadrature {
  static constexpr std::size_t size = 40;
  std::vector<double> nodes = std::vector<double>(size), weights = std::vector<double>(size);

  Quadrature() {
    for (std::size_t i = 0; i < size; ++i) {
      const auto n = static_cast<double>(size);
      double x = std::cos(M_PI * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 0;
      for (int round = 0; round < 100; ++round) {
        double before = 1, value = x;
        for (std::size_t k = 2; k <= size; ++k) {
          const auto order = static_cast<double>(k);
          before = std::exchange(value, ((2 * order - 1) * x * value - (order - 1) * before) / order);
        }
        slope = n * (x * value - before) / (x * x - 1);
        const double step = value / slope;
        x -= step;
        if (std::abs(step) < 1e-16) break;
      }
      nodes[i] = 0.5 * (1 - x);
      weights[i] = 1 / ((1 - x * x) * slope * slope);
    }
  }
};

/// log of the integral over [0, width] of a smooth f: f takes all nodes at once.
NodeRef log_integral(Graph& g, NodeRef width, const std::function<NodeRef(NodeRef)>& f) {
  static const Quadrature rule;
  NodeRef nodes = g.add_data("nodes", {Quadrature::size}, rule.nodes);
  NodeRef weights = g.add_data("weights", {Quadrature::size}, rule.weights);
  NodeRef mean = g.contract(weights, f(g.mul(width, nodes)));
  return g.add(g.call("log", {width}), g.call("log", {mean}));
}

NodeRef fixed(Graph& g, NodeRef x) { return g.operation(Op::StopGradient, {x}); }

/// log P(T > u) of the angle from the location, 0 <= u <= pi. The density is exp(kappa cos t) / (2 pi I0(kappa)),
/// and cos u - cos t = 2 sin((t + u) / 2) sin((t - u) / 2) cancels nothing.
NodeRef von_mises_tail(Graph& g, NodeRef u, NodeRef kappa) {
  auto sine = [&](NodeRef x) { return g.call("sin", {g.mul(g.real(0.5), x)}); };
  NodeRef reach = g.add(g.call("square", {sine(u)}), g.div(g.real(0.5 * cut), kappa));
  NodeRef end = g.mul(g.real(2), g.call("asin", {g.call("sqrt", {g.call("min", {reach, g.real(1)})})}));
  // Where the integral ends by itself, its end is no part of the derivative.
  end = g.select(g.operation(Op::LessR, {reach, g.real(1)}), fixed(g, end), g.real(M_PI));
  NodeRef integral = log_integral(g, g.sub(end, u), [&](NodeRef t) {
    NodeRef fall = g.mul(sine(g.add(t, g.mul(g.real(2), u))), sine(t));
    return g.call("exp", {g.mul(g.mul(g.real(-2), kappa), fall)});
  });
  NodeRef constant = g.add(g.real(std::log(2 * M_PI)), g.call("log_bessel_i0", {kappa}));
  return g.add(g.sub(g.mul(kappa, g.call("cos", {u})), constant), integral);
}

/// log P(Z <= z) for z <= 0 of the standard skew normal. Its density 2 phi(t) Phi(alpha t) falls towards lower t at
/// least as exp(-b s^2 / 2 - b |z| s), b = 1 + max(alpha, 0)^2, at a distance s.
NodeRef skew_normal_integral(Graph& g, NodeRef z, NodeRef alpha) {
  NodeRef size = g.call("abs", {z});
  NodeRef rate = g.add(g.real(1), g.call("square", {g.call("max", {alpha, g.real(0)})}));
  NodeRef level = g.div(g.real(2 * cut), rate);
  NodeRef root = g.call("sqrt", {g.add(g.call("square", {size}), level)});
  NodeRef width = fixed(g, g.div(level, g.add(size, root)));
  NodeRef start = g.call("log_Phi", {g.mul(alpha, z)});
  NodeRef integral = log_integral(g, width, [&](NodeRef s) {
    NodeRef fall = g.mul(s, g.sub(g.mul(g.real(0.5), s), z));
    NodeRef side = g.call("log_Phi", {g.mul(alpha, g.sub(z, s))});
    return g.call("exp", {g.sub(g.sub(side, start), fall)});
  });
  NodeRef first =
      g.sub(g.real(std::log(2.0) - 0.5 * std::log(2 * M_PI)), g.mul(g.real(0.5), g.call("square", {z})));
  return g.add(g.add(first, start), integral);
}

/// log P(Z <= z): the integral where the closed form cancels or underflows, else Phi(z) - 2 T(z, alpha).
NodeRef skew_normal_lower(Graph& g, NodeRef z, NodeRef alpha) {
  NodeRef zero = g.real(0);
  NodeRef negative = g.operation(Op::LessR, {z, zero});
  NodeRef steep =
      g.operation(Op::MaxI, {g.operation(Op::LessR, {zero, alpha}), g.operation(Op::LessR, {z, g.real(-5)})});
  NodeRef integrated = g.operation(Op::MinI, {negative, steep});
  // What a branch does not choose is kept where it is finite.
  NodeRef inside = g.select(integrated, z, g.real(-1)), plain = g.select(integrated, zero, z);
  NodeRef shape = g.select(integrated, g.real(-1), alpha);
  NodeRef closed =
      g.call("log", {g.sub(g.call("Phi", {plain}), g.mul(g.real(2), g.call("owens_t", {plain, shape})))});
  return g.select(integrated, skew_normal_integral(g, inside, g.select(integrated, alpha, g.real(1))),
                  closed);
}

}  // namespace

NodeRef Checker::tail_function(const Distribution& d, bool upper_tail, NodeRef y,
                               const std::vector<NodeRef>& args, const std::string& where) {
  if (d.name == "hypergeometric") return hypergeometric_function(upper_tail, y, args, where);
  // One integral an element.
  Shape shape = y->shape;
  for (NodeRef arg : args)
    if (shape.empty()) shape = arg->shape;
  if (!shape.empty()) {
    NodeRef out = declare("p", Type::Real, shape);
    std::vector<NodeRef> index;
    std::function<void(std::size_t)> level = [&](std::size_t depth) {
      if (depth < shape.size())
        return loop("i", shape[depth], [&](NodeRef i) {
          index.push_back(i);
          level(depth + 1);
          index.pop_back();
        });
      std::vector<NodeRef> scalars;
      for (NodeRef arg : args) scalars.push_back(arg->scalar() ? arg : graph().element(arg, index));
      store(out, index,
            tail_function(d, upper_tail, y->scalar() ? y : graph().element(y, index), scalars, where));
    };
    level(0);
    return out;
  }
  Graph& g = graph();
  y = g.to_real(y);
  if (d.name == "von_mises") {
    // Angles from the location, from -pi on; before and after it nothing is left.
    NodeRef angle = keep(g.sub(y, args[0]), "angle");
    NodeRef size = g.call("min", {g.call("abs", {angle}), g.real(M_PI)});
    NodeRef tail = keep(von_mises_tail(g, size, args[1]), "tail");
    NodeRef above = g.operation(Op::NotI, {g.operation(Op::LessR, {angle, g.real(0)})});
    NodeRef rest = g.call("log1m_exp", {tail});
    return upper_tail ? g.select(above, tail, rest) : g.select(above, rest, tail);
  }
  // Squares of what is farther out overflow, and its tail is 0 anyway.
  constexpr double far = 1e15;
  NodeRef score = g.div(g.sub(y, args[0]), args[1]);
  NodeRef z = keep(g.call("max", {g.call("min", {score, g.real(far)}), g.real(-far)}), "z");
  // As the lower tail of z or, mirrored, of -z with the opposite shape.
  NodeRef lower = g.operation(Op::LessR, {z, g.real(0)});
  NodeRef side = g.select(lower, z, g.neg(z)), shape_of_side = g.select(lower, args[2], g.neg(args[2]));
  NodeRef tail = keep(skew_normal_lower(g, side, shape_of_side), "tail");
  NodeRef rest = g.call("log1m_exp", {g.call("min", {tail, g.real(0)})});
  return upper_tail ? g.select(lower, rest, tail) : g.select(lower, tail, rest);
}

NodeRef Checker::hypergeometric_function(bool upper_tail, NodeRef y, const std::vector<NodeRef>& args,
                                         const std::string& where) {
  Graph& g = graph();
  if (y->type != Type::Integer || !y->scalar() || !y->data_only)
    throw Error("wrong_type", "the distribution function of `hypergeometric` takes one integer of data",
                where);
  const Distribution& d = *find_distribution("hypergeometric");
  NodeRef from = upper_tail ? g.shift(y, 1) : g.integer(0);
  NodeRef to = upper_tail ? g.integer(static_cast<std::int64_t>(args[0]->upper) + 1) : g.shift(y, 1);
  NodeRef k = g.add_loop("k", from, to);
  std::map<std::string, NodeRef> names{{"y", g.to_real(k)}};
  for (std::size_t i = 0; i < args.size(); ++i) names[d.parameters[i].name] = args[i];
  NodeRef inside = guard(instantiate(d.log_density_formula, names), names["y"],
                         instantiate(d.lower_formula, names), instantiate(d.upper_formula, names), false);
  return g.call("log", {g.sum_over(k, g.call("exp", {inside}))});
}

}  // namespace drey::model
