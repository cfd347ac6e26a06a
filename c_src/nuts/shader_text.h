#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// The text of shaders/*.comp and *.glsl, and what is written out in it before a compiler sees it. Knows no kernel.
namespace drey::nuts {

/// A file of shaders/. \throws Error{internal} where it is not embedded
std::string shader(std::string_view name);

/// `text` with every whole word `name` replaced.
std::string replace_word(const std::string& text, const std::string& name, const std::string& by);

/// Replaces every `KEYWORD(d) {..}` by its block for d = 0 .. count-1, written out.
std::string expand_each(const std::string& text, const std::string& keyword, std::uint64_t count);

/// The same by a loop up to `count`, an expression of a uint, so many trips at once.
std::string expand_loop(const std::string& text, const std::string& keyword, const std::string& count,
                        std::uint64_t at_once);

}  // namespace drey::nuts
