#include "nuts/kernel_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "error.h"
#include "nuts/kernel_metric.h"
#include "nuts/shader_text.h"

namespace drey::nuts {
namespace {

bool is_stored(const KernelShape& shape) { return shape.stored || !is_unrolled(shape); }

std::string preamble(const KernelShape& shape) {
  std::string text = "#version 450\n";
  if (shape.together) text += "#extension GL_KHR_shader_subgroup_vote : require\n#define TOGETHER 1\n";
  if (shape.lanes)
    text +=
        fmt::format("#extension GL_KHR_shader_subgroup_shuffle : require\n#define LANES {}u\n", shape.lanes);
  text += shape.f64 ? "#define DREY_F64 1\n#define real double\n#define real2 dvec2\n"
                    : "#define real float\n#define real2 vec2\n";
  const std::uint64_t padded = (shape.dimension + 3) / 4 * 4;
  text += fmt::format("#define DIMENSION {}\n#define PADDED {}\n#define LOCAL_SIZE {}\n", shape.dimension,
                      padded, shape.local_size);
  text += fmt::format("#define HALF {}\n", (shape.dimension + 1) / 2);
  text += shape.packed ? "#define PAIRS double\n"
                         "#define PAIR(a, b) packDouble2x32(uvec2(floatBitsToUint(a), floatBitsToUint(b)))\n"
                         "#define OF_PAIR(x) uintBitsToFloat(unpackDouble2x32(x))\n"
                       : "#define PAIRS real2\n#define PAIR(a, b) real2(a, b)\n#define OF_PAIR(x) (x)\n";
  if (is_unrolled(shape)) text += "#define UNROLLED 1\n";
  if (is_stored(shape)) text += "#define STORED 1\n";
  text += fmt::format("#define SLOTS {}\n#define PADDED_SLOTS {}\n#define ELEMENTS {}\n", slots_held(shape),
                      shape.lanes ? slots_held(shape) : padded, elements_held(shape));
  return text;
}

/// nuts.comp with its parts in place of the lines that name them. No includes: EACH is to be found in them too.
std::string with_parts(std::string text) {
  struct Part {
    const char *line, *file;
  };
  // Those that hold others first.
  for (const Part& part :
       {Part{"STATE_TRANSFER\n", "nuts_state.glsl"}, Part{"TICKS\n", "nuts_tick.glsl"},
        Part{"DEEP_BLOCKS\n", "nuts_deep_blocks.glsl"}, Part{"MERGES\n", "nuts_merges.glsl"},
        Part{"DEEP_MERGES\n", "nuts_deep_merges.glsl"}, Part{"BLOCK_END\n", "nuts_block_end.glsl"},
        Part{"MERGE_SUBTREE\n", "nuts_merge.glsl"}}) {
    const std::string body = shader(part.file);
    const std::size_t size = std::string_view(part.line).size();
    for (std::size_t at = 0; (at = text.find(part.line, at)) != std::string::npos;) {
      const bool whole = text.find_first_not_of(' ', text.rfind('\n', at) + 1) == at;
      if (whole) text.replace(at, size, body);
      at += whole ? body.size() : size;
    }
  }
  return text;
}

/// Trips of a loop over slots, at most about as many as this: a software driver counts trips. And more than 32, up to
/// which compilers write loops out.
constexpr std::uint64_t kLoopTrips = 128;

std::uint64_t trips_at_once(const KernelShape& shape) {
  return (slots_held(shape) + kLoopTrips - 1) / kLoopTrips;
}

std::string expand(const KernelShape& shape, std::string text) {
  const std::uint64_t slots = slots_held(shape), at_once = trips_at_once(shape);
  text = is_unrolled(shape) ? expand_each(text, "EACH", slots)
                            : expand_loop(text, "EACH", "uint(SLOTS)", at_once);
  if (!is_stored(shape))
    return expand_each(expand_each(text, "EACH_STORED", slots), "BLOCKS", (shape.dimension + 3) / 4);
  return expand_loop(expand_loop(text, "EACH_STORED", "held", at_once), "BLOCKS", "(held + 3u) / 4u", 1);
}

// Loops over the slots that are no EACH, in nuts.comp once a dispatch, and once a round; in nuts_deep_merges.glsl once,
// and once a merge.
constexpr std::uint64_t kDispatchLoops = 1 + 2 * StateLayout::kArrays, kSlotLoops = 5;

/// Loops `keyword` over the slots in a part of nuts.comp, all its branches together.
std::uint64_t loops_in(std::string_view part, const std::string& keyword) {
  const std::string text = shader(part), head = keyword + "(d) {";
  std::uint64_t count = 0;
  for (std::size_t at = 0; (at = text.find(head, at)) != std::string::npos; ++at) ++count;
  return count;
}

/// Trips of one loop over the slots.
std::uint64_t loop_trips(const KernelShape& shape) {
  const std::uint64_t at_once = trips_at_once(shape);
  return slots_held(shape) / at_once + at_once;
}

/// Trips of all loops over slots in these parts of nuts.comp.
std::uint64_t slot_trips(const KernelShape& shape, std::initializer_list<std::string_view> parts) {
  std::uint64_t trips = 0;
  for (const std::string_view part : parts)
    trips += (is_unrolled(shape) ? 0 : loops_in(part, "EACH") * loop_trips(shape)) +
             (is_stored(shape) ? loops_in(part, "EACH_STORED") * loop_trips(shape) : 0);
  return trips;
}

/// SUM(x) of nuts.comp: nothing, or the sum of the lanes' x by a butterfly, the same in every lane and on
/// every driver.
std::string sum_text(const KernelShape& shape) {
  if (!shape.lanes) return "#define SUM(x)\n";
  std::string text = "real drey_lane_sum(real x) {\n";
  for (std::uint32_t step = 1; step < shape.lanes; step *= 2)
    text += fmt::format("  x += subgroupShuffleXor(x, {}u);\n", step);
  return text + "  return x;\n}\n#define SUM(x) x = drey_lane_sum(x);\n";
}

/// PUT(x, k, v) and GET(v, x, k) of nuts.comp: the slot k of an array x, by its index, or, where x is to lie in
/// registers, by looking at every slot. PICK(v, x, k) is GET of a v that there is, and leaves it where k is no slot.
std::string slot_text(const KernelShape& shape) {
  if (!is_unrolled(shape))
    return "#define PUT(x, k, v) x[k] = v;\n#define GET(v, x, k) const real v = x[k];\n";
  std::string put = "#define PUT(x, k, v)", pick = "#define PICK(v, x, k)";
  for (std::uint64_t d = 0; d < slots_held(shape); ++d) {
    put += fmt::format(" if (k == {0}u) x[{0}] = v;", d);
    pick += fmt::format(" if (k == {0}u) v = x[{0}];", d);
  }
  return put + "\n" + pick + "\n#define GET(v, x, k) real v = real(0.0); PICK(v, x, k)\n";
}

}  // namespace

std::uint64_t slots_held(const KernelShape& shape) {
  return shape.lanes ? (shape.dimension + shape.lanes - 1) / shape.lanes : shape.dimension;
}

bool is_unrolled(const KernelShape& shape) {
  return slots_held(shape) <= (shape.lanes ? 2 * kUnrolledDimension : kUnrolledDimension);
}

std::uint64_t elements_held(const KernelShape& shape) {
  return slots_held(shape) * std::max(1u, shape.lanes);
}

StateLayout::StateLayout(const KernelShape& shape) {
  const std::uint64_t d = elements_held(shape);
  // Subtrees of 2^(max_depth - 1) leaves, in fours; a row for each bit of an even four's number but the last.
  rows = static_cast<std::uint64_t>(std::max(1, shape.max_depth - 3));
  position = 0;
  momentum = d;
  gradient = 2 * d;
  start = 7 * d;
  sample_lp = start + 4;
  checkpoints = start + 11;
  sample = 2 * d;
  checkpoint_pairs = 5 * d;
  pairs = checkpoint_pairs + rows * d;
  reals = 2 * pairs + checkpoints + rows * d;
  // Every chain's pairs begin at a multiple of two numbers.
  if (shape.lanes) reals += reals % 2;
}

namespace {

/// RECORDED(x) of nuts.comp: the pairs of a position or gradient into the record, from `at` on, written out.
std::string recorded_text(const KernelShape& shape) {
  if (shape.lanes || is_stored(shape)) return {};
  std::string text = "#define RECORDED(x)";
  for (std::uint64_t d = 0; d < shape.dimension; d += 2)
    text += fmt::format(" record[at + stride * {}u] = PAIR(x[{}], {});", d / 2, d,
                        d + 1 < shape.dimension ? fmt::format("x[{}]", d + 1) : "real(0.0)");
  return text + "\n";
}

}  // namespace

KernelText nuts_kernel(const KernelShape& shape, const glsl::Source& density) {
  const StateLayout layout(shape);
  KernelText kernel;
  kernel.text = preamble(shape) +
                fmt::format(
                    "#define ROWS {}\n#define CHECKPOINTS_AT {}u\n#define CHECKPOINT_PAIRS_AT {}u\n"
                    "#define STATE_REALS {}u\n#define STATE_PAIRS {}u\n",
                    layout.rows, layout.checkpoints, layout.checkpoint_pairs, layout.reals, layout.pairs) +
                (density.prepares ? "#define PREPARES 1\n" : "") + metric_text(shape) + sum_text(shape) +
                slot_text(shape) + recorded_text(shape) + shader("philox.glsl") + shader("nuts_math.glsl") +
                density.text + "\n" + expand(shape, with_parts(shader("nuts.comp")));
  const std::uint64_t slots = slots_held(shape), loop = loop_trips(shape);
  kernel.fixed_trips = 64 + shape.rank + kDispatchLoops * (slots + 1);
  // Of a block's merges, each checkpoint's at most; not stored, a round has those of one block.
  const std::uint64_t deep = slots + 1 + layout.rows * (slots + 2 + loop);
  const std::uint64_t end = slot_trips(shape, {"nuts_block_end.glsl", "nuts_merge.glsl"});
  kernel.round_trips = 2 + slot_trips(shape, {"nuts.comp"}) + (is_stored(shape) ? 0 : deep + end);
  if (shape.dense && !shape.lanes && is_unrolled(shape)) kernel.fixed_trips += slots * (slots + 3) / 2;
  if (shape.lanes) kernel.fixed_trips += density.trips;
  if (shape.lanes || is_stored(shape)) kernel.round_trips += kSlotLoops * (slots + 1) + 3;
  kernel.block_trips = 2 + slot_trips(shape, {"nuts_merges.glsl"}) + end + (is_stored(shape) ? deep : 0);
  kernel.tick_trips = 1 + density.trips + metric_trips(shape) + slot_trips(shape, {"nuts_tick.glsl"});
  return kernel;
}

KernelText density_kernel(const KernelShape& shape, const glsl::Source& density) {
  KernelText kernel;
  kernel.text = preamble(shape) + density.text + "\n" + expand(shape, shader("density.comp"));
  kernel.fixed_trips = 16 + 2 * loop_trips(shape) + density.trips;
  return kernel;
}

/// Outputs up to this are held until two of them can be stored at once.
constexpr std::size_t kHeldOutputs = 32;

KernelText draws_kernel(const KernelShape& shape, const glsl::Source& draws,
                        const std::vector<bool>& computed) {
  KernelText kernel;
  const std::size_t size = computed.size();
  kernel.text = preamble(shape) + fmt::format("#define OUTPUT_SIZE {}\n", size);
  if (size <= kHeldOutputs) {
    kernel.text += "#define HELD 1\n#define STORE_PAIRS";
    for (std::size_t i = 0; i < size; i += 2)
      if (computed[i] || (i + 1 < size && computed[i + 1]))
        kernel.text += fmt::format(" outputs[OUTPUT_AT({}u)] = PAIR(held[{}], {});", i / 2, i,
                                   i + 1 < size ? fmt::format("held[{}]", i + 1) : "real(0.0)");
    kernel.text += "\n";
  }
  kernel.text += shader("philox.glsl");
  // The hooks stand before the model's text, main after it.
  const std::string text = expand(shape, shader("draws.comp"));
  const std::string marker = "// MODEL";
  const std::size_t at = text.find(marker);
  if (at == std::string::npos) throw Error("internal", "draws.comp does not say where the model goes");
  kernel.text += text.substr(0, at) + draws.text + "\n" + text.substr(at + marker.size());
  kernel.fixed_trips = 16 + loop_trips(shape) + kHeldOutputs + draws.trips;
  return kernel;
}

}  // namespace drey::nuts
