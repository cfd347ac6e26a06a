#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "model/model.h"

namespace drey::gpu {
class Device;
}

/// Chains on a device. This folder promises: a chain's draws are a function of (model, seed, chain number,
/// tuning) alone; not of the dispatch budget, the other chains of the job, the device slot, cuts and resumes.
/// It knows models as programs, devices through gpu/, and nothing of terms, jobs or doors.
namespace drey::nuts {

enum class PrecisionChoice : std::uint8_t { F32, F64, Auto };
/// Auto, an option only: dense where the warm-up's draws are correlated enough to pay for it, else diagonal.
enum class MetricKind : std::uint8_t { Diagonal, LowRank, Dense, Auto };

/// How chains lie on a device: a chain per invocation, or one per subgroup, whose lanes share its dimensions and
/// data. Auto: what costs less on this device. The two round differently, so a tuning keeps to one.
enum class Mapping : std::uint8_t { Invocation, Subgroup, Auto };

/// Where a warm-up's chains begin: uniformly on (-2, 2) in each unconstrained coordinate, or where Pathfinder's normal
/// approximations, from such places uphill, say that the mass is.
enum class StartKind : std::uint8_t { Dispersed, Pathfinder };

struct Options {
  std::uint64_t chains = 4;
  std::uint64_t draws = 1000;   ///< kept, a chain
  std::uint64_t warmup = 1000;  ///< transitions a chain may spend at most; the pooled schedule uses fewer
  std::uint64_t thin = 1;       ///< keeps every thin-th transition
  std::uint64_t seed = 1;
  std::uint64_t first_chain = 0;  ///< the global number of this job's first chain
  PrecisionChoice precision = PrecisionChoice::Auto;
  MetricKind metric = MetricKind::Auto;
  Mapping mapping = Mapping::Auto;
  StartKind start = StartKind::Pathfinder;
  double target_accept = 0.8;
  int max_depth = 10;
  std::uint64_t budget =
      0;  ///< ticks a dispatch; 0: chosen from the device and the kernel. Never changes draws
};

/// What a warm-up yields and another node can start from.
struct Tuning {
  bool f64 = false;
  std::string mapping = "invocation";  ///< or "subgroup"
  MetricKind metric = MetricKind::Diagonal;
  double step_size = 0;
  /// Diagonal: [dimension]. Dense: [dimension][dimension]. Low rank, K <= 16 vectors: the diagonal [dimension], K
  /// eigenvalues (positive), K orthonormal vectors [K][dimension]; M^-1 = D^1/2 (I + V (L - I) V^T) D^1/2.
  std::vector<double> inverse_metric;
  std::uint64_t dimension = 0;
  std::vector<double> positions;  ///< [count][dimension], unconstrained
  std::uint64_t position_count = 0;
  std::string model_key;  ///< of the program; a tuning fits one model
  /// What the warm-up used, for people: transitions and gradients a chain, divergences.
  std::uint64_t transitions = 0, gradients = 0, divergent = 0;
};

/// Called between dispatches, from the sampling thread.
struct Progress {
  const char* phase = "";             ///< "compile", "warmup", "sampling"
  std::uint64_t done = 0, total = 0;  ///< transitions of all chains
  std::uint64_t divergent = 0;
};
using OnProgress = std::function<void(const Progress&)>;

/// A trajectory that ended because its energy error exceeded 1000 or was not a number.
struct Divergence {
  std::uint64_t chain = 0;    ///< its global number
  std::uint64_t draw = 0;     ///< the kept draw that the transition made, from 0
  std::vector<double> point;  ///< where the trajectory was then, unconstrained
  double energy_error = 0;    ///< energy there less energy at the start
};

/// Kept draws, row-major in the order named.
struct Draws {
  std::uint64_t chains = 0, draws = 0, dimension = 0, output_size = 0;
  std::vector<double> points;              ///< [chain][draw][dimension], unconstrained
  std::vector<double> outputs;             ///< [chain][draw][output_size], constrained scale and generated
  std::vector<double> lp, accept, energy;  ///< [chain][draw]
  std::vector<std::int32_t> depth, leapfrogs;  ///< [chain][draw]
  std::vector<std::uint8_t> divergent;         ///< [chain][draw]
  std::uint64_t gradients = 0;                 ///< leapfrogs of the sampling phase, all chains
  double live_share = 1;  ///< of the gradients that the device's lanes had time for, those that chains used
  double sampling_ms = 0, outputs_ms = 0;
  std::vector<Divergence> divergences;  ///< the first of them, by draw and chain
  std::vector<std::string> warnings;
};

struct RunPlan;
struct Snapshot;
class Run;

/// A log density and its gradient at one point.
struct Evaluation {
  double value = 0;
  std::vector<double> gradient;
};

/// A model made ready on a device: its kernels compiled, its data uploaded. One job at a time (not
/// thread-safe). Errors: Error{device_limit} when the model does not fit (which limit, by how much),
/// Error{bad_start} when no start with a finite density is found, Error{cancelled} after a stop request.
class Sampler {
 public:
  Sampler(gpu::Device& device, std::shared_ptr<const model::Model> model);
  ~Sampler();
  Sampler(Sampler&&) noexcept;

  Tuning warmup(const Options& options, const OnProgress& progress = {}, std::stop_token stop = {});
  Draws sample(const Tuning& tuning, const Options& options, const OnProgress& progress = {},
               std::stop_token stop = {});
  /// A run that hands out its draws in windows; `snapshot`: that goes on where another stood (see nuts/run.h). One at a
  /// time, and the sampler must outlive it.
  std::unique_ptr<Run> run(const Tuning& tuning, const Options& options, RunPlan plan,
                           const Snapshot* snapshot = nullptr);
  /// \param points [count][dimension]
  std::vector<Evaluation> log_density(const std::vector<double>& points, bool f64);

  /// Milliseconds that calls have waited for kernels so far.
  double compile_ms() const;
  /// What identifies the program: Tuning::model_key.
  const std::string& model_key() const;
  /// What identifies the program with its data and outputs: a snapshot fits one.
  const std::string& data_key() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drey::nuts
