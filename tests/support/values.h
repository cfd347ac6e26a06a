#pragma once

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

/// Reads tests/data/values/*.json; see the README there for the rows.
namespace drey::test {

inline nlohmann::json read_values(const std::string& directory, const std::string& name) {
  std::ifstream file(directory + "/values/" + name);
  if (!file) throw std::runtime_error("no " + directory + "/values/" + name);
  return nlohmann::json::parse(file);
}

/// A number of the tables: "inf" and "-inf" stand for infinities.
inline double number(const nlohmann::json& json) {
  if (json.is_string())
    return json.get<std::string>() == "inf" ? std::numeric_limits<double>::infinity()
                                            : -std::numeric_limits<double>::infinity();
  return json.get<double>();
}

/// A number or nested array in Erlang's notation: floats with 17 digits, integers as they are.
inline std::string erlang_text(const nlohmann::json& json) {
  if (json.is_number_integer()) return std::to_string(json.get<std::int64_t>());
  if (json.is_number()) {
    std::string text = fmt::format("{:.17g}", json.get<double>());
    // Erlang's floats have a point.
    if (text.find_first_of(".") == std::string::npos) {
      std::size_t e = text.find('e');
      text.insert(e == std::string::npos ? text.size() : e, ".0");
    }
    return text;
  }
  std::string text = "[";
  for (const auto& element : json) text += (text.size() > 1 ? ", " : "") + erlang_text(element);
  return text + "]";
}

/// The numbers of a (nested) array in row-major order, appended.
inline void flatten(const nlohmann::json& json, std::vector<double>& out) {
  if (json.is_array())
    for (const auto& element : json) flatten(element, out);
  else
    out.push_back(number(json));
}

}  // namespace drey::test
