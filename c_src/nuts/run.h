#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "model/coordinates.h"
#include "nuts/chains.h"
#include "nuts/density.h"
#include "nuts/sampler.h"

/// Drawing in windows. A run hands kept draws to its caller as soon as all chains have them, stands still between two
/// dispatches when it is asked to, and can be saved there and go on elsewhere: the draws stay the same to the bit.
/// Made by Sampler::run, driven by the service. It knows nothing of terms, jobs or subscribers.
namespace drey::nuts {

/// How draws are handed out. Nothing here changes a draw.
struct RunPlan {
  std::uint64_t window = 0;          ///< draws of a window at most; 0: as many as suit the host's memory
  std::vector<std::uint64_t> marks;  ///< windows end at these draw numbers too; ascending
  /// Where chains go in batches: each window of all chains is drawn before the next. Else batch after batch.
  bool abreast = false;
  bool points = false;                                  ///< windows hold the unconstrained points
  std::uint64_t most_bytes = std::uint64_t{128} << 20;  ///< of states, and of records, on the device at once
  /// Asked between dispatches; true: draw() returns End::Paused.
  std::function<bool()> pause;
};

/// Kept draws [first_draw, first_draw + draws.draws) of the job's chains [first_chain, first_chain + draws.chains).
struct Window {
  std::uint64_t first_chain = 0;  ///< counted from the job's first
  std::uint64_t first_draw = 0;
  Draws draws;  ///< without `points` unless they were asked for; without warnings
};

/// A run between two dispatches: everything that another device with the same arithmetic needs to go on.
struct Snapshot {
  /// Chains that go together.
  struct Batch {
    std::uint64_t first = 0, count = 0;
    std::uint64_t draws = 0;        ///< handed out
    std::uint64_t ahead = 0;        ///< slots of `record`: draws that some of the chains have beyond those
    std::vector<std::byte> state;   ///< Chains::save; empty: not begun
    std::vector<std::byte> record;  ///< Chains::save_record
    std::vector<double> last;       ///< [count][dimension]: the draw handed out last; empty: none was
  };
  std::string layout;  ///< state_layout() of the kernel
  std::vector<Batch> batches;
  /// Draws that ended in a divergence, the first of each batch by (draw, chain).
  struct Suspect {
    std::uint64_t chain = 0;  ///< counted from the job's first
    std::uint64_t draw = 0;
    std::vector<double> before;  ///< the kept draw before it; empty: the chain's start
  };
  std::vector<Suspect> suspects;
  std::uint64_t divergent = 0, deep = 0, gradients = 0;
};

/// What a Run borrows of its Sampler, which must outlive it.
struct RunKernels {
  gpu::Device& device;
  const model::Model& model;
  const model::Program& density;  ///< differentiated
  ChainKernel& chains;
  DrawsKernel* draws;                     ///< null: there is nothing to compute of a draw
  const model::Coordinates& coordinates;  ///< outputs that `draws` leaves alone
};

class Run {
 public:
  enum class End : std::uint8_t {
    Done,     ///< every chain has all its draws
    Enough,   ///< the caller wanted no more windows
    Paused,   ///< RunPlan::pause said so
    Stopped,  ///< a stop was requested
  };

  /// From the tuning's positions. Options and tuning have been checked.
  /// \throws Error{device_limit} when one chain or one draw does not fit the device
  Run(RunKernels kernels, const Tuning& tuning, const Options& options, RunPlan plan);
  /// From where another run stood.
  /// \throws Error{wrong_checkpoint} when the snapshot is of another kernel, or damaged
  Run(RunKernels kernels, const Tuning& tuning, const Options& options, RunPlan plan,
      const Snapshot& snapshot);
  ~Run();

  /// Takes a window, or a part of it: what it leaves is used for the next. false: enough; the window counts as
  /// handed out all the same.
  using OnWindow = std::function<bool(Window&&)>;
  /// Goes on until one of the ends. May be called again after any but Done.
  /// \throws Error{bad_start} when chains have no finite density where they start
  End draw(const OnWindow& on_window, const OnProgress& progress = {}, std::stop_token stop = {});

  /// Between calls of draw(): hands out what the chains on the device all have, window or not.
  void flush(const OnWindow& on_window);

  /// Draws that every chain has handed out.
  std::uint64_t handed() const;
  /// Between calls of draw().
  Snapshot save() const;

  /// The first kMostDivergences divergent draws by (draw, chain), each trajectory run once more to where it ended.
  static constexpr std::uint64_t kMostDivergences = 100;
  std::vector<Divergence> divergences(std::stop_token stop = {});
  /// Of all draws handed out.
  std::uint64_t divergent() const { return divergent_; }
  std::uint64_t depth_hits() const { return deep_; }
  std::uint64_t gradients() const { return gradients_; }  ///< leapfrogs
  /// Of the gradients that the device's lanes had time for, the share that chains used (Work::share); since this
  /// object began. A lower bound where lanes do not go together.
  double live_share() const { return work_.share(); }
  double sampling_ms() const { return sampling_ms_; }
  double outputs_ms() const { return outputs_ms_; }
  std::vector<std::string> warnings() const;

 private:
  struct Batch : Snapshot::Batch {
    std::uint64_t transitions = 0;  ///< of all its chains
    std::vector<Snapshot::Suspect> suspects;
  };

  struct Unplanned {};
  Run(RunKernels kernels, const Tuning& tuning, const Options& options, RunPlan plan, Unplanned);
  void plan_batches();
  void split(std::size_t batch, std::uint64_t count);
  std::vector<double> start(const Batch& batch) const;
  void enter(std::size_t batch);
  void leave();
  End draw_to(std::size_t batch, std::uint64_t until, const OnWindow& on_window, const OnProgress& progress,
              const std::stop_token& stop);
  std::uint64_t window_end(std::uint64_t first) const;
  /// Asks for the outputs of the whole windows among the draws before `complete`.
  void ask(const Batch& batch, const RunOptions& run, std::uint64_t complete, std::uint64_t limit);
  /// Hands out the windows whose outputs were asked for. \returns false: enough
  bool hand_out(Batch& batch, std::uint64_t limit, const OnWindow& on_window);
  void give_up();
  Window& take(Batch& batch, std::uint64_t draws, std::span<const std::byte> outputs);
  template <typename Real>
  void fill(Batch& batch, std::uint64_t slots, std::span<const std::byte> outputs);
  RunOptions options_of(const Batch& batch) const;

  RunKernels kernels_;
  Tuning tuning_;
  Options options_;
  RunPlan plan_;
  std::vector<double> scale_;
  std::uint64_t slots_ = 0, most_window_ = 0;
  std::vector<Batch> batches_;
  std::size_t resident_ = 0;        ///< the batch that is on the device, if there is one
  std::unique_ptr<Chains> chains_;  ///< its chains
  std::uint64_t lap_ = 0;           ///< the draw of slot 0
  struct {
    std::uint64_t begin = 0, end = 0;  ///< draws of the resident batch
  } asked_;
  Window window_;                ///< handed out in turn; its memory stays
  std::vector<std::byte> seen_;  ///< a window's record, where the host does not see the device's memory
  std::uint64_t divergent_ = 0, deep_ = 0, gradients_ = 0;
  Work work_;
  double sampling_ms_ = 0, outputs_ms_ = 0;
};

}  // namespace drey::nuts
