#include "model/ode_system.h"

#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"

namespace drey::model {

using syntax::Expression;

OdeSystem ode_system(Checker& c, const Expression& e, std::size_t extra) {
  Graph& g = c.graph();
  if (e.args[0].kind != Expression::Kind::Name)
    throw Error("invalid_model", fmt::format("`{}` takes the name of a function f(t, y, ...)", e.name),
                e.args[0].where);
  OdeSystem s;
  s.start = g.to_real(c.expression(e.args[1]));
  s.t0 = g.to_real(c.expression(e.args[2]));
  s.times = g.to_real(c.expression(e.args[3]));
  if (s.start->shape.size() != 1 || s.start->shape[0] == 0)
    throw Error("wrong_shape", "the state of an ODE is a vector", e.args[1].where);
  if (!s.t0->scalar()) throw Error("wrong_shape", "the initial time is a scalar", e.args[2].where);
  if (s.times->shape.size() != 1 || s.times->shape[0] == 0)
    throw Error("wrong_shape", "the times of an ODE's output are a vector", e.args[3].where);
  s.size = s.start->shape[0];
  s.count = s.times->shape[0];
  if (s.times->data_only && s.times->loops.empty() && s.t0->data_only && s.t0->loops.empty()) {
    double before = c.host().element(s.t0, {});
    for (std::uint64_t i = 0; i < s.count; ++i) {
      double now = c.host().all(s.times)[i];
      if (now < before)
        throw Error("out_of_range",
                    fmt::format("times[{}] is {}, before {}; times of an ODE increase", i + 1, now, before),
                    e.args[3].where);
      before = now;
    }
  }
  std::vector<NodeRef> more;
  for (std::size_t i = 4 + extra; i < e.args.size(); ++i) more.push_back(c.expression(e.args[i]));
  s.f = [&c, &e, more, size = s.size](NodeRef t, NodeRef y) {
    std::vector<NodeRef> args{t, y};
    args.insert(args.end(), more.begin(), more.end());
    NodeRef slope = c.graph().to_real(c.apply(e.args[0].name, std::move(args), e.where));
    if (slope->shape != Shape{size})
      throw Error(
          "wrong_shape",
          fmt::format("`{}` gives {} for a state of {}", e.args[0].name, shape_text(slope->shape), size),
          e.where);
    return slope;
  };
  return s;
}

OdeTolerance ode_tolerance(Checker& c, const Expression& e) {
  NodeRef given = c.graph().to_real(c.expression(e));
  OdeTolerance tolerance;
  const bool fixed = given->data_only && given->loops.empty();
  if (fixed && given->scalar())
    tolerance.relative = tolerance.absolute = c.host().element(given, {});
  else if (fixed && given->shape == Shape{2})
    tolerance = {c.host().all(given)[0], c.host().all(given)[1]};
  else
    tolerance.relative = -1;
  if (!(tolerance.relative > 0 && tolerance.absolute > 0))
    throw Error("out_of_range", "the tolerance is a positive number, or [Relative, Absolute]", e.where);
  return tolerance;
}

std::int64_t ode_attempts(Checker& c, const Expression& e) {
  const std::int64_t cap = c.constant_integer(e, "the cap on attempts");
  if (cap < 1 || cap > 100000) throw Error("out_of_range", "1 to 100000 attempts", e.where);
  return cap;
}

NodeRef ode_advance(Graph& g, NodeRef y, NodeRef h, const std::vector<NodeRef>& slopes,
                    std::span<const double> weights) {
  NodeRef total = nullptr;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    NodeRef term = weights[i] == 1 ? slopes[i] : g.mul(g.real(weights[i]), slopes[i]);
    total = total ? g.add(total, term) : term;
  }
  return total ? g.add(y, is_number(h, 1) ? total : g.mul(h, total)) : y;
}

NodeRef ode_error_norm(Checker& c, NodeRef error, NodeRef before, NodeRef after, OdeTolerance tolerance) {
  Graph& g = c.graph();
  NodeRef size = g.call("max", {g.call("abs", {before}), g.call("abs", {after})});
  NodeRef scale = g.add(g.real(tolerance.absolute), g.mul(g.real(tolerance.relative), size));
  NodeRef squares = g.sum(g.call("square", {g.div(error, scale)}));
  const double part = 1.0 / static_cast<double>(error->shape[0]);
  return c.keep(g.operation(Op::StopGradient, {g.call("sqrt", {g.mul(g.real(part), squares)})}), "error");
}

}  // namespace drey::model
