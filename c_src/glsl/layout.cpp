#include "glsl/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "error.h"

namespace drey::glsl {

using namespace model;

namespace {

void add(Linear& sum, const Linear& part, std::int64_t factor) {
  sum.constant += factor * part.constant;
  for (const auto& [value, by] : part.factors) {
    std::int64_t& total = sum.factors[value];
    total += factor * by;
    if (total == 0) sum.factors.erase(value);
  }
}

/// Whether a sum is short and small enough that sums and products of two such do not overflow.
bool bounded(const Linear& l) {
  constexpr std::int64_t most = std::int64_t{1} << 31;
  if (l.factors.size() > 16 || l.constant < -most || l.constant > most) return false;
  return std::all_of(l.factors.begin(), l.factors.end(),
                     [](const auto& f) { return f.second >= -most && f.second <= most; });
}

/// An index split at a row's length: (row part) * row + (column part), the column part surely inside a row.
struct Split {
  Linear row, column;
};

/// The values an integer takes, when they follow from constant loop bounds.
struct Range {
  std::int64_t low = 0, high = 0;
};

std::optional<Range> range(const Program& program, ValueId id) {
  const Value& v = program.values[id];
  if (v.op == Op::IntegerConstant) return Range{v.integer, v.integer};
  if (v.op != Op::LoopIndex) return std::nullopt;
  const Value& from = program.values[program.loops[v.loop].from];
  const Value& to = program.values[program.loops[v.loop].to];
  if (from.op != Op::IntegerConstant || to.op != Op::IntegerConstant || to.integer <= from.integer)
    return std::nullopt;
  return Range{from.integer, to.integer - 1};
}

std::optional<Split> split(const Program& program, const Linear& index, std::int64_t row) {
  Split parts;
  for (const auto& [value, factor] : index.factors) {
    if (factor % row == 0)
      parts.row.factors[value] = factor / row;
    else
      parts.column.factors[value] = factor;
  }
  std::int64_t low = 0, high = 0;
  for (const auto& [value, factor] : parts.column.factors) {
    const auto values = range(program, value);
    if (!values) return std::nullopt;
    low += std::min(values->low * factor, values->high * factor);
    high += std::max(values->low * factor, values->high * factor);
  }
  // The constant goes where it keeps the column inside the row.
  std::int64_t rows = (index.constant + low) / row;
  if ((index.constant + low) % row < 0) --rows;
  parts.row.constant = rows;
  parts.column.constant = index.constant - rows * row;
  if (high + parts.column.constant >= row) return std::nullopt;
  return parts;
}

/// Every load of a program.
template <typename Visit>
void each_load(const Program& program, const Visit& visit) {
  for (ValueId id = 0; id < program.values.size(); ++id)
    if (program.values[id].op == Op::Load) visit(program.values[id]);
}

}  // namespace

Linears::Linears(const Program& program) : sums_(program.values.size()) {
  // Operands stand before what uses them.
  for (ValueId id = 0; id < program.values.size(); ++id) {
    const Value& v = program.values[id];
    if (v.type != Type::Integer) continue;
    Linear sum;
    bool is_sum = false;
    const auto operand = [&](std::size_t k) -> const Linear& { return sums_[v.args[k]]; };
    if (v.op == Op::IntegerConstant) {
      sum.constant = v.integer;
      is_sum = true;
    } else if (v.op == Op::AddI || v.op == Op::SubI) {
      sum = operand(0);
      add(sum, operand(1), v.op == Op::AddI ? 1 : -1);
      is_sum = true;
    } else if (v.op == Op::MulI && operand(0).factors.empty() && bounded(operand(0))) {
      add(sum, operand(1), operand(0).constant);
      is_sum = true;
    } else if (v.op == Op::MulI && operand(1).factors.empty() && bounded(operand(1))) {
      add(sum, operand(0), operand(1).constant);
      is_sum = true;
    }
    if (!is_sum || (v.op != Op::IntegerConstant && !bounded(sum))) {
      sum = {};
      sum.factors[id] = 1;
    }
    sums_[id] = std::move(sum);
  }
}

Layout::Layout(const Program& program, const Linears& linears, const EmitOptions& options) {
  std::map<MemoryId, bool> rows;  // memories that are read, and whether their rows can be padded
  each_load(program, [&](const Value& v) {
    const Memory& m = program.memories[v.memory];
    if (m.space != Space::Data) return;
    const auto [at, fresh] = rows.emplace(v.memory, m.row > 1 && m.size % m.row == 0);
    if (at->second)
      at->second = split(program, linears[v.args[0]], static_cast<std::int64_t>(m.row)).has_value();
  });
  const std::uint64_t real_bytes = options.precision == Precision::F64 ? 8 : 4;
  std::vector<std::pair<std::uint64_t, MemoryId>> order;  // smallest first
  for (const auto& [memory, padded] : rows) {
    const Memory& m = program.memories[memory];
    Place place;
    place.row = place.padded_row = 1;
    std::uint64_t elements = m.size;
    if (padded) {
      place.row = m.row;
      place.padded_row = (m.row + 3) / 4 * 4;
      elements = m.size / m.row * place.padded_row;
    }
    places_[memory] = place;
    order.emplace_back((elements + 3) / 4, memory);
  }
  std::sort(order.begin(), order.end());
  constexpr std::size_t no_buffer = std::numeric_limits<std::size_t>::max();
  std::size_t uniform[2] = {no_buffer, no_buffer};
  for (const auto& [vectors, memory] : order) {
    const Type type = program.memories[memory].type;
    const std::uint64_t vector_bytes = 4 * (type == Type::Real ? real_bytes : 4);
    std::size_t& shared = uniform[type == Type::Real ? 0 : 1];
    Place& place = places_[memory];
    const std::uint64_t used = shared == no_buffer ? 0 : buffers_[shared].vectors;
    if ((used + vectors) * vector_bytes <= options.uniform_range) {
      if (shared == no_buffer) {
        shared = buffers_.size();
        buffers_.push_back({true, type, 0, {}});
      }
      place.buffer = static_cast<std::uint32_t>(shared);
      place.base = used;
      buffers_[shared].vectors += vectors;
      buffers_[shared].memories.push_back(memory);
    } else {
      place.buffer = static_cast<std::uint32_t>(buffers_.size());
      place.base = 0;
      buffers_.push_back({false, type, vectors, {memory}});
    }
  }
}

Linear Layout::position(const Program& program, MemoryId memory, const Linear& index) const {
  const Place& at = place(memory);
  Linear position;
  if (at.padded_row == at.row) {
    position = index;
  } else {
    const auto parts = split(program, index, static_cast<std::int64_t>(at.row));
    if (!parts) throw Error("internal", "an index that does not follow its memory's rows");
    add(position, parts->row, static_cast<std::int64_t>(at.padded_row));
    add(position, parts->column, 1);
  }
  position.constant += static_cast<std::int64_t>(at.base) * 4;
  return position;
}

std::vector<std::uint8_t> Layout::bytes(std::size_t buffer, const Program& program,
                                        const std::vector<Array>& data, Precision precision) const {
  const Buffer& made = buffers_.at(buffer);
  const std::size_t element = made.type == Type::Integer ? 4 : precision == Precision::F64 ? 8 : 4;
  std::vector<std::uint8_t> bytes(made.vectors * 4 * element, 0);
  for (const MemoryId memory : made.memories) {
    const Memory& m = program.memories[memory];
    const Place& at = places_.at(memory);
    const auto put = [&](std::uint64_t i, const void* value) {
      const std::uint64_t position = at.base * 4 + i / at.row * at.padded_row + i % at.row;
      std::memcpy(bytes.data() + position * element, value, element);
    };
    const Array& array = data.at(m.data);
    if (const auto* reals = std::get_if<std::vector<double>>(&array)) {
      if (m.type != Type::Real || reals->size() < m.size)
        throw Error("internal", "data that does not fit its memory");
      for (std::uint64_t i = 0; i < m.size; ++i) {
        if (precision == Precision::F64) {
          put(i, &(*reals)[i]);
        } else {
          const auto rounded = static_cast<float>((*reals)[i]);
          put(i, &rounded);
        }
      }
    } else {
      const auto& integers = std::get<std::vector<std::int64_t>>(array);
      if (m.type != Type::Integer || integers.size() < m.size)
        throw Error("internal", "data that does not fit its memory");
      for (std::uint64_t i = 0; i < m.size; ++i) {
        const std::int64_t wide = integers[i];
        if (wide < std::numeric_limits<std::int32_t>::min() ||
            wide > std::numeric_limits<std::int32_t>::max())
          throw Error("out_of_range",
                      fmt::format("the integer {} in `{}` does not fit 32 bits; scale it or make it real",
                                  wide, m.name));
        const auto narrow = static_cast<std::int32_t>(wide);
        put(i, &narrow);
      }
    }
  }
  return bytes;
}

}  // namespace drey::glsl
