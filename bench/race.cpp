// The race: the seven models of the distributed race and the non-centred twins, drey_bench_race [--peer stan] ...
//
// A seed's runs of Drey and of the peer stand next to each other in time; the table shows medians over seeds. One
// estimator (stats/) gives ESS and R-hat for both. The peer's time is its processors' time over the cores of this
// machine: 4 chains run one after the other, and are charged as if they had filled every core. No ratio is printed for
// a run whose R-hat exceeds 1.01 or of whose transitions more than 1% diverged.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <thread>

#include "bench/cases.h"
#include "bench/json_term.h"
#include "bench/table.h"
#include "gpu/device.h"
#include "model/model.h"
#include "nuts/sampler.h"
#include "stats/summary.h"
#include "tests/support/erlang_text.h"

namespace {

namespace fs = std::filesystem;
using namespace drey;

/// One run of one model by one of the two.
struct Run {
  double compile_ms = 0, warmup_ms = 0, sampling_ms = 0;
  double ess = 0, rhat = 0;
  std::uint64_t divergent = 0, transitions = 0, gradients = 0;
  std::uint64_t warmup_gradients = 0;  ///< a chain
  double live = std::numeric_limits<double>::quiet_NaN();  ///< share of the lanes' time that chains used
  std::string real;

  bool comparable() const {
    return rhat <= 1.01 && static_cast<double>(divergent) <= 0.01 * static_cast<double>(transitions);
  }
  double sampling_rate() const { return ess / sampling_ms * 1e3; }
  double total_rate() const { return ess / (warmup_ms + sampling_ms) * 1e3; }
  double to_thousand_ms() const { return compile_ms + warmup_ms + sampling_ms * std::min(1.0, 1000 / ess); }
};

struct Case {
  std::string name;  ///< the model file
  std::string data;  ///< its key in the data file; empty for none
  std::string peer;  ///< the Stan program
};

const Case cases[] = {
    {"simple", "simple", "simple"},
    {"medium", "medium", "medium"},
    {"stress", "stress", "stress"},
    {"eight_schools", "eight_schools", "eight_schools"},
    {"eight_schools_nc", "eight_schools", "eight_schools_nc"},
    {"funnel", "", "funnel"},
    {"funnel_nc", "", "funnel_nc"},
    {"logistic", "logistic", "logistic"},
    {"logistic", "logistic", "logistic_glm"},
    {"sv", "sv", "sv"},
};

double elapsed_ms(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
}

/// ESS and R-hat over the scalars of a run: the least and the greatest.
void diagnose(Run& run, const std::string& name, const std::vector<double>& column, std::uint64_t chains) {
  const stats::Row row = stats::summarize(name, column, chains);
  if (std::isnan(row.ess_bulk)) return;  // a constant
  run.ess = run.ess == 0 ? row.ess_bulk : std::min(run.ess, row.ess_bulk);
  run.rhat = std::max(run.rhat, row.rhat);
}

Run run_drey(gpu::Device& device, const term::Term& term, const nuts::Options& options) {
  Run run;
  const auto start = std::chrono::steady_clock::now();
  const auto model = std::make_shared<const model::Model>(model::compile(term));
  nuts::Sampler sampler(device, model);
  const nuts::Tuning tuning = sampler.warmup(options);
  run.warmup_ms = elapsed_ms(start) - sampler.compile_ms();
  const auto sampling = std::chrono::steady_clock::now();
  const double compile_before = sampler.compile_ms();
  const nuts::Draws draws = sampler.sample(tuning, options);
  run.compile_ms = sampler.compile_ms();
  run.sampling_ms = elapsed_ms(sampling) - (run.compile_ms - compile_before);
  for (const auto& [name, place] : bench::scalar_names(*model)) {
    std::vector<double> column(draws.chains * draws.draws);
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = draws.outputs[i * draws.output_size + place];
    diagnose(run, name, column, draws.chains);
  }
  for (const auto flag : draws.divergent) run.divergent += flag;
  run.transitions = draws.chains * draws.draws;
  run.gradients = draws.gradients;
  run.live = draws.live_share;
  run.warmup_gradients = tuning.gradients;
  run.real = tuning.f64 ? "f64" : "f32";
  return run;
}

Run run_stan(const Case& which, const nlohmann::json& data, std::uint64_t seed, const fs::path& scratch) {
  nlohmann::json stan_data = data;
  if (stan_data.contains("X")) stan_data["K"] = stan_data["X"][0].size();
  if (stan_data.contains("returns")) stan_data["T"] = stan_data["returns"].size();
  for (const char* outcome : {"y", "y_a", "y_1"})
    if (stan_data.contains(outcome)) stan_data["N"] = stan_data[outcome].size();
  fs::create_directories(scratch);
  const std::string data_file = (scratch / (which.peer + ".json")).string();
  const std::string draws_file = (scratch / (which.peer + ".bin")).string();
  std::ofstream(data_file) << (stan_data.is_null() ? nlohmann::json::object() : stan_data).dump();
  const std::string command = fmt::format(
      "R_MAKEVARS_USER='{0}/peers/Makevars' Rscript '{0}/peers/stan.R' '{0}/peers/stan/{1}.stan' '{2}' {3} "
      "'{4}' '{5}' 2>/dev/null",
      DREY_BENCH_DIR, which.peer, data_file, seed, draws_file, (scratch / "compiled").string());
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw Error("no_peer", "cannot start Rscript");
  for (char buffer[4096]; std::fgets(buffer, sizeof buffer, pipe);) output += buffer;
  if (pclose(pipe) != 0 || output.find('{') == std::string::npos)
    throw Error("no_peer", "Rscript failed; the peer needs Debian's r-cran-rstan and r-cran-jsonlite");
  const auto result = nlohmann::json::parse(output.substr(output.find('{')));

  Run run;
  const double cores = std::max(1u, std::thread::hardware_concurrency());
  run.compile_ms = result["compile_s"].get<double>() * 1e3;
  for (const double seconds : result["warmup_s"]) run.warmup_ms += seconds * 1e3 / cores;
  for (const double seconds : result["sampling_s"]) run.sampling_ms += seconds * 1e3 / cores;
  run.divergent = result["divergent"];
  run.gradients = result["leapfrogs"];
  run.warmup_gradients = result["warmup_leapfrogs"].get<std::uint64_t>() / 4;
  run.transitions = 4000;
  std::ifstream file(draws_file, std::ios::binary);
  for (const std::string name : result["names"]) {
    std::vector<double> column(4000);
    file.read(reinterpret_cast<char*>(column.data()),
              static_cast<std::streamsize>(column.size() * sizeof(double)));
    diagnose(run, name, column, 4);
  }
  return run;
}

template <typename Value>
double median(const std::vector<Run>& runs, Value value) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(value(run));
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

bool all_comparable(const std::vector<Run>& runs) {
  return !runs.empty() &&
         std::all_of(runs.begin(), runs.end(), [](const Run& run) { return run.comparable(); });
}

std::vector<std::string> row_of(const std::string& name, const std::string& who,
                                const std::vector<Run>& runs) {
  return {
      name,
      who,
      fmt::format("{:.0f}", median(runs, [](const Run& r) { return r.compile_ms; })),
      fmt::format("{:.1f}", median(runs, [](const Run& r) { return r.warmup_ms; })),
      fmt::format("{:.0f}",
                  median(runs, [](const Run& r) { return static_cast<double>(r.warmup_gradients); })),
      fmt::format("{:.1f}", median(runs, [](const Run& r) { return r.sampling_ms; })),
      fmt::format(
          "{:.2f}",
          median(runs, [](const Run& r) { return static_cast<double>(r.gradients) / r.sampling_ms / 1e3; })),
      who == "Stan" ? "-" : fmt::format("{:.3f}", median(runs, [](const Run& r) { return r.live; })),
      fmt::format("{:.0f}", median(runs, [](const Run& r) { return r.ess; })),
      fmt::format("{:.4f}", median(runs, [](const Run& r) { return r.rhat; })),
      fmt::format("{:.2f}", median(runs,
                                   [](const Run& r) {
                                     return 100.0 * static_cast<double>(r.divergent) /
                                            static_cast<double>(r.transitions);
                                   })),
      fmt::format("{:.0f}", median(runs, [](const Run& r) { return r.sampling_rate(); })),
      fmt::format("{:.0f}", median(runs, [](const Run& r) { return r.total_rate(); })),
      fmt::format("{:.0f}", median(runs, [](const Run& r) { return r.to_thousand_ms(); }))};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the race's models, and the same models with a peer in the same run");
  std::string peer, only, precision = "auto", data_file = DREY_TEST_DATA "/race/data.json",
                          models = DREY_BENCH_DIR "/race",
                          scratch = (fs::temp_directory_path() / "drey-race").string();
  nuts::Options options;
  options.chains = 256;
  std::uint64_t seeds = 3;
  app.add_option("--peer", peer, "stan")->check(CLI::IsMember({"stan"}));
  app.add_option("--only", only, "models whose names contain this");
  app.add_option("--chains", options.chains)->capture_default_str();
  app.add_option("--draws", options.draws, "a chain")->capture_default_str();
  app.add_option("--seeds", seeds)->capture_default_str();
  app.add_option("--precision", precision, "f32, f64 or auto")->capture_default_str();
  app.add_option("--data", data_file)->capture_default_str();
  app.add_option("--models", models)->capture_default_str();
  app.add_option("--scratch", scratch, "for the peer's compiled models and draws")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.precision = precision == "f32"   ? nuts::PrecisionChoice::F32
                      : precision == "f64" ? nuts::PrecisionChoice::F64
                                           : nuts::PrecisionChoice::Auto;
  try {
    const nlohmann::json data = bench::read_json(data_file);
    gpu::Device device(gpu::default_device());
    fmt::print("device {}, {} chains x {} draws; medians of {} seeds; {} cores{}\n\n", device.info().name,
               options.chains, options.draws, seeds, std::thread::hardware_concurrency(),
               peer.empty() ? "" : "; Stan 4 x (1000 + 1000), its processor time over the cores");
    bench::Table table({"model", "by", "compile ms", "warm-up ms", "warm-up grads", "sample ms", "Mgrad/s", "live",
                        "min ESS", "R-hat", "div %", "ESS/s sampling", "ESS/s total", "ms to ESS 1000"});
    bench::Table ratios({"Drey over Stan", "ESS/s sampling", "ESS/s total", "time to ESS 1000"});
    double log_sum = 0;
    int counted = 0;
    for (const Case& which : cases) {
      if (which.name.find(only) == std::string::npos && which.peer.find(only) == std::string::npos) continue;
      if (peer.empty() && which.peer == "logistic_glm") continue;
      std::fprintf(stderr, "%s ...\n", which.peer.c_str());
      term::Map map = *test::erlang(bench::read_file(models + "/" + which.name + ".model")).as<term::Map>();
      const nlohmann::json own = which.data.empty() ? nlohmann::json::object() : data[which.data];
      map.pairs.emplace_back(term::Atom{"data"}, bench::to_term(own));
      std::vector<Run> ours, theirs;
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        options.seed = seed;
        ours.push_back(run_drey(device, map, options));
        if (!peer.empty()) theirs.push_back(run_stan(which, own, seed, scratch));
      }
      table.add(row_of(which.name, "Drey " + ours.front().real, ours));
      if (theirs.empty()) continue;
      table.add(row_of(which.peer, "Stan", theirs));
      if (!all_comparable(ours) || !all_comparable(theirs)) {
        ratios.add({which.peer, "not comparable", "-", "-"});
        continue;
      }
      const double sampling = median(ours, [](const Run& r) { return r.sampling_rate(); }) /
                              median(theirs, [](const Run& r) { return r.sampling_rate(); });
      ratios.add({which.peer, fmt::format("{:.1f}", sampling),
                  fmt::format("{:.1f}", median(ours, [](const Run& r) { return r.total_rate(); }) /
                                            median(theirs, [](const Run& r) { return r.total_rate(); })),
                  fmt::format("{:.1f}", median(theirs, [](const Run& r) { return r.to_thousand_ms(); }) /
                                            median(ours, [](const Run& r) { return r.to_thousand_ms(); }))});
      if (which.peer != "logistic_glm") log_sum += std::log(sampling), ++counted;
    }
    table.print();
    if (!peer.empty()) {
      fmt::print("\n");
      ratios.print();
      if (counted > 0)
        fmt::print("\ngeometric mean of the sampling ratios over {} comparable models: {:.1f}\n", counted,
                   std::exp(log_sum / counted));
    }
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {} {}\n", error.reason(), error.what(), error.where());
    return 1;
  }
  return 0;
}
