#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gpu/buffer.h"
#include "gpu/device.h"

namespace drey::gpu {

/// A binding of descriptor set 0 that a shader declares.
struct BindingSlot {
  std::uint32_t binding = 0;
  BufferKind kind = BufferKind::Storage;
};

/// A specialisation constant (32 bits).
struct Constant {
  std::uint32_t id = 0;
  std::uint32_t value = 0;
};

/// A compute shader made ready: entry point `main`, one descriptor set.
class Kernel {
 public:
  /// \param subgroup_size 0, or what every subgroup must have, of which the workgroup is a multiple; a device that
  ///                      cannot promise it runs the shader as it does, which must look for itself
  /// \throws Error{device_limit} when push constants exceed the device's, Error{device_error} when the driver
  /// refuses the shader
  Kernel(Device& device, std::span<const std::uint32_t> spirv, std::vector<BindingSlot> slots,
         std::uint32_t push_bytes = 0, std::span<const Constant> constants = {},
         std::uint32_t subgroup_size = 0);
  ~Kernel();
  Kernel(Kernel&&) noexcept;
  Kernel& operator=(Kernel&&) noexcept;

  class Impl;
  const std::shared_ptr<Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

/// A kernel with the buffers it runs on. The buffers must outlive it.
class Arguments {
 public:
  /// \param buffers one for every slot of the kernel, as (binding, buffer)
  /// \throws Error{internal} when a slot is missing or unknown
  Arguments(Device& device, const Kernel& kernel,
            std::vector<std::pair<std::uint32_t, const Buffer*>> buffers);
  ~Arguments();
  Arguments(Arguments&&) noexcept;
  Arguments& operator=(Arguments&&) noexcept;

  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace drey::gpu
