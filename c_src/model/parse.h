#pragma once

#include "model/syntax.h"
#include "term/term.h"

/// Term to syntax. Knows the forms of statements and declarations, nothing of names, shapes or distributions.
namespace drey::model {

/// How deep expressions and statements may nest, and how many there may be in one model.
inline constexpr int max_nesting = 64;
inline constexpr std::size_t max_expressions = 200000;

/// \throws Error{invalid_model, not_finite, wrong_shape, too_deep, too_large} with the position in the term.
syntax::Model parse(const term::Term& model);

}  // namespace drey::model
