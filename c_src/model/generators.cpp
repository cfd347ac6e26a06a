#include "model/generators.h"

#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/library.h"
#include "model/vector_distributions.h"

namespace drey::model {
namespace {

using syntax::Expression;

/// Repeats `attempt` a fixed number of times and keeps the first value that was accepted (the last where none
/// was).
template <typename Attempt>
NodeRef first_accepted(Checker& c, std::uint64_t attempts, Attempt attempt) {
  Graph& g = c.graph();
  NodeRef value = c.declare("value", Type::Real, {attempts + 1});
  NodeRef done = c.declare("accepted", Type::Integer, {attempts + 1});
  NodeRef zero = g.integer(0);
  c.store(value, {zero}, g.real(1));
  c.store(done, {zero}, zero);
  c.loop("attempt", attempts, [&](NodeRef k) {
    auto [proposed, accepted] = attempt();
    NodeRef before = g.element(done, {k});
    c.store(value, {g.shift(k, 1)}, g.select(before, g.element(value, {k}), proposed));
    c.store(done, {g.shift(k, 1)}, g.operation(Op::MaxI, {before, accepted}));
  });
  return g.element(value, {g.integer(static_cast<std::int64_t>(attempts))});
}

NodeRef uniform(Checker& c) { return c.keep(c.graph().random(), "u"); }

NodeRef floor_to_integer(Checker& c, NodeRef x) {
  return c.keep(c.graph().operation(Op::ToInteger, {x}), "draw");
}

/// Inversion by search from 0 below a mean of 10, transformed rejection (Hoermann, Insurance: Mathematics and
/// Economics 12, 1993, algorithm PTRS) above.
NodeRef poisson_draw(Checker& c, NodeRef lambda) {
  Graph& g = c.graph();
  lambda = c.keep(lambda, "lambda");
  NodeRef small = g.operation(Op::LessR, {lambda, g.real(10)});
  constexpr std::uint64_t longest = 64;  // P(Y > 64) < 1e-28 at a mean of 10
  NodeRef u = uniform(c);
  NodeRef rate = c.keep(g.select(small, lambda, g.real(1)), "rate");
  NodeRef mass = c.declare("mass", Type::Real, {longest + 1}),
          sum = c.declare("sum", Type::Real, {longest + 1});
  NodeRef zero = g.integer(0);
  c.store(mass, {zero}, g.call("exp", {g.neg(rate)}));
  c.store(sum, {zero}, g.element(mass, {zero}));
  c.loop("k", longest, [&](NodeRef k) {
    NodeRef next = g.shift(k, 1);
    c.store(mass, {next}, g.mul(g.element(mass, {k}), g.div(rate, g.to_real(next))));
    c.store(sum, {next}, g.add(g.element(sum, {k}), g.element(mass, {next})));
  });
  NodeRef searched = g.sum(g.to_real(g.operation(Op::LessR, {sum, u})));

  NodeRef large = c.keep(g.select(small, g.real(10), lambda), "large");
  NodeRef root = g.call("sqrt", {large});
  NodeRef b = g.add(g.real(0.931), g.mul(g.real(2.53), root));
  NodeRef a = g.add(g.real(-0.059), g.mul(g.real(0.02483), b));
  NodeRef inverse_alpha = g.add(g.real(1.1239), g.div(g.real(1.1328), g.sub(b, g.real(3.4))));
  NodeRef v_r = g.sub(g.real(0.9277), g.div(g.real(3.6224), g.sub(b, g.real(2))));
  NodeRef rejected = first_accepted(c, 24, [&] {
    NodeRef x = c.keep(g.sub(g.random(), g.real(0.5)), "u"), v = uniform(c);
    NodeRef us = g.sub(g.real(0.5), g.call("abs", {x}));
    NodeRef k = c.keep(
        g.call("floor",
               {g.add(g.add(g.mul(g.add(g.div(g.mul(g.real(2), a), us), b), x), large), g.real(0.43))}),
        "k");
    NodeRef inside = g.operation(Op::NotI, {g.operation(Op::LessR, {k, g.real(0)})});
    NodeRef quick = g.operation(Op::MinI, {g.operation(Op::LessR, {g.real(0.07), us}),
                                           g.operation(Op::NotI, {g.operation(Op::LessR, {v_r, v})})});
    NodeRef bound =
        g.call("log", {g.div(g.mul(v, inverse_alpha), g.add(g.div(a, g.call("square", {us})), b))});
    NodeRef counted = g.call("max", {k, g.real(0)});
    NodeRef density = g.sub(g.sub(g.mul(counted, g.call("log", {large})), large),
                            g.call("lgamma", {g.add(counted, g.real(1))}));
    NodeRef full = g.operation(Op::NotI, {g.operation(Op::LessR, {density, bound})});
    return std::make_pair(counted, g.operation(Op::MinI, {inside, g.operation(Op::MaxI, {quick, full})}));
  });
  return floor_to_integer(c, g.add(g.select(small, searched, rejected), g.real(0.5)));
}

/// As many Bernoulli trials as there are.
NodeRef binomial_draw(Checker& c, NodeRef n, NodeRef theta, const std::string& where) {
  Graph& g = c.graph();
  if (!(n->upper <= 100000))
    throw Error("too_large",
                "`binomial_rng` takes at most 100000 trials, a number that is known with the data", where);
  const auto most = static_cast<std::uint64_t>(std::max(1.0, n->upper));
  NodeRef hits = c.declare("hits", Type::Real, {most});
  NodeRef p = c.keep(theta, "p"), trials = c.keep(n, "n");
  c.loop("i", most, [&](NodeRef i) {
    NodeRef hit = g.operation(
        Op::MinI, {g.operation(Op::LessR, {uniform(c), p}), g.operation(Op::LessR, {g.to_real(i), trials})});
    c.store(hits, {i}, g.to_real(hit));
  });
  return floor_to_integer(c, g.add(g.sum(hits), g.real(0.5)));
}

/// Draws without replacement, one by one.
NodeRef hypergeometric_draw(Checker& c, NodeRef n, NodeRef a, NodeRef b, const std::string& where) {
  Graph& g = c.graph();
  if (!(n->upper <= 100000))
    throw Error("too_large", "`hypergeometric_rng` takes at most 100000 draws", where);
  const auto most = static_cast<std::uint64_t>(std::max(1.0, n->upper));
  NodeRef found = c.declare("found", Type::Real, {most + 1});
  c.store(found, {g.integer(0)}, g.real(0));
  c.loop("i", most, [&](NodeRef i) {
    NodeRef so_far = g.element(found, {i});
    NodeRef left = g.call("max", {g.sub(g.add(a, b), g.to_real(i)), g.real(1)});
    NodeRef hit = g.operation(Op::MinI, {g.operation(Op::LessR, {g.mul(g.random(), left), g.sub(a, so_far)}),
                                         g.operation(Op::LessR, {g.to_real(i), n})});
    c.store(found, {g.shift(i, 1)}, g.add(so_far, g.to_real(hit)));
  });
  return floor_to_integer(c,
                          g.add(g.element(found, {g.integer(static_cast<std::int64_t>(most))}), g.real(0.5)));
}

/// Best and Fisher, Applied Statistics 28, 1979.
NodeRef von_mises_draw(Checker& c, NodeRef mu, NodeRef kappa) {
  Graph& g = c.graph();
  NodeRef k = c.keep(kappa, "kappa");
  NodeRef tau = g.add(g.real(1), g.call("sqrt", {g.add(g.real(1), g.mul(g.real(4), g.call("square", {k})))}));
  NodeRef rho = g.div(g.sub(tau, g.call("sqrt", {g.mul(g.real(2), tau)})), g.mul(g.real(2), k));
  NodeRef r = c.keep(g.div(g.add(g.real(1), g.call("square", {rho})), g.mul(g.real(2), rho)), "r");
  NodeRef cosine = first_accepted(c, 48, [&] {
    NodeRef z = c.keep(g.call("cos", {g.mul(g.real(M_PI), g.random())}), "z"), u = uniform(c);
    NodeRef f = c.keep(g.div(g.add(g.real(1), g.mul(r, z)), g.add(r, z)), "f");
    NodeRef w = c.keep(g.mul(k, g.sub(r, f)), "w");
    NodeRef quick = g.operation(Op::LessR, {u, g.mul(w, g.sub(g.real(2), w))});
    NodeRef full = g.operation(
        Op::NotI,
        {g.operation(Op::LessR, {g.sub(g.add(g.call("log", {g.div(w, u)}), g.real(1)), w), g.real(0)})});
    return std::make_pair(f, g.operation(Op::MaxI, {quick, full}));
  });
  NodeRef angle = g.call("acos", {g.call("max", {g.call("min", {cosine, g.real(1)}), g.real(-1)})});
  NodeRef side = g.select(g.operation(Op::LessR, {g.random(), g.real(0.5)}), g.neg(angle), angle);
  return c.keep(g.add(mu, side), "draw");
}

}  // namespace

NodeRef normal_draw(Checker& c) { return c.keep(c.graph().call("inv_Phi", {c.graph().random()}), "z"); }

NodeRef gamma_draw(Checker& c, NodeRef alpha) {
  Graph& g = c.graph();
  NodeRef shape = c.keep(alpha, "shape");
  NodeRef small = g.operation(Op::LessR, {shape, g.real(1)});
  // Below 1: gamma(a + 1) u^(1 / a).
  NodeRef d = c.keep(g.sub(g.select(small, g.add(shape, g.real(1)), shape), g.real(1.0 / 3)), "d");
  NodeRef scale = c.keep(g.call("inv", {g.call("sqrt", {g.mul(g.real(9), d)})}), "c");
  NodeRef v = first_accepted(c, 24, [&] {
    NodeRef x = normal_draw(c), u = uniform(c);
    NodeRef t = c.keep(g.add(g.real(1), g.mul(scale, x)), "t");
    NodeRef cube = c.keep(g.mul(t, g.call("square", {t})), "v");
    NodeRef inside = g.operation(Op::LessR, {g.real(0), cube});
    NodeRef safe = g.select(inside, cube, g.real(1));
    NodeRef bound = g.add(g.mul(g.real(0.5), g.call("square", {x})),
                          g.mul(d, g.add(g.sub(g.real(1), safe), g.call("log", {safe}))));
    NodeRef accepted = g.operation(Op::MinI, {inside, g.operation(Op::LessR, {g.call("log", {u}), bound})});
    return std::make_pair(safe, accepted);
  });
  NodeRef boost = g.call("exp", {g.div(g.call("log", {uniform(c)}), shape)});
  return c.keep(g.mul(g.mul(d, v), g.select(small, boost, g.real(1))), "gamma");
}

NodeRef categorical_draw(Checker& c, NodeRef theta) {
  Graph& g = c.graph();
  const std::uint64_t k = theta->shape[0];
  NodeRef u = uniform(c);
  NodeRef sum = c.declare("sum", Type::Real, {k});
  c.store(sum, {g.integer(0)}, g.element(theta, {g.integer(0)}));
  c.loop("i", g.integer(1), g.integer(static_cast<std::int64_t>(k)), [&](NodeRef i) {
    c.store(sum, {i}, g.add(g.element(sum, {g.shift(i, -1)}), g.element(theta, {i})));
  });
  // The last boundary is 1 but for rounding, so it is not counted.
  NodeRef inner = g.at(sum, {{Axis::Kind::Range, nullptr, 0, k - 1}});
  NodeRef above = k > 1 ? g.sum(g.to_real(g.operation(Op::LessR, {inner, u}))) : g.real(0);
  return c.keep(g.operation(Op::ToInteger, {g.add(above, g.real(0.5))}), "index");
}

NodeRef univariate_draw(Checker& c, const Distribution& d, const std::vector<NodeRef>& a,
                        const std::string& where) {
  Graph& g = c.graph();
  if (!d.generator.empty()) {
    std::map<std::string, NodeRef> names;
    for (std::size_t i = 0; i < a.size(); ++i) names[d.parameters[i].name] = a[i];
    // Each uniform is one number wherever the formula names it.
    for (const char* u : {"u", "v", "w"})
      if (d.generator.find(u) != std::string::npos && !names.count(u)) names[u] = uniform(c);
    NodeRef value = c.instantiate(d.generator_formula, names);
    return d.outcome == Domain::Real ? c.keep(value, "draw") : floor_to_integer(c, value);
  }
  const std::string& n = d.name;
  auto half = [&](NodeRef x) { return g.mul(g.real(0.5), x); };
  auto keep = [&](NodeRef x) { return c.keep(x, "draw"); };
  if (n == "gamma") return keep(g.div(gamma_draw(c, a[0]), a[1]));
  if (n == "inv_gamma") return keep(g.div(a[1], gamma_draw(c, a[0])));
  if (n == "chi_square") return keep(g.mul(g.real(2), gamma_draw(c, half(a[0]))));
  if (n == "inv_chi_square") return keep(g.div(g.real(0.5), gamma_draw(c, half(a[0]))));
  if (n == "scaled_inv_chi_square")
    return keep(g.div(half(g.mul(a[0], g.call("square", {a[1]}))), gamma_draw(c, half(a[0]))));
  if (n == "student_t" || n == "half_student_t") {
    NodeRef scale = g.call("sqrt", {g.div(half(a[0]), gamma_draw(c, half(a[0])))});
    NodeRef t = g.mul(normal_draw(c), scale);
    return keep(n == "student_t" ? g.add(a[1], g.mul(a[2], t)) : g.mul(a[1], g.call("abs", {t})));
  }
  if (n == "beta" || n == "beta_proportion") {
    NodeRef first = n == "beta" ? a[0] : g.mul(a[0], a[1]);
    NodeRef second = n == "beta" ? a[1] : g.mul(g.sub(g.real(1), a[0]), a[1]);
    NodeRef x = gamma_draw(c, first), y = gamma_draw(c, second);
    return keep(g.div(x, g.add(x, y)));
  }
  if (n == "von_mises") return von_mises_draw(c, a[0], a[1]);
  if (n == "poisson") return poisson_draw(c, a[0]);
  if (n == "poisson_log") return poisson_draw(c, g.call("exp", {a[0]}));
  if (n == "binomial") return binomial_draw(c, a[0], a[1], where);
  if (n == "binomial_logit") return binomial_draw(c, a[0], g.call("inv_logit", {a[1]}), where);
  if (n == "neg_binomial") return poisson_draw(c, g.div(gamma_draw(c, a[0]), a[1]));
  if (n == "neg_binomial_2") return poisson_draw(c, g.mul(gamma_draw(c, a[1]), g.div(a[0], a[1])));
  if (n == "neg_binomial_2_log")
    return poisson_draw(c, g.mul(gamma_draw(c, a[1]), g.div(g.call("exp", {a[0]}), a[1])));
  if (n == "hypergeometric") return hypergeometric_draw(c, a[0], a[1], a[2], where);
  throw Error("unknown_function", fmt::format("`{}` has no generator here", n), where);
}

NodeRef Checker::generated(const std::string& name, const Expression& e) {
  if (block_ != BlockKind::Generated)
    throw Error("invalid_model",
                fmt::format("`{}` draws random numbers; it belongs in the generated block", e.name), e.where);
  if (const VectorDistribution* d = find_vector_distribution(name)) {
    if (e.args.size() != d->generator_parameters().size())
      throw Error("wrong_arity",
                  fmt::format("`{}` takes the parameters {}, found {}", e.name,
                              fmt::join(d->generator_parameters(), ", "), e.args.size()),
                  e.where);
    std::vector<NodeRef> args;
    for (const Expression& arg : e.args) args.push_back(graph().to_real(expression(arg)));
    return d->generator(*this, args, e.where);
  }
  const Distribution& d = *find_distribution(name);
  // A last argument more than the distribution has is how many to draw.
  std::size_t count = 0;
  Expression plain = e;
  if (e.args.size() == d.parameters.size() + 1) {
    count = size(e.args.back(), "how many to draw");
    plain.args.pop_back();
  }
  std::vector<NodeRef> args = distribution_arguments(d, plain);
  Shape shape;
  if (count) shape = {count};
  return for_each_element(name, d, args, shape, e, [&](const std::vector<NodeRef>& scalars) {
    return univariate_draw(*this, d, scalars, e.where);
  });
}

NodeRef Checker::for_each_element(const std::string& name, const Distribution& d,
                                  const std::vector<NodeRef>& values, Shape shape, const Expression& e,
                                  const std::function<NodeRef(const std::vector<NodeRef>&)>& draw) {
  for (NodeRef value : values) {
    if (value->scalar()) continue;
    if (!shape.empty() && shape != value->shape)
      throw Error("wrong_shape",
                  fmt::format("`{}` takes parameters of one shape or scalars, found {} and {}", e.name,
                              shape_text(shape), shape_text(value->shape)),
                  e.where);
    shape = value->shape;
  }
  if (shape.empty()) return draw(values);
  NodeRef out = declare(name, d.outcome == Domain::Real ? Type::Real : Type::Integer, shape);
  each_element(shape, [&](const std::vector<NodeRef>& index) {
    std::vector<NodeRef> scalars;
    for (NodeRef value : values) scalars.push_back(value->scalar() ? value : graph().element(value, index));
    store(out, index, draw(scalars));
  });
  return out;
}

}  // namespace drey::model
