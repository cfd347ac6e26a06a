#pragma once

namespace drey::cnode {

inline constexpr const char* version = DREY_VERSION;

}  // namespace drey::cnode
