#include "nuts/kernel_metric.h"

#include <fmt/format.h>

#include "nuts/shader_text.h"

namespace drey::nuts {
namespace {

/// Of a dense metric's products.
constexpr std::uint64_t kTripsAtOnce = 8;

/// METRIC, KICK and DRIFT of nuts.comp for a dense metric: products with the transposed Cholesky factor and
/// with the factor. Written out where the dimension is small, the factor in registers; loops over the buffer
/// otherwise.
std::string dense_metric(const KernelShape& shape) {
  const std::uint64_t dimension = shape.dimension;
  const auto entry = [](std::uint64_t i, std::uint64_t j) { return i * (i + 1) / 2 + j; };
  std::string metric, kick, drift;
  if (shape.lanes) {
    // Every lane meets all elements in turn, and adds up the rows (or columns) that are its own.
    const auto product = [&](const char* to, const char* of, const char* entry_of, const char* in) {
      std::string text =
          "for (uint j = 0u; j < uint(DIMENSION); ++j) { const uint slot = j / LANES; GET(mine_, " +
          std::string(of) + ", slot) const real other = step_size * (s) * subgroupShuffle(mine_, j % LANES);";
      for (std::uint64_t k = 0; k < slots_held(shape); ++k)
        text += fmt::format(
            " {{ const uint i = {0}u * LANES + gl_SubgroupInvocationID; if (i < uint(DIMENSION) && {1}) "
            "{2}[{0}] += scale[{3}] * other; }}",
            k, in, to, entry_of);
      return text + " }";
    };
    kick = product("p", "g", "j * (j + 1u) / 2u + i", "i <= j");
    drift = product("q", "p", "i * (i + 1u) / 2u + j", "j <= i");
  } else if (dimension <= kUnrolledDimension) {
    const std::uint64_t size = entry(dimension, 0);
    metric = fmt::format("real metric[{}];", size);
    for (std::uint64_t i = 0; i < dimension; ++i) {
      // One access a row, as nuts_state.glsl has it.
      metric += fmt::format(
          " for (uint k = 0u; k < held - {1}u; ++k) {{ const real value = step_size * scale[{0}u + k];",
          entry(i, 0), dimension - 1 - i);
      for (std::uint64_t j = 0; j <= i; ++j)
        metric += fmt::format(" if (k == {}u) metric[{}] = value;", j, entry(i, j));
      metric += " }";
    }
    for (std::uint64_t i = 0; i < dimension; ++i) {
      std::string force, velocity;
      for (std::uint64_t j = i; j < dimension; ++j)
        force += fmt::format(" + metric[{}] * g[{}]", entry(j, i), j);
      for (std::uint64_t j = 0; j <= i; ++j) velocity += fmt::format(" + metric[{}] * p[{}]", entry(i, j), j);
      kick += fmt::format(" p[{}] += (s) * ({});", i, force.substr(3));
      drift += fmt::format(" q[{}] += (s) * ({});", i, velocity.substr(3));
    }
  } else {
    // Columns and rows in blocks: a software driver counts trips.
    const auto sum = [&](const char* term, const char* from, const char* to) {
      std::string text = fmt::format("real sum = real(0.0); int j = {}; for (; j + {} <= {}; j += {}) {{",
                                     from, kTripsAtOnce, to, kTripsAtOnce);
      for (std::uint64_t k = 0; k < kTripsAtOnce; ++k)
        text += " sum += " + replace_word(term, "at", fmt::format("(j + {})", k)) + ";";
      return text + fmt::format(" }} for (; j < {}; ++j) sum += {};", to, replace_word(term, "at", "j"));
    };
    kick = fmt::format("for (int i = 0; i < {0}; ++i) {{ {1} p[i] += (s) * step_size * sum; }}", dimension,
                       sum("scale[at * (at + 1) / 2 + i] * g[at]", "i", "DIMENSION"));
    drift = fmt::format("for (int i = 0; i < {0}; ++i) {{ {1} q[i] += (s) * step_size * sum; }}", dimension,
                        sum("scale[i * (i + 1) / 2 + at] * p[at]", "0", "i + 1"));
  }
  return fmt::format("#define DENSE 1\n#define METRIC {}\n#define KICK(s) {}\n#define DRIFT(s) {}\n", metric,
                     kick, drift);
}

/// The same for a low-rank metric, D^1/2 (I + V (L - I) V^T) D^1/2 with V's columns orthonormal: products with
/// (I + V (L^1/2 - I) V^T) D^1/2 and its transpose, 2 K dot products and sums of vectors a tick and a half.
std::string low_rank_metric(const KernelShape& shape) {
  const std::uint64_t slots = slots_held(shape), rank = shape.rank;
  const bool unroll = is_unrolled(shape);
  const auto each = [&](const std::string& body) {
    if (!unroll)
      return fmt::format("for (int d_ = 0; d_ < {}; ++d_) {{ {} }} ", slots, replace_word(body, "d", "d_"));
    std::string text;
    for (std::uint64_t d = 0; d < slots; ++d) text += replace_word(body, "d", std::to_string(d)) + " ";
    return text;
  };
  // One access an array, as nuts_state.glsl has it.
  std::string metric = fmt::format("real h[SLOTS]; real metric_c[{}];", rank), columns, values;
  for (std::uint64_t k = 0; k < rank; ++k) {
    metric += fmt::format(" real metric_v{}[SLOTS];", k);
    columns += fmt::format(
        " const real value{0} = OWNED(k) ? scale[uint(DIMENSION) * {1}u + {2}u + ELEMENT(k)] : real(0.0); "
        "PUT(metric_v{0}, k, value{0})",
        k, k + 1, rank);
    values += fmt::format(" if (k == {0}u) metric_c[{0}] = value;", k);
  }
  metric += fmt::format(
      " for (uint k = 0u; k < held; ++k) {{ const real value = OWNED(k) ? step_size * "
      "scale[ELEMENT(k)] : real(0.0); PUT(h, k, value) {} }} for (uint k = 0u; k < {}u + none; ++k) {{ const real value = scale[uint(DIMENSION) + k]; {} }}",
      columns, rank, values);
  std::string dots, sum;
  for (std::uint64_t k = 0; k < rank; ++k) {
    dots += fmt::format("real dot{} = real(0.0); ", k);
    sum += fmt::format(" + dot{0} * metric_v{0}[d]", k);
  }
  const auto product = [&](const char* of) {
    std::string add, ends;
    for (std::uint64_t k = 0; k < rank; ++k) {
      add += fmt::format("dot{0} += metric_v{0}[d] * {1}; ", k, of);
      ends += fmt::format("SUM(dot{0}) dot{0} *= metric_c[{0}]; ", k);
    }
    return dots + each(add) + ends;
  };
  const std::string kick =
      "{ " + product("(h[d] * g[d])") + each("p[d] += (s) * (h[d] * g[d]" + sum + ");") + "}";
  const std::string drift = "{ " + product("p[d]") + each("q[d] += (s) * (h[d] * (p[d]" + sum + "));") + "}";
  return fmt::format("#define DENSE 1\n#define METRIC {}\n#define KICK(s) {}\n#define DRIFT(s) {}\n", metric,
                     kick, drift);
}

}  // namespace

std::string metric_text(const KernelShape& shape) {
  if (shape.dense) return dense_metric(shape);
  return shape.rank ? low_rank_metric(shape) : std::string();
}

std::uint64_t metric_trips(const KernelShape& shape) {
  if (shape.rank && !is_unrolled(shape)) return 6 * (slots_held(shape) + 1);
  if (shape.dense && shape.lanes) return 3 * (shape.dimension + 1);
  if (!shape.dense || shape.dimension <= kUnrolledDimension) return 0;
  return 3 * shape.dimension * (1 + shape.dimension / kTripsAtOnce + kTripsAtOnce);
}

}  // namespace drey::nuts
