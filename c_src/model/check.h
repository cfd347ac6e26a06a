#pragma once

#include <set>
#include <string>

#include "model/checked.h"
#include "model/syntax.h"

namespace drey::model {

/// Resolves names, shapes and types; turns every form of the language into nodes and actions.
/// \throws Error{unknown_name, wrong_shape, wrong_type, out_of_range, out_of_support, invalid_model, ...}
/// with the position, what was expected and found, and the nearest known name.
/// \param overwritten positions of declarations whose elements are set more than once. Those found to be and not in it
/// are added: then the answer is of no use, and check() is asked again.
Checked check(syntax::Model model, std::set<std::string>& overwritten);

}  // namespace drey::model
