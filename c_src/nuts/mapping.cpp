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

/// What the sampler computes beside a gradient, in operations: a dimension held in registers, one that is not, and
/// what does not depend on the dimension. From timings on a software device: eight schools, sv.
constexpr double kSlot = 160, kFarSlot = 600, kFixed = 300;
/// A software driver reads memory lane by lane, as costly as this many operations.
constexpr double kGather = 4;
/// A software driver compiles this many slots written out in a second, twice as many in two, a chain per subgroup in half
/// a second: the difference is more than most jobs of a model with so few operations take to draw.
constexpr std::uint64_t kQuickSlots = 16, kQuickOperations = 10'000;
/// Lanes that a GPU must have before more of them cost time.
constexpr double kGpuLanes = 16'384;

bool software(const gpu::DeviceInfo& device) { return device.type == "cpu"; }

double operations(const gpu::DeviceInfo& device, const KernelPlan& plan) {
  const auto slots = static_cast<double>(slots_held(plan.shape));
  const bool far = slots_held(plan.shape) > kUnrolledDimension * (plan.shape.lanes ? 2 : 1);
  const double gathers =
      plan.shape.lanes && software(device) ? kGather * static_cast<double>(plan.source.gathers) : 0;
  return static_cast<double>(plan.source.operations) + gathers + slots * (far ? kFarSlot : kSlot) + kFixed;
}

}  // namespace

bool has_subgroups(const gpu::DeviceInfo& device) {
  return device.subgroup_shuffle && std::has_single_bit(device.subgroup_size) && device.subgroup_size > 1 &&
         device.subgroup_size <= 128;
}

KernelPlan plan_kernel(const gpu::DeviceInfo& device, const model::Model& model,
                       const model::Program& density, KernelShape shape, Mapping mapping) {
  glsl::EmitOptions options;
  options.precision = shape.f64 ? glsl::Precision::F64 : glsl::Precision::F32;
  options.first_binding = kFirstDataBinding;
  options.uniform_range = device.uniform_range;
  shape.local_size = software(device) ? std::max(8u, device.subgroup_size) : 32;
  if (mapping == Mapping::Subgroup) {
    if (!has_subgroups(device))
      throw Error("device_limit",
                  fmt::format("{} has no subgroups whose lanes can tell one another numbers; use "
                              "mapping invocation or another device",
                              device.name));
    shape.lanes = shape.local_size = options.chain_lanes = device.subgroup_size;
    if (!software(device)) options.lane_values = 32;
    return {shape, glsl::emit(density, model, options)};
  }
  if (software(device)) {
    options.near_vectors = kNearVectors;
    shape.packed = device.f64 && !shape.f64;
  }
  // Where lanes read memory one by one, they do well to share what they read, if it is enough to pay for telling it.
  if (software(device) && has_subgroups(device) && shape.local_size % device.subgroup_size == 0) {
    options.uniform_lanes = device.subgroup_size;
    shape.together = true;
    glsl::Source source = glsl::emit(density, model, options);
    if (source.shared_loads >= kSharedLoads) return {shape, std::move(source)};
    options.uniform_lanes = 0;
  }
  return {shape, glsl::emit(density, model, options)};
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
