#include "nuts/mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "error.h"

namespace drey::nuts {
namespace {

/// Vectors of data a gradient from which on it pays that lanes tell them one another.
constexpr std::uint64_t kSharedLoads = 64;

/// Vectors of data that a chain keeps beside its state: in as many bytes as its own, for most models.
constexpr std::uint32_t kNearVectors = 32;

/// What the sampler computes beside a gradient, in operations, and what does not depend on the dimension; of a slot in
/// registers; of one that is not, which costs the more the fewer of them a cache holds. From timings on a software
/// device: eight schools, sv, hierarchies of 16 to 1000 dimensions.
constexpr double kFixed = 300, kSlot = 160, kFarSlot = 600, kFarthest = 1;
/// A software driver compiles a kernel whose arrays are stored in half the time. A gradient of so many operations a slot
/// is dear enough that drawing takes no more than a tenth longer by it; and so many slots of a lane take long to compile.
constexpr double kStoredOperations = 2000;
constexpr std::uint64_t kStoredLeast = 12, kStoredLaneSlots = 32;
/// A software driver reads memory lane by lane, as costly as this many operations.
constexpr double kGather = 4;
/// A software driver compiles this many slots written out in a second, twice as many in two, a chain per subgroup in half
/// a second: the difference is more than most jobs of a model with so few operations take to draw.
constexpr std::uint64_t kQuickSlots = 16, kQuickOperations = 10'000;
/// Lanes that a GPU must have before more of them cost time.
constexpr double kGpuLanes = 16'384;

bool software(const gpu::DeviceInfo& device) { return device.type == "cpu"; }

double operations(const gpu::DeviceInfo& device, const KernelPlan& plan) {
  const double gathers =
      plan.shape.lanes && software(device) ? kGather * static_cast<double>(plan.source.gathers) : 0;
  return static_cast<double>(plan.source.operations) + gathers + tick_operations(plan.shape);
}

/// A kernel of what was planned, its arrays stored where that is the better bargain.
KernelPlan planned(const gpu::DeviceInfo& device, KernelShape shape, glsl::Source source) {
  const std::uint64_t slots = slots_held(shape);
  if (software(device))
    shape.stored = shape.lanes ? slots > kStoredLaneSlots
                               : slots >= kStoredLeast && static_cast<double>(source.operations) >=
                                                              kStoredOperations * static_cast<double>(slots);
  return {shape, std::move(source)};
}

}  // namespace

double tick_operations(const KernelShape& shape) {
  const auto slots = static_cast<double>(slots_held(shape));
  const bool far = shape.lanes ? slots > 2 * kUnrolledDimension : slots > kUnrolledDimension;
  return slots * (far ? kFarSlot + kFarthest * slots : kSlot) + kFixed;
}

bool has_subgroups(const gpu::DeviceInfo& device) {
  return device.subgroup_shuffle && std::has_single_bit(device.subgroup_size) && device.subgroup_size > 1 &&
         device.subgroup_size <= 128;
}

bool packs(const gpu::DeviceInfo& device, const KernelShape& shape) {
  return software(device) && device.f64 && !shape.f64;
}

KernelPlan plan_kernel(const gpu::DeviceInfo& device, const model::Model& model,
                       const model::Program& density, KernelShape shape, Mapping mapping) {
  glsl::EmitOptions options;
  options.precision = shape.f64 ? glsl::Precision::F64 : glsl::Precision::F32;
  options.first_binding = kFirstDataBinding;
  options.uniform_range = device.uniform_range;
  shape.local_size = software(device) ? std::max(8u, device.subgroup_size) : 32;
  shape.packed = packs(device, shape);
  if (mapping == Mapping::Subgroup) {
    if (!has_subgroups(device))
      throw Error("device_limit",
                  fmt::format("{} has no subgroups whose lanes can tell one another numbers; use "
                              "mapping invocation or another device",
                              device.name));
    shape.lanes = shape.local_size = options.chain_lanes = device.subgroup_size;
    if (!software(device)) options.lane_values = 32;
    return planned(device, shape, glsl::emit(density, model, options));
  }
  if (software(device)) options.near_vectors = kNearVectors;
  // Where lanes read memory one by one, they do well to share what they read, if it is enough to pay for telling it.
  if (software(device) && has_subgroups(device) && shape.local_size % device.subgroup_size == 0) {
    options.uniform_lanes = device.subgroup_size;
    shape.together = true;
    glsl::Source source = glsl::emit(density, model, options);
    if (source.shared_loads >= kSharedLoads) return planned(device, shape, std::move(source));
    options.uniform_lanes = 0;
  }
  return planned(device, shape, glsl::emit(density, model, options));
}

bool subgroup_pays(const gpu::DeviceInfo& device, const KernelPlan& invocation, const KernelPlan& subgroup,
                   std::uint64_t chains) {
  const std::uint64_t slots = slots_held(invocation.shape);
  if (software(device) && slots > kQuickSlots && slots <= kUnrolledDimension &&
      invocation.source.operations < kQuickOperations)
    return true;
  const double room = software(device) ? device.subgroup_size : kGpuLanes;
  const auto cost = [&](const KernelPlan& plan) {
    const double lanes = static_cast<double>(chains) * std::max(1u, plan.shape.lanes);
    return operations(device, plan) * std::max(1.0, lanes / room);
  };
  return cost(subgroup) < 0.8 * cost(invocation);
}

}  // namespace drey::nuts
