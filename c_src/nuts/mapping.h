#pragma once

#include <cstdint>

#include "glsl/emit.h"
#include "gpu/device.h"
#include "model/model.h"
#include "nuts/kernel_source.h"
#include "nuts/sampler.h"

/// How chains lie on a device: which kernel is made of a program. Called by the Sampler; knows programs and what a
/// device says of itself, and submits nothing.
namespace drey::nuts {

/// A kernel to be made: its shape and the model's text in it.
struct KernelPlan {
  KernelShape shape;
  glsl::Source source;
};

/// What the sampler computes in a tick beside the gradient, in operations as glsl::Source counts them.
double tick_operations(const KernelShape& shape);

/// Whether a device can run a chain per subgroup: subgroups of 2 to 128 lanes, shuffles among them.
bool has_subgroups(const gpu::DeviceInfo& device);

/// Whether two f32 had better be stored in one of 8 bytes (KernelShape::packed).
bool packs(const gpu::DeviceInfo& device, const KernelShape& shape);

/// The kernel for one mapping. `shape` says precision, dimension, depth and metric; the rest is filled in here.
/// \throws Error{device_limit} for a chain per subgroup on a device without
KernelPlan plan_kernel(const gpu::DeviceInfo& device, const model::Model& model,
                       const model::Program& density, KernelShape shape, Mapping mapping);

/// Whether a leapfrog of `chains` chains is cheaper with a chain per subgroup, by what both kernels compute and how
/// many lanes the device has to fill; on a software device also by how long its driver compiles them. Follows from the program, the device's kind and the number of chains alone.
bool subgroup_pays(const gpu::DeviceInfo& device, const KernelPlan& invocation, const KernelPlan& subgroup,
                   std::uint64_t chains);

}  // namespace drey::nuts
