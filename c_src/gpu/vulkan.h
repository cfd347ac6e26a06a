#pragma once

// Internal to gpu/: the Vulkan side of the classes. No header that other folders include may include this.

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "error.h"
#include "gpu/buffer.h"
#include "gpu/commands.h"
#include "gpu/device.h"
#include "gpu/kernel.h"

#define VULKAN_HPP_DISPATCH_LOADER_DYNAMIC 1
#define VK_NO_PROTOTYPES 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <vulkan/vulkan_raii.hpp>
#pragma GCC diagnostic pop

namespace drey::gpu {

/// Runs `body`, turning the exceptions of Vulkan-Hpp into Error.
template <typename Body>
auto guarded(const char* doing, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const vk::DeviceLostError& error) {
    throw Error("device_lost", std::string("the device was lost while ") + doing + ": " + error.what() +
                                   "; a driver watchdog may have stopped a long dispatch");
  } catch (const vk::OutOfDeviceMemoryError& error) {
    throw Error("device_memory",
                std::string("the device has no memory left while ") + doing + ": " + error.what());
  } catch (const vk::OutOfHostMemoryError& error) {
    throw Error("device_memory",
                std::string("the host has no memory left while ") + doing + ": " + error.what());
  } catch (const vk::SystemError& error) {
    throw Error("device_error", std::string("the driver failed while ") + doing + ": " + error.what());
  }
}

/// The loader and the instance, shared by all devices of the process.
struct Instance {
  vk::raii::Context context;
  vk::raii::Instance instance{nullptr};
  vk::raii::DebugUtilsMessengerEXT messenger{nullptr};
  Instance();
};

class Device::Impl {
 public:
  explicit Impl(std::uint32_t index);

  std::shared_ptr<Instance> instance;
  vk::raii::PhysicalDevice physical{nullptr};
  vk::raii::Device device{nullptr};
  vk::raii::Queue queue{nullptr};
  vk::raii::CommandPool staging_pool{nullptr};
  vk::raii::PipelineCache pipeline_cache{nullptr};
  vk::raii::Semaphore timeline{nullptr};
  std::uint32_t family = 0;
  bool subgroup_size_control = false;  ///< kernels can ask for a size of their subgroups
  vk::PhysicalDeviceMemoryProperties memory;
  DeviceInfo info;

  std::mutex staging_mutex;  ///< of staging_pool
  std::mutex queue_mutex;
  std::uint64_t last_submission = 0;

  std::uint64_t submit(vk::CommandBuffer commands);
  /// Records and runs `record` at once; for staging copies.
  void run_now(const std::function<void(const vk::raii::CommandBuffer&)>& record);
};

class Buffer::Impl {
 public:
  Device::Impl* device = nullptr;
  vk::raii::Buffer buffer{nullptr};
  vk::raii::DeviceMemory memory{nullptr};
  void* mapped = nullptr;
  std::uint64_t size = 0;
};

class Kernel::Impl {
 public:
  Device::Impl* device = nullptr;
  std::vector<BindingSlot> slots;
  std::uint32_t push_bytes = 0;
  vk::raii::DescriptorSetLayout set_layout{nullptr};
  vk::raii::PipelineLayout layout{nullptr};
  vk::raii::Pipeline pipeline{nullptr};
};

class Arguments::Impl {
 public:
  std::shared_ptr<Kernel::Impl> kernel;
  vk::raii::DescriptorPool pool{nullptr};
  vk::DescriptorSet set;
};

class Commands::Impl {
 public:
  Device::Impl* device = nullptr;
  vk::raii::CommandPool pool{nullptr};
  vk::raii::CommandBuffer buffer{nullptr};
  std::uint64_t submission = 0;
};

}  // namespace drey::gpu
