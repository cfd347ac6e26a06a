#include "nuts/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "error.h"
#include "gpu/device.h"
#include "nuts/adaptation.h"
#include "nuts/chain_state.h"
#include "nuts/low_rank.h"

namespace drey::nuts {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Bytes on the host that one window may take: what its consumer then reads is still in the processor's caches.
constexpr std::uint64_t kWindowBytes = std::uint64_t{2} << 20;
/// From the device's order, chains last, to the result's, chains first: calls visit(slot, from, to) for some chains
/// [from, to) at a time, so that what is read and what is written both stay in the processor's caches.
template <typename Visit>
void turn(std::uint64_t chains, std::uint64_t slots, const Visit& visit) {
  constexpr std::uint64_t kChainsAtOnce = 16;
  for (std::uint64_t from = 0; from < chains; from += kChainsAtOnce)
    for (std::uint64_t s = 0; s < slots; ++s) visit(s, from, std::min(chains, from + kChainsAtOnce));
}

std::vector<double> scale_of(const Tuning& tuning) {
  if (tuning.metric == MetricKind::Dense) return metric_factor(tuning.inverse_metric, tuning.dimension);
  if (tuning.metric == MetricKind::LowRank) return low_rank_factor(tuning.inverse_metric, tuning.dimension);
  std::vector<double> roots(tuning.inverse_metric);
  for (double& m : roots) m = std::sqrt(m);
  return roots;
}

}  // namespace

Run::Run(RunKernels kernels, const Tuning& tuning, const Options& options, RunPlan plan, Unplanned)
    : kernels_(kernels),
      tuning_(tuning),
      options_(options),
      plan_(std::move(plan)),
      scale_(scale_of(tuning)) {}

Run::Run(RunKernels kernels, const Tuning& tuning, const Options& options, RunPlan plan)
    : Run(kernels, tuning, options, std::move(plan), Unplanned()) {
  batches_.resize(1);
  batches_[0].count = options_.chains;
  plan_batches();
}

void Run::plan_batches() {
  // As many chains at once as their state allows, as many draws of them as fit beside.
  const KernelShape& shape = kernels_.chains.shape;
  const std::uint64_t outputs = kernels_.model.output_size, real = shape.f64 ? 8 : 4;
  const std::uint64_t room = std::min(plan_.most_bytes, kernels_.device.info().storage_range);
  const std::uint64_t state = Chains::state_bytes(shape);
  const std::uint64_t slot = std::max<std::uint64_t>(Chains::slot_bytes(shape, false), outputs * real);
  if (state > room || slot > room)
    throw Error("device_limit",
                fmt::format("a chain of this model takes {} bytes and a draw {}, and buffers of {} "
                            "hold {} at most",
                            state, slot, kernels_.device.info().name, room));
  const std::uint64_t most = std::min(options_.chains, std::min(room / state, room / slot));
  for (std::size_t b = 0; b < batches_.size(); ++b)
    if (batches_[b].count > most) split(b, most);
  slots_ = std::clamp<std::uint64_t>(room / (most * slot), 1, options_.draws);
  const std::uint64_t numbers = (plan_.points ? shape.dimension : 0) + outputs + 6;
  most_window_ = std::max<std::uint64_t>(1, kWindowBytes / (8 * most * numbers));
}

void Run::split(std::size_t at, std::uint64_t count) {
  Batch whole = std::move(batches_[at]);
  const KernelShape& shape = kernels_.chains.shape;
  const auto part = [&](std::uint64_t from, std::uint64_t width) {
    Batch batch;
    batch.first = whole.first + from;
    batch.count = width;
    batch.draws = whole.draws;
    batch.ahead = whole.ahead;
    if (!whole.state.empty()) batch.state = state_columns(shape, whole.state, whole.count, from, width);
    if (whole.ahead)
      batch.record = record_columns(shape, whole.record, whole.ahead, whole.count, from, width);
    if (!whole.last.empty())
      batch.last.assign(whole.last.begin() + static_cast<std::ptrdiff_t>(from * shape.dimension),
                        whole.last.begin() + static_cast<std::ptrdiff_t>((from + width) * shape.dimension));
    for (const auto& suspect : whole.suspects)
      if (suspect.chain >= batch.first && suspect.chain < batch.first + width)
        batch.suspects.push_back(suspect);
    return batch;
  };
  batches_[at] = part(0, count);
  batches_.insert(batches_.begin() + static_cast<std::ptrdiff_t>(at) + 1, part(count, whole.count - count));
}

std::vector<double> Run::start(const Batch& batch) const {
  std::vector<double> positions(batch.count * tuning_.dimension);
  for (std::uint64_t c = 0; c < batch.count; ++c) {
    // Chain `number` starts from position number % count.
    const std::uint64_t from = (options_.first_chain + batch.first + c) % tuning_.position_count;
    std::copy_n(tuning_.positions.begin() + static_cast<std::ptrdiff_t>(from * tuning_.dimension),
                tuning_.dimension, positions.begin() + static_cast<std::ptrdiff_t>(c * tuning_.dimension));
  }
  return positions;
}

void Run::enter(std::size_t at) {
  if (chains_ && resident_ == at) return;
  leave();
  while (!chains_) {
    try {
      chains_ = std::make_unique<Chains>(kernels_.chains, batches_[at].count, slots_, false);
    } catch (const Error& error) {
      // What does not fit the device's memory goes in smaller parts.
      if (error.reason() != "device_memory") throw;
      const std::uint64_t needed = batches_[at].ahead + 1;
      if (slots_ > needed)
        slots_ = std::max(needed, slots_ / 4);
      else if (batches_[at].count > 1)
        split(at, (batches_[at].count + 1) / 2);
      else
        throw;
    }
  }
  resident_ = at;
  Batch& batch = batches_[at];
  lap_ = batch.draws;
  if (!batch.state.empty()) {
    chains_->restore(batch.state);
    if (batch.ahead) chains_->restore_record(batch.record, batch.ahead);
    batch.state = {};
    batch.record = {};
  } else if (tuning_.position_count == 0) {
    chains_->start_dispersed();
  } else {
    chains_->start_at(start(batch));
  }
  chains_->set_scale(scale_);
}

Run::~Run() { give_up(); }

void Run::leave() {
  if (!chains_) return;
  give_up();
  if (!chains_->stands()) {
    chains_.reset();
    return;
  }
  Batch& batch = batches_[resident_];
  batch.state = chains_->save();
  batch.ahead = transitions(batch.state, batch.count).second / options_.thin - batch.draws;
  batch.record = chains_->save_record(batch.ahead, batch.draws - lap_);
  chains_.reset();
}

void Run::flush(const OnWindow& on_window) {
  if (!chains_) return;
  give_up();
  Batch& batch = batches_[resident_];
  const std::uint64_t complete =
      std::min<std::uint64_t>(transitions(chains_->save(), batch.count).first / options_.thin, lap_ + slots_);
  while (batch.draws < std::min(complete, options_.draws)) {
    const std::uint64_t end = std::min(complete, options_.draws);
    ask(batch, options_of(batch), end, end);
    hand_out(batch, end, on_window);
  }
}

std::uint64_t Run::handed() const {
  std::uint64_t least = options_.draws;
  for (const auto& batch : batches_) least = std::min(least, batch.draws);
  return least;
}

std::uint64_t Run::window_end(std::uint64_t first) const {
  std::uint64_t end = std::min(options_.draws, first + most_window_);
  if (plan_.window) end = std::min(end, (first / plan_.window + 1) * plan_.window);
  const auto mark = std::upper_bound(plan_.marks.begin(), plan_.marks.end(), first);
  return mark == plan_.marks.end() ? end : std::min(end, *mark);
}

Run::End Run::draw(const OnWindow& on_window, const OnProgress& progress, std::stop_token stop) {
  const auto all_to = [&](std::uint64_t until) {
    // By index: entering a batch may split it.
    for (std::size_t b = 0; b < batches_.size(); ++b) {
      if (batches_[b].draws >= until) continue;
      const End end = draw_to(b, until, on_window, progress, stop);
      if (end != End::Done) return end;
    }
    return End::Done;
  };
  // A single batch is never held back: its chains go on while the host looks at what is handed out.
  while (plan_.abreast && batches_.size() > 1 && handed() < options_.draws) {
    const End end = all_to(window_end(handed()));
    if (end != End::Done) return end;
  }
  return all_to(options_.draws);
}

RunOptions Run::options_of(const Batch& batch) const {
  RunOptions run;
  run.seed = options_.seed;
  run.first_chain = options_.first_chain + batch.first;
  run.base = static_cast<std::uint32_t>(lap_);
  run.thin = static_cast<std::uint32_t>(options_.thin);
  run.depth_cap = options_.max_depth;
  run.step_size = tuning_.step_size;
  run.budget = options_.budget;
  return run;
}

Run::End Run::draw_to(std::size_t at, std::uint64_t until, const OnWindow& on_window,
                      const OnProgress& progress, const std::stop_token& stop) {
  enter(at);
  Batch& batch = batches_[at];
  std::uint64_t others = 0;
  for (std::size_t b = 0; b < batches_.size(); ++b)
    if (b != at) others += batches_[b].transitions;
  Progress told{"sampling", 0, options_.chains * options_.draws * options_.thin, 0};
  while (batch.draws < until) {
    // At the end of a lap every chain stands there.
    if (batch.draws == lap_ + slots_) lap_ = batch.draws;
    const std::uint64_t limit = std::min(lap_ + slots_, until);
    RunOptions run = options_of(batch);
    run.limit = static_cast<std::uint32_t>(limit * options_.thin);
    End end = End::Done;
    std::stop_source own;
    const std::stop_callback forward(stop, [&] { own.request_stop(); });
    double aside_ms = 0;
    const auto on_dispatch = [&](const ChainStatus& status) {
      batch.transitions = status.transitions;
      told.done = others + status.transitions;
      told.divergent = divergent_;
      if (progress) progress(told);
      // What was asked for at the last dispatch is there now; the outputs of this one's draws come after the dispatch
      // that is under way.
      const auto before = Clock::now();
      if (!hand_out(batch, limit, on_window))
        end = End::Enough;
      else
        ask(batch, run, std::min(limit, status.least / options_.thin), limit);
      if (end == End::Done && plan_.pause && plan_.pause()) end = End::Paused;
      if (end != End::Done) own.request_stop();
      aside_ms += ms_since(before);
    };
    const auto started = Clock::now();
    const Work before = chains_->work();
    ChainStatus status;
    try {
      status = chains_->run(run, on_dispatch, own.get_token());
    } catch (const Error& error) {
      if (error.reason() != "cancelled") throw;
      if (end == End::Done) end = End::Stopped;
    }
    sampling_ms_ += ms_since(started) - aside_ms;
    work_ += chains_->work() - before;
    if (status.failed)
      throw Error("bad_start", fmt::format("{} of {} chains have no finite density where they start",
                                           status.failed, batch.count));
    while (end == End::Done && batch.draws < limit) {
      if (!hand_out(batch, limit, on_window)) end = End::Enough;
      if (end == End::Done && batch.draws < limit) ask(batch, run, limit, limit);
    }
    give_up();
    if (end != End::Done) return end;
  }
  return End::Done;
}

void Run::ask(const Batch& batch, const RunOptions& run, std::uint64_t complete, std::uint64_t limit) {
  const std::uint64_t begin = batch.draws,
                      most = kernels_.draws ? kernels_.draws->most_slots(batch.count) : complete;
  std::uint64_t end = begin;
  while (end < complete) {
    const std::uint64_t last = std::min(window_end(end), limit);
    // The first goes whatever it takes: one that no buffer holds is an error, not passed over for ever.
    if (last > complete || (end > begin && last - begin > most)) break;
    end = last;
  }
  asked_ = {begin, end};
  if (kernels_.draws && end > begin) kernels_.draws->begin(*chains_, run, end - begin, begin - lap_);
}

void Run::give_up() {
  if (kernels_.draws) kernels_.draws->wait();
  asked_ = {};
}

bool Run::hand_out(Batch& batch, std::uint64_t limit, const OnWindow& on_window) {
  const auto [begin, end] = std::exchange(asked_, {});
  if (begin == end) return true;
  auto before = Clock::now();
  std::span<const std::byte> outputs;
  if (kernels_.draws) outputs = kernels_.draws->finish();
  const std::uint64_t slot = outputs.size() / (end - begin);
  bool more = true;
  while (more && batch.draws < end) {
    const std::uint64_t first = batch.draws, count = std::min(window_end(first), limit) - first;
    Window& window = take(batch, count, outputs.subspan((first - begin) * slot, count * slot));
    outputs_ms_ += ms_since(before);
    more = on_window(std::move(window));
    before = Clock::now();
  }
  return more;
}

Window& Run::take(Batch& batch, std::uint64_t slots, std::span<const std::byte> outputs) {
  window_.first_chain = batch.first;
  window_.first_draw = batch.draws;
  if (kernels_.chains.shape.f64)
    fill<double>(batch, slots, outputs);
  else
    fill<float>(batch, slots, outputs);
  batch.draws += slots;
  return window_;
}

/// A window's draws from the record and the outputs, chains last, as the kernels wrote them.
template <typename Real>
void Run::fill(Batch& batch, std::uint64_t slots, std::span<const std::byte> outputs_bytes) {
  Draws& draws = window_.draws;
  const std::uint64_t chains = batch.count, kept = chains * slots, dimension = kernels_.model.dimension,
                      size = kernels_.model.output_size;
  const RecordLayout& layout = chains_->record_layout();
  const auto numbers = [](std::span<const std::byte> bytes) {
    return reinterpret_cast<const Real*>(bytes.data());
  };
  const Real* record = numbers(chains_->record_bytes(slots, batch.draws - lap_, seen_));
  const Real* outputs = numbers(outputs_bytes);
  draws.chains = chains;
  draws.draws = slots;
  draws.dimension = dimension;
  draws.output_size = kernels_.model.output_size;
  draws.gradients = 0;
  draws.points.resize(plan_.points ? kept * dimension : 0);
  draws.outputs.resize(kept * size);
  for (auto* values : {&draws.lp, &draws.accept, &draws.energy}) values->resize(kept);
  for (auto* values : {&draws.depth, &draws.leapfrogs}) values->resize(kept);
  draws.divergent.resize(kept);
  std::uint64_t divergent = 0;
  turn(chains, slots, [&](std::uint64_t s, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t d = 0; plan_.points && d < dimension; ++d) {
      const Real* values = record + layout.at(s, layout.position + d, 0, chains);
      for (std::uint64_t c = from; c < to; ++c) draws.points[(c * slots + s) * dimension + d] = values[2 * c];
    }
    for (std::uint64_t e = 0; e < size; ++e) {
      const std::uint32_t coordinate = kernels_.coordinates.of[e];
      const Real* values = coordinate == model::none
                               ? outputs + (s * ((size + 1) / 2) + e / 2) * chains * 2 + e % 2
                               : record + layout.at(s, layout.position + coordinate, 0, chains);
      for (std::uint64_t c = from; c < to; ++c) draws.outputs[(c * slots + s) * size + e] = values[2 * c];
    }
    const Real* head = record + layout.at(s, 0, 0, chains);
    const Real* tail = record + layout.at(s, 2, 0, chains);
    for (std::uint64_t c = from; c < to; ++c) {
      const std::uint64_t at = c * slots + s;
      draws.lp[at] = head[2 * c + RecordLayout::kLp];
      draws.accept[at] = head[2 * c + RecordLayout::kAccept];
      draws.energy[at] = tail[2 * c];
      const double counts = tail[2 * c + 1];
      draws.depth[at] = static_cast<std::int32_t>(RecordLayout::depth(counts));
      draws.leapfrogs[at] = static_cast<std::int32_t>(RecordLayout::leapfrogs(counts));
      draws.divergent[at] = static_cast<std::uint8_t>(RecordLayout::divergent(counts));
      draws.gradients += RecordLayout::leapfrogs(counts);
      divergent += draws.divergent[at];
      if (draws.depth[at] >= options_.max_depth) ++deep_;
    }
  });
  gradients_ += draws.gradients;
  divergent_ += divergent;
  const auto point = [&](std::uint64_t s, std::uint64_t c, double* to) {
    for (std::uint64_t d = 0; d < dimension; ++d)
      to[d] = record[layout.at(s, layout.position + d, c, chains)];
  };
  for (std::uint64_t s = 0; divergent && s < slots && batch.suspects.size() < kMostDivergences; ++s)
    for (std::uint64_t c = 0; c < chains && batch.suspects.size() < kMostDivergences; ++c) {
      if (!draws.divergent[c * slots + s]) continue;
      Snapshot::Suspect suspect{batch.first + c, batch.draws + s, {}};
      if (s > 0) {
        suspect.before.resize(dimension);
        point(s - 1, c, suspect.before.data());
      } else if (!batch.last.empty()) {
        suspect.before.assign(batch.last.begin() + static_cast<std::ptrdiff_t>(c * dimension),
                              batch.last.begin() + static_cast<std::ptrdiff_t>((c + 1) * dimension));
      }
      batch.suspects.push_back(std::move(suspect));
    }
  batch.last.resize(chains * dimension);
  for (std::uint64_t c = 0; c < chains; ++c) point(slots - 1, c, batch.last.data() + c * dimension);
}

}  // namespace drey::nuts
