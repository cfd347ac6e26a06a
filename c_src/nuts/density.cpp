#include "nuts/density.h"

#include <fmt/format.h>

#include <algorithm>

#include "error.h"
#include "model/evaluator.h"

namespace drey::nuts {
namespace {

constexpr std::uint32_t kStamp = 0x64726579;
/// Of outputs on their way to the host. A draw's are 8 at least: fewer than 2^24 draws, as draws.comp needs.
constexpr std::uint64_t kMostOutputBytes = std::uint64_t{32} << 20;

struct DensityPush {
  std::uint32_t count, stamp, probe;
};

struct DrawsPush {
  std::uint32_t seed_low, seed_high, chain_low, chain_high, chains, stride, base, first, slots, thin, pairs,
      stamp, probe;
};

/// A text with its loop trips within what the device allows.
std::string checked(const gpu::Device& device, KernelText text) {
  const std::uint64_t limit = device.info().trip_limit;
  if (limit && text.fixed_trips > limit)
    throw Error("device_limit",
                fmt::format("this model makes up to {} loop trips a run, and {} stops loops after {}",
                            text.fixed_trips, device.info().name, limit));
  return std::move(text.text);
}

void check_markers(const gpu::Device& device, const gpu::Buffer& markers, std::uint64_t count,
                   std::uint32_t stamp) {
  for (const std::uint32_t marker : markers.read_all<std::uint32_t>(count))
    if (marker != stamp)
      throw Error("internal",
                  fmt::format("{} left a loop of the model early; this is a bug", device.info().name));
}

void run_once(gpu::Device& device, const gpu::Arguments& arguments, std::span<const std::byte> push,
              std::uint64_t invocations, std::uint32_t local) {
  gpu::Commands commands(device);
  commands.begin();
  commands.dispatch(arguments, push, static_cast<std::uint32_t>((invocations + local - 1) / local));
  if (!device.wait(commands.submit()))
    throw Error("device_error", "the device did not finish a dispatch in ten minutes");
}

}  // namespace

DensityKernel::DensityKernel(gpu::Device& device, const KernelShape& shape, const glsl::Source& density,
                             const Compile& compile)
    : device_(device),
      shape_(shape),
      data_(upload_data(device, density)),
      kernel_(device, compile(checked(device, density_kernel(shape, density))), kernel_slots(density, 3),
              sizeof(DensityPush)) {}

std::vector<Evaluation> DensityKernel::evaluate(std::span<const double> points) {
  const std::uint64_t dimension = shape_.dimension, total = points.size() / dimension,
                      real = shape_.f64 ? 8 : 4;
  const std::uint64_t most = std::clamp<std::uint64_t>(
      device_.info().storage_range / ((dimension + 1) * real), 1, std::uint64_t{1} << 16);
  std::vector<Evaluation> results(total);
  for (std::uint64_t first = 0; first < total; first += most) {
    const std::uint64_t count = std::min(most, total - first);
    std::vector<double> turned(count * dimension);
    for (std::uint64_t i = 0; i < count; ++i)
      for (std::uint64_t d = 0; d < dimension; ++d)
        turned[d * count + i] = points[(first + i) * dimension + d];
    gpu::Buffer in(device_, turned.size() * real), out(device_, count * (dimension + 1) * real),
        markers(device_, count * 4);
    in.write(reals_to_bytes(turned, shape_.f64));
    markers.fill(0);
    const gpu::Arguments arguments(device_, kernel_, kernel_bindings({&in, &out, &markers}, data_));
    run_once(device_, arguments, gpu::bytes_of(DensityPush{static_cast<std::uint32_t>(count), kStamp, 2}),
             count, shape_.local_size);
    check_markers(device_, markers, count, kStamp);
    const auto values = read_reals(out, count * (dimension + 1), 0, shape_.f64);
    for (std::uint64_t i = 0; i < count; ++i) {
      auto& result = results[first + i];
      result.value = values[i];
      result.gradient.resize(dimension);
      for (std::uint64_t d = 0; d < dimension; ++d) result.gradient[d] = values[(d + 1) * count + i];
    }
  }
  return results;
}

std::vector<Evaluation> evaluate_on_host(const model::Program& density, const model::Model& model,
                                         std::span<const double> points,
                                         const std::function<void()>& between) {
  model::Evaluator evaluator(density, model.data);
  std::vector<Evaluation> results;
  for (std::uint64_t at = 0; at < points.size(); at += model.dimension) {
    if (between) between();
    auto result = evaluator.run(points.subspan(at, model.dimension));
    results.push_back({result.target, std::move(result.gradient)});
  }
  return results;
}

DrawsKernel::DrawsKernel(gpu::Device& device, const KernelShape& shape, const glsl::Source& draws,
                         const std::vector<bool>& computed, const Compile& compile)
    : device_(device),
      shape_(shape),
      slot_bytes_((computed.size() + 1) / 2 * 2 * (shape.f64 ? 8 : 4)),
      data_(upload_data(device, draws)),
      kernel_(device, compile(checked(device, draws_kernel(shape, draws, computed))), kernel_slots(draws, 3),
              sizeof(DrawsPush)),
      commands_(device) {}

std::uint64_t DrawsKernel::most_slots(std::uint64_t chains) const {
  const std::uint64_t slot = chains * slot_bytes_;
  return std::max<std::uint64_t>(1, std::min(kMostOutputBytes, device_.info().storage_range) / slot);
}

void DrawsKernel::begin(const Chains& chains, const RunOptions& run, std::uint64_t slots,
                        std::uint64_t first) {
  wait();
  const std::uint64_t count = chains.count();
  asked_ = slots * count;
  const auto hold = [&](std::optional<gpu::Buffer>& buffer, std::uint64_t bytes) {
    if (buffer && buffer->size() >= bytes) return false;
    buffer.reset();
    buffer.emplace(device_, std::max<std::uint64_t>(4, bytes), gpu::BufferKind::Storage,
                   gpu::Placement::Host);
    return true;
  };
  hold(out_, asked_ * slot_bytes_);
  if (hold(markers_, asked_ * 4)) markers_->fill(0);
  arguments_.emplace(device_, kernel_, kernel_bindings({&chains.record_buffer(), &*out_, &*markers_}, data_));
  // Markers of an earlier call are of another stamp; 0 is none.
  if (++stamp_ == 0) ++stamp_;
  const DrawsPush push{static_cast<std::uint32_t>(run.seed),
                       static_cast<std::uint32_t>(run.seed >> 32),
                       static_cast<std::uint32_t>(run.first_chain),
                       static_cast<std::uint32_t>(run.first_chain >> 32),
                       static_cast<std::uint32_t>(count),
                       static_cast<std::uint32_t>(count),
                       run.base,
                       static_cast<std::uint32_t>(first),
                       static_cast<std::uint32_t>(slots),
                       run.thin,
                       static_cast<std::uint32_t>(chains.record_layout().pairs),
                       stamp_,
                       2};
  commands_.begin();
  commands_.dispatch(*arguments_, gpu::bytes_of(push),
                     static_cast<std::uint32_t>((asked_ + shape_.local_size - 1) / shape_.local_size));
  submission_ = commands_.submit();
}

std::span<const std::byte> DrawsKernel::finish() {
  if (!device_.wait(submission_))
    throw Error("device_error", "the device did not finish a dispatch in ten minutes");
  submission_ = 0;
  check_markers(device_, *markers_, asked_, stamp_);
  return {out_->mapped(), asked_ * slot_bytes_};
}

void DrawsKernel::wait() noexcept {
  if (!submission_) return;
  try {
    static_cast<void>(device_.wait(submission_));
  } catch (const Error&) {
    // A lost device has nothing left to wait for.
  }
  submission_ = 0;
}

}  // namespace drey::nuts
