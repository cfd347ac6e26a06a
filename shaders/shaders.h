#pragma once

#include <string_view>
#include <vector>

/// The GLSL sources of this folder, embedded at build time.
namespace drey::shaders {

/// The text of a file of this folder, by its name ("nuts.comp"); empty when there is none.
std::string_view text(std::string_view name);

/// The names of all files, sorted.
std::vector<std::string_view> names();

}  // namespace drey::shaders
