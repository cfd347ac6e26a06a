#pragma once

#include <string>

#include "model/graph.h"

/// What is known of an operation's values from those of its arguments.
namespace drey::model {

/// Rough operations one evaluation of a scalar function takes.
double function_cost(const std::string& name);

/// Sets the bounds of an operation's elements: interval arithmetic where it is easy, enough to know that scales are
/// positive and indices in range.
void bounds(Node& node);

}  // namespace drey::model
