#pragma once

#include <fmt/format.h>

#include <array>
#include <string>

#include "c_src/nuts/targets.h"
#include "glsl/compile.h"
#include "gpu/device.h"
#include "nuts/chains.h"
#include "nuts/mapping.h"

/// The forms in which the sampler's kernel comes, around a target written by hand.
namespace drey::nuts {

/// A chain per invocation; the same, the lanes of a subgroup making every tick together; that, its arrays stored
/// (KernelShape::stored); a chain per subgroup; that, stored.
enum class Form : std::uint8_t { Invocation, Together, Stored, Subgroup, SubgroupStored };
inline constexpr std::array kForms = {Form::Invocation, Form::Together, Form::Stored, Form::Subgroup,
                                      Form::SubgroupStored};

inline const char* name_of(Form form) {
  constexpr const char* names[] = {"invocation", "together", "stored", "subgroup", "subgroup_stored"};
  return names[static_cast<int>(form)];
}

inline bool by_subgroup(Form form) { return form == Form::Subgroup || form == Form::SubgroupStored; }

/// A target written for one invocation, run by every lane of a subgroup on the whole point.
inline glsl::Source in_lanes(const Target& target, std::uint32_t lanes, bool f64) {
  const std::uint64_t d = target.dimension, slots = (d + lanes - 1) / lanes;
  glsl::Source source = target.source(f64);
  source.text = fmt::format(
      "{3}real whole_point[{0}], whole_gradient[{0}], model_target;\n#define CHAIN gl_WorkGroupID.x\n"
      "#define model_point whole_point\n#define model_gradient whole_gradient\n"
      "void whole_run() {{\n{1}}}\n#undef model_point\n#undef model_gradient\n"
      "real model_point[{2}], model_gradient[{2}];\nvoid model_prepare() {{}}\nvoid model_run() {{\n",
      d, target.body, slots, target.declarations);
  for (std::uint64_t e = 0; e < d; ++e)
    source.text +=
        fmt::format("whole_point[{}] = subgroupShuffle(model_point[{}], {}u);\n", e, e / lanes, e % lanes);
  source.text += "whole_run();\n";
  for (std::uint64_t e = 0; e < slots * lanes; ++e)
    source.text += fmt::format("if (gl_SubgroupInvocationID == {}u) model_gradient[{}] = {};\n", e % lanes,
                               e / lanes, e < d ? fmt::format("whole_gradient[{}]", e) : "real(0.0)");
  source.text += "}\n";
  return source;
}

/// Whether a device can run it.
inline bool can_run(const gpu::DeviceInfo& device, Form form) {
  return form == Form::Invocation || has_subgroups(device);
}

inline ChainKernel form_kernel(gpu::Device& device, Form form, const Target& target, bool f64,
                               const Compile& compile = glsl::compile, bool dense = false) {
  KernelShape shape{f64, target.dimension, 10, 8};
  shape.dense = dense;
  shape.stored = form == Form::Stored || form == Form::SubgroupStored;
  // Both ways of moving pairs.
  shape.packed = shape.stored && packs(device.info(), shape);
  if (form == Form::Invocation) return {device, shape, target.source(f64), compile};
  shape.local_size = device.info().subgroup_size;
  if (by_subgroup(form)) {
    shape.lanes = shape.local_size;
    return {device, shape, in_lanes(target, shape.lanes, f64), compile};
  }
  shape.together = true;
  return {device, shape, target.source(f64), compile};
}

}  // namespace drey::nuts
