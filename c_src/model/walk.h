#pragma once

#include <set>

#include "model/checked.h"

namespace drey::model {

/// Walks the loops of a checked model over its data, integers only, and finds what intervals cannot: an index
/// that leaves its array on some trip, an element that is set twice, an element that is read before it is
/// set. Bounded work: what would take too long is left to the clamping of indices in lowering, with a
/// warning. \throws Error{out_of_range, not_set} naming the element and the trip
/// \returns the variables not meant to be overwritten of which an element is set twice, or may be
std::set<VariableId> walk(Checked& checked);

}  // namespace drey::model
