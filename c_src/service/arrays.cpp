#include "service/arrays.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "error.h"

namespace drey::service {

static_assert(std::endian::native == std::endian::little,
              "arrays travel little-endian and are never swapped");

using term::Term;

std::uint64_t element_count(const Shape& shape, std::string_view what, std::uint64_t limit) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape)
    if (size == 0) return 0;
  for (const std::uint64_t size : shape) {
    if (size > limit / count)
      throw Error("too_large", fmt::format("{} of shape [{}] is more than {} numbers", what,
                                           fmt::join(shape, ","), limit));
    count *= size;
  }
  return count;
}

namespace {

template <typename T>
void copy(std::span<const std::uint8_t> bytes, std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(value);
  }
}

Numbers read_array(const term::Tuple& array, std::string_view what, std::uint64_t limit) {
  const auto& type = array.elements[0].as<term::Atom>()->name;
  const auto* sizes = array.elements[1].as<term::List>();
  const auto* data = array.elements[2].as<term::Binary>();
  const std::size_t width = type == "f64" || type == "s64"   ? 8
                            : type == "f32" || type == "s32" ? 4
                            : type == "u8"                   ? 1
                                                             : 0;
  if (width == 0)
    throw Error("wrong_type",
                fmt::format("{} has element type {}; known: f32, f64, s32, s64, u8", what, type));
  if (!sizes || sizes->tail || !data)
    throw Error("wrong_type",
                fmt::format("{} is a tuple, but not {{Type, Shape, Binary}} with a list of sizes and "
                            "a binary",
                            what));
  Numbers numbers;
  for (const Term& size : sizes->elements) {
    const auto* n = size.as<std::int64_t>();
    if (!n || *n < 0)
      throw Error("wrong_shape", fmt::format("{} has shape {}; sizes are integers from 0", what,
                                             term::to_string(array.elements[1])));
    numbers.shape.push_back(static_cast<std::uint64_t>(*n));
    if (numbers.shape.size() > 16)
      throw Error("wrong_shape", fmt::format("{} has more than 16 dimensions", what));
  }
  const std::uint64_t count = element_count(numbers.shape, what, limit);
  if (data->size() != count * width)
    throw Error("wrong_shape",
                fmt::format("{} of type {} and shape {} needs {} bytes; its binary has {}", what, type,
                            term::to_string(array.elements[1]), count * width, data->size()));
  numbers.values.resize(count);
  if (type == "f64")
    std::memcpy(numbers.values.data(), data->bytes().data(), data->size());
  else if (type == "f32")
    copy<float>(data->bytes(), numbers.values);
  else if (type == "s32")
    copy<std::int32_t>(data->bytes(), numbers.values);
  else if (type == "s64")
    copy<std::int64_t>(data->bytes(), numbers.values);
  else
    copy<std::uint8_t>(data->bytes(), numbers.values);
  return numbers;
}

void read_list(const Term& value, std::size_t level, std::string_view what, Numbers& numbers) {
  if (const auto number = value.number()) {
    if (level != numbers.shape.size())
      throw Error("wrong_shape", fmt::format("{}: {} found where a list of {} was expected", what,
                                             term::to_string(value), numbers.shape[level]));
    numbers.values.push_back(*number);
    return;
  }
  const auto* list = value.as<term::List>();
  if (!list || list->tail)
    throw Error("wrong_type",
                fmt::format("{}: {} is neither a number nor a list of numbers nor {{Type, Shape, Binary}}",
                            what, term::to_string(value)));
  if (level == numbers.shape.size())
    throw Error("wrong_shape",
                fmt::format("{}: {} found where a number was expected", what, term::to_string(value)));
  if (list->elements.size() != numbers.shape[level])
    throw Error("wrong_shape", fmt::format("{}: a list of {} found among lists of {}", what,
                                           list->elements.size(), numbers.shape[level]));
  for (const Term& element : list->elements) read_list(element, level + 1, what, numbers);
}

template <typename T>
Term array(std::string_view type, std::vector<T> values, const Shape& shape) {
  auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  const auto bytes = std::as_bytes(std::span(*owner));
  std::vector<Term> sizes;
  for (const std::uint64_t size : shape) sizes.emplace_back(static_cast<std::int64_t>(size));
  return term::tuple(
      {term::atom(type), term::list(std::move(sizes)),
       term::Binary(std::move(owner), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})});
}

}  // namespace

Numbers read_numbers(const Term& value, std::string_view what, std::uint64_t limit) {
  if (const auto* tuple = value.as<term::Tuple>())
    if (tuple->elements.size() == 3 && tuple->elements[0].as<term::Atom>())
      return read_array(*tuple, what, limit);
  Numbers numbers;
  // The first elements give the shape; the rest must agree.
  const Term* first = &value;
  while (const auto* list = first->as<term::List>()) {
    numbers.shape.push_back(list->elements.size());
    if (list->elements.empty() || numbers.shape.size() == 16) break;
    first = &list->elements.front();
  }
  read_list(value, 0, what, numbers);
  return numbers;
}

Term array_f64(std::vector<double> values, const Shape& shape) {
  return array("f64", std::move(values), shape);
}
Term array_f32(std::vector<float> values, const Shape& shape) {
  return array("f32", std::move(values), shape);
}
Term array_s32(std::vector<std::int32_t> values, const Shape& shape) {
  return array("s32", std::move(values), shape);
}
Term array_s64(std::vector<std::int64_t> values, const Shape& shape) {
  return array("s64", std::move(values), shape);
}
Term array_u8(std::vector<std::uint8_t> values, const Shape& shape) {
  return array("u8", std::move(values), shape);
}

Term number(double value) {
  if (std::isfinite(value)) return value;
  return term::text(std::isnan(value) ? "nan" : value > 0 ? "infinity" : "neg_infinity");
}

}  // namespace drey::service
