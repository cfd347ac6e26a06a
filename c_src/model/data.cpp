#include "model/data.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "error.h"

namespace drey::model {

std::uint64_t elements(const Shape& shape) {
  std::uint64_t count = 1;
  for (std::uint64_t size : shape) count *= size;
  return count;
}

std::string shape_text(const Shape& shape) {
  return shape.empty() ? "a scalar" : fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string element_name(const std::string& name, const Shape& shape, std::uint64_t element) {
  if (shape.empty()) return name;
  std::vector<std::uint64_t> index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const std::uint64_t extent =
        std::max<std::uint64_t>(shape[d], 1);  // ragged data may begin with an empty list
    index[d] = element % extent + 1;
    element /= extent;
  }
  return fmt::format("{}[{}]", name, fmt::join(index, ", "));
}

namespace {

constexpr std::size_t max_rank = 8;

/// Nested lists of numbers: the shape is that of the first element at each level.
class Lists {
 public:
  explicit Lists(const std::string& name) : name_(name) {}

  syntax::DataEntry read(const term::Term& value) {
    shape_of(value);
    fill(value, 0);
    syntax::DataEntry entry{name_, integers_ ? Type::Integer : Type::Real, shape_, {}};
    if (integers_)
      entry.values = std::move(whole_);
    else
      entry.values = std::move(reals_);
    return entry;
  }

 private:
  void shape_of(const term::Term& value) {
    const term::Term* at = &value;
    while (const auto* list = at->as<term::List>()) {
      if (list->tail) throw Error("invalid_data", fmt::format("`{}` is an improper list", name_), name_);
      if (shape_.size() == max_rank)
        throw Error("wrong_shape", fmt::format("`{}` nests lists more than {} deep", name_, max_rank), name_);
      shape_.push_back(list->elements.size());
      if (list->elements.empty()) return;
      at = &list->elements.front();
    }
  }

  void fill(const term::Term& value, std::size_t level) {
    if (level < shape_.size()) {
      const auto* list = value.as<term::List>();
      if (!list)
        throw Error("wrong_shape",
                    fmt::format("`{}` is ragged: {} is {} where a list of {} was expected", name_,
                                element_name(name_, shape_, reals_.size()), term::to_string(value, 40),
                                shape_[level]),
                    name_);
      if (list->tail || list->elements.size() != shape_[level])
        throw Error(
            "wrong_shape",
            fmt::format("`{}` is ragged: the list that begins at {} has {} elements where the first has {}",
                        name_, element_name(name_, shape_, reals_.size()), list->elements.size(),
                        shape_[level]),
            name_);
      for (const term::Term& element : list->elements) fill(element, level + 1);
      return;
    }
    if (const auto* integer = value.as<std::int64_t>()) {
      if (integers_) whole_.push_back(*integer);
      reals_.push_back(static_cast<double>(*integer));
    } else if (const auto* real = value.as<double>()) {
      integers_ = false;
      if (!std::isfinite(*real))
        throw Error("not_finite", fmt::format("{} is not finite", element_name(name_, shape_, reals_.size())),
                    name_);
      reals_.push_back(*real);
    } else {
      std::string what = value.as<term::List>() ? "a list" : term::to_string(value, 40);
      bool special = value.is_atom("nan") || value.is_atom("infinity") || value.is_atom("neg_infinity");
      throw Error(special ? "not_finite" : "invalid_data",
                  fmt::format("{} is {} where a {}number was expected",
                              element_name(name_, shape_, reals_.size()), what, special ? "finite " : ""),
                  name_);
    }
  }

  const std::string& name_;
  Shape shape_;
  bool integers_ = true;
  std::vector<double> reals_;
  std::vector<std::int64_t> whole_;
};

template <typename T>
std::vector<T> copy_as(std::span<const std::uint8_t> bytes, std::uint64_t count) {
  std::vector<T> out(count);
  if (count) std::memcpy(out.data(), bytes.data(), count * sizeof(T));
  return out;
}

syntax::DataEntry read_binary(const std::string& name, const term::Tuple& tuple) {
  const auto* type = tuple.elements[0].as<term::Atom>();
  const auto* dims = tuple.elements[1].as<term::List>();
  const auto* binary = tuple.elements[2].as<term::Binary>();
  syntax::DataEntry entry{name, Type::Real, {}, {}};
  std::size_t width = 0;
  if (type && (type->name == "f64" || type->name == "s64")) width = 8;
  if (type && (type->name == "f32" || type->name == "s32")) width = 4;
  if (type && type->name == "u8") width = 1;
  if (width == 0 || !dims || dims->tail || !binary)
    throw Error(
        "invalid_data",
        fmt::format("`{}` is {} where a number, a list of numbers or {{f64 | f32 | s32 | s64 | u8, Shape, "
                    "Binary}} was expected",
                    name, term::to_string(term::Term(tuple), 60)),
        name);
  std::uint64_t count = 1;
  if (dims->elements.size() > max_rank)
    throw Error("wrong_shape", fmt::format("`{}` has more than {} dimensions", name, max_rank), name);
  for (const term::Term& dim : dims->elements) {
    const auto* size = dim.as<std::int64_t>();
    if (!size || *size < 0 || (*size > 0 && count > max_data_elements / static_cast<std::uint64_t>(*size)))
      throw Error("wrong_shape", fmt::format("`{}` has the dimension {}", name, term::to_string(dim, 40)),
                  name);
    entry.shape.push_back(static_cast<std::uint64_t>(*size));
    count *= static_cast<std::uint64_t>(*size);
  }
  if (binary->size() != count * width)
    throw Error("wrong_shape",
                fmt::format("`{}` has {} bytes where {} of shape {} need {}", name, binary->size(),
                            type->name, shape_text(entry.shape), count * width),
                name);
  if (type->name[0] == 'f') {
    std::vector<double> reals;
    if (width == 8) {
      reals = copy_as<double>(binary->bytes(), count);
    } else {
      auto narrow = copy_as<float>(binary->bytes(), count);
      reals.assign(narrow.begin(), narrow.end());
    }
    for (std::uint64_t i = 0; i < count; ++i)
      if (!std::isfinite(reals[i]))
        throw Error("not_finite", fmt::format("{} is not finite", element_name(name, entry.shape, i)), name);
    entry.values = std::move(reals);
  } else {
    entry.type = Type::Integer;
    std::vector<std::int64_t> whole;
    if (width == 8) {
      whole = copy_as<std::int64_t>(binary->bytes(), count);
    } else if (width == 4) {
      auto narrow = copy_as<std::int32_t>(binary->bytes(), count);
      whole.assign(narrow.begin(), narrow.end());
    } else {
      whole.assign(binary->bytes().begin(), binary->bytes().end());
    }
    entry.values = std::move(whole);
  }
  return entry;
}

}  // namespace

syntax::DataEntry parse_data(const std::string& name, const term::Term& value) {
  if (const auto* tuple = value.as<term::Tuple>(); tuple && tuple->elements.size() == 3)
    return read_binary(name, *tuple);
  if (!value.number() && !value.as<term::List>()) {
    if (value.is_atom("true") || value.is_atom("false"))
      return {name, Type::Integer, {}, std::vector<std::int64_t>{value.is_atom("true")}};
    bool special = value.is_atom("nan") || value.is_atom("infinity") || value.is_atom("neg_infinity");
    throw Error(
        special ? "not_finite" : "invalid_data",
        fmt::format("`{}` is {} where a number, a list of numbers or {{f64 | f32 | s32 | s64 | u8, Shape, "
                    "Binary}} was expected",
                    name, term::to_string(value, 60)),
        name);
  }
  return Lists(name).read(value);
}

}  // namespace drey::model
