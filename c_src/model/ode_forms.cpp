#include <limits>
#include <span>

#include "error.h"
#include "model/library.h"
#include "model/ode_system.h"

namespace drey::model {
namespace {

using syntax::Expression;

NodeRef time_before(Graph& g, const OdeSystem& s, NodeRef i) {
  NodeRef previous = g.element(s.times, {g.operation(Op::MaxI, {g.shift(i, -1), g.integer(0)})});
  return g.select(g.operation(Op::EqualI, {i, g.integer(0)}), s.t0, previous);
}

/// The classical method with a fixed number of steps between output times.
NodeRef rk4(Checker& c, const Expression& e) {
  Graph& g = c.graph();
  OdeSystem s = ode_system(c, e, 1);
  const std::int64_t steps = c.constant_integer(e.args[4], "the number of steps");
  if (steps < 1 || steps > 100000)
    throw Error("out_of_range", "1 to 100000 steps between output times", e.args[4].where);
  const auto n = static_cast<std::uint64_t>(steps);
  NodeRef state = c.declare("state", Type::Real, {s.count + 1, n + 1, s.size});
  NodeRef out = c.declare("solution", Type::Real, {s.count, s.size});
  NodeRef zero = g.integer(0);
  c.loop("j", s.size, [&](NodeRef j) { c.store(state, {zero, zero, j}, g.element(s.start, {j})); });
  c.loop("i", s.count, [&](NodeRef i) {
    NodeRef from = time_before(g, s, i);
    NodeRef h = g.mul(g.sub(g.element(s.times, {i}), from), g.real(1.0 / static_cast<double>(steps)));
    c.loop("k", n, [&](NodeRef k) {
      NodeRef y = g.element(state, {i, k});
      NodeRef t = g.add(from, g.mul(h, g.to_real(k)));
      NodeRef half = g.mul(g.real(0.5), h);
      NodeRef k1 = c.keep(s.f(t, y), "slope");
      NodeRef k2 = c.keep(s.f(g.add(t, half), g.add(y, g.mul(half, k1))), "slope");
      NodeRef k3 = c.keep(s.f(g.add(t, half), g.add(y, g.mul(half, k2))), "slope");
      NodeRef k4 = c.keep(s.f(g.add(t, h), g.add(y, g.mul(h, k3))), "slope");
      const double w[] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
      NodeRef next = ode_advance(g, y, h, {k1, k2, k3, k4}, w);
      c.loop("j", s.size, [&](NodeRef j) { c.store(state, {i, g.shift(k, 1), j}, g.element(next, {j})); });
    });
    c.loop("j", s.size, [&](NodeRef j) {
      NodeRef end = g.element(state, {i, g.integer(steps), j});
      c.store(out, {i, j}, end);
      c.store(state, {g.shift(i, 1), zero, j}, end);
    });
  });
  return out;
}

/// Dormand and Prince 5(4) (J. Comp. Appl. Math. 6, 1980) with adaptive steps: at most `cap` attempts between
/// output times, all of them executed, those after the end with step 0. Where they do not suffice the
/// solution is NaN.
NodeRef rk45(Checker& c, const Expression& e, std::size_t extra, OdeTolerance tolerance, std::int64_t cap) {
  static constexpr double a[6][6] = {
      {1.0 / 5},
      {3.0 / 40, 9.0 / 40},
      {44.0 / 45, -56.0 / 15, 32.0 / 9},
      {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
      {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
      {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
  static constexpr double at[6] = {0.2, 0.3, 0.8, 8.0 / 9, 1, 1};
  static constexpr double error_weights[7] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                              -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
  Graph& g = c.graph();
  OdeSystem s = ode_system(c, e, extra);
  const auto attempts = static_cast<std::uint64_t>(cap);
  NodeRef state = c.declare("state", Type::Real, {s.count + 1, attempts + 1, s.size});
  NodeRef time = c.declare("time", Type::Real, {s.count + 1, attempts + 1});
  NodeRef step = c.declare("step", Type::Real, {s.count + 1, attempts + 1});
  NodeRef out = c.declare("solution", Type::Real, {s.count, s.size});
  NodeRef zero = g.integer(0), last = g.integer(cap);
  c.loop("j", s.size, [&](NodeRef j) { c.store(state, {zero, zero, j}, g.element(s.start, {j})); });
  c.store(time, {zero, zero}, s.t0);
  c.store(step, {zero, zero}, g.real(0));
  c.loop("i", s.count, [&](NodeRef i) {
    NodeRef end = g.element(s.times, {i});
    c.loop("k", attempts, [&](NodeRef k) {
      NodeRef y = g.element(state, {i, k});
      NodeRef t = g.element(time, {i, k});
      NodeRef left = g.sub(end, t);
      // A first guess, after output at t0 too; the controller corrects it within the first attempts.
      NodeRef known = g.element(step, {i, k});
      NodeRef planned = g.select(g.operation(Op::LessR, {g.real(0), known}), known, g.mul(g.real(0.1), left));
      // The choice of steps is no part of the derivative; that the last one ends on the output time is.
      planned = c.keep(g.operation(Op::StopGradient, {planned}), "planned");
      NodeRef h = c.keep(g.select(g.operation(Op::LessR, {planned, left}), planned, left), "h");
      std::vector<NodeRef> slopes{c.keep(s.f(t, y), "slope")};
      NodeRef next = nullptr;
      for (int stage = 0; stage < 6; ++stage) {
        next = c.keep(
            ode_advance(g, y, h, slopes, std::span(a[stage]).first(static_cast<std::size_t>(stage) + 1)),
            "stage");
        slopes.push_back(c.keep(s.f(g.add(t, g.mul(g.real(at[stage]), h)), next), "slope"));
      }
      NodeRef difference = ode_advance(g, g.fill(g.real(0), {s.size}), h, slopes, error_weights);
      NodeRef norm = ode_error_norm(c, difference, y, next, tolerance);
      NodeRef accepted = g.operation(Op::NotI, {g.operation(Op::LessR, {g.real(1), norm})});
      NodeRef finished = g.operation(Op::NotI, {g.operation(Op::LessR, {g.real(0), left})});
      NodeRef factor = g.mul(g.real(0.9), g.call("^", {g.call("max", {norm, g.real(1e-10)}), g.real(-0.2)}));
      factor = g.call("min", {g.call("max", {factor, g.real(0.2)}), g.real(5)});
      c.loop("j", s.size, [&](NodeRef j) {
        c.store(state, {i, g.shift(k, 1), j}, g.select(accepted, g.element(next, {j}), g.element(y, {j})));
      });
      // The last step ends exactly on the output time.
      NodeRef arrived = g.select(g.operation(Op::LessR, {planned, left}), g.add(t, h), end);
      c.store(time, {i, g.shift(k, 1)}, g.select(accepted, arrived, t));
      // A step cut short by the output time says nothing against the longer one that was planned.
      NodeRef proposed = g.call("max", {g.mul(h, factor), g.select(accepted, planned, g.real(0))});
      c.store(step, {i, g.shift(k, 1)},
              g.operation(Op::StopGradient, {g.select(finished, planned, proposed)}));
    });
    NodeRef reached = g.operation(Op::NotI, {g.operation(Op::LessR, {g.element(time, {i, last}), end})});
    c.loop("j", s.size, [&](NodeRef j) {
      NodeRef value = g.element(state, {i, last, j});
      c.store(out, {i, j}, g.select(reached, value, g.real(std::numeric_limits<double>::quiet_NaN())));
      c.store(state, {g.shift(i, 1), zero, j}, value);
    });
    c.store(time, {g.shift(i, 1), zero}, end);
    c.store(step, {g.shift(i, 1), zero}, g.element(step, {i, last}));
  });
  return out;
}

}  // namespace

std::vector<Form> ode_forms() {
  return {
      {"ode_rk4", 5, 64, rk4, "{ode_rk4, F, Y0, T0, Ts, Steps, Arg...}",
       "dy/dt = F(t, y, args...) at the times Ts, a matrix of one row a time; classical Runge-Kutta, a fixed "
       "number of "
       "steps between output times"},
      {"ode_rk45", 4, 64, [](Checker& c, const Expression& e) { return rk45(c, e, 0, {}, 16); },
       "{ode_rk45, F, Y0, T0, Ts, Arg...}",
       "the same with adaptive steps (Dormand and Prince), relative and absolute tolerance 1e-6, at most 16 "
       "attempts "
       "between output times; NaN where these do not suffice"},
      {"ode_rk45_tol", 6, 64,
       [](Checker& c, const Expression& e) {
         const OdeTolerance tolerance = ode_tolerance(c, e.args[4]);
         return rk45(c, e, 2, tolerance, ode_attempts(c, e.args[5]));
       },
       "{ode_rk45_tol, F, Y0, T0, Ts, Tolerance, Attempts, Arg...}",
       "ode_rk45 with its tolerance, a number or [Relative, Absolute], and cap"},
      {"ode_rodas", 4, 64, [](Checker& c, const Expression& e) { return ode_rodas(c, e, 0, {}, 256); },
       "{ode_rodas, F, Y0, T0, Ts, Arg...}",
       "the same for stiff systems: Rosenbrock method RODAS, exact Jacobian, relative and absolute tolerance "
       "1e-6, at most 256 attempts in all; NaN from where these do not suffice"},
      {"ode_rodas_tol", 6, 64,
       [](Checker& c, const Expression& e) {
         const OdeTolerance tolerance = ode_tolerance(c, e.args[4]);
         return ode_rodas(c, e, 2, tolerance, ode_attempts(c, e.args[5]));
       },
       "{ode_rodas_tol, F, Y0, T0, Ts, Tolerance, Attempts, Arg...}",
       "ode_rodas with its tolerance, a number or [Relative, Absolute], and cap"},
  };
}

}  // namespace drey::model
