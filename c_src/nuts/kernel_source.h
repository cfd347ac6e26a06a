#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "glsl/emit.h"

/// The text of the sampler's kernels: what is the same for every model (shaders/*.comp) around a model's own.
namespace drey::nuts {

struct KernelShape {
  bool f64 = false;
  std::uint64_t dimension = 0;
  int max_depth = 10;
  std::uint32_t local_size = 8;
  bool dense = false;  ///< the metric: a matrix, not its diagonal
  /// Not 0: the metric is a diagonal but for so many directions (Tuning::inverse_metric, low rank). Not with `dense`.
  std::uint32_t rank = 0;
  /// 0: a chain per invocation. Else a chain per subgroup of so many lanes: a power of two, what the device's
  /// subgroups have, and `local_size`.
  std::uint32_t lanes = 0;
  /// The lanes of a subgroup make every tick together: for models whose lanes share loads
  /// (glsl::EmitOptions::uniform_lanes); `local_size` is a multiple of the subgroup's size. Changes no draw.
  bool together = false;
  /// What a chain keeps for later than the next tick stays in the buffers of its state, slot by slot in loops, not in
  /// registers: quick to compile, slower to draw where a gradient is cheap. So it is anyway where there are too many
  /// slots to write out. Changes no draw.
  bool stored = false;
  /// Pairs of f32 in a state, in records and in what is computed of them, are moved as one number of 8 bytes. Changes no
  /// byte.
  bool packed = false;
};

/// Dimensions that an invocation holds of its chain: all, or its share.
std::uint64_t slots_held(const KernelShape& shape);

/// Numbers in an array of a chain's state: the dimension, or, where lanes share a chain, filled up with zeros so that
/// every lane holds as many.
std::uint64_t elements_held(const KernelShape& shape);

/// Slots of an invocation that has a chain to itself, up to this, have their loops written out: no loop trips, state in
/// registers.
inline constexpr std::uint64_t kUnrolledDimension = 32;

/// Whether an invocation's loops over its slots are written out. Of a chain per subgroup more are: what one lane holds is
/// little else.
bool is_unrolled(const KernelShape& shape);

/// Where the buffers of nuts.comp, density.comp and draws.comp end and a model's data begin.
inline constexpr std::uint32_t kFirstDataBinding = 8;

/// Where a recorded draw's numbers lie, by pairs: [slot][pair][chain][2]. The numbers: log density, acceptance, energy,
/// counts, then the position and, where it is wanted, the gradient, each filled up to an even number.
struct RecordLayout {
  RecordLayout(std::uint64_t of_dimension, bool with_gradients)
      : position(4),
        gradient(4 + (of_dimension + 1) / 2 * 2),
        pairs(2 + (of_dimension + 1) / 2 * (with_gradients ? 2 : 1)) {}
  std::uint64_t position, gradient;  ///< number of the first
  std::uint64_t pairs;               ///< of a draw
  static constexpr std::uint64_t kLp = 0, kAccept = 1, kEnergy = 2, kCounts = 3;
  /// Of a chain's number among those of `chains` chains.
  std::uint64_t at(std::uint64_t slot, std::uint64_t number, std::uint64_t chain,
                   std::uint64_t chains) const {
    return ((slot * pairs + number / 2) * chains + chain) * 2 + number % 2;
  }
  // What a draw's counts hold; as a number they are exact in f32 too.
  static std::uint32_t leapfrogs(double counts) { return static_cast<std::uint32_t>(counts) >> 5; }
  static std::uint32_t depth(double counts) { return static_cast<std::uint32_t>(counts) >> 1 & 15; }
  static std::uint32_t divergent(double counts) { return static_cast<std::uint32_t>(counts) & 1; }
};

/// Numbers of a chain's state, in the order of shaders/nuts_state.glsl. Two that are read and written together are a pair;
/// pairs come first, [pair][chain][2], then the others, [component][chain]; where a subgroup has a chain, all of a chain
/// together, [chain][pair][2] and [component].
struct StateLayout {
  explicit StateLayout(const KernelShape& shape);
  std::uint64_t rows = 0;                    ///< checkpoints
  std::uint64_t position = 0;                ///< first component of the moving end's q
  std::uint64_t momentum = 0, gradient = 0;  ///< and of its p and g
  std::uint64_t start = 0;                   ///< log density, then kinetic energy, where the trajectory began
  std::uint64_t sample_lp = 0;
  std::uint64_t checkpoints = 0;       ///< first component of the checkpoints
  std::uint64_t sample = 0;            ///< first pair of the sample's q and g
  std::uint64_t checkpoint_pairs = 0;  ///< first pair of the checkpoints
  std::uint64_t pairs = 0;             ///< all pairs
  std::uint64_t reals = 0;             ///< all numbers
  static constexpr std::uint64_t kArrays = 17, kWords = 10;
};

/// A kernel's text, and the loop trips it makes at most: `fixed` a dispatch, and of the sampler's kernel `round` a round,
/// `block` a part of a round, `tick` a tick more.
struct KernelText {
  std::string text;
  std::uint64_t fixed_trips = 0, round_trips = 0, block_trips = 0, tick_trips = 0;
  /// Of a round of so many ticks.
  std::uint64_t trips(std::uint64_t ticks) const {
    return round_trips + (1 + (ticks + 3) / 4) * block_trips + ticks * tick_trips;
  }
};

/// The sampler around a differentiated density program.
KernelText nuts_kernel(const KernelShape& shape, const glsl::Source& density);
/// Log density and gradient at given points, around the same program.
KernelText density_kernel(const KernelShape& shape, const glsl::Source& density);
/// The outputs of kept draws, around a draw program. \param computed for each output whether the program stores it
KernelText draws_kernel(const KernelShape& shape, const glsl::Source& draws,
                        const std::vector<bool>& computed);

}  // namespace drey::nuts
