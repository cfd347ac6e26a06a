#include "nuts/chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "error.h"
#include "nuts/chain_state.h"

namespace drey::nuts {
namespace {

/// The push constants of nuts.comp; the step size follows, float or double.
struct Push {
  std::uint32_t seed_low, seed_high, chain_low, chain_high, chains, stride, rounds, ticks, limit, base, slots,
      thin, phase, depth_cap, stamp, probe, pairs, slots_held;
};
static_assert(sizeof(Push) == 72);

/// Trips left unused below the device's limit.
constexpr std::uint64_t kTripMargin = 2'000;
/// A dispatch should not hold a device longer (watchdogs, cancelling, progress).
constexpr double kDispatchNs = 40e6;
/// Ticks between two looks at the seldom part where the caller wants a budget, and rounds of a first
/// dispatch, whose speed is not known.
constexpr std::uint32_t kTicks = 8, kFirstRounds = 16;
/// Rounds that a transition may take beside two for each block of four leaves.
constexpr std::uint64_t kSpareRounds = 6;
/// Ticks of a round at most: a round has the random numbers of merges at four depths, and in so many ticks no chain
/// merges both at depth 3 and at depth 4.
constexpr std::uint32_t kMostTicks = 16;

}  // namespace

std::vector<std::byte> reals_to_bytes(std::span<const double> values, bool f64) {
  std::vector<std::byte> bytes(values.size() * (f64 ? 8 : 4));
  if (f64) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto single = static_cast<float>(values[i]);
      std::memcpy(bytes.data() + 4 * i, &single, 4);
    }
  }
  return bytes;
}

std::vector<double> read_reals(const gpu::Buffer& buffer, std::uint64_t count, std::uint64_t offset,
                               bool f64) {
  if (f64) return buffer.read_all<double>(count, 8 * offset);
  const auto singles = buffer.read_all<float>(count, 4 * offset);
  return {singles.begin(), singles.end()};
}

std::vector<std::pair<std::uint32_t, gpu::Buffer>> upload_data(gpu::Device& device,
                                                               const glsl::Source& source) {
  std::vector<std::pair<std::uint32_t, gpu::Buffer>> buffers;
  for (const auto& data : source.data) {
    gpu::Buffer buffer(device, std::max<std::uint64_t>(16, data.bytes.size()),
                       data.uniform ? gpu::BufferKind::Uniform : gpu::BufferKind::Storage);
    buffer.write(std::as_bytes(std::span(data.bytes)));
    buffers.emplace_back(data.binding, std::move(buffer));
  }
  return buffers;
}

std::vector<gpu::BindingSlot> kernel_slots(const glsl::Source& source, std::uint32_t own) {
  std::vector<gpu::BindingSlot> slots;
  for (std::uint32_t i = 0; i < own; ++i) slots.push_back({i, gpu::BufferKind::Storage});
  for (const auto& data : source.data)
    slots.push_back({data.binding, data.uniform ? gpu::BufferKind::Uniform : gpu::BufferKind::Storage});
  return slots;
}

std::vector<std::pair<std::uint32_t, const gpu::Buffer*>> kernel_bindings(
    std::initializer_list<const gpu::Buffer*> own,
    const std::vector<std::pair<std::uint32_t, gpu::Buffer>>& data) {
  std::vector<std::pair<std::uint32_t, const gpu::Buffer*>> all;
  std::uint32_t binding = 0;
  for (const auto* buffer : own) all.emplace_back(binding++, buffer);
  for (const auto& [at, buffer] : data) all.emplace_back(at, &buffer);
  return all;
}

namespace {

std::uint32_t push_bytes(const KernelShape& shape) { return sizeof(Push) + 8 - (shape.f64 ? 0 : 4); }

std::vector<gpu::Buffer> pair_of_buffers(gpu::Device& device, std::uint64_t bytes) {
  std::vector<gpu::Buffer> buffers;
  for (int i = 0; i < 2; ++i)
    buffers.emplace_back(device, bytes, gpu::BufferKind::Storage, gpu::Placement::Host);
  return buffers;
}

}  // namespace

ChainKernel::ChainKernel(gpu::Device& on, const KernelShape& of_shape, const glsl::Source& density,
                         const Compile& compile)
    : device(on),
      shape(of_shape),
      layout(of_shape),
      text(nuts_kernel(of_shape, density)),
      operations(density.operations),
      data(upload_data(on, density)),
      kernel(on, compile(text.text), kernel_slots(density, 4), push_bytes(of_shape), {},
             of_shape.lanes || of_shape.together ? on.info().subgroup_size : 0) {
  text.text.clear();
  const std::uint64_t limit = on.info().trip_limit;
  const std::uint64_t least = text.fixed_trips + text.round_trips + text.trips(1) + kTripMargin;
  if (limit && least > limit)
    throw Error(
        "device_limit",
        fmt::format(
            "one leapfrog of this model makes up to {} loop trips, and {} stops loops after {}; use a "
            "device without this limit, or a smaller model",
            text.tick_trips, on.info().name, limit));
}

Chains::Chains(ChainKernel& kernel, std::uint64_t count, std::uint64_t slots, bool gradients)
    : kernel_(kernel),
      count_(count),
      slots_(slots),
      gradients_(gradients),
      layout_(kernel.shape.dimension, gradients),
      state_real_(kernel.device, count * kernel.layout.reals * (kernel.shape.f64 ? 8 : 4)),
      state_word_(kernel.device, count * StateLayout::kWords * 4),
      scale_(kernel.device, scale_size(kernel.shape) * 8),
      record_(kernel.device, std::max<std::uint64_t>(1, slots) * count * slot_bytes(kernel.shape, gradients)),
      status_(pair_of_buffers(kernel.device, count * StateLayout::kWords * 4)),
      arguments_(kernel.device, kernel.kernel,
                 kernel_bindings({&state_real_, &state_word_, &scale_, &record_}, kernel.data)) {
  for (int i = 0; i < 2; ++i) commands_.emplace_back(kernel.device);
  state_real_.fill(0);
  state_word_.fill(0);
}

std::uint64_t Chains::state_bytes(const KernelShape& shape) {
  return StateLayout(shape).reals * (shape.f64 ? 8 : 4) + StateLayout::kWords * 4;
}

std::uint64_t Chains::scale_size(const KernelShape& shape) {
  return shape.dense ? shape.dimension * (shape.dimension + 1) / 2
                     : shape.dimension + shape.rank * (shape.dimension + 1);
}

std::uint64_t Chains::slot_bytes(const KernelShape& shape, bool gradients) {
  return RecordLayout(shape.dimension, gradients).pairs * 2 * (shape.f64 ? 8 : 4);
}

void Chains::start_dispersed() {
  stands_ = false;
  least_ = 0;
}

void Chains::disperse(const RunOptions& run, const std::stop_token& stop) {
  if (stands_) return;
  const std::uint64_t dimension = kernel_.shape.dimension;
  std::vector<double> positions(count_ * dimension);
  std::vector<bool> found(count_);
  RunOptions evaluate = run;
  evaluate.limit = 0;
  for (std::uint32_t attempt = 0; attempt < kStartAttempts; ++attempt) {
    if (stop.stop_requested()) throw Error("cancelled", "the job was cancelled");
    for (std::uint64_t c = 0; c < count_; ++c)
      if (!found[c])
        dispersed_start(std::span(positions).subspan(c * dimension, dimension), run.seed, run.first_chain + c,
                        run.phase, attempt);
    start_at(positions);
    stands_ = false;  // until all are tried
    ChainStatus status;
    do {
      status = dispatch_now(evaluate, 1);
    } while (status.finished + status.failed < count_);
    if (status.failed == 0) break;
    const auto modes = state_word_.read_all<std::uint32_t>(count_, word::kMode * count_ * 4);
    for (std::uint64_t c = 0; c < count_; ++c) found[c] = modes[c] != mode::kFailed;
  }
  stands_ = true;
}

Chains::Plan Chains::plan(std::uint32_t ticks, std::uint64_t rounds) const {
  ticks = std::clamp(ticks, 1u, kMostTicks);
  std::uint64_t most = 1u << 20;
  if (const std::uint64_t limit = kernel_.device.info().trip_limit) {
    // ChainKernel's constructor has seen to it that one round of one tick fits.
    const auto& text = kernel_.text;
    const std::uint64_t room = limit - kTripMargin - text.fixed_trips - text.round_trips;
    while (ticks > 1 && text.trips(ticks) > room) ticks /= 2;
    most = room / text.trips(ticks);
  }
  return {ticks, static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rounds, 1, most))};
}

void Chains::record_dispatch(gpu::Commands& commands, const gpu::Buffer& status, const RunOptions& run,
                             std::uint32_t rounds, std::uint32_t ticks, std::uint32_t stamp) {
  const Push head{static_cast<std::uint32_t>(run.seed),
                  static_cast<std::uint32_t>(run.seed >> 32),
                  static_cast<std::uint32_t>(run.first_chain),
                  static_cast<std::uint32_t>(run.first_chain >> 32),
                  static_cast<std::uint32_t>(count_),
                  static_cast<std::uint32_t>(count_),
                  rounds,
                  ticks,
                  run.limit,
                  run.base,
                  static_cast<std::uint32_t>(slots_),
                  run.thin,
                  static_cast<std::uint32_t>(run.phase),
                  static_cast<std::uint32_t>(std::clamp(run.depth_cap, 1, kernel_.shape.max_depth)),
                  stamp,
                  2,
                  static_cast<std::uint32_t>(layout_.pairs),
                  static_cast<std::uint32_t>(slots_held(kernel_.shape))};
  std::array<std::byte, sizeof(Push) + 8> push{};
  std::memcpy(push.data(), &head, sizeof head);
  const auto step = reals_to_bytes(std::array{run.step_size}, kernel_.shape.f64);
  std::memcpy(push.data() + sizeof head, step.data(), step.size());
  commands.begin();
  const std::uint32_t local = kernel_.shape.lanes ? 1 : kernel_.shape.local_size;
  commands.dispatch(arguments_, std::span(push).first(push_bytes(kernel_.shape)),
                    static_cast<std::uint32_t>((count_ + local - 1) / local));
  commands.barrier();
  commands.copy(state_word_, status, state_word_.size());
}

ChainStatus Chains::check(const gpu::Buffer& status, const RunOptions& run, std::uint32_t stamp) {
  const auto words = status.read_all<std::uint32_t>(count_ * StateLayout::kWords);
  ChainStatus result;
  result.least = ~0u;
  for (std::uint64_t c = 0; c < count_; ++c) {
    if (words[word::kMarker * count_ + c] != stamp)
      throw Error("internal",
                  fmt::format("the device left the sampler's loop early (chain {} of {}): its draws "
                              "cannot be trusted; a smaller `budget` may help, and this is a bug",
                              run.first_chain + c, kernel_.device.info().name));
    const std::uint32_t now = words[word::kMode * count_ + c],
                        iteration = words[word::kIteration * count_ + c];
    result.transitions += iteration;
    result.least = std::min(result.least, iteration);
    result.most = std::max(result.most, iteration);
    if (now == mode::kFailed)
      ++result.failed;
    else if (now == mode::kFresh && iteration >= run.limit)
      ++result.finished;
    work_.gradients += words[word::kUsed * count_ + c];
  }
  // Lanes of a subgroup are done when the last of them is, lanes without a chain too.
  const std::uint64_t lanes = std::max(1u, kernel_.device.info().subgroup_size),
                      group = std::min<std::uint64_t>(lanes, kernel_.shape.local_size);
  for (std::uint64_t c = 0; c < count_; c += kernel_.shape.lanes ? 1 : group) {
    if (kernel_.shape.lanes) {
      work_.room += words[word::kUsed * count_ + c];
      continue;
    }
    const auto made = words.begin() + static_cast<std::ptrdiff_t>(word::kMade * count_ + c);
    work_.room +=
        lanes * *std::max_element(made, made + static_cast<std::ptrdiff_t>(std::min(group, count_ - c)));
  }
  least_ = result.least;
  return result;
}

ChainStatus Chains::dispatch(const RunOptions& run, std::uint32_t rounds) {
  disperse(run, {});
  return dispatch_now(run, rounds);
}

ChainStatus Chains::dispatch_now(const RunOptions& run, std::uint32_t rounds) {
  const auto planned = plan(run.ticks, rounds);
  const std::uint32_t stamp = ++stamp_;
  record_dispatch(commands_[0], status_[0], run, planned.rounds, planned.ticks, stamp);
  if (!kernel_.device.wait(commands_[0].submit()))
    throw Error("device_error", "the device did not answer in time");
  return check(status_[0], run, stamp);
}

ChainStatus Chains::run(const RunOptions& run, const OnDispatch& on_dispatch, std::stop_token stop) {
  disperse(run, stop);
  const auto plan_now = [&] {
    if (run.budget) {
      const auto ticks =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(run.budget, run.ticks ? run.ticks : kTicks));
      return plan(ticks, run.budget / std::max(1u, ticks));
    }
    // A subgroup's chain is long in coming and going.
    const double least =
        kernel_.shape.lanes && kernel_.device.info().type == "cpu" ? 2 * kDispatchNs : kDispatchNs;
    const double rounds = ns_per_round_ > 0 ? least / ns_per_round_ : kFirstRounds;
    return plan(run.ticks ? run.ticks : pace_.ticks(),
                static_cast<std::uint64_t>(std::clamp(rounds * pace_.share(), 1.0, 1e6)));
  };
  struct Flight {
    std::uint64_t submission = 0;
    std::uint32_t stamp = 0, rounds = 0, ticks = 0;
    bool last = false;  ///< it has rounds for all that is left, as far as is known
  };
  std::array<Flight, 2> flights;
  const auto launch = [&](int turn) {
    const auto planned = plan_now();
    const std::uint32_t stamp = ++stamp_;
    record_dispatch(commands_[turn], status_[turn], run, planned.rounds, planned.ticks, stamp);
    const std::uint64_t left = run.limit > least_ ? run.limit - least_ : 0,
                        leaves = std::uint64_t{1} << std::clamp(run.depth_cap, 1, kernel_.shape.max_depth),
                        most = left * (leaves / 2 + kSpareRounds);
    flights[turn] = {commands_[turn].submit(), stamp, planned.rounds, planned.ticks, planned.rounds >= most};
  };
  using Clock = std::chrono::steady_clock;
  int turn = 0;
  constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
  std::uint64_t seen = kUnknown;
  auto last = Clock::now();
  launch(0);
  while (true) {
    const bool ending = stop.stop_requested();
    // The next dispatch is under way while the host looks at this one; of chains that are done it changes
    // nothing, which takes time all the same.
    const bool ahead = !ending && !flights[turn].last;
    if (ahead) launch(1 - turn);
    if (!kernel_.device.wait(flights[turn].submission))
      throw Error("device_error", "the device did not finish a dispatch in ten minutes");
    const auto now = Clock::now();
    const double ns = std::chrono::duration<double, std::nano>(now - last).count();
    ns_per_round_ = ns / flights[turn].rounds;
    last = now;
    const auto status = check(status_[turn], run, flights[turn].stamp);
    // What the first dispatch of a run did is not known.
    if (seen != kUnknown) pace_.saw(flights[turn].ticks, status.transitions - seen, ns);
    seen = status.transitions;
    if (on_dispatch) on_dispatch(status);
    const bool done = status.finished + status.failed == count_;
    if (done || ending) {
      if (ahead) kernel_.device.wait(flights[1 - turn].submission);
      if (done) return status;
      throw Error("cancelled", "the job was cancelled");
    }
    if (!ahead) launch(1 - turn);
    turn = 1 - turn;
  }
}

}  // namespace drey::nuts
