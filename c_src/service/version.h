#pragma once

#include <string_view>

namespace drey::service {

/// What info() answers as `version`; the project's.
inline constexpr std::string_view version = "0.1.0";

}  // namespace drey::service
