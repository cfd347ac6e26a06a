#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Vulkan: devices, buffers, kernels, submission. Everything above sees these names and never a Vk type;
/// Vulkan-Hpp (RAII) is the only Vulkan surface and stays in this folder's .cpp files. It knows nothing of
/// models.
namespace drey::gpu {

struct DeviceInfo {
  std::uint32_t index = 0;   ///< what `device` options name
  std::string name, driver;  ///< "llvmpipe (LLVM 15.0.6, 256 bits)", "llvmpipe Mesa 22.3.6 (LLVM 15.0.6)"
  std::string type;          ///< "discrete", "integrated", "virtual", "cpu", "other"
  std::uint64_t memory_bytes = 0;
  bool f64 = false;
  std::uint32_t subgroup_size = 0;
  bool subgroup_shuffle = false;  ///< lanes of a subgroup can tell one another numbers, in compute shaders
  std::uint32_t api_version = 0;  ///< VK_MAKE_API_VERSION
  // What a kernel has to fit into.
  std::uint64_t storage_range = 0;  ///< bytes of one storage buffer binding
  std::uint64_t uniform_range = 0;  ///< bytes of one uniform buffer binding
  std::uint32_t push_constant_bytes = 0;
  std::uint32_t shared_bytes = 0;
  std::uint32_t max_groups = 0;  ///< workgroups a dispatch, first dimension
  /// Loop trips an invocation may make in one dispatch, all its loops together; 0: no such limit. A software
  /// driver that counts trips leaves its loops silently at 65,535.
  std::uint64_t trip_limit = 0;
};

/// All usable devices (compute queue, Vulkan 1.2), in the loader's order; empty when there is no loader or
/// driver.
std::vector<DeviceInfo> devices();

/// The index to take when the caller names none: DREY_DEVICE if set, else discrete, integrated, virtual, cpu.
/// \throws Error{no_device} with what to install when there is none
std::uint32_t default_device();

/// What the validation layers said since the process began; they are on when DREY_VALIDATION is set to
/// anything but "" or "0" as the first device is opened. For tests.
std::vector<std::string> validation_messages();

/// One logical device with one compute queue. Thread-safe for making objects, for copies to and from them, for submit and
/// wait; an object itself is not. It must outlive them.
class Device {
 public:
  /// \throws Error{no_device} when there is no such index, naming those that exist
  explicit Device(std::uint32_t index);
  ~Device();
  Device(Device&&) noexcept;
  const DeviceInfo& info() const;

  /// Waits until the submission with this number (Commands::submit) is done.
  /// \returns false when `timeout_ms` passed first
  /// \throws Error{device_lost} when the driver gave up (a watchdog, a crash)
  bool wait(std::uint64_t submission, std::uint64_t timeout_ms = 600'000);
  /// The number of the last submission that is done.
  std::uint64_t completed() const;

  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace drey::gpu
