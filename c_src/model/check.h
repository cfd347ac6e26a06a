#pragma once

#include "model/checked.h"
#include "model/syntax.h"

namespace drey::model {

/// Resolves names, shapes and types; turns every form of the language into nodes and actions.
/// \throws Error{unknown_name, wrong_shape, wrong_type, out_of_range, out_of_support, invalid_model, ...}
/// with the position, what was expected and found, and the nearest known name.
Checked check(syntax::Model model);

}  // namespace drey::model
