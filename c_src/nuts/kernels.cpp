#include "nuts/kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "error.h"
#include "glsl/compile.h"
#include "glsl/emit.h"

namespace drey::nuts {
namespace {

bool software(const gpu::Device& device) { return device.info().type == "cpu"; }

/// Kernels are made for trees of this depth or deeper; shallower ones are a matter of RunOptions::depth_cap.
constexpr int kLeastDepth = 10;

/// The form that stands for all of the same kernel.
ChainForm plain(ChainForm form) {
  form.max_depth = std::max(kLeastDepth, form.max_depth);
  return form;
}

}  // namespace

Kernels::Kernels(gpu::Device& device, const model::Model& model, const model::Program& density,
                 const model::Coordinates& coordinates)
    : device_(device), model_(model), density_(density), coordinates_(coordinates) {}

Kernels::~Kernels() = default;

KernelShape Kernels::shape(bool f64, int max_depth) const {
  KernelShape shape;
  shape.f64 = f64;
  shape.dimension = model_.dimension;
  shape.max_depth = std::max(kLeastDepth, max_depth);
  shape.local_size = software(device_) ? std::max(8u, device_.info().subgroup_size) : 32;
  return shape;
}

Mapping Kernels::mapping(bool f64, int max_depth, std::uint64_t chains) const {
  if (!has_subgroups(device_.info())) return Mapping::Invocation;
  const auto plan = [&](Mapping to) {
    return plan_kernel(device_.info(), model_, density_, shape(f64, max_depth), to);
  };
  return subgroup_pays(device_.info(), plan(Mapping::Invocation), plan(Mapping::Subgroup), chains)
             ? Mapping::Subgroup
             : Mapping::Invocation;
}

void Kernels::need_f64(bool f64) const {
  if (f64 && !device_.info().f64)
    throw Error("device_limit", fmt::format("{} has no f64 arithmetic; use precision f32 or another device",
                                            device_.info().name));
}

glsl::Source Kernels::emit(const model::Program& program, bool f64) const {
  glsl::EmitOptions options;
  options.precision = f64 ? glsl::Precision::F64 : glsl::Precision::F32;
  options.first_binding = kFirstDataBinding;
  options.uniform_range = device_.info().uniform_range;
  return glsl::emit(program, model_, options);
}

std::unique_ptr<ChainKernel> Kernels::make_chain(gpu::Device& on, const ChainForm& form) const {
  need_f64(form.f64);
  auto of = shape(form.f64, form.max_depth);
  of.dense = form.dense;
  of.rank = form.rank;
  const KernelPlan plan = plan_kernel(on.info(), model_, density_, of, form.mapping);
  return std::make_unique<ChainKernel>(on, plan.shape, plan.source, glsl::compile_cached);
}

std::unique_ptr<DrawsKernel> Kernels::make_draws(gpu::Device& on, bool f64) const {
  auto of = shape(f64, kLeastDepth);
  of.packed = packs(on.info(), of);
  // A software driver takes longer to start a workgroup than to make a few draws.
  of.local_size = 32;
  std::vector<bool> computed;
  for (const std::uint32_t coordinate : coordinates_.of) computed.push_back(coordinate == model::none);
  return std::make_unique<DrawsKernel>(on, of, emit(coordinates_.rest, f64), computed, glsl::compile_cached);
}

/// What was begun, or made now. A failure is not kept.
template <typename Key, typename Kernel, typename Make>
Kernel& Kernels::get(std::map<Key, Made<Kernel>>& kernels, const Key& key, const Make& make) {
  auto found = kernels.find(key);
  if (found == kernels.end())
    found = kernels.emplace(key, std::async(std::launch::deferred, make).share()).first;
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  try {
    Kernel& kernel = *found->second.get();
    waited_ms_ += std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    return kernel;
  } catch (...) {
    kernels.erase(found);
    throw;
  }
}

ChainKernel& Kernels::chain(const ChainForm& asked) {
  const ChainForm form = plain(asked);
  return get(chains_, form, [&] { return make_chain(device_, form); });
}

DensityKernel& Kernels::density(bool f64) {
  need_f64(f64);
  return get(densities_, f64, [&] {
    return std::make_unique<DensityKernel>(device_, shape(f64, kLeastDepth), emit(density_, f64),
                                           glsl::compile_cached);
  });
}

DrawsKernel* Kernels::draws(const ChainKernel& chains) {
  if (coordinates_.rest.body.empty()) return nullptr;
  gpu::Device& on = chains.device;
  const bool f64 = chains.shape.f64;
  return &get(draws_, DrawsForm(&on, f64), [&] { return make_draws(on, f64); });
}

void Kernels::begin(const ChainForm& asked, bool evaluates) {
  const ChainForm form = plain(asked);
  if ((form.f64 && !device_.info().f64) || chains_.contains(form)) return;
  const bool apart = evaluates && software(device_);
  if (apart && !apart_) apart_.emplace(device_.info().index);
  gpu::Device& on = apart ? *apart_ : device_;
  const auto chain = std::async(std::launch::async, [this, &on, form, apart] {
                       auto kernel = make_chain(on, form);
                       if (apart) {
                         Chains once(*kernel, 1, 1, false);
                         once.start_at(std::vector<double>(model_.dimension));
                         once.set_scale(std::vector<double>(Chains::scale_size(kernel->shape)));
                         once.dispatch({}, 1);
                       }
                       return kernel;
                     }).share();
  chains_.emplace(form, chain);
  const DrawsForm draws(&on, form.f64);
  if (coordinates_.rest.body.empty() || draws_.contains(draws)) return;
  // After the other, which is waited for first.
  draws_.emplace(draws, std::async(std::launch::async, [this, &on, f64 = form.f64, chain] {
                          chain.wait();
                          return make_draws(on, f64);
                        }).share());
}

}  // namespace drey::nuts
