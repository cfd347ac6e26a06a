#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "gpu/buffer.h"
#include "gpu/device.h"
#include "gpu/kernel.h"

namespace drey::gpu {

/// A recorded sequence of dispatches and copies. Two of them in turn keep two submissions in flight:
/// begin() waits for its own last submission only.
class Commands {
 public:
  explicit Commands(Device& device);
  /// Waits for its own submission, then frees it.
  ~Commands();
  Commands(Commands&&) noexcept;
  Commands& operator=(Commands&&) noexcept;

  /// Starts a new recording.
  void begin();
  /// \param push exactly the kernel's push constant bytes
  /// \param groups workgroups in x
  void dispatch(const Arguments& arguments, std::span<const std::byte> push, std::uint32_t groups);
  /// What comes after sees what came before wrote (shaders, copies and the host).
  void barrier();
  void copy(const Buffer& from, const Buffer& to, std::uint64_t bytes, std::uint64_t from_offset = 0,
            std::uint64_t to_offset = 0);
  /// Ends the recording and hands it to the queue; submissions of a device run in order, each seeing the
  /// writes of the last. \returns its number, for Device::wait
  std::uint64_t submit();
  /// The same recording once more.
  std::uint64_t resubmit();

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// A value's bytes, for push constants.
template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

}  // namespace drey::gpu
