#pragma once

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "../bench/json_term.h"
#include "error.h"
#include "model/model.h"
#include "support/erlang_text.h"

/// The seven models of the race, the very terms the bench runs (bench/race), with their data, and their published log
/// densities: normalised, on the unconstrained scale, Jacobians included.
namespace drey::test {

inline constexpr std::array<const char*, 7> race_names = {"simple", "medium",   "stress", "eight_schools",
                                                          "funnel", "logistic", "sv"};

inline nlohmann::json race_file(const std::string& file) {
  return bench::read_json(std::string(DREY_TEST_DATA) + "/race/" + file);
}

inline model::Model race_model(const std::string& name) {
  std::ifstream in(std::string(DREY_TEST_DATA) + "/../../bench/race/" + name + ".model");
  if (!in) throw Error("no_file", "there is no bench/race/" + name + ".model");
  std::stringstream text;
  text << in.rdbuf();
  term::Map model = *erlang(text.str()).as<term::Map>();
  model.pairs.emplace_back(term::atom("data"), bench::to_term(race_file("data.json").at(name)));
  return model::compile(term::Term(model));
}

/// [{"z": a point, "log_density": its value}, ...]
inline nlohmann::json race_points(const std::string& name) { return race_file("log_density.json").at(name); }

}  // namespace drey::test
