#include "gpu/buffer.h"

#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <initializer_list>

#include "gpu/vulkan.h"

namespace drey::gpu {
namespace {

/// The first memory type that `bits` allows and that has all of `wanted`.
std::optional<std::uint32_t> find_type(const vk::PhysicalDeviceMemoryProperties& memory, std::uint32_t bits,
                                       vk::MemoryPropertyFlags wanted) {
  for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i)
    if ((bits >> i & 1) && (memory.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  return std::nullopt;
}

vk::raii::Buffer make_buffer(Device::Impl& device, std::uint64_t bytes, vk::BufferUsageFlags usage) {
  return vk::raii::Buffer(device.device, vk::BufferCreateInfo({}, bytes, usage));
}

/// Allocates and binds memory of the first kind of `preferences` that exists.
vk::raii::DeviceMemory make_memory(Device::Impl& device, const vk::raii::Buffer& buffer,
                                   std::initializer_list<vk::MemoryPropertyFlags> preferences,
                                   bool* visible) {
  const auto needs = buffer.getMemoryRequirements();
  for (const auto wanted : preferences)
    if (const auto type = find_type(device.memory, needs.memoryTypeBits, wanted)) {
      vk::raii::DeviceMemory memory(device.device, vk::MemoryAllocateInfo(needs.size, *type));
      buffer.bindMemory(*memory, 0);
      const auto visible_coherent =
          vk::MemoryPropertyFlagBits::eHostVisible | vk::MemoryPropertyFlagBits::eHostCoherent;
      *visible = (device.memory.memoryTypes[*type].propertyFlags & visible_coherent) == visible_coherent;
      return memory;
    }
  throw Error("device_memory", "the device has no memory of a kind that buffers need");
}

constexpr auto kVisible =
    vk::MemoryPropertyFlagBits::eHostVisible | vk::MemoryPropertyFlagBits::eHostCoherent;

struct Staging {
  vk::raii::Buffer buffer;
  vk::raii::DeviceMemory memory;
  void* mapped;
};

Staging make_staging(Device::Impl& device, std::uint64_t bytes) {
  auto buffer = make_buffer(device, bytes,
                            vk::BufferUsageFlagBits::eTransferSrc | vk::BufferUsageFlagBits::eTransferDst);
  bool visible = false;
  auto memory =
      make_memory(device, buffer, {kVisible | vk::MemoryPropertyFlagBits::eHostCached, kVisible}, &visible);
  void* mapped = memory.mapMemory(0, VK_WHOLE_SIZE);
  return {std::move(buffer), std::move(memory), mapped};
}

}  // namespace

Buffer::Buffer(Device& device, std::uint64_t bytes, BufferKind kind, Placement placement)
    : impl_(std::make_unique<Impl>()) {
  auto& on = device.impl();
  const bool uniform = kind == BufferKind::Uniform;
  const std::uint64_t range = uniform ? on.info.uniform_range : on.info.storage_range;
  if (bytes == 0) throw Error("internal", "a buffer of no bytes");
  if (bytes > range)
    throw Error("device_limit", fmt::format("a {} buffer of {} bytes exceeds the {} bytes that {} allows",
                                            uniform ? "uniform" : "storage", bytes, range, on.info.name));
  guarded("making a buffer", [&] {
    impl_->device = &on;
    impl_->size = bytes;
    impl_->buffer = make_buffer(
        on, bytes,
        (uniform ? vk::BufferUsageFlagBits::eUniformBuffer : vk::BufferUsageFlagBits::eStorageBuffer) |
            vk::BufferUsageFlagBits::eTransferSrc | vk::BufferUsageFlagBits::eTransferDst);
    bool visible = false;
    const auto local = vk::MemoryPropertyFlags(vk::MemoryPropertyFlagBits::eDeviceLocal);
    const auto cached = vk::MemoryPropertyFlags(vk::MemoryPropertyFlagBits::eHostCached);
    // Memory of a discrete card that the host can map is slow to read: staging reads it faster.
    if (placement == Placement::Host)
      impl_->memory = make_memory(on, impl_->buffer, {kVisible | cached, kVisible}, &visible);
    else if (on.info.type == "discrete")
      impl_->memory = make_memory(on, impl_->buffer, {local, kVisible}, &visible);
    else
      impl_->memory = make_memory(on, impl_->buffer,
                                  {local | kVisible | cached, local | kVisible, local, kVisible}, &visible);
    if (visible && !(placement == Placement::Device && on.info.type == "discrete"))
      impl_->mapped = impl_->memory.mapMemory(0, VK_WHOLE_SIZE);
  });
}

Buffer::~Buffer() = default;
Buffer::Buffer(Buffer&&) noexcept = default;
Buffer& Buffer::operator=(Buffer&&) noexcept = default;

std::uint64_t Buffer::size() const { return impl_->size; }
const std::byte* Buffer::mapped() const { return static_cast<const std::byte*>(impl_->mapped); }

void Buffer::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (bytes.empty()) return;
  if (offset + bytes.size() > impl_->size) throw Error("internal", "a write beyond the end of a buffer");
  if (impl_->mapped) {
    std::memcpy(static_cast<std::byte*>(impl_->mapped) + offset, bytes.data(), bytes.size());
    return;
  }
  guarded("writing a buffer", [&] {
    const auto staging = make_staging(*impl_->device, bytes.size());
    std::memcpy(staging.mapped, bytes.data(), bytes.size());
    impl_->device->run_now([&](const vk::raii::CommandBuffer& commands) {
      commands.copyBuffer(*staging.buffer, *impl_->buffer, vk::BufferCopy(0, offset, bytes.size()));
      commands.pipelineBarrier(
          vk::PipelineStageFlagBits::eTransfer, vk::PipelineStageFlagBits::eAllCommands, {},
          vk::MemoryBarrier(vk::AccessFlagBits::eTransferWrite,
                            vk::AccessFlagBits::eMemoryRead | vk::AccessFlagBits::eMemoryWrite),
          nullptr, nullptr);
    });
  });
}

void Buffer::read(std::span<std::byte> bytes, std::uint64_t offset) const {
  if (bytes.empty()) return;
  if (offset + bytes.size() > impl_->size) throw Error("internal", "a read beyond the end of a buffer");
  if (impl_->mapped) {
    std::memcpy(bytes.data(), static_cast<const std::byte*>(impl_->mapped) + offset, bytes.size());
    return;
  }
  guarded("reading a buffer", [&] {
    const auto staging = make_staging(*impl_->device, bytes.size());
    impl_->device->run_now([&](const vk::raii::CommandBuffer& commands) {
      commands.pipelineBarrier(
          vk::PipelineStageFlagBits::eAllCommands, vk::PipelineStageFlagBits::eTransfer, {},
          vk::MemoryBarrier(vk::AccessFlagBits::eMemoryWrite, vk::AccessFlagBits::eTransferRead), nullptr,
          nullptr);
      commands.copyBuffer(*impl_->buffer, *staging.buffer, vk::BufferCopy(offset, 0, bytes.size()));
      commands.pipelineBarrier(
          vk::PipelineStageFlagBits::eTransfer, vk::PipelineStageFlagBits::eHost, {},
          vk::MemoryBarrier(vk::AccessFlagBits::eTransferWrite, vk::AccessFlagBits::eHostRead), nullptr,
          nullptr);
    });
    std::memcpy(bytes.data(), staging.mapped, bytes.size());
  });
}

void Buffer::fill(std::uint32_t word) {
  write_all(std::vector<std::uint32_t>(impl_->size / sizeof word, word));
}

}  // namespace drey::gpu
