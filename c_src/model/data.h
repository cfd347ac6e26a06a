#pragma once

#include "model/syntax.h"
#include "term/term.h"

/// A model's data: numbers, (nested) lists of numbers, and `{f64 | f32 | s32 | s64 | u8, Shape, Binary}`.
namespace drey::model {

/// Elements one data array may have.
inline constexpr std::uint64_t max_data_elements = std::uint64_t{1} << 28;

/// Integers only where every number is one. Reals must be finite.
/// \throws Error{not_finite, wrong_shape, invalid_data} that names the element, 1-based.
syntax::DataEntry parse_data(const std::string& name, const term::Term& value);

/// "y[2, 3]": the element at row-major offset `element` (1-based indices); the bare name for a scalar.
std::string element_name(const std::string& name, const Shape& shape, std::uint64_t element);

/// Elements of an array of this shape.
std::uint64_t elements(const Shape& shape);

/// "a scalar", "[3, 4]".
std::string shape_text(const Shape& shape);

}  // namespace drey::model
