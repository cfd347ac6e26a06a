#pragma once

#include "model/program.h"

namespace drey::grad {

/// Reverse-mode differentiation of a density program: the result computes Target and, in Space::Gradient,
/// d target / d point, in one run. Loops that carry nothing between trips keep no tape; loops that carry
/// state run backwards over the locals they stored. Work is a small constant times the forward program's,
/// whatever the dimension (Griewank and Walther, Evaluating Derivatives, 2008, section 3.3).
///
/// \param density as program.h describes: each Local element stored at most once a run
/// \param dimension of the point
model::Program differentiate(const model::Program& density, std::uint64_t dimension);

}  // namespace drey::grad
