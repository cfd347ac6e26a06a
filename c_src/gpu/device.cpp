#include "gpu/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <limits>
#include <optional>

#include "gpu/vulkan.h"

namespace drey::gpu {
namespace {

constexpr const char* kInstall =
    "install a Vulkan driver (Debian: apt install mesa-vulkan-drivers; it holds a software driver too) and "
    "libvulkan1, and check with vulkaninfo --summary";

/// The software driver leaves all loops of an invocation after 65,535 trips (its own safety counter).
constexpr std::uint64_t kSoftwareTripLimit = 65'535;

std::mutex messages_mutex;
std::vector<std::string> messages;
constexpr std::size_t kMaxMessages = 1000;

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                          VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void*) {
  const std::lock_guard lock(messages_mutex);
  if (messages.size() < kMaxMessages) messages.emplace_back(data && data->pMessage ? data->pMessage : "");
  return VK_FALSE;
}

bool validation_wanted() {
  const char* value = std::getenv("DREY_VALIDATION");
  return value && *value && std::string_view(value) != "0";
}

std::shared_ptr<Instance> instance() {
  static std::mutex mutex;
  static std::weak_ptr<Instance> shared;
  const std::lock_guard lock(mutex);
  if (auto existing = shared.lock()) return existing;
  auto made = std::make_shared<Instance>();
  shared = made;
  return made;
}

std::string type_name(vk::PhysicalDeviceType type) {
  switch (type) {
    case vk::PhysicalDeviceType::eDiscreteGpu:
      return "discrete";
    case vk::PhysicalDeviceType::eIntegratedGpu:
      return "integrated";
    case vk::PhysicalDeviceType::eVirtualGpu:
      return "virtual";
    case vk::PhysicalDeviceType::eCpu:
      return "cpu";
    default:
      return "other";
  }
}

std::optional<std::uint32_t> compute_family(const vk::raii::PhysicalDevice& physical) {
  const auto families = physical.getQueueFamilyProperties();
  // A family without graphics, where there is one, is not held up by a desktop.
  for (const bool graphics : {false, true})
    for (std::uint32_t i = 0; i < families.size(); ++i) {
      const auto flags = families[i].queueFlags;
      if ((flags & vk::QueueFlagBits::eCompute) && bool(flags & vk::QueueFlagBits::eGraphics) == graphics)
        return i;
    }
  return std::nullopt;
}

DeviceInfo describe(const vk::raii::PhysicalDevice& physical) {
  const auto chain =
      physical.getProperties2<vk::PhysicalDeviceProperties2, vk::PhysicalDeviceVulkan12Properties,
                              vk::PhysicalDeviceVulkan11Properties>();
  const auto& properties = chain.get<vk::PhysicalDeviceProperties2>().properties;
  const auto& driver = chain.get<vk::PhysicalDeviceVulkan12Properties>();
  DeviceInfo info;
  info.name = std::string(properties.deviceName.data());
  info.driver = fmt::format("{} {}", driver.driverName.data(), driver.driverInfo.data());
  info.type = type_name(properties.deviceType);
  const auto memory = physical.getMemoryProperties();
  for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i)
    if (memory.memoryHeaps[i].flags & vk::MemoryHeapFlagBits::eDeviceLocal)
      info.memory_bytes += memory.memoryHeaps[i].size;
  info.f64 = physical.getFeatures().shaderFloat64;
  const auto& subgroups = chain.get<vk::PhysicalDeviceVulkan11Properties>();
  info.subgroup_size = subgroups.subgroupSize;
  info.subgroup_shuffle = (subgroups.subgroupSupportedStages & vk::ShaderStageFlagBits::eCompute) &&
                          (subgroups.subgroupSupportedOperations & vk::SubgroupFeatureFlagBits::eShuffle) &&
                          (subgroups.subgroupSupportedOperations & vk::SubgroupFeatureFlagBits::eVote);
  info.api_version = properties.apiVersion;
  info.storage_range = properties.limits.maxStorageBufferRange;
  info.uniform_range = properties.limits.maxUniformBufferRange;
  info.push_constant_bytes = properties.limits.maxPushConstantsSize;
  info.shared_bytes = properties.limits.maxComputeSharedMemorySize;
  info.max_groups = properties.limits.maxComputeWorkGroupCount[0];
  if (properties.deviceType == vk::PhysicalDeviceType::eCpu) info.trip_limit = kSoftwareTripLimit;
  return info;
}

struct Candidate {
  vk::raii::PhysicalDevice physical;
  DeviceInfo info;
};

std::vector<Candidate> candidates(const Instance& shared) {
  std::vector<Candidate> found;
  std::vector<vk::raii::PhysicalDevice> all;
  try {
    vk::raii::PhysicalDevices list(shared.instance);
    all = std::move(static_cast<std::vector<vk::raii::PhysicalDevice>&>(list));
  } catch (const vk::SystemError&) {
    return found;  // a loader without a driver
  }
  for (auto& physical : all) {
    if (physical.getProperties().apiVersion < VK_API_VERSION_1_2 || !compute_family(physical)) continue;
    auto info = describe(physical);
    info.index = static_cast<std::uint32_t>(found.size());
    found.push_back({std::move(physical), std::move(info)});
  }
  return found;
}

}  // namespace

Instance::Instance() {
  const vk::ApplicationInfo application("drey", 1, "drey", 1, VK_API_VERSION_1_2);
  std::vector<const char*> layers, extensions;
  const bool validate = validation_wanted();
  if (validate) {
    layers.push_back("VK_LAYER_KHRONOS_validation");
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
  }
  instance = vk::raii::Instance(context, vk::InstanceCreateInfo({}, &application, layers, extensions));
  if (validate)
    messenger = vk::raii::DebugUtilsMessengerEXT(
        instance, vk::DebugUtilsMessengerCreateInfoEXT({},
                                                       vk::DebugUtilsMessageSeverityFlagBitsEXT::eWarning |
                                                           vk::DebugUtilsMessageSeverityFlagBitsEXT::eError,
                                                       vk::DebugUtilsMessageTypeFlagBitsEXT::eGeneral |
                                                           vk::DebugUtilsMessageTypeFlagBitsEXT::eValidation,
                                                       on_message));
}

std::vector<std::string> validation_messages() {
  const std::lock_guard lock(messages_mutex);
  return messages;
}

std::vector<DeviceInfo> devices() {
  std::vector<DeviceInfo> infos;
  try {
    for (auto& candidate : candidates(*instance())) infos.push_back(std::move(candidate.info));
  } catch (const std::exception&) {
    // No loader, or one that cannot make an instance: no devices.
  }
  return infos;
}

std::uint32_t default_device() {
  const auto all = devices();
  if (all.empty()) throw Error("no_device", fmt::format("no usable Vulkan device was found; {}", kInstall));
  if (const char* wanted = std::getenv("DREY_DEVICE"); wanted && *wanted) {
    char* end = nullptr;
    const unsigned long index = std::strtoul(wanted, &end, 10);
    if (*end || index >= all.size())
      throw Error("no_device", fmt::format("DREY_DEVICE is \"{}\"; it must be an index from 0 to {}", wanted,
                                           all.size() - 1));
    return static_cast<std::uint32_t>(index);
  }
  for (const char* type : {"discrete", "integrated", "virtual", "cpu"})
    for (const auto& info : all)
      if (info.type == type) return info.index;
  return 0;
}

Device::Impl::Impl(std::uint32_t index) {
  try {
    instance = gpu::instance();
  } catch (const std::exception& error) {
    throw Error("no_device", fmt::format("Vulkan could not be started ({}); {}", error.what(), kInstall));
  }
  auto all = guarded("listing the devices", [&] { return candidates(*instance); });
  if (all.empty()) throw Error("no_device", fmt::format("no usable Vulkan device was found; {}", kInstall));
  if (index >= all.size())
    throw Error("no_device",
                fmt::format("there is no device {}; the devices are 0 to {}", index, all.size() - 1));
  guarded("opening the device", [&] {
    physical = std::move(all[index].physical);
    info = std::move(all[index].info);
    family = *compute_family(physical);
    memory = physical.getMemoryProperties();
    const float priority = 1;
    const vk::DeviceQueueCreateInfo queues({}, family, 1, &priority);
    vk::PhysicalDeviceFeatures2 features;
    features.features.shaderFloat64 = info.f64;
    vk::PhysicalDeviceVulkan12Features features12;
    features12.timelineSemaphore = true;
    features.pNext = &features12;
    // Kernels whose lanes work together must have subgroups of the size they were made for.
    std::vector<const char*> extensions;
    vk::PhysicalDeviceSubgroupSizeControlFeaturesEXT sizes;
    for (const auto& extension : physical.enumerateDeviceExtensionProperties())
      if (std::string_view(extension.extensionName) == VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME) {
        sizes =
            physical
                .getFeatures2<vk::PhysicalDeviceFeatures2, vk::PhysicalDeviceSubgroupSizeControlFeaturesEXT>()
                .get<vk::PhysicalDeviceSubgroupSizeControlFeaturesEXT>();
        const auto properties = physical
                                    .getProperties2<vk::PhysicalDeviceProperties2,
                                                    vk::PhysicalDeviceSubgroupSizeControlPropertiesEXT>()
                                    .get<vk::PhysicalDeviceSubgroupSizeControlPropertiesEXT>();
        if (!sizes.subgroupSizeControl || !sizes.computeFullSubgroups ||
            !(properties.requiredSubgroupSizeStages & vk::ShaderStageFlagBits::eCompute))
          break;
        extensions.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
        subgroup_size_control = true;
        sizes.pNext = nullptr;
        features12.pNext = &sizes;
      }
    vk::DeviceCreateInfo create({}, queues, {}, extensions);
    create.pNext = &features;
    device = vk::raii::Device(physical, create);
    queue = device.getQueue(family, 0);
    staging_pool = vk::raii::CommandPool(device, {vk::CommandPoolCreateFlagBits::eTransient, family});
    pipeline_cache = vk::raii::PipelineCache(device, vk::PipelineCacheCreateInfo());
    const vk::SemaphoreTypeCreateInfo type(vk::SemaphoreType::eTimeline, 0);
    vk::SemaphoreCreateInfo semaphore;
    semaphore.pNext = &type;
    timeline = vk::raii::Semaphore(device, semaphore);
  });
}

std::uint64_t Device::Impl::submit(vk::CommandBuffer commands) {
  return guarded("submitting work", [&] {
    const std::lock_guard lock(queue_mutex);
    const std::uint64_t value = last_submission + 1;
    const vk::TimelineSemaphoreSubmitInfo timeline_info(0, nullptr, 1, &value);
    vk::SubmitInfo submit_info;
    submit_info.setCommandBuffers(commands);
    submit_info.setSignalSemaphores(*timeline);
    submit_info.pNext = &timeline_info;
    queue.submit(submit_info);
    last_submission = value;
    return value;
  });
}

void Device::Impl::run_now(const std::function<void(const vk::raii::CommandBuffer&)>& record) {
  guarded("copying", [&] {
    const std::lock_guard lock(staging_mutex);
    const vk::CommandBufferAllocateInfo allocate(*staging_pool, vk::CommandBufferLevel::ePrimary, 1);
    const auto buffer = std::move(vk::raii::CommandBuffers(device, allocate).front());
    buffer.begin({vk::CommandBufferUsageFlagBits::eOneTimeSubmit});
    record(buffer);
    buffer.end();
    const std::uint64_t value = submit(*buffer);
    const vk::SemaphoreWaitInfo wait_info({}, *timeline, value);
    if (device.waitSemaphores(wait_info, std::numeric_limits<std::uint64_t>::max()) != vk::Result::eSuccess)
      throw Error("device_error", "the device did not finish a copy");
  });
}

Device::Device(std::uint32_t index) : impl_(std::make_unique<Impl>(index)) {}
Device::~Device() {
  if (!impl_) return;
  try {
    impl_->device.waitIdle();
  } catch (const vk::SystemError&) {
    // A lost device has nothing left to wait for.
  }
}
Device::Device(Device&&) noexcept = default;
const DeviceInfo& Device::info() const { return impl_->info; }

bool Device::wait(std::uint64_t submission, std::uint64_t timeout_ms) {
  return guarded("waiting for the device", [&] {
    const vk::SemaphoreWaitInfo wait_info({}, *impl_->timeline, submission);
    return impl_->device.waitSemaphores(wait_info, timeout_ms * 1'000'000) == vk::Result::eSuccess;
  });
}

std::uint64_t Device::completed() const {
  return guarded("asking the device", [&] { return impl_->timeline.getCounterValue(); });
}

}  // namespace drey::gpu
