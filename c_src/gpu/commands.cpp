#include "gpu/commands.h"

#include <fmt/format.h>

#include <functional>
#include <limits>

#include "gpu/vulkan.h"

namespace drey::gpu {

Commands::Commands(Device& device) : impl_(std::make_unique<Impl>()) {
  guarded("making a command buffer", [&] {
    auto& on = device.impl();
    impl_->device = &on;
    impl_->pool =
        vk::raii::CommandPool(on.device, {vk::CommandPoolCreateFlagBits::eResetCommandBuffer, on.family});
    const vk::CommandBufferAllocateInfo allocate(*impl_->pool, vk::CommandBufferLevel::ePrimary, 1);
    impl_->buffer = std::move(vk::raii::CommandBuffers(on.device, allocate).front());
  });
}

Commands::~Commands() {
  if (!impl_ || !impl_->submission) return;
  try {
    const vk::SemaphoreWaitInfo wait({}, *impl_->device->timeline, impl_->submission);
    static_cast<void>(impl_->device->device.waitSemaphores(wait, std::numeric_limits<std::uint64_t>::max()));
  } catch (const vk::SystemError&) {
    // A lost device has nothing left to wait for.
  }
}
Commands::Commands(Commands&&) noexcept = default;
Commands& Commands::operator=(Commands&&) noexcept = default;

void Commands::begin() {
  guarded("recording", [&] {
    if (impl_->submission) {
      const vk::SemaphoreWaitInfo wait({}, *impl_->device->timeline, impl_->submission);
      static_cast<void>(
          impl_->device->device.waitSemaphores(wait, std::numeric_limits<std::uint64_t>::max()));
    }
    impl_->buffer.begin(vk::CommandBufferBeginInfo());
  });
  barrier();
}

void Commands::dispatch(const Arguments& arguments, std::span<const std::byte> push, std::uint32_t groups) {
  guarded("recording a dispatch", [&] {
    const auto& kernel = *arguments.impl().kernel;
    if (push.size() != kernel.push_bytes)
      throw Error("internal", fmt::format("a kernel of {} bytes of push constants was given {}",
                                          kernel.push_bytes, push.size()));
    impl_->buffer.bindPipeline(vk::PipelineBindPoint::eCompute, *kernel.pipeline);
    impl_->buffer.bindDescriptorSets(vk::PipelineBindPoint::eCompute, *kernel.layout, 0, arguments.impl().set,
                                     nullptr);
    if (!push.empty())
      impl_->buffer.pushConstants<std::byte>(
          *kernel.layout, vk::ShaderStageFlagBits::eCompute, 0,
          vk::ArrayProxy<const std::byte>(static_cast<std::uint32_t>(push.size()), push.data()));
    impl_->buffer.dispatch(groups, 1, 1);
  });
}

void Commands::barrier() {
  guarded("recording", [&] {
    const auto all = vk::AccessFlagBits::eMemoryRead | vk::AccessFlagBits::eMemoryWrite;
    const auto stages = vk::PipelineStageFlagBits::eComputeShader | vk::PipelineStageFlagBits::eTransfer;
    impl_->buffer.pipelineBarrier(stages, stages, {}, vk::MemoryBarrier(all, all), nullptr, nullptr);
  });
}

void Commands::copy(const Buffer& from, const Buffer& to, std::uint64_t bytes, std::uint64_t from_offset,
                    std::uint64_t to_offset) {
  if (from_offset + bytes > from.size() || to_offset + bytes > to.size())
    throw Error("internal", "a copy beyond the end of a buffer");
  guarded("recording a copy", [&] {
    impl_->buffer.copyBuffer(*from.impl().buffer, *to.impl().buffer,
                             vk::BufferCopy(from_offset, to_offset, bytes));
  });
}

std::uint64_t Commands::submit() {
  guarded("recording", [&] {
    impl_->buffer.pipelineBarrier(
        vk::PipelineStageFlagBits::eComputeShader | vk::PipelineStageFlagBits::eTransfer,
        vk::PipelineStageFlagBits::eHost, {},
        vk::MemoryBarrier(vk::AccessFlagBits::eMemoryWrite, vk::AccessFlagBits::eHostRead), nullptr, nullptr);
    impl_->buffer.end();
  });
  return impl_->submission = impl_->device->submit(*impl_->buffer);
}

std::uint64_t Commands::resubmit() {
  if (impl_->submission) {
    guarded("waiting for the device", [&] {
      const vk::SemaphoreWaitInfo wait({}, *impl_->device->timeline, impl_->submission);
      static_cast<void>(
          impl_->device->device.waitSemaphores(wait, std::numeric_limits<std::uint64_t>::max()));
    });
  }
  return impl_->submission = impl_->device->submit(*impl_->buffer);
}

}  // namespace drey::gpu
