#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "error.h"
#include "model/model.h"

/// What the benches share about cases: files in, scalars by name out.
namespace drey::bench {

/// The recorded scalars and their places in a draw, by the names the references use: theta[1], z[3,1]; row-major.
inline std::vector<std::pair<std::string, std::uint64_t>> scalar_names(const model::Model& model) {
  std::vector<std::pair<std::string, std::uint64_t>> names;
  for (const model::Output& output : model.outputs)
    for (std::uint64_t i = 0; i < output.size; ++i) {
      std::string index;
      std::uint64_t rest = i;
      for (auto dimension = output.shape.rbegin(); dimension != output.shape.rend(); ++dimension) {
        index = std::to_string(rest % *dimension + 1) + (index.empty() ? "" : ",") + index;
        rest /= *dimension;
      }
      names.emplace_back(index.empty() ? output.name : output.name + "[" + index + "]", output.offset + i);
    }
  return names;
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error("no_file", "cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace drey::bench
