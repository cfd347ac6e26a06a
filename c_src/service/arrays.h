#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "term/term.h"

/// Arrays as they travel: `{Type, Shape, Binary}`, row-major, little-endian; or nested lists of numbers.
namespace drey::service {

using Shape = std::vector<std::uint64_t>;

/// The product of the sizes.
/// \throws Error{too_large} when it passes `limit`
std::uint64_t element_count(const Shape& shape, std::string_view what,
                            std::uint64_t limit = std::uint64_t{1} << 32);

struct Numbers {
  Shape shape;
  std::vector<double> values;
};

/// Reads an array of any type, or (nested) lists of numbers of equal lengths.
/// \param what names the thing in errors: "points"
/// \throws Error{wrong_type} what it is instead, Error{wrong_shape} when lengths do not agree
Numbers read_numbers(const term::Term& value, std::string_view what,
                     std::uint64_t limit = std::uint64_t{1} << 28);

/// `{f64, Shape, Binary}` over the vector itself, which is moved and never copied.
term::Term array_f64(std::vector<double> values, const Shape& shape);
term::Term array_f32(std::vector<float> values, const Shape& shape);
term::Term array_s32(std::vector<std::int32_t> values, const Shape& shape);
term::Term array_s64(std::vector<std::int64_t> values, const Shape& shape);
term::Term array_u8(std::vector<std::uint8_t> values, const Shape& shape);
/// A finite number as a float; a number that is not finite, which no Erlang float can hold, as the binary
/// `<<"nan">>`, `<<"infinity">>` or `<<"neg_infinity">>`.
term::Term number(double value);

}  // namespace drey::service
