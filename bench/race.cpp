// The race: the seven models of the distributed race, the non-centred twins and, with --cases DIR, published posteriors
// (the folders that drey_bench_posteriordb takes): drey_bench_race [--peer stan] ...
//
// A seed's runs of Drey and of the peer stand next to each other in time; the table shows medians over seeds. One
// estimator (stats/) gives ESS and R-hat for both. The peer's time is its processors' time over the cores of this
// machine: 4 chains run one after the other, and are charged as if they had filled every core. No ratio is printed for
// a run whose R-hat exceeds 1.01 or of whose transitions more than 1% diverged. That both sampled the same posterior is
// printed beside the ratios: the greatest |z| of a scalar's two means by their Monte Carlo errors.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <thread>

#include "bench/cases.h"
#include "bench/table.h"
#include "gpu/device.h"
#include "model/model.h"
#include "nuts/sampler.h"
#include "stats/summary.h"

namespace {

namespace fs = std::filesystem;
using namespace drey;

/// One run of one model by one of the two.
struct Run {
  double compile_ms = 0, warmup_ms = 0, sampling_ms = 0;
  double ess = 0, rhat = 0;
  std::uint64_t divergent = 0, transitions = 0, gradients = 0;
  std::uint64_t warmup_gradients = 0;                      ///< a chain
  double live = std::numeric_limits<double>::quiet_NaN();  ///< share of the lanes' time that chains used
  std::string real;
  std::map<std::string, std::pair<double, double>> means;  ///< a scalar's mean and Monte Carlo error

  bool comparable() const {
    return rhat <= 1.01 && static_cast<double>(divergent) <= 0.01 * static_cast<double>(transitions);
  }
  double sampling_rate() const { return ess / sampling_ms * 1e3; }
  double total_rate() const { return ess / (warmup_ms + sampling_ms) * 1e3; }
  double to_thousand_ms() const { return compile_ms + warmup_ms + sampling_ms * std::min(1.0, 1000 / ess); }
};

struct Case {
  std::string name;   ///< the model's
  std::string model;  ///< its file
  std::string peer;   ///< the Stan program's
  nlohmann::json data, peer_data;
};

fs::path stan_program(const std::string& name) {
  return fs::path(DREY_BENCH_DIR) / "peers/stan" / (name + ".stan");
}

/// The race's own: `data_file` holds every model's data.
std::vector<Case> race_cases(const std::string& data_file, const std::string& models) {
  struct Entry {
    const char *name, *data, *peer;
  };
  const Entry entries[] = {
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
  const nlohmann::json data = bench::read_json(data_file);
  std::vector<Case> cases;
  for (const Entry& entry : entries) {
    const nlohmann::json own = *entry.data ? data.at(entry.data) : nlohmann::json::object();
    nlohmann::json sized = own;  // a Stan program declares its sizes
    if (own.contains("X")) sized["K"] = own["X"][0].size();
    if (own.contains("returns")) sized["T"] = own["returns"].size();
    for (const char* outcome : {"y", "y_a", "y_1"})
      if (own.contains(outcome)) sized["N"] = own[outcome].size();
    cases.push_back({entry.name, models + "/" + entry.name + ".model", entry.peer, own, sized});
  }
  return cases;
}

/// The folders of `directory` that hold a data.json; the Stan program of one has its name.
std::vector<Case> published_cases(const fs::path& directory) {
  std::vector<Case> cases;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const fs::path file = entry.path() / "data.json";
    if (!fs::exists(file)) continue;
    const std::string name = entry.path().filename().string();
    const nlohmann::json data = bench::read_json(file.string());
    cases.push_back(
        {name, bench::model_file(entry.path(), DREY_BENCH_DIR "/posteriordb").string(), name, data, data});
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  if (cases.empty())
    throw Error("no_case",
                directory.string() + " has no folder with a data.json: name the folder that holds the cases");
  return cases;
}

double elapsed_ms(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
}

/// ESS and R-hat over the scalars of a run: the least and the greatest.
void diagnose(Run& run, const std::string& name, const std::vector<double>& column, std::uint64_t chains) {
  const stats::Row row = stats::summarize(name, column, chains);
  if (std::isnan(row.ess_bulk)) return;  // a constant
  run.ess = run.ess == 0 ? row.ess_bulk : std::min(run.ess, row.ess_bulk);
  run.rhat = std::max(run.rhat, row.rhat);
  run.means[name] = {row.mean, row.mcse};
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

Run run_stan(const Case& which, std::uint64_t seed, const fs::path& scratch) {
  fs::create_directories(scratch);
  const std::string data_file = (scratch / (which.peer + ".json")).string();
  const std::string draws_file = (scratch / (which.peer + ".bin")).string();
  std::ofstream(data_file) << which.peer_data.dump();
  const std::string command = fmt::format(
      "R_MAKEVARS_USER='{0}/peers/Makevars' Rscript '{0}/peers/stan.R' '{1}' '{2}' {3} "
      "'{4}' '{5}' 2>/dev/null",
      DREY_BENCH_DIR, stan_program(which.peer).string(), data_file, seed, draws_file,
      (scratch / "compiled").string());
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

/// The greatest |z| of the means of a scalar of both, of all seeds.
double disagreement(const std::vector<Run>& ours, const std::vector<Run>& theirs) {
  double worst = 0;
  for (std::size_t seed = 0; seed < ours.size(); ++seed)
    for (const auto& [name, estimate] : theirs[seed].means) {
      const auto found = ours[seed].means.find(name);
      if (found == ours[seed].means.end())
        throw Error("no_scalar", "the model has no " + name + ", the Stan program has");
      const auto& [mean, error] = found->second;
      worst = std::max(worst, std::abs(mean - estimate.first) / std::hypot(error, estimate.second));
    }
  return worst;
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
  std::string peer, only, directory, precision = "auto", data_file = DREY_TEST_DATA "/race/data.json",
                                     models = DREY_BENCH_DIR "/race",
                                     scratch = (fs::temp_directory_path() / "drey-race").string();
  nuts::Options options;
  options.chains = 256;
  std::uint64_t seeds = 3;
  app.add_option("--peer", peer, "stan")->check(CLI::IsMember({"stan"}));
  app.add_option("--cases", directory, "a folder of published posteriors, run after the race's models")
      ->check(CLI::ExistingDirectory);
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
    std::vector<Case> cases = race_cases(data_file, models);
    if (!directory.empty())
      for (Case& published : published_cases(directory)) cases.push_back(std::move(published));
    std::erase_if(cases, [&](const Case& which) {
      return which.name.find(only) == std::string::npos && which.peer.find(only) == std::string::npos;
    });
    if (cases.empty()) throw Error("no_case", "no model's name contains " + only);
    gpu::Device device(gpu::default_device());
    fmt::print("device {}, {} chains x {} draws; medians of {} seeds; {} cores{}\n\n", device.info().name,
               options.chains, options.draws, seeds, std::thread::hardware_concurrency(),
               peer.empty() ? "" : "; Stan 4 x (1000 + 1000), its processor time over the cores");
    bench::Table table({"model", "by", "compile ms", "warm-up ms", "warm-up grads", "sample ms", "Mgrad/s",
                        "live", "min ESS", "R-hat", "div %", "ESS/s sampling", "ESS/s total",
                        "ms to ESS 1000"});
    bench::Table ratios(
        {"Drey over Stan", "ESS/s sampling", "ESS/s total", "time to ESS 1000", "max |z| of means"});
    double log_sum = 0;
    int counted = 0;
    for (const Case& which : cases) {
      if (peer.empty() && which.peer == "logistic_glm") continue;
      if (!peer.empty() && !fs::exists(stan_program(which.peer))) {
        std::fprintf(stderr, "%s left out: there is no Stan program of it\n", which.name.c_str());
        continue;
      }
      std::fprintf(stderr, "%s ...\n", which.peer.c_str());
      const term::Term model = bench::load_model(which.model, which.data);
      std::vector<Run> ours, theirs;
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        options.seed = seed;
        ours.push_back(run_drey(device, model, options));
        if (!peer.empty()) theirs.push_back(run_stan(which, seed, scratch));
      }
      table.add(row_of(which.name, "Drey " + ours.front().real, ours));
      if (theirs.empty()) continue;
      table.add(row_of(which.peer, "Stan", theirs));
      if (!all_comparable(ours) || !all_comparable(theirs)) {
        ratios.add({which.peer, "not comparable", "-", "-", "-"});
        continue;
      }
      const double sampling = median(ours, [](const Run& r) { return r.sampling_rate(); }) /
                              median(theirs, [](const Run& r) { return r.sampling_rate(); });
      ratios.add({which.peer, fmt::format("{:.1f}", sampling),
                  fmt::format("{:.1f}", median(ours, [](const Run& r) { return r.total_rate(); }) /
                                            median(theirs, [](const Run& r) { return r.total_rate(); })),
                  fmt::format("{:.1f}", median(theirs, [](const Run& r) { return r.to_thousand_ms(); }) /
                                            median(ours, [](const Run& r) { return r.to_thousand_ms(); })),
                  fmt::format("{:.1f}", disagreement(ours, theirs))});
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
  } catch (const std::exception& error) {  // a data set that is no JSON, a folder that cannot be read
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
