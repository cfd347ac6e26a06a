// Posteriors with published reference draws: drey_bench_posteriordb DIR [--models DIR] [--only NAME] ...
//
// DIR holds a folder a case: data.json (the data set) and reference.json (a scalar's mean, sd, mean_sq, q5, q50, q95,
// ess, with Monte Carlo errors). The model stands in DIR/CASE/CASE.model or in the models folder, as an Erlang term
// without its data. Each scalar gives five z-scores, (ours - reference) / sqrt(both Monte Carlo errors squared): a new
// case needs only files.

#include <CLI/CLI.hpp>
#include <boost/math/distributions/beta.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>

#include "bench/cases.h"
#include "bench/table.h"
#include "gpu/device.h"
#include "model/model.h"
#include "nuts/sampler.h"
#include "stats/convergence.h"
#include "stats/summary.h"

namespace {

namespace fs = std::filesystem;
using namespace drey;

/// Half the width of the central 68% interval of the `p` quantile's estimate, from order statistics
/// (Vehtari et al. 2021, section 4.4).
double mcse_quantile(const std::vector<double>& sorted, double ess, double p) {
  const boost::math::beta_distribution<double> beta(ess * p + 1, ess * (1 - p) + 1);
  const auto at = [&](double probability) {
    const double position = boost::math::quantile(beta, probability) * static_cast<double>(sorted.size());
    const auto index =
        static_cast<std::size_t>(std::clamp(position, 0.0, static_cast<double>(sorted.size() - 1)));
    return sorted[index];
  };
  return (at(0.8413447460685429) - at(0.15865525393145707)) / 2;
}

struct Scores {
  std::vector<double> z;
  double worst = 0;
  std::string worst_name;
  void add(double ours, double reference, double error, double reference_error, const std::string& name) {
    const double score = (ours - reference) / std::hypot(error, reference_error);
    z.push_back(score);
    if (!(std::abs(score) <= std::abs(worst))) worst = score, worst_name = name;
  }
  double root_mean_square() const {
    double sum = 0;
    for (const double score : z) sum += score * score;
    return std::sqrt(sum / static_cast<double>(z.size()));
  }
};

void compare(Scores& scores, const std::string& name, const std::vector<double>& draws, std::uint64_t chains,
             const nlohmann::json& reference) {
  const stats::Row row = stats::summarize(name, draws, chains);
  const double reference_ess = reference["ess"];
  scores.add(row.mean, reference["mean"], row.mcse, reference["mcse_mean"], name + " mean");
  std::vector<double> squares(draws);
  for (double& value : squares) value *= value;
  const stats::Row square = stats::summarize(name, squares, chains);
  scores.add(square.mean, reference["mean_sq"], square.mcse, reference["mcse_sq"], name + " mean square");
  std::vector<double> sorted(draws);
  std::sort(sorted.begin(), sorted.end());
  const std::pair<const char*, double> quantiles[] = {{"q5", 0.05}, {"q50", 0.5}, {"q95", 0.95}};
  for (const auto& [key, p] : quantiles) {
    const double ours = p == 0.5 ? row.median : p < 0.5 ? row.q5 : row.q95;
    std::vector<double> below(draws.size());
    for (std::size_t i = 0; i < draws.size(); ++i) below[i] = draws[i] <= ours ? 1 : 0;
    const double ess = stats::basic_ess(stats::split(below, chains));
    scores.add(ours, reference[key], mcse_quantile(sorted, ess, p), mcse_quantile(sorted, reference_ess, p),
               name + " " + key);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares posteriors with published reference draws, by z-score");
  std::string directory, models = DREY_BENCH_DIR "/posteriordb", only, precision = "auto";
  nuts::Options options;
  options.chains = 64;
  options.draws = 1000;
  double bound = 5.7;
  app.add_option("DIR", directory, "a folder of cases")->required();
  app.add_option("--models", models, "where the model terms stand");
  app.add_option("--only", only, "run the cases whose names contain this");
  app.add_option("--chains", options.chains)->capture_default_str();
  app.add_option("--draws", options.draws, "a chain")->capture_default_str();
  app.add_option("--thin", options.thin)->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--precision", precision, "f32, f64 or auto")->capture_default_str();
  std::string start_kind = "pathfinder";
  app.add_option("--start", start_kind, "pathfinder or dispersed")->capture_default_str();
  app.add_option("--bound", bound, "on |z|: 5.7 keeps the family-wise false alarm below 1e-5")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.precision = precision == "f32"   ? nuts::PrecisionChoice::F32
                      : precision == "f64" ? nuts::PrecisionChoice::F64
                                           : nuts::PrecisionChoice::Auto;
  options.start = start_kind == "pathfinder" ? nuts::StartKind::Pathfinder : nuts::StartKind::Dispersed;
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(directory))
    if (fs::exists(entry.path() / "reference.json") &&
        entry.path().filename().string().find(only) != std::string::npos)
      cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());

  gpu::Device device(gpu::default_device());
  fmt::print("device {}, {} chains x {} draws, seed {}\n\n", device.info().name, options.chains,
             options.draws, options.seed);
  bench::Table table({"posterior", "D", "real", "compile ms", "warm-up ms", "warm-up grads", "sample ms",
                      "min ESS", "max R-hat", "div", "rms z", "max |z|", "of", "verdict"});
  Scores all;
  int failed = 0;
  for (const fs::path& path : cases) {
    const std::string name = path.filename().string();
    std::fprintf(stderr, "%s ...\n", name.c_str());
    try {
      const auto model = std::make_shared<const model::Model>(model::compile(bench::load_model(
          bench::model_file(path, models), bench::read_json((path / "data.json").string()))));
      nuts::Sampler sampler(device, model);
      const auto start = std::chrono::steady_clock::now();
      const nuts::Tuning tuning = sampler.warmup(options);
      const double total =
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      const double compile_ms = sampler.compile_ms();
      const nuts::Draws draws = sampler.sample(tuning, options);

      const nlohmann::json reference = bench::read_json((path / "reference.json").string());
      const auto names = bench::scalar_names(*model);
      Scores scores;
      double least_ess = INFINITY, most_rhat = 0;
      for (const auto& [scalar, values] : reference.items()) {
        const auto found =
            std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == scalar; });
        if (found == names.end()) throw Error("no_scalar", "the model has no " + scalar);
        std::vector<double> column(draws.chains * draws.draws);
        for (std::size_t i = 0; i < column.size(); ++i)
          column[i] = draws.outputs[i * draws.output_size + found->second];
        const stats::Row row = stats::summarize(scalar, column, draws.chains);
        least_ess = std::min(least_ess, row.ess_bulk);
        most_rhat = std::max(most_rhat, row.rhat);
        compare(scores, scalar, column, draws.chains, values);
      }
      std::uint64_t divergent = 0;
      for (const auto flag : draws.divergent) divergent += flag;
      const bool passed = std::abs(scores.worst) < bound && most_rhat < 1.01;
      failed += !passed;
      all.z.insert(all.z.end(), scores.z.begin(), scores.z.end());
      table.add({name, std::to_string(model->dimension), tuning.f64 ? "f64" : "f32",
                 fmt::format("{:.0f}", compile_ms), fmt::format("{:.0f}", total - compile_ms),
                 std::to_string(tuning.gradients), fmt::format("{:.0f}", draws.sampling_ms),
                 fmt::format("{:.0f}", least_ess), fmt::format("{:.4f}", most_rhat),
                 std::to_string(divergent), fmt::format("{:.2f}", scores.root_mean_square()),
                 fmt::format("{:.2f}", std::abs(scores.worst)), scores.worst_name, passed ? "pass" : "FAIL"});
    } catch (const Error& error) {
      ++failed;
      table.add({name, "", "", "", "", "", "", "", "", "", "", "", error.reason(), "ERROR"});
      std::fprintf(stderr, "%s: %s (%s)\n", name.c_str(), error.what(), error.where().c_str());
    }
  }
  table.print();
  if (!all.z.empty())
    fmt::print("\n{} z-scores, root mean square {:.3f} (1 is exact)\n", all.z.size(), all.root_mean_square());
  fmt::print("{} passed, {} failed\n", cases.size() - static_cast<std::size_t>(failed), failed);
  return failed == 0 ? 0 : 1;
}
