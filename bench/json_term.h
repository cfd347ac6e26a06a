#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "error.h"
#include "term/term.h"

/// JSON data sets as the `data` of a model term.
namespace drey::bench {

/// Numbers, arrays and objects; an object becomes a map with atom keys.
/// \throws Error{bad_data} for anything a model's data cannot hold
inline term::Term to_term(const nlohmann::json& json) {
  if (json.is_number_integer()) return term::Term(json.get<std::int64_t>());
  if (json.is_number()) return term::Term(json.get<double>());
  if (json.is_array()) {
    std::vector<term::Term> elements;
    elements.reserve(json.size());
    for (const auto& element : json) elements.push_back(to_term(element));
    return term::list(std::move(elements));
  }
  if (json.is_object()) {
    term::Map map;
    for (const auto& [key, value] : json.items()) map.pairs.emplace_back(term::Atom{key}, to_term(value));
    return map;
  }
  throw Error("bad_data", "data must be numbers, arrays or objects, found " + json.dump());
}

inline nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error("no_file", "cannot read " + path);
  return nlohmann::json::parse(file);
}

}  // namespace drey::bench
