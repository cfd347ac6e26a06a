#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "glsl/emit.h"
#include "gpu/buffer.h"
#include "gpu/commands.h"
#include "gpu/kernel.h"
#include "nuts/kernel_source.h"
#include "nuts/pace.h"
#include "nuts/philox.h"
#include "nuts/sampler.h"

/// Chains on a device: the sampler's kernel, the chains' state, the run loop.
namespace drey::nuts {

/// Makes SPIR-V of GLSL: glsl::compile_cached, or a test's own.
using Compile = std::function<std::vector<std::uint32_t>(const std::string&)>;

/// A source's data in buffers of their own, by binding.
std::vector<std::pair<std::uint32_t, gpu::Buffer>> upload_data(gpu::Device& device,
                                                               const glsl::Source& source);
/// The bindings of a kernel around `source`: `own` storage buffers from 0 on, then the source's.
std::vector<gpu::BindingSlot> kernel_slots(const glsl::Source& source, std::uint32_t own);
std::vector<std::pair<std::uint32_t, const gpu::Buffer*>> kernel_bindings(
    std::initializer_list<const gpu::Buffer*> own,
    const std::vector<std::pair<std::uint32_t, gpu::Buffer>>& data);
/// Numbers in a device's precision, and back. \param offset in numbers
std::vector<std::byte> reals_to_bytes(std::span<const double> values, bool f64);
std::vector<double> read_reals(const gpu::Buffer& buffer, std::uint64_t count, std::uint64_t offset,
                               bool f64);

/// A kernel of the sampler for one program, with the program's data on the device.
class ChainKernel {
 public:
  /// \throws Error{device_limit} when one tick alone exceeds the device's loop trips or the data its buffers
  ChainKernel(gpu::Device& device, const KernelShape& shape, const glsl::Source& density,
              const Compile& compile);

  gpu::Device& device;
  KernelShape shape;
  StateLayout layout;
  KernelText text;           ///< without its text: the trips
  std::uint64_t operations;  ///< of a gradient, as glsl::Source counts them
  std::vector<std::pair<std::uint32_t, gpu::Buffer>> data;
  gpu::Kernel kernel;
};

/// What a run does; nothing here but `budget`, `ticks` changes a draw.
struct RunOptions {
  std::uint64_t seed = 0;
  std::uint64_t first_chain = 0;
  Phase phase = Phase::Sampling;
  std::uint32_t limit = 0;  ///< run until every chain has made this many transitions
  std::uint32_t thin = 1;
  std::uint32_t base = 0;  ///< kept draws [base, base + slots) are recorded
  int depth_cap = 10;
  double step_size = 0;
  std::uint64_t budget = 0;  ///< ticks a dispatch at most; 0: chosen
  std::uint32_t ticks = 0;   ///< ticks between two looks at the seldom part; 0: chosen
};

/// What a device's lanes did. A lane waits when its chain has made its transition and others of its subgroup have not,
/// when its chain has no more to make, and when it has no chain.
struct Work {
  std::uint64_t gradients = 0;  ///< that a chain used: leapfrogs, and starts evaluated
  /// That the lanes had time for: of a subgroup, its ticks (where lanes do not go together, the most that its rounds
  /// can have) for each of its lanes. A chain that has a subgroup to itself never waits.
  std::uint64_t room = 0;
  /// The live share, in [0, 1]; 1 of nothing.
  double share() const { return room ? static_cast<double>(gradients) / static_cast<double>(room) : 1; }
  Work& operator+=(const Work& more) {
    gradients += more.gradients;
    room += more.room;
    return *this;
  }
  friend Work operator-(const Work& a, const Work& b) { return {a.gradients - b.gradients, a.room - b.room}; }
};

/// Where the chains are, as a dispatch left it.
struct ChainStatus {
  std::uint64_t transitions = 0;           ///< of all chains
  std::uint64_t finished = 0, failed = 0;  ///< chains at the limit; chains without a start
  std::uint32_t least = 0, most = 0;       ///< transitions of the slowest and of the fastest chain
};

/// The chains of one buffer: `count` of them, `slots` recorded draws each.
class Chains {
 public:
  /// \param gradients whether records hold the gradient at the draw
  Chains(ChainKernel& kernel, std::uint64_t count, std::uint64_t slots, bool gradients);

  /// Bytes a chain takes beside its records, and a recorded draw of one chain.
  static std::uint64_t state_bytes(const KernelShape& shape);
  /// Numbers that set_scale() takes.
  static std::uint64_t scale_size(const KernelShape& shape);
  static std::uint64_t slot_bytes(const KernelShape& shape, bool gradients);

  /// Every chain starts at its position. \param positions [count][dimension]
  void start_at(std::span<const double> positions);
  /// Every chain starts at U(-2, 2) in each coordinate (dispersed_start), drawn anew, up to 100 times, until its density is
  /// finite: as the next run or dispatch begins, whose seed, chains and phase it takes.
  void start_dispersed();
  /// Whether the chains stand somewhere: not when they are still to be dispersed.
  bool stands() const { return stands_; }
  /// As start_at, but the chains go on counting their transitions, so that no random number comes twice.
  void move_to(std::span<const double> positions);
  /// The chains go on counting transitions from here, where they stand (between transitions).
  void rewind(std::uint32_t iteration = 0);
  /// \param scale square roots of the diagonal inverse metric; of a low-rank one low_rank_factor(); of a dense one,
  /// the rows of its Cholesky factor's lower triangle
  void set_scale(std::span<const double> scale);

  /// Called between dispatches.
  using OnDispatch = std::function<void(const ChainStatus&)>;
  /// Dispatches until every chain has reached the limit (or failed to start).
  /// \throws Error{cancelled} after a stop request; Error{internal} when a dispatch was cut short
  ChainStatus run(const RunOptions& run, const OnDispatch& on_dispatch = {}, std::stop_token stop = {});
  /// One dispatch of `rounds` rounds. For tests and for checkpoints.
  ChainStatus dispatch(const RunOptions& run, std::uint32_t rounds);

  /// The samples' positions, [count][dimension].
  std::vector<double> positions() const;
  /// Where the moving ends of the trajectories are. Of a chain that has just ended one, between transitions: its last
  /// leaf, which is where a divergent one diverged.
  struct Ends {
    std::vector<double> positions;                ///< [count][dimension]
    std::vector<double> kinetic;                  ///< [count], at the end
    std::vector<double> start_lp, start_kinetic;  ///< [count], where the trajectory began
  };
  Ends ends() const;
  /// Log density and gradient at the samples' positions, as the kernel found them; NaN for a chain without a start.
  std::vector<Evaluation> evaluations() const;

  /// Everything that a run needs to go on: bytes for restore() on chains of the same kernel and count.
  std::vector<std::byte> save() const;
  void restore(std::span<const std::byte> state);
  /// The records of slots [first, first + slots) as the kernel wrote them, and bytes so saved put into slots
  /// [0, slots).
  std::vector<std::byte> save_record(std::uint64_t slots, std::uint64_t first) const;
  void restore_record(std::span<const std::byte> record, std::uint64_t slots);

  /// The record, its numbers apart.
  struct Record {
    std::uint64_t stride = 0, components = 0, dimension = 0;
    std::vector<double> reals;         ///< [slot][component][chain]
    std::vector<std::uint32_t> words;  ///< [slot][3][chain]: depth, leapfrogs, divergent
    double point(std::uint64_t slot, std::uint64_t chain, std::uint64_t d) const {
      return reals[(slot * components + d) * stride + chain];
    }
    double lp(std::uint64_t slot, std::uint64_t chain) const { return point(slot, chain, dimension); }
    double accept(std::uint64_t slot, std::uint64_t chain) const { return point(slot, chain, dimension + 1); }
    double energy(std::uint64_t slot, std::uint64_t chain) const { return point(slot, chain, dimension + 2); }
    double gradient(std::uint64_t slot, std::uint64_t chain, std::uint64_t d) const {
      return point(slot, chain, dimension + 3 + d);
    }
    std::uint32_t word(std::uint64_t slot, std::uint64_t which, std::uint64_t chain) const {
      return words[(slot * 3 + which) * stride + chain];
    }
  };
  /// Slots [first, first + slots), numbered from 0 in the result.
  Record record(std::uint64_t slots, std::uint64_t first = 0) const;
  /// The same as the kernel wrote it (RecordLayout), in the device's precision: where it lies if the host sees the
  /// device's memory, else copied to `held`. Good until the device records there again.
  std::span<const std::byte> record_bytes(std::uint64_t slots, std::uint64_t first,
                                          std::vector<std::byte>& held) const;
  const gpu::Buffer& record_buffer() const { return record_; }
  ChainKernel& kernel() const { return kernel_; }

  std::uint64_t count() const { return count_; }
  std::uint64_t slots() const { return slots_; }
  const RecordLayout& record_layout() const { return layout_; }
  /// Of all dispatches so far.
  const Work& work() const { return work_; }

 private:
  struct Plan {
    std::uint32_t ticks, rounds;
  };
  /// The ticks a round and rounds a dispatch wished for, or fewer: within the device's loop trips.
  Plan plan(std::uint32_t ticks, std::uint64_t rounds) const;
  void disperse(const RunOptions& run, const std::stop_token& stop);
  ChainStatus dispatch_now(const RunOptions& run, std::uint32_t rounds);
  void record_dispatch(gpu::Commands& commands, const gpu::Buffer& status, const RunOptions& run,
                       std::uint32_t rounds, std::uint32_t ticks, std::uint32_t stamp);
  ChainStatus check(const gpu::Buffer& status, const RunOptions& run, std::uint32_t stamp);
  /// `width` components of every chain's state, [chain][width].
  void write_reals(std::uint64_t component, std::span<const double> values, std::uint64_t width);
  std::vector<double> reals(std::uint64_t component, std::uint64_t width) const;
  /// Of `dimension` pairs of every chain's state the first or the second numbers, [chain][dimension].
  std::vector<double> halves(std::uint64_t pair, std::uint64_t half) const;

  ChainKernel& kernel_;
  std::uint64_t count_, slots_;
  bool gradients_;
  RecordLayout layout_;
  gpu::Buffer state_real_, state_word_, scale_, record_;
  std::vector<gpu::Buffer> status_;
  gpu::Arguments arguments_;
  std::vector<gpu::Commands> commands_;
  std::uint32_t stamp_ = 0;
  bool stands_ = true;       ///< not: start_dispersed() is still to be done
  std::uint32_t least_ = 0;  ///< transitions that every chain is known to have made
  Work work_;
  double ns_per_round_ = 0;
  Pace pace_;
};

}  // namespace drey::nuts
