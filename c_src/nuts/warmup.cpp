#include "nuts/warmup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>

#include "error.h"
#include "nuts/adaptation.h"
#include "nuts/lockstep.h"
#include "nuts/metric.h"
#include "nuts/modes.h"
#include "nuts/pathfinder.h"

namespace drey::nuts {
namespace {

/// Chains that learn together at least, and at most: more chains than this start from the positions of these
/// after a few transitions of their own.
constexpr std::uint64_t kLeastPool = 16, kMostPool = 4096;
/// Bytes of state that a pool may take; with kMostPool what bounds it.
constexpr std::uint64_t kPoolBytes = 100u << 20;

/// A stretch of transitions under one metric. The step size adapts at each transition; the metric is learnt
/// from the stretch as it ends.
struct Window {
  std::uint32_t transitions = 0;
  int depth_cap = 10;
  bool learns_metric = true;
};

/// The schedule for `most` transitions a chain. Far from the typical set and with a poor metric a trajectory costs much
/// and teaches little: early windows of dispersed chains are short and their trees capped. Chains that were led there
/// need less. What a schedule has not used when the metric settles is left out.
std::vector<Window> windows_for(std::uint64_t most, std::uint64_t pool, int max_depth, bool led) {
  // Pooled chains bring many draws a transition: the windows need fewer transitions.
  const double share = pool >= 256 ? 0.5 : pool >= 64 ? 0.7 : 1.0;
  const auto scaled = [&](double n) {
    return static_cast<std::uint32_t>(std::max(4.0, std::round(n * share)));
  };
  std::vector<Window> windows = {{scaled(12), 4, true},  {scaled(12), 6, true},  {scaled(16), 8, true},
                                 {scaled(24), 10, true}, {scaled(40), 10, true}, {scaled(30), 10, false}};
  if (led)
    windows = {{scaled(12), 6, true},
               {scaled(16), 8, true},
               {scaled(24), 10, true},
               {scaled(40), 10, true},
               {scaled(30), 10, false}};
  std::uint64_t total = 0;
  for (const auto& window : windows) total += window.transitions;
  if (total > most)
    for (auto& window : windows)
      window.transitions = std::max<std::uint32_t>(
          1, static_cast<std::uint32_t>(static_cast<double>(window.transitions) * most / total));
  for (auto& window : windows) window.depth_cap = std::min(window.depth_cap, max_depth);
  return windows;
}

class Pool {
 public:
  Pool(ChainKernel& kernel, const Options& options, std::uint64_t count, std::uint64_t slots,
       const OnProgress& progress, std::stop_token stop)
      : chains_(std::make_unique<Chains>(kernel, count, slots, true)),
        progress_(progress),
        stop_(std::move(stop)) {
    run_.seed = options.seed;
    run_.first_chain = options.first_chain;
    run_.phase = Phase::Warmup;
    run_.budget = options.budget;
    run_.ticks = 4;
    total_ = 0;
  }

  Chains& chains() { return *chains_; }
  const Metric& metric() const { return metric_; }
  std::uint64_t made() const { return run_.limit; }
  std::uint64_t gradients() const { return gradients_; }
  std::uint64_t divergent() const { return divergent_; }
  void set_total(std::uint64_t total) { total_ = total; }

  /// From here on with `kernel`, which is made for metrics of this kind; the chains go on where they stand.
  void use(ChainKernel& kernel, Metric metric) {
    if (&chains_->kernel() != &kernel) {
      auto next = std::make_unique<Chains>(kernel, chains_->count(), chains_->slots(), true);
      next->restore(chains_->save());
      chains_ = std::move(next);
    }
    chains_->set_scale(metric.scale());
    metric_ = std::move(metric);
  }

  /// One transition of every chain, recorded in `slot`. \returns their mean acceptance
  double transition(double step_size, int depth_cap, std::uint32_t slot) {
    const auto record = transitions(step_size, depth_cap, slot, 1);
    double sum = 0;
    for (std::uint64_t c = 0; c < chains_->count(); ++c) sum += record.accept(0, c);
    return sum / static_cast<double>(chains_->count());
  }

  /// So many of every chain, recorded from slot `first` on. \returns their record
  Chains::Record transitions(double step_size, int depth_cap, std::uint32_t first, std::uint32_t count) {
    run_.base = run_.limit - first;
    run_.limit += count;
    run_.step_size = step_size;
    run_.depth_cap = depth_cap;
    const auto status = chains_->run(run_, {}, stop_);
    if (status.failed) failed(status.failed);
    auto record = chains_->record(count, first);
    for (std::uint64_t s = 0; s < count; ++s)
      for (std::uint64_t c = 0; c < chains_->count(); ++c) {
        gradients_ += record.word(s, 1, c);
        divergent_ += record.word(s, 2, c);
      }
    if (progress_) progress_({"warmup", run_.limit * chains_->count(), total_, divergent_});
    return record;
  }

 private:
  [[noreturn]] void failed(std::uint64_t count) const {
    throw Error(
        "bad_start",
        fmt::format("{} of {} chains found no start with a finite density and gradient in 100 tries of "
                    "uniform(-2, 2) on the unconstrained scale; look for parameters outside their "
                    "constraints' support, or logs and divisions that fail near 0",
                    count, chains_->count()));
  }

  std::unique_ptr<Chains> chains_;
  const OnProgress& progress_;
  std::stop_token stop_;
  Metric metric_;
  RunOptions run_;
  std::uint64_t total_ = 0, gradients_ = 0, divergent_ = 0;
};

/// A first step size: doubled or halved, a single leapfrog at a time, until the pooled acceptance crosses 0.8
/// (Hoffman and Gelman 2014, heuristic of section 3.2.1, pooled). The moves are transitions like any other.
double first_step_size(Pool& pool, double step) {
  const bool up = pool.transition(step, 1, 0) > 0.8;
  for (int i = 0; i < 40; ++i) {
    const double next = up ? step * 2 : step / 2;
    const bool high = pool.transition(next, 1, 0) > 0.8;
    if (up && !high) return step;
    step = next;
    if (!up && high) return step;
  }
  return step;
}

/// Shorter steps that are tried, each by so much shorter than the one before; one that is so much worse than the best
/// ends it. Where a round costs less than so many leapfrogs, trees had better not grow.
constexpr std::uint32_t kShorterSteps = 4;
constexpr double kShorter = 0.88, kWorse = 0.9, kDearRound = 1;
/// Transitions of all chains that a trial takes, and of each chain at least and at most.
constexpr std::uint64_t kTrial = 512, kLeastTrial = 4, kMostTrial = 17;

std::uint32_t trial_length(std::uint64_t pool) {
  return static_cast<std::uint32_t>(std::clamp(1 + (kTrial + pool - 1) / pool, kLeastTrial, kMostTrial));
}

/// `step` or a shorter one: that by which chains who share a subgroup's lanes go farthest for what they pay
/// (nuts/lockstep.h). Where some trees are smaller than those that their neighbours make meanwhile, larger ones cost
/// nothing. Never a longer one: acceptance stays at least what was asked for.
double lockstep_step(Pool& pool, std::uint32_t trial, double step, int depth_cap, double round) {
  const std::uint64_t chains = pool.chains().count();
  std::vector<double> variances;
  double best = 0, chosen = step;
  for (std::uint32_t i = 0; i <= kShorterSteps; ++i, step *= kShorter) {
    const auto record = pool.transitions(step, depth_cap, 0, trial);
    if (variances.empty()) variances = pooled_variances(record, trial, chains);
    std::vector<std::uint32_t> leapfrogs;
    for (std::uint64_t s = 0; s < trial; ++s)
      for (std::uint64_t c = 0; c < chains; ++c) leapfrogs.push_back(record.word(s, 1, c));
    const double worth = mean_square_jump(record, trial, chains, variances) / lockstep_cost(leapfrogs, round);
    if (worth < kWorse * best) break;
    if (worth > best) {
      best = worth;
      chosen = step;
    }
  }
  return chosen;
}

/// Samples a dimension that a first metric takes.
constexpr std::uint64_t kLedSamples = 5;
/// What a dense metric must gain by Pathfinder's draws: more where their weights show that they are no normal's.
constexpr double kLedGain = 2, kDoubtfulLedGain = 4, kMostLedK = 0.7;

/// From this window on a chain with no mass around it is moved: it sits in a mode or at an edge that its start happened
/// to lie behind. Before, it may still be on its way.
constexpr std::size_t kLateWindow = 3;

/// Joins sorted lists of chains.
std::vector<std::uint64_t> either(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::vector<std::uint64_t> joined;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(joined));
  return joined;
}

/// Stuck chains go where moving ones are: a step size that suits all others never frees a chain that began in a
/// corner. Warm-up need not leave the posterior invariant.
void rescue(Chains& chains, const std::vector<std::uint64_t>& stuck, std::uint64_t dimension) {
  if (stuck.empty()) return;
  std::vector<std::uint64_t> moving;
  for (std::uint64_t c = 0, next = 0; c < chains.count(); ++c) {
    if (next < stuck.size() && stuck[next] == c)
      ++next;
    else
      moving.push_back(c);
  }
  auto positions = chains.positions();
  for (std::size_t i = 0; i < stuck.size(); ++i) {
    // Donors spread over all that move, so that no two stuck chains in a row share one.
    const std::uint64_t donor = moving[i * moving.size() / stuck.size()];
    std::copy_n(positions.begin() + static_cast<std::ptrdiff_t>(donor * dimension), dimension,
                positions.begin() + static_cast<std::ptrdiff_t>(stuck[i] * dimension));
  }
  chains.move_to(positions);
}

/// Paths that Pathfinder climbs at most: enough to meet every mode that dispersed starts would.
constexpr std::uint64_t kMostPaths = 64;

PathfinderResult find_starts(const EvaluateBatch& density, std::uint64_t dimension, const Options& options,
                             std::uint64_t count, const std::stop_token& stop) {
  const EvaluateBatch evaluate = [&](std::span<const double> points) {
    if (stop.stop_requested()) throw Error("cancelled", "the job was cancelled");
    return density(points);
  };
  const auto starts =
      dispersed_starts(evaluate, dimension, std::min(count, kMostPaths), options.seed, options.first_chain);
  return pathfinder(evaluate, starts, dimension, count, options.seed, options.first_chain);
}

/// The metric settles when trajectories would hardly be shorter under the next one, and the mass that the chains see
/// around them has stopped growing, up to this many errors of its median.
constexpr double kSettled = 1.3, kMassErrors = 3, kLeastMassError = 0.2;

struct Median {
  double value = 0, error = 0;
};

Median median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  // Quartiles of a normal lie 1.35 apart; its median errs by 1.25 sd / sqrt(n).
  const double width = values[3 * n / 4] - values[n / 4];
  return {values[n / 2], 0.93 * width / std::sqrt(static_cast<double>(n))};
}

}  // namespace

std::uint64_t PooledWarmup::pool_size(std::uint64_t chains, const KernelShape& shape) {
  const std::uint64_t most =
      std::min(kMostPool, std::max<std::uint64_t>(1, kPoolBytes / Chains::state_bytes(shape)));
  return std::min(std::max(chains, kLeastPool), most);
}

Tuning PooledWarmup::run(const Kernels& kernels, const Options& options, std::span<const double> starts,
                         const OnProgress& progress, std::stop_token stop) const {
  PathfinderResult found;
  if (starts.empty() && options.start == StartKind::Pathfinder && density_) {
    found = find_starts(density_, shape_.dimension, options, pool_size(options.chains, shape_), stop);
    starts = found.positions;
  }
  // The metric's kind is known, where Pathfinder tells it, before a kernel is compiled for it.
  std::optional<Metric> metric;
  if (found.samples.count() >= kLedSamples * std::max<std::uint64_t>(1, shape_.dimension))
    metric = learn_metric(found.samples, Metric::identity(options.metric, shape_.dimension), options.metric,
                          false, found.pareto_k <= kMostLedK ? kLedGain : kDoubtfulLedGain);
  ChainKernel& kernel = kernels(metric ? *metric : Metric::identity(options.metric, shape_.dimension));
  const std::uint64_t dimension = kernel.shape.dimension,
                      pool_count = pool_size(options.chains, kernel.shape);
  const auto windows = windows_for(std::max<std::uint64_t>(1, options.warmup), pool_count, options.max_depth,
                                   !found.positions.empty());
  const double round = round_cost(kernel.shape, kernel.operations);
  const std::uint32_t trial = trial_length(pool_count), trials = (kShorterSteps + 1) * trial;
  std::uint32_t longest = round > kDearRound ? trial : 1;
  std::uint64_t planned = round > kDearRound ? trials : 0;
  for (const auto& window : windows) {
    longest = std::max(longest, window.transitions);
    planned += window.transitions;
  }
  Pool pool(kernel, options, pool_count, longest, progress, stop);
  pool.set_total(planned * pool_count);
  if (starts.empty()) {
    pool.chains().start_dispersed();
  } else {
    std::vector<double> spread(pool_count * dimension);
    for (std::uint64_t c = 0; c < pool_count; ++c)
      for (std::uint64_t d = 0; d < dimension; ++d)
        spread[c * dimension + d] = starts[c * dimension % starts.size() + d];
    pool.chains().start_at(spread);
  }
  pool.use(kernel, metric ? *std::move(metric) : Metric::identity(options.metric, dimension));
  StepSizeAdaptation step(options.target_accept, first_step_size(pool, 0.5));
  // From this window on chains are taken to have arrived: dispersed ones are on their way before.
  const std::size_t late = found.positions.empty() ? kLateWindow : 0;
  double mass_before = -std::numeric_limits<double>::infinity();
  bool settled = false;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const auto& window = windows[w];
    if (settled && window.learns_metric) continue;
    for (std::uint32_t i = 0; i < window.transitions; ++i)
      step.update(pool.transition(step.exploring(), window.depth_cap, i));
    const auto record = pool.chains().record(window.transitions);
    const auto stuck = stuck_chains(record, window.transitions, pool_count);
    const auto masses = log_masses(record, window.transitions, pool_count);
    const auto massless = massless_chains(record, window.transitions, masses);
    const auto lost = w >= late ? either(stuck, massless) : stuck;
    rescue(pool.chains(), lost, dimension);
    if (!window.learns_metric) continue;
    PooledSamples samples;
    samples.dimension = dimension;
    std::vector<bool> agrees(pool_count, true);
    for (const std::uint64_t c : massless) agrees[c] = false;
    // The first half of an early window is still on its way in.
    for (std::uint64_t s = w < late ? window.transitions / 2 : 0; s < window.transitions; ++s)
      for (std::uint64_t c = 0; c < pool_count; ++c)
        if (agrees[c]) samples.add(record, s, c);
    // Far from the typical set covariances mislead.
    Metric next = learn_metric(samples, pool.metric(), options.metric, w + 1 < late);
    const double change = metric_change(pool.metric(), next);
    const Median mass = median(masses);
    settled = w >= late && lost.empty() && change < kSettled &&
              std::abs(mass.value - mass_before) < kMassErrors * std::max(mass.error, kLeastMassError);
    mass_before = mass.value;
    ChainKernel& on = kernels(next);
    pool.use(on, std::move(next));
    // A new metric is a new scale of the step.
    step.restart(change > kSettled ? first_step_size(pool, step.averaged()) : step.averaged());
  }
  Tuning tuning;
  tuning.step_size = step.averaged();
  if (round > kDearRound && pool.made() + trials <= options.warmup)
    tuning.step_size = lockstep_step(pool, trial, tuning.step_size, options.max_depth, round);
  tuning.f64 = kernel.shape.f64;
  tuning.mapping = pool.chains().kernel().shape.lanes ? "subgroup" : "invocation";
  tuning.metric = pool.metric().kind;
  tuning.inverse_metric = pool.metric().values;
  tuning.dimension = dimension;
  const auto positions = pool.chains().positions();
  tuning.position_count = std::min(options.chains, pool_count);
  tuning.positions.assign(positions.begin(),
                          positions.begin() + static_cast<std::ptrdiff_t>(tuning.position_count * dimension));
  tuning.transitions = pool.made();
  tuning.gradients = (pool.gradients() + found.evaluations) / pool_count;
  tuning.divergent = pool.divergent();
  return tuning;
}

}  // namespace drey::nuts
