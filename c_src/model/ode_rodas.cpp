#include <array>
#include <limits>

#include "model/ode_system.h"
#include "model/tangent.h"

/// RODAS: Hairer and Wanner, Solving Ordinary Differential Equations II, 2nd edition, 1996, section IV.7 and
/// appendix: six stages, order 4 with an embedded method of order 3, stiffly accurate, L-stable, and a
/// continuous solution of order 3 for the times between steps.
namespace drey::model {
namespace {

using syntax::Expression;

constexpr double gamma = 0.25;
/// Stage i evaluates f at y + sum a[i][j] u[j]; the last two are the solution of order 3 and that of order 4.
constexpr std::array<std::array<double, 5>, 6> a = {{
    {},
    {1.544000000000000},
    {0.9466785280815826, 0.2557011698983284},
    {3.314825187068521, 2.896124015972201, 0.9986419139977817},
    {1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950},
    {1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1},
}};
constexpr std::array<std::array<double, 5>, 6> c_over_h = {{
    {},
    {-5.668800000000000},
    {-2.430093356833875, -0.2063599157091915},
    {-0.1073529058151375, -9.594562251023355, -20.47028614809616},
    {7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160},
    {8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054},
}};
constexpr std::array<double, 6> at = {0, 0.386, 0.21, 0.63, 1, 1};
constexpr std::array<double, 6> time_slope = {0.25, -0.1043, 0.1035, -0.0362, 0, 0};
/// y(t + s h) = (1 - s) y0 + s (y1 + (1 - s) (sum dense[0] u + s sum dense[1] u))
constexpr std::array<std::array<double, 5>, 2> dense = {{
    {10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662},
    {-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872},
}};

/// A square matrix factored with row pivoting. Rows stay where they are; `chosen` says by 1 which one each
/// step eliminates with, so that every element is written once and nothing is indexed by a computed number.
struct Factored {
  NodeRef chosen;      ///< [step, row]: 1 for the step's pivot row, else 0
  NodeRef multiplier;  ///< [step, row]: what the row loses of the pivot row
  NodeRef upper;       ///< [step, column]
  std::uint64_t size;
};

Factored factor(Checker& c, NodeRef matrix) {
  Graph& g = c.graph();
  const std::uint64_t n = matrix->shape[0];
  Factored f{c.declare("chosen", Type::Real, {n, n}), c.declare("multiplier", Type::Real, {n, n}),
             c.declare("upper", Type::Real, {n, n}), n};
  NodeRef rest = c.declare("rest", Type::Real, {n + 1, n, n});
  NodeRef free = c.declare("free", Type::Real, {n + 1, n});  // 1 for the rows no step has used
  NodeRef best = c.declare("best", Type::Real, {n, n + 1}), row = c.declare("row", Type::Real, {n, n + 1});
  NodeRef zero = g.integer(0), last = g.integer(static_cast<std::int64_t>(n));
  c.loop("i", n, [&](NodeRef i) {
    c.store(free, {zero, i}, g.real(1));
    c.loop("j", n, [&](NodeRef j) { c.store(rest, {zero, i, j}, g.element(matrix, {i, j})); });
  });
  c.loop("k", n, [&](NodeRef k) {
    NodeRef next = g.shift(k, 1);
    c.store(best, {k, zero}, g.real(-1));
    c.store(row, {k, zero}, g.real(0));
    c.loop("i", n, [&](NodeRef i) {
      NodeRef size = g.call("abs", {g.element(rest, {k, i, k})});
      NodeRef unused = g.operation(Op::LessR, {g.real(0.5), g.element(free, {k, i})});
      NodeRef larger =
          g.operation(Op::MinI, {unused, g.operation(Op::LessR, {g.element(best, {k, i}), size})});
      c.store(best, {k, g.shift(i, 1)},
              g.operation(Op::StopGradient, {g.select(larger, size, g.element(best, {k, i}))}));
      c.store(row, {k, g.shift(i, 1)}, g.select(larger, g.to_real(i), g.element(row, {k, i})));
    });
    c.loop("i", n, [&](NodeRef i) {
      NodeRef here = g.to_real(g.operation(Op::EqualR, {g.to_real(i), g.element(row, {k, last})}));
      c.store(f.chosen, {k, i}, here);
      c.store(free, {next, i}, g.mul(g.element(free, {k, i}), g.sub(g.real(1), here)));
    });
    c.loop("j", n, [&](NodeRef j) {
      NodeRef column = g.at(
          rest,
          {{Axis::Kind::Scalar, k, 0, 0}, {Axis::Kind::Range, nullptr, 0, n}, {Axis::Kind::Scalar, j, 0, 0}});
      c.store(f.upper, {k, j}, g.contract(g.element(f.chosen, {k}), column));
    });
    c.loop("i", n, [&](NodeRef i) {
      NodeRef m = g.div(g.element(rest, {k, i, k}), g.element(f.upper, {k, k}));
      c.store(f.multiplier, {k, i}, g.mul(g.element(free, {next, i}), m));
      c.loop("j", n, [&](NodeRef j) {
        c.store(rest, {next, i, j},
                g.sub(g.element(rest, {k, i, j}),
                      g.mul(g.element(f.multiplier, {k, i}), g.element(f.upper, {k, j}))));
      });
    });
  });
  return f;
}

NodeRef solve(Checker& c, const Factored& f, NodeRef b) {
  Graph& g = c.graph();
  const std::uint64_t n = f.size;
  NodeRef rest = c.declare("rest", Type::Real, {n + 1, n});
  NodeRef z = c.declare("z", Type::Real, {n}), x = c.declare("u", Type::Real, {n});
  NodeRef zero = g.integer(0), last = g.integer(static_cast<std::int64_t>(n) - 1);
  c.loop("i", n, [&](NodeRef i) { c.store(rest, {zero, i}, g.element(b, {i})); });
  c.loop("k", n, [&](NodeRef k) {
    c.store(z, {k}, g.contract(g.element(f.chosen, {k}), g.element(rest, {k})));
    c.loop("i", n, [&](NodeRef i) {
      c.store(rest, {g.shift(k, 1), i},
              g.sub(g.element(rest, {k, i}), g.mul(g.element(f.multiplier, {k, i}), g.element(z, {k}))));
    });
  });
  c.loop("back", n, [&](NodeRef back) {
    NodeRef k = g.operation(Op::SubI, {last, back});
    NodeRef r = g.add_loop("r", zero, back);  // the unknowns behind, from the last
    NodeRef j = g.operation(Op::SubI, {last, r});
    NodeRef known = g.sum_over(r, g.mul(g.element(f.upper, {k, j}), g.element(x, {j})));
    c.store(x, {k}, g.div(g.sub(g.element(z, {k}), known), g.element(f.upper, {k, k})));
  });
  return x;
}

/// d f / d y as a matrix, a column at a time.
NodeRef jacobian(Checker& c, const OdeSystem& s, NodeRef t, NodeRef y) {
  Graph& g = c.graph();
  NodeRef matrix = c.declare("jacobian", Type::Real, {s.size, s.size});
  c.loop("j", s.size, [&](NodeRef j) {
    Tangent tangent(c);
    tangent.seed(y, g.to_real(g.operation(Op::EqualI, {g.count(0, s.size), j})));
    const std::size_t from = c.here().size();
    NodeRef slope = s.f(t, y);
    tangent.follow(from);
    NodeRef column = tangent.of(slope);
    c.loop("i", s.size, [&](NodeRef i) {
      c.store(matrix, {i, j}, column ? g.element(column, {i}) : g.real(0));
    });
  });
  return matrix;
}

/// d f / d t; null where f does not name the time.
NodeRef slope_in_time(Checker& c, const OdeSystem& s, NodeRef t, NodeRef y) {
  Tangent tangent(c);
  tangent.seed(t, c.graph().real(1));
  const std::size_t from = c.here().size();
  NodeRef slope = s.f(t, y);
  tangent.follow(from);
  NodeRef derivative = tangent.of(slope);
  return derivative ? c.keep(derivative, "slope") : nullptr;
}

}  // namespace

NodeRef ode_rodas(Checker& c, const Expression& e, std::size_t extra, OdeTolerance tolerance,
                  std::int64_t attempts) {
  Graph& g = c.graph();
  const OdeSystem s = ode_system(c, e, extra);
  const auto cap = static_cast<std::uint64_t>(attempts);
  NodeRef state = c.declare("state", Type::Real, {cap + 1, s.size});
  NodeRef time = c.declare("time", Type::Real, {cap + 1}), step = c.declare("step", Type::Real, {cap + 1});
  NodeRef taken = c.declare("taken", Type::Real, {cap});
  std::array<NodeRef, 2> curve = {c.declare("curve", Type::Real, {cap, s.size}),
                                  c.declare("curve", Type::Real, {cap, s.size})};
  NodeRef zero = g.integer(0), end = g.element(s.times, {g.integer(static_cast<std::int64_t>(s.count) - 1)});
  c.loop("j", s.size, [&](NodeRef j) { c.store(state, {zero, j}, g.element(s.start, {j})); });
  c.store(time, {zero}, s.t0);
  // A first guess; the controller corrects it within the first attempts.
  NodeRef interval = g.sub(g.element(s.times, {zero}), s.t0);
  interval = g.select(g.operation(Op::LessR, {g.real(0), interval}), interval, g.sub(end, s.t0));
  c.store(step, {zero}, g.operation(Op::StopGradient, {g.mul(g.real(0.1), interval)}));
  c.loop("k", cap, [&](NodeRef k) {
    NodeRef next = g.shift(k, 1);
    NodeRef y = c.keep(g.element(state, {k}), "y"), t = c.keep(g.element(time, {k}), "t");
    NodeRef planned = g.element(step, {k});
    NodeRef left = g.operation(Op::StopGradient, {g.sub(end, t)});
    // The choice of steps is no part of the derivative. After the end the steps are 0.
    NodeRef h = c.keep(g.operation(Op::StopGradient, {g.call("min", {planned, left})}), "h");
    NodeRef matrix = c.declare("matrix", Type::Real, {s.size, s.size});
    NodeRef slopes = jacobian(c, s, t, y);
    c.loop("i", s.size, [&](NodeRef i) {
      c.loop("j", s.size, [&](NodeRef j) {
        c.store(matrix, {i, j},
                g.sub(g.to_real(g.operation(Op::EqualI, {i, j})),
                      g.mul(g.mul(g.real(gamma), h), g.element(slopes, {i, j}))));
      });
    });
    const Factored factors = factor(c, matrix);
    NodeRef in_time = slope_in_time(c, s, t, y);
    std::vector<NodeRef> u;
    NodeRef one = g.real(1), third = nullptr, fourth = nullptr;
    for (std::size_t stage = 0; stage < 6; ++stage) {
      NodeRef place =
          stage == 0 ? y : c.keep(ode_advance(g, y, one, u, std::span(a[stage]).first(stage)), "stage");
      if (stage == 5) third = place;
      NodeRef slope = s.f(g.add(t, g.mul(g.real(at[stage]), h)), place);
      NodeRef right = g.mul(h, slope);
      if (in_time && time_slope[stage] != 0)
        right = g.add(right, g.mul(g.mul(g.real(time_slope[stage]), g.call("square", {h})), in_time));
      right = ode_advance(g, right, one, u, std::span(c_over_h[stage]).first(stage));
      u.push_back(solve(c, factors, c.keep(g.mul(g.real(gamma), right), "right")));
    }
    fourth = c.keep(g.add(third, u[5]), "next");
    NodeRef norm = ode_error_norm(c, u[5], y, fourth, tolerance);
    // A step that left the system's domain (NaN) is tried again, shorter.
    NodeRef accepted =
        g.operation(Op::MaxI, {g.operation(Op::LessR, {norm, one}), g.operation(Op::EqualR, {norm, one})});
    NodeRef factor = g.mul(g.real(0.9), g.call("^", {g.call("max", {norm, g.real(1e-10)}), g.real(-0.25)}));
    factor = g.call("min", {g.call("max", {factor, g.real(0.2)}), g.real(6)});
    factor = g.select(g.operation(Op::EqualR, {norm, norm}), factor, g.real(0.2));
    NodeRef last = g.operation(Op::NotI, {g.operation(Op::LessR, {planned, left})});
    NodeRef proposed = g.mul(h, factor);
    // A step cut short by the last time says nothing against the longer one that was planned.
    proposed = g.select(g.operation(Op::MinI, {accepted, last}), planned, proposed);
    c.store(step, {next}, g.operation(Op::StopGradient, {proposed}));
    c.store(taken, {k}, h);
    // The last step ends exactly on the last time.
    c.store(time, {next}, g.select(accepted, g.select(last, end, g.add(t, h)), t));
    const std::vector<NodeRef> first_five(u.begin(), u.begin() + 5);
    NodeRef nothing = g.fill(g.real(0), {s.size});
    std::array<NodeRef, 2> bend = {ode_advance(g, nothing, one, first_five, dense[0]),
                                   ode_advance(g, nothing, one, first_five, dense[1])};
    c.loop("j", s.size, [&](NodeRef j) {
      c.store(state, {next, j}, g.select(accepted, g.element(fourth, {j}), g.element(y, {j})));
      for (std::size_t d = 0; d < 2; ++d)
        c.store(curve[d], {k, j}, g.select(accepted, g.element(bend[d], {j}), g.real(0)));
    });
  });

  // Each time lies in one accepted step: of the others the sum takes 0.
  NodeRef out = c.declare("solution", Type::Real, {s.count, s.size});
  NodeRef reached = g.element(time, {g.integer(attempts)});
  NodeRef nan = g.real(std::numeric_limits<double>::quiet_NaN());
  c.loop("i", s.count, [&](NodeRef i) {
    NodeRef now = g.element(s.times, {i});
    c.loop("j", s.size, [&](NodeRef j) {
      NodeRef k = g.add_loop("k", zero, g.integer(attempts));
      NodeRef from = g.element(time, {k}), to = g.element(time, {g.shift(k, 1)}), h = g.element(taken, {k});
      NodeRef inside = g.operation(Op::MinI, {g.operation(Op::LessR, {from, now}),
                                              g.operation(Op::NotI, {g.operation(Op::LessR, {to, now})})});
      NodeRef part = g.div(g.sub(now, from), g.select(g.operation(Op::LessR, {g.real(0), h}), h, g.real(1)));
      NodeRef rest = g.sub(g.real(1), part);
      NodeRef before = g.element(state, {k, j}), after = g.element(state, {g.shift(k, 1), j});
      NodeRef bent =
          g.mul(rest, g.add(g.element(curve[0], {k, j}), g.mul(part, g.element(curve[1], {k, j}))));
      NodeRef value = g.add(g.mul(rest, before), g.mul(part, g.add(after, bent)));
      NodeRef sum = g.sum_over(k, g.select(inside, value, g.real(0)));
      NodeRef solution = g.select(g.operation(Op::LessR, {s.t0, now}), sum, g.element(s.start, {j}));
      c.store(out, {i, j}, g.select(g.operation(Op::LessR, {reached, now}), nan, solution));
    });
  });
  return out;
}

}  // namespace drey::model
