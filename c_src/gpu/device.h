#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Vulkan: devices, buffers, kernels, submission. Everything above sees these names and never a Vk type;
/// Vulkan-Hpp (RAII) is the only Vulkan surface and stays in this folder's .cpp files. It knows nothing of models.
namespace drey::gpu {

struct DeviceInfo {
  std::uint32_t index = 0;   ///< what `device` options name
  std::string name, driver;  ///< "llvmpipe (LLVM 15.0.6, 256 bits)", "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)"
  std::string type;          ///< "discrete", "integrated", "virtual", "cpu", "other"
  std::uint64_t memory_bytes = 0;
  bool f64 = false;
  std::uint32_t subgroup_size = 0;
  std::uint32_t api_version = 0;  ///< VK_MAKE_API_VERSION
};

/// All usable devices (compute queue, Vulkan 1.2), in the loader's order; empty when there is no loader or driver.
std::vector<DeviceInfo> devices();

/// The index to take when the caller names none: DREY_DEVICE if set, else discrete, integrated, virtual, cpu.
/// \throws Error{no_device} with what to install when there is none
std::uint32_t default_device();

class Device {
 public:
  explicit Device(std::uint32_t index);
  ~Device();
  const DeviceInfo& info() const;

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace drey::gpu
