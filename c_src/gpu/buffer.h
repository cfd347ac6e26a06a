#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/device.h"

namespace drey::gpu {

enum class BufferKind : std::uint8_t { Storage, Uniform };

enum class Placement : std::uint8_t {
  Device,  ///< in the device's own memory; reads and writes by the host go through staging where needed
  Host,    ///< in host memory the device can reach; cheap to read back
};

/// Bytes on a device, bound whole. Reads and writes by the host are not ordered with submissions: wait first.
class Buffer {
 public:
  /// \param bytes more than 0; \throws Error{device_limit} when it exceeds the device's range for `kind`,
  /// Error{device_memory} when there is no room
  Buffer(Device& device, std::uint64_t bytes, BufferKind kind = BufferKind::Storage,
         Placement placement = Placement::Device);
  ~Buffer();
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;

  std::uint64_t size() const;
  void write(std::span<const std::byte> bytes, std::uint64_t offset = 0);
  void read(std::span<std::byte> bytes, std::uint64_t offset = 0) const;
  void fill(std::uint32_t word);
  /// The bytes themselves where the host can see them, else null.
  const std::byte* mapped() const;

  template <typename T>
  void write_all(const std::vector<T>& values, std::uint64_t offset = 0) {
    write(std::as_bytes(std::span<const T>(values)), offset);
  }
  template <typename T>
  std::vector<T> read_all(std::uint64_t count, std::uint64_t offset = 0) const {
    std::vector<T> values(count);
    read(std::as_writable_bytes(std::span<T>(values)), offset);
    return values;
  }

  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace drey::gpu
