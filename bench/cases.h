#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/json_term.h"
#include "error.h"
#include "model/model.h"
#include "tests/support/erlang_text.h"

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

/// Where the model of the case in `folder` stands: CASE.model there or, if there is none, in `models`.
inline std::filesystem::path model_file(const std::filesystem::path& folder,
                                        const std::filesystem::path& models) {
  const std::string name = folder.filename().string() + ".model";
  const std::filesystem::path own = folder / name;
  return std::filesystem::exists(own) ? own : models / name;
}

/// The model of a file, an Erlang term without its data, with `data` as its data.
inline term::Term load_model(const std::filesystem::path& file, const nlohmann::json& data) {
  const term::Term model = test::erlang(read_file(file.string()));
  const auto* map = model.as<term::Map>();
  if (!map) throw Error("bad_model", file.string() + " holds no map");
  term::Map with_data = *map;
  with_data.pairs.emplace_back(term::Atom{"data"}, to_term(data));
  return with_data;
}

}  // namespace drey::bench
