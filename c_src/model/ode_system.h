#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/checker.h"

/// What the solvers of ordinary differential equations share: the system, and how the language spells it.
namespace drey::model {

/// dy/dt = f(t, y, arguments...), f a function of the model.
struct OdeSystem {
  std::function<NodeRef(NodeRef t, NodeRef y)> f;
  NodeRef start = nullptr;  ///< the state at t0
  NodeRef t0 = nullptr;
  NodeRef times = nullptr;  ///< of the output, not decreasing
  std::uint64_t size = 0;   ///< of the state
  std::uint64_t count = 0;  ///< of the times
};

/// Of {Solver, F, Y0, T0, Ts, Extra..., Arg...}, `extra` arguments of the solver's own standing before F's.
/// \throws Error{wrong_shape, out_of_range, ...} at the argument that is wrong
OdeSystem ode_system(Checker& c, const syntax::Expression& e, std::size_t extra);

/// What a step's error is held against: absolute + relative * |y|.
struct OdeTolerance {
  double relative = 1e-6, absolute = 1e-6;
};

/// A positive number for both, or [Relative, Absolute]. \throws Error{out_of_range}
OdeTolerance ode_tolerance(Checker& c, const syntax::Expression& e);
/// A cap on attempted steps. \throws Error{out_of_range}
std::int64_t ode_attempts(Checker& c, const syntax::Expression& e);

/// y + h * sum of weights * slopes
NodeRef ode_advance(Graph& g, NodeRef y, NodeRef h, const std::vector<NodeRef>& slopes,
                    std::span<const double> weights);
/// Root mean square of the error's elements over what is tolerated; no part of the derivative.
NodeRef ode_error_norm(Checker& c, NodeRef error, NodeRef before, NodeRef after, OdeTolerance tolerance);

/// Rosenbrock method RODAS with adaptive steps, for stiff systems; at most `attempts` steps in all, and NaN at
/// the times that these do not reach.
NodeRef ode_rodas(Checker& c, const syntax::Expression& e, std::size_t extra, OdeTolerance tolerance,
                  std::int64_t attempts);

}  // namespace drey::model
