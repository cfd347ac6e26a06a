#include "nuts/shader_text.h"

#include <fmt/format.h>

#include <cctype>

#include "error.h"
#include "shaders/shaders.h"

namespace drey::nuts {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::size_t matching_brace(const std::string& text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  throw Error("internal", "a shader's braces do not match");
}

/// `text` with every `keyword(name) {..}` replaced by what `by` makes of the name and the block.
template <typename By>
std::string replace_blocks(const std::string& text, const std::string& keyword, const By& by) {
  std::string result;
  std::size_t at = 0;
  while (true) {
    std::size_t found = text.find(keyword + "(", at);
    while (found != std::string::npos && found > 0 && is_word(text[found - 1]))
      found = text.find(keyword + "(", found + 1);
    const std::size_t line = found == std::string::npos ? found : text.rfind('\n', found);
    // A comment may name it.
    const bool comment =
        found != std::string::npos && text.find("//", line == std::string::npos ? 0 : line) < found;
    if (found == std::string::npos) return result + text.substr(at);
    const std::size_t close = text.find(')', found);
    if (comment) {
      result += text.substr(at, close - at);
      at = close;
      continue;
    }
    const std::string name = text.substr(found + keyword.size() + 1, close - found - keyword.size() - 1);
    const std::size_t open = text.find('{', close);
    const std::size_t end = matching_brace(text, open);
    const std::string body = text.substr(open, end - open + 1);
    result += text.substr(at, found - at) + by(name, body);
    at = end + 1;
  }
}

}  // namespace

std::string shader(std::string_view name) {
  const auto text = shaders::text(name);
  if (text.empty()) throw Error("internal", fmt::format("the shader {} is not embedded", name));
  return std::string(text);
}

std::string replace_word(const std::string& text, const std::string& name, const std::string& by) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (is_word(text[i])) {
      std::size_t end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      const std::string word = text.substr(i, end - i);
      result += word == name ? by : word;
      i = end;
    } else {
      result += text[i++];
    }
  }
  return result;
}

std::string expand_each(const std::string& text, const std::string& keyword, std::uint64_t count) {
  return replace_blocks(text, keyword, [&](const std::string& name, const std::string& body) {
    std::string blocks;
    for (std::uint64_t i = 0; i < count; ++i) blocks += replace_word(body, name, std::to_string(i)) + "\n";
    return blocks;
  });
}

std::string expand_loop(const std::string& text, const std::string& keyword, const std::string& count,
                        std::uint64_t at_once) {
  return replace_blocks(text, keyword, [&](const std::string& name, const std::string& body) {
    std::string loops = fmt::format("uint {}_ = 0u;\n", name);
    if (at_once > 1) {
      loops += fmt::format("for (; {0}_ + {1}u <= {2}; {0}_ += {1}u) {{\n", name, at_once, count);
      for (std::uint64_t i = 0; i < at_once; ++i)
        loops += replace_word(body, name, fmt::format("({}_ + {}u)", name, i)) + "\n";
      loops += "}\n";
    }
    return "{ " + loops + fmt::format("for (; {0}_ < {1}; ++{0}_) ", name, count) +
           replace_word(body, name, name + "_") + " }\n";
  });
}

}  // namespace drey::nuts
