#pragma once

#include <set>

#include "model/checked.h"

namespace drey::model {

/// The vector expressions worth keeping in a local: those that the density (or, for `draws`, the outputs)
/// would otherwise compute many times over, at more than the price of a store and its loads.
std::set<NodeRef> dear_nodes(const Checked& checked, bool draws);

}  // namespace drey::model
