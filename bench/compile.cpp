// What a model costs before its first gradient, no cache helping: term to program, program to gradient, gradient to
// GLSL, then glslang and the driver for the kernel of the density and its gradient.

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/cases.h"
#include "bench/table.h"
#include "glsl/emit.h"
#include "gpu/device.h"
#include "grad/differentiate.h"
#include "model/model.h"
#include "nuts/sampler.h"

namespace {

using namespace drey;

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// A regression of `rows` rows of 20 columns.
term::Term regression(std::size_t rows, const char* outcome, const std::function<double(double)>& respond) {
  constexpr std::size_t columns = 20;
  std::vector<double> x(rows * columns), y(rows);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i * i % 1013));
  for (std::size_t i = 0; i < rows; ++i) y[i] = respond(x[i * columns] + x[i * columns + 1]);
  const auto array = [](const std::vector<double>& values, const nlohmann::json& like) {
    nlohmann::json out = like;
    for (const double v : values) out.push_back(v);
    return out;
  };
  nlohmann::json data;
  data["y"] = nlohmann::json::array();
  for (const double v : y)
    if (outcome[0] == 'b')
      data["y"].push_back(static_cast<int>(v));
    else
      data["y"].push_back(v);
  data["x"] = nlohmann::json::array();
  for (std::size_t i = 0; i < rows; ++i)
    data["x"].push_back(array({x.begin() + static_cast<std::ptrdiff_t>(i * columns),
                               x.begin() + static_cast<std::ptrdiff_t>((i + 1) * columns)},
                              nlohmann::json::array()));
  term::Map model =
      *test::erlang(
           fmt::format(
               "#{{parameters => [{{a, real}}, {{b, {{vector, 20}}}}, {{s, real, [{{lower, 0}}]}}], model "
               "=> [{{'~', a, {{normal, 0, 5}}}}, {{'~', b, {{normal, 0, 1}}}}, {{'~', s, {{exponential, "
               "1}}}}, {{'~', y, {}}}]}}",
               outcome))
           .as<term::Map>();
  model.pairs.emplace_back(term::Atom{"data"}, bench::to_term(data));
  return term::Term(model);
}

}  // namespace

int main() {
  namespace fs = std::filesystem;
  // Nothing on disk helps, and nothing is left there.
  const fs::path scratch = fs::temp_directory_path() / fmt::format("drey_bench_compile_{}", ::getpid());
  ::setenv("DREY_CACHE_DIR", scratch.c_str(), 1);
  ::setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
  gpu::Device device(gpu::default_device());
  fmt::print("device {}; no cache; the first model pays what a process pays once\n\n", device.info().name);

  std::vector<std::pair<std::string, term::Term>> models;
  const std::string folder = std::string(DREY_BENCH_DIR) + "/race/";
  const nlohmann::json data = bench::read_json(std::string(DREY_TEST_DATA) + "/race/data.json");
  for (const char* name : {"simple", "eight_schools", "logistic", "sv"})
    models.emplace_back(name, bench::load_model(folder + name + ".model", data.at(name)));
  for (const std::size_t rows : {500, 5000, 50000})
    models.emplace_back(fmt::format("logistic, {} rows", rows),
                        regression(rows, "{bernoulli_logit, {'+', a, {matmul, x, b}}}",
                                   [](double eta) { return eta > 0 ? 1.0 : 0.0; }));
  for (const std::size_t rows : {500, 5000})
    models.emplace_back(fmt::format("student_t, {} rows", rows),
                        regression(rows, "{student_t, 4, {'+', a, {matmul, x, b}}, s}",
                                   [](double eta) { return eta + std::sin(7 * eta); }));

  bench::Table table(
      {"model", "D", "to program ms", "gradient ms", "GLSL ms", "emits ms", "GLSL KiB", "density kernel ms"});
  for (const auto& [name, term] : models) {
    std::shared_ptr<const model::Model> model;
    const double lowered =
        milliseconds([&] { model = std::make_shared<const model::Model>(model::compile(term)); });
    model::Program gradient;
    const double differentiated =
        milliseconds([&] { gradient = grad::differentiate(model->density, model->dimension); });
    glsl::Source source;
    const double emitted = milliseconds([&] { source = glsl::emit(gradient, *model, {}); });
    nuts::Sampler sampler(device, model);
    const std::vector<double> point(model->dimension, 0.1);
    const auto evaluate = [&] { (void)sampler.log_density(point, false); };
    const double first = milliseconds(evaluate), again = milliseconds(evaluate);
    table.add({name, std::to_string(model->dimension), fmt::format("{:.1f}", lowered),
               fmt::format("{:.1f}", differentiated), fmt::format("{:.1f}", emitted),
               fmt::format("{:.1f}", lowered + differentiated + emitted),
               fmt::format("{:.1f}", static_cast<double>(source.text.size()) / 1024),
               fmt::format("{:.0f}", first - again)});
  }
  table.print();
  fs::remove_all(scratch);
  return 0;
}
