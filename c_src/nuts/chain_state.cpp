#include "nuts/chain_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "error.h"

namespace drey::nuts {
namespace {

/// Raised whenever a state's or a record's meaning changes; erl/src/drey_checkpoint.erl reads both.
constexpr int kVersion = 4;

std::uint64_t real_size(const KernelShape& shape) { return shape.f64 ? 8 : 4; }

std::uint32_t word_of(std::span<const std::byte> words, std::uint64_t which, std::uint64_t chain,
                      std::uint64_t count) {
  std::uint32_t value = 0;
  std::memcpy(&value, words.data() + (which * count + chain) * 4, 4);
  return value;
}

/// Of a matrix [row][chain] of elements of `size` bytes, the chains [from, from + width) of each row.
void add_rows(std::vector<std::byte>& to, std::span<const std::byte> matrix, std::uint64_t rows,
              std::uint64_t count, std::uint64_t from, std::uint64_t width, std::uint64_t size) {
  for (std::uint64_t row = 0; row < rows; ++row) {
    const auto at = matrix.subspan((row * count + from) * size, width * size);
    to.insert(to.end(), at.begin(), at.end());
  }
}

}  // namespace

std::string state_layout(const KernelShape& shape) {
  const StateLayout layout(shape);
  return fmt::format("v{} {} dimension {} rows {} pairs {} reals {} words {} lanes {} rank {} {}", kVersion,
                     shape.f64 ? "f64" : "f32", shape.dimension, layout.rows, layout.pairs, layout.reals,
                     StateLayout::kWords, shape.lanes, shape.rank, shape.dense ? "dense" : "diagonal");
}

std::uint64_t state_size(const KernelShape& shape, std::uint64_t count) {
  return count * (StateLayout(shape).reals * real_size(shape) + StateLayout::kWords * 4);
}

std::uint64_t record_size(const KernelShape& shape, std::uint64_t count, std::uint64_t slots) {
  return slots * count * RecordLayout(shape.dimension, false).pairs * 2 * real_size(shape);
}

std::pair<std::uint32_t, std::uint32_t> transitions(std::span<const std::byte> state, std::uint64_t count) {
  const auto words = state.last(StateLayout::kWords * count * 4);
  std::uint32_t least = ~0u, most = 0;
  for (std::uint64_t c = 0; c < count; ++c) {
    const std::uint32_t iteration = word_of(words, word::kIteration, c, count);
    least = std::min(least, iteration);
    most = std::max(most, iteration);
  }
  return {least, most};
}

void check_state(const KernelShape& shape, std::span<const std::byte> state, std::uint64_t count,
                 std::uint64_t least, std::uint64_t most) {
  if (state.size() != state_size(shape, count))
    throw Error("wrong_checkpoint",
                fmt::format("the checkpoint's state of {} chains has {} bytes instead of {}", count,
                            state.size(), state_size(shape, count)));
  const auto words = state.subspan(StateLayout(shape).reals * count * real_size(shape));
  const auto value = [&](std::uint64_t which, std::uint64_t chain) {
    return word_of(words, which, chain, count);
  };
  for (std::uint64_t c = 0; c < count; ++c) {
    const std::uint32_t now = value(word::kMode, c), depth = value(word::kDepth, c),
                        leaf = value(word::kLeaf, c), iteration = value(word::kIteration, c);
    const auto refuse = [&](const char* what) {
      throw Error("wrong_checkpoint",
                  fmt::format("the checkpoint's state of chain {} is damaged: {}", c, what));
    };
    if (now > mode::kLast || now == mode::kFinished) refuse("it is in no mode");
    if (iteration < least || iteration > most) refuse("its transitions do not agree with its draws");
    if (now == mode::kRunning && depth >= static_cast<std::uint32_t>(shape.max_depth))
      refuse("its tree is too deep");
    if (now == mode::kRunning && leaf >= (1u << depth)) refuse("its tree has too many leaves");
  }
}

std::vector<std::byte> state_columns(const KernelShape& shape, std::span<const std::byte> state,
                                     std::uint64_t count, std::uint64_t from, std::uint64_t width) {
  std::vector<std::byte> result;
  const StateLayout layout(shape);
  const std::uint64_t real = real_size(shape), singles = layout.reals - 2 * layout.pairs;
  if (shape.lanes) {
    add_rows(result, state, 1, count, from, width, layout.reals * real);
  } else {
    add_rows(result, state, layout.pairs, count, from, width, 2 * real);
    add_rows(result, state.subspan(2 * layout.pairs * count * real), singles, count, from, width, real);
  }
  add_rows(result, state.subspan(layout.reals * count * real), StateLayout::kWords, count, from, width, 4);
  return result;
}

std::vector<std::byte> record_columns(const KernelShape& shape, std::span<const std::byte> record,
                                      std::uint64_t slots, std::uint64_t count, std::uint64_t from,
                                      std::uint64_t width) {
  std::vector<std::byte> result;
  add_rows(result, record, slots * RecordLayout(shape.dimension, false).pairs, count, from, width,
           2 * real_size(shape));
  return result;
}

}  // namespace drey::nuts
