#include "nuts/warmup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>

#include "error.h"
#include "nuts/adaptation.h"
#include "nuts/modes.h"

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

/// The schedule for `most` transitions a chain. Early windows are short and their trees capped: far from the
/// typical set and with a poor metric a trajectory costs much and teaches little.
std::vector<Window> windows_for(std::uint64_t most, std::uint64_t pool, int max_depth) {
  // Pooled chains bring many draws a transition: the windows need fewer transitions.
  const double share = pool >= 256 ? 0.5 : pool >= 64 ? 0.7 : 1.0;
  const auto scaled = [&](double n) {
    return static_cast<std::uint32_t>(std::max(4.0, std::round(n * share)));
  };
  std::vector<Window> windows = {{scaled(12), 4, true},  {scaled(12), 6, true},  {scaled(16), 8, true},
                                 {scaled(24), 10, true}, {scaled(40), 10, true}, {scaled(30), 10, false}};
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
        stop_(std::move(stop)),
        diagonal_(kernel.shape.dimension, 1.0) {
    run_.seed = options.seed;
    run_.first_chain = options.first_chain;
    run_.phase = Phase::Warmup;
    run_.budget = options.budget;
    run_.ticks = 1;
    total_ = 0;
  }

  Chains& chains() { return *chains_; }
  /// The diagonal metric last learnt, and the dense one (empty where none is in use).
  const std::vector<double>& diagonal() const { return diagonal_; }
  const std::vector<double>& dense() const { return dense_; }
  std::uint64_t transitions() const { return run_.limit; }
  std::uint64_t gradients() const { return gradients_; }
  std::uint64_t divergent() const { return divergent_; }
  void set_total(std::uint64_t total) { total_ = total; }

  void set_diagonal(std::vector<double> metric) {
    diagonal_ = std::move(metric);
    std::vector<double> scale(diagonal_);
    for (double& s : scale) s = std::sqrt(s);
    chains_->set_scale(scale);
  }
  /// From here on with `kernel`, which is made for dense metrics; the chains go on where they stand.
  void set_dense(ChainKernel& kernel, std::vector<double> metric) {
    dense_ = std::move(metric);
    if (&chains_->kernel() != &kernel) {
      auto next = std::make_unique<Chains>(kernel, chains_->count(), chains_->slots(), true);
      next->restore(chains_->save());
      chains_ = std::move(next);
    }
    chains_->set_scale(metric_factor(dense_, kernel.shape.dimension));
  }

  /// One transition of every chain, recorded in `slot`. \returns the mean acceptance of chains that move at
  /// all
  double transition(double step_size, int depth_cap, std::uint32_t slot) {
    run_.limit += 1;
    run_.base = run_.limit - 1 - slot;
    run_.step_size = step_size;
    run_.depth_cap = depth_cap;
    const auto status = chains_->run(run_, {}, stop_);
    if (status.failed) failed(status.failed);
    const auto record = chains_->record(1, slot);
    double sum = 0;
    for (std::uint64_t c = 0; c < chains_->count(); ++c) {
      sum += record.accept(0, c);
      gradients_ += record.word(0, 1, c);
      divergent_ += record.word(0, 2, c);
    }
    if (progress_) progress_({"warmup", run_.limit * chains_->count(), total_, divergent_});
    return sum / static_cast<double>(chains_->count());
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
  std::vector<double> diagonal_, dense_;
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

std::vector<double> identity(std::uint64_t dimension) {
  std::vector<double> matrix(dimension * dimension);
  for (std::uint64_t d = 0; d < dimension; ++d) matrix[d * dimension + d] = 1;
  return matrix;
}

/// A dense metric is looked for up to this dimension where the choice is free, from samples this many times the
/// dimension, and taken where it makes trajectories this much shorter.
constexpr std::uint64_t kMostDense = 32, kDenseSamples = 20;
constexpr double kDenseGain = 2.0;

/// The metric that the pool goes on with. Early windows teach a diagonal only: far from the typical set
/// covariances mislead.
void learn_metric(Pool& pool, const WarmupSchedule::Kernels& kernels, const PooledSamples& samples,
                  MetricKind wanted, std::size_t window) {
  const auto diagonal = fisher_diagonal(samples, pool.diagonal());
  const std::uint64_t dimension = samples.dimension;
  const bool forced = wanted == MetricKind::Dense;
  const bool looked_for =
      wanted == MetricKind::Auto && window >= 2 && dimension >= 2 && dimension <= kMostDense;
  if ((forced || looked_for) && samples.count() >= (forced ? 2 : kDenseSamples) * dimension) {
    double spread = 1;
    auto dense = fisher_dense(samples, diagonal, &spread);
    if (forced || !pool.dense().empty() || spread > kDenseGain) {
      pool.set_dense(kernels(true), std::move(dense));
      return;
    }
  }
  if (pool.dense().empty()) pool.set_diagonal(diagonal);
}

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

}  // namespace

std::uint64_t PooledWarmup::pool_size(std::uint64_t chains, const KernelShape& shape) {
  const std::uint64_t most =
      std::min(kMostPool, std::max<std::uint64_t>(1, kPoolBytes / Chains::state_bytes(shape)));
  return std::min(std::max(chains, kLeastPool), most);
}

Tuning PooledWarmup::run(const Kernels& kernels, const Options& options, std::span<const double> starts,
                         const OnProgress& progress, std::stop_token stop) const {
  ChainKernel& kernel = kernels(options.metric == MetricKind::Dense);
  const std::uint64_t dimension = kernel.shape.dimension,
                      pool_count = pool_size(options.chains, kernel.shape);
  const auto windows = windows_for(std::max<std::uint64_t>(1, options.warmup), pool_count, options.max_depth);
  std::uint32_t longest = 1;
  std::uint64_t planned = 0;
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
  if (options.metric == MetricKind::Dense)
    pool.set_dense(kernel, identity(dimension));
  else
    pool.set_diagonal(std::vector<double>(dimension, 1.0));
  StepSizeAdaptation step(options.target_accept, first_step_size(pool, 0.5));
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const auto& window = windows[w];
    for (std::uint32_t i = 0; i < window.transitions; ++i)
      step.update(pool.transition(step.exploring(), window.depth_cap, i));
    const auto record = pool.chains().record(window.transitions);
    const auto stuck = stuck_chains(record, window.transitions, pool_count);
    const auto masses = log_masses(record, window.transitions, pool_count);
    const auto massless = massless_chains(record, window.transitions, masses);
    const auto lost = w >= kLateWindow ? either(stuck, massless) : stuck;
    rescue(pool.chains(), lost, dimension);
    if (!window.learns_metric) continue;
    PooledSamples samples;
    samples.dimension = dimension;
    std::vector<bool> agrees(pool_count, true);
    for (const std::uint64_t c : massless) agrees[c] = false;
    // The first half of an early window is still on its way in.
    for (std::uint64_t s = w < 3 ? window.transitions / 2 : 0; s < window.transitions; ++s)
      for (std::uint64_t c = 0; c < pool_count; ++c)
        if (agrees[c]) samples.add(record, s, c);
    const bool was_dense = !pool.dense().empty();
    learn_metric(pool, kernels, samples, options.metric, w);
    // A new metric is a new scale of the step.
    const bool anew = w < 2 || was_dense != !pool.dense().empty();
    step.restart(anew ? first_step_size(pool, step.averaged()) : step.averaged());
  }
  Tuning tuning;
  tuning.f64 = kernel.shape.f64;
  tuning.mapping = kernel.shape.lanes ? "subgroup" : "invocation";
  tuning.metric = pool.dense().empty() ? MetricKind::Diagonal : MetricKind::Dense;
  tuning.step_size = step.averaged();
  tuning.inverse_metric = pool.dense().empty() ? pool.diagonal() : pool.dense();
  tuning.dimension = dimension;
  const auto positions = pool.chains().positions();
  tuning.position_count = std::min(options.chains, pool_count);
  tuning.positions.assign(positions.begin(),
                          positions.begin() + static_cast<std::ptrdiff_t>(tuning.position_count * dimension));
  tuning.transitions = pool.transitions();
  tuning.gradients = pool.gradients() / pool_count;
  tuning.divergent = pool.divergent();
  return tuning;
}

}  // namespace drey::nuts
