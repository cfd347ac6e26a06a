#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

/// Memory for what is received: uninitialised, so that a length which a peer only claims costs address space
/// and no memory.
namespace drey::cnode {

/// At least `size` bytes. Large ones ask for huge pages: touching 64 MiB in 4 KiB pages costs more than
/// receiving it. \throws std::bad_alloc
std::shared_ptr<std::uint8_t[]> make_buffer(std::size_t size);

}  // namespace drey::cnode
