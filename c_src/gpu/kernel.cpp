#include "gpu/kernel.h"

#include <fmt/format.h>

#include <functional>

#include "gpu/vulkan.h"

namespace drey::gpu {
namespace {

vk::DescriptorType type_of(BufferKind kind) {
  return kind == BufferKind::Uniform ? vk::DescriptorType::eUniformBuffer
                                     : vk::DescriptorType::eStorageBuffer;
}

}  // namespace

Kernel::Kernel(Device& device, std::span<const std::uint32_t> spirv, std::vector<BindingSlot> slots,
               std::uint32_t push_bytes, std::span<const Constant> constants, std::uint32_t subgroup_size)
    : impl_(std::make_shared<Impl>()) {
  auto& on = device.impl();
  if (push_bytes > on.info.push_constant_bytes)
    throw Error("device_limit", fmt::format("{} bytes of push constants exceed the {} that {} allows",
                                            push_bytes, on.info.push_constant_bytes, on.info.name));
  guarded("making a kernel", [&] {
    impl_->device = &on;
    impl_->slots = std::move(slots);
    impl_->push_bytes = push_bytes;
    std::vector<vk::DescriptorSetLayoutBinding> bindings;
    for (const auto& slot : impl_->slots)
      bindings.emplace_back(slot.binding, type_of(slot.kind), 1, vk::ShaderStageFlagBits::eCompute);
    impl_->set_layout =
        vk::raii::DescriptorSetLayout(on.device, vk::DescriptorSetLayoutCreateInfo({}, bindings));
    const vk::PushConstantRange range(vk::ShaderStageFlagBits::eCompute, 0, push_bytes);
    vk::PipelineLayoutCreateInfo layout({}, *impl_->set_layout);
    if (push_bytes) layout.setPushConstantRanges(range);
    impl_->layout = vk::raii::PipelineLayout(on.device, layout);

    std::vector<vk::SpecializationMapEntry> entries;
    std::vector<std::uint32_t> values;
    for (const auto& constant : constants) {
      entries.emplace_back(constant.id, static_cast<std::uint32_t>(values.size() * 4), 4);
      values.push_back(constant.value);
    }
    vk::SpecializationInfo specialisation(static_cast<std::uint32_t>(entries.size()), entries.data(),
                                          values.size() * 4, values.data());
    vk::ShaderModuleCreateInfo module_info({}, spirv.size_bytes(), spirv.data());
    const vk::raii::ShaderModule module(on.device, module_info);
    vk::PipelineShaderStageCreateInfo stage({}, vk::ShaderStageFlagBits::eCompute, *module, "main");
    if (!entries.empty()) stage.pSpecializationInfo = &specialisation;
    const vk::PipelineShaderStageRequiredSubgroupSizeCreateInfoEXT size(subgroup_size);
    if (subgroup_size && on.subgroup_size_control) {
      stage.flags |= vk::PipelineShaderStageCreateFlagBits::eRequireFullSubgroupsEXT;
      stage.pNext = &size;
    }
    impl_->pipeline = vk::raii::Pipeline(on.device, on.pipeline_cache,
                                         vk::ComputePipelineCreateInfo({}, stage, *impl_->layout));
  });
}

Kernel::~Kernel() = default;
Kernel::Kernel(Kernel&&) noexcept = default;
Kernel& Kernel::operator=(Kernel&&) noexcept = default;

Arguments::Arguments(Device& device, const Kernel& kernel,
                     std::vector<std::pair<std::uint32_t, const Buffer*>> buffers)
    : impl_(std::make_unique<Impl>()) {
  impl_->kernel = kernel.impl();
  const auto& slots = impl_->kernel->slots;
  if (buffers.size() != slots.size())
    throw Error("internal",
                fmt::format("a kernel of {} bindings was given {}", slots.size(), buffers.size()));
  guarded("binding buffers", [&] {
    std::vector<vk::DescriptorPoolSize> sizes;
    for (const auto& slot : slots) sizes.emplace_back(type_of(slot.kind), 1);
    if (sizes.empty()) sizes.emplace_back(vk::DescriptorType::eStorageBuffer, 1);
    impl_->pool = vk::raii::DescriptorPool(device.impl().device, vk::DescriptorPoolCreateInfo({}, 1, sizes));
    const vk::DescriptorSetLayout layout = *impl_->kernel->set_layout;
    // The set lives as long as its pool.
    impl_->set =
        vk::raii::DescriptorSets(device.impl().device, vk::DescriptorSetAllocateInfo(*impl_->pool, layout))
            .front()
            .release();
    std::vector<vk::DescriptorBufferInfo> infos(slots.size());
    std::vector<vk::WriteDescriptorSet> writes;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Buffer* bound = nullptr;
      for (const auto& [binding, buffer] : buffers)
        if (binding == slots[i].binding) bound = buffer;
      if (!bound) throw Error("internal", fmt::format("no buffer for binding {}", slots[i].binding));
      infos[i] = vk::DescriptorBufferInfo(*bound->impl().buffer, 0, VK_WHOLE_SIZE);
      vk::WriteDescriptorSet write(impl_->set, slots[i].binding, 0, 1, type_of(slots[i].kind));
      write.pBufferInfo = &infos[i];
      writes.push_back(write);
    }
    device.impl().device.updateDescriptorSets(writes, nullptr);
  });
}

Arguments::~Arguments() = default;
Arguments::Arguments(Arguments&&) noexcept = default;
Arguments& Arguments::operator=(Arguments&&) noexcept = default;

}  // namespace drey::gpu
