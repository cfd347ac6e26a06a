#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

/// Memory for what is received: uninitialised, so that a length which a peer only claims costs address space
/// and no memory.
namespace drey::cnode {

/// At least `size` bytes, of unknown contents. Large ones ask for huge pages: touching 64 MiB in 4 KiB pages costs more than
/// receiving it. \throws std::bad_alloc
std::shared_ptr<std::uint8_t[]> make_buffer(std::size_t size);

/// Whether large buffers that are let go are kept for the next message, so many bytes in all: to have the kernel
/// clear fresh ones costs as much as to receive into them. At first they are not; what is kept when it ends is given
/// back. Any thread.
void keep_buffers(bool keep);
inline constexpr std::size_t kept_buffer_bytes = std::size_t{160} << 20;
/// Gives back those that nobody has wanted for so long.
void drop_idle_buffers(std::chrono::seconds idle);

}  // namespace drey::cnode
