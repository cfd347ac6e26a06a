// The race: the seven models of the distributed race, the non-centred twins and, with --cases DIR, published posteriors
// (the folders that drey_bench_posteriordb takes): drey_bench_race [--peer stan] ...
//
// A seed's runs of Drey and of the peer stand next to each other in time; the table shows medians over seeds. One
// estimator (stats/) gives ESS and R-hat for both. The peer's time is its processors' time over the cores of this
// machine: 4 chains run one after the other, and are charged as if they had filled every core. No ratio is printed for
// a run whose R-hat exceeds 1.01 or of whose transitions more than 1% diverged. That both sampled the same posterior is
// printed beside the ratios: the greatest |z| of a scalar's two means by their Monte Carlo errors.
//
// --cold: the time from the call to a least bulk ESS of 1,000 where nothing was compiled before. Each of Drey's runs is
// a process of its own whose caches, of SPIR-V and the driver's, are empty folders; the clock stands when the run has
// seen its ESS. The peer's time is its compile, its warm-up, and the share of its sampling that 1,000 takes.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <thread>

#include "bench/cases.h"
#include "bench/race_run.h"
#include "bench/table.h"
#include "glsl/compile.h"

namespace {

namespace fs = std::filesystem;
using namespace drey;
using bench::diagnose;
using bench::Run;
using bench::run_drey;

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

/// What a command prints. \throws Error{failed}
std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw Error("failed", "cannot start a process");
  for (char buffer[4096]; std::fgets(buffer, sizeof buffer, pipe);) output += buffer;
  if (pclose(pipe) != 0) throw Error("failed", "this failed: " + command);
  return output;
}

/// \param draws kept of each of 4 chains, after a warm-up of 1,000
Run run_stan(const Case& which, std::uint64_t seed, std::uint64_t draws, const fs::path& scratch) {
  fs::create_directories(scratch);
  const std::string data_file = (scratch / (which.peer + ".json")).string();
  const std::string draws_file = (scratch / (which.peer + ".bin")).string();
  std::ofstream(data_file) << which.peer_data.dump();
  const std::string command = fmt::format(
      "R_MAKEVARS_USER='{0}/peers/Makevars' Rscript '{0}/peers/stan.R' '{1}' '{2}' {3} "
      "'{4}' '{5}' {6} 2>/dev/null",
      DREY_BENCH_DIR, stan_program(which.peer).string(), data_file, seed, draws_file,
      (scratch / "compiled").string(), draws);
  std::string output;
  try {
    output = output_of(command);
  } catch (const Error&) {
  }
  if (output.find('{') == std::string::npos)
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
  run.transitions = 4 * draws;
  std::ifstream file(draws_file, std::ios::binary);
  for (const std::string name : result["names"]) {
    std::vector<double> column(4 * draws);
    file.read(reinterpret_cast<char*>(column.data()),
              static_cast<std::streamsize>(column.size() * sizeof(double)));
    diagnose(run, name, column, 4);
  }
  return run;
}

/// The run of a process that finds nothing compiled: this program's, told which run by `arguments`.
Run run_cold(const std::string& program, const std::string& arguments, const fs::path& scratch) {
  const fs::path caches = scratch / "cold";
  fs::remove_all(caches);
  fs::create_directories(caches / "driver");
  const auto found = nlohmann::json::parse(output_of(fmt::format(
      "DREY_CACHE_DIR='{0}/drey' MESA_SHADER_CACHE_DIR='{0}/driver' XDG_CACHE_HOME='{0}' '{1}' {2}",
      caches.string(), program, arguments)));
  fs::remove_all(caches);
  Run run;
  run.compile_ms = found["compile_ms"];
  run.warmup_ms = found["warmup_ms"];
  run.sampling_ms = found["sampling_ms"];
  run.reached_ms = found["reached_ms"].is_null() ? std::numeric_limits<double>::quiet_NaN()
                                                 : found["reached_ms"].get<double>();
  run.ess = found["ess"];
  run.rhat = found["rhat"];
  run.draws = found["draws"];
  run.real = found["real"];
  return run;
}

void print_run(const Run& run) {
  fmt::print("{}\n", nlohmann::json{{"compile_ms", run.compile_ms},
                                    {"warmup_ms", run.warmup_ms},
                                    {"sampling_ms", run.sampling_ms},
                                    {"reached_ms", run.reached_ms},
                                    {"ess", run.ess},
                                    {"rhat", run.rhat},
                                    {"draws", run.draws},
                                    {"real", run.real}}
                         .dump());
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

struct Settings {
  std::string program, peer, models, data_file, directory, precision = "auto";
  fs::path scratch;
  nuts::Options options;
  std::uint64_t seeds = 3, peer_draws = 1000;

  std::string peer_text() const {
    return peer.empty()
               ? ""
               : fmt::format("; Stan 4 x (1000 + {}), its processor time over the cores", peer_draws);
  }
};

/// Medians of full runs, with caches as they are, and the ratios.
void race(const std::vector<Case>& cases, const Settings& settings) {
  gpu::Device device(gpu::default_device());
  nuts::Options options = settings.options;
  fmt::print("device {}, {} chains x {} draws; medians of {} seeds; {} cores{}\n\n", device.info().name,
             options.chains, options.draws, settings.seeds, std::thread::hardware_concurrency(),
             settings.peer_text());
  bench::Table table({"model", "by", "compile ms", "warm-up ms", "warm-up grads", "sample ms", "Mgrad/s",
                      "live", "min ESS", "R-hat", "div %", "ESS/s sampling", "ESS/s total",
                      "ms to ESS 1000"});
  bench::Table ratios(
      {"Drey over Stan", "ESS/s sampling", "ESS/s total", "time to ESS 1000", "max |z| of means"});
  double log_sum = 0;
  int counted = 0;
  for (const Case& which : cases) {
    std::fprintf(stderr, "%s ...\n", which.peer.c_str());
    const term::Term model = bench::load_model(which.model, which.data);
    std::vector<Run> ours, theirs;
    for (std::uint64_t seed = 1; seed <= settings.seeds; ++seed) {
      options.seed = seed;
      ours.push_back(run_drey(device, model, options));
      if (!settings.peer.empty())
        theirs.push_back(run_stan(which, seed, settings.peer_draws, settings.scratch));
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
  if (settings.peer.empty()) return;
  fmt::print("\n");
  ratios.print();
  if (counted > 0)
    fmt::print("\ngeometric mean of the sampling ratios over {} comparable models: {:.1f}\n", counted,
               std::exp(log_sum / counted));
}

/// Medians of the time from a call to an ESS of 1,000 where nothing is in any cache, and the ratios.
void cold_race(const std::vector<Case>& cases, const Settings& settings) {
  fmt::print("device {}, {} chains, empty caches, a process a run; medians of {} seeds; {} cores{}\n\n",
             gpu::devices().at(gpu::default_device()).name, settings.options.chains, settings.seeds,
             std::thread::hardware_concurrency(), settings.peer_text());
  bench::Table table({"model", "by", "compile ms", "warm-up ms", "sample ms", "draws", "ESS", "R-hat",
                      "ms to ESS 1000", "Stan over Drey"});
  double log_sum = 0;
  int counted = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& which = cases[i];
    std::fprintf(stderr, "%s ...\n", which.peer.c_str());
    std::vector<Run> ours, theirs;
    for (std::uint64_t seed = 1; seed <= settings.seeds; ++seed) {
      std::string arguments =
          fmt::format("--one {} --seeds {} --chains {} --draws {} --precision {} --data '{}' --models '{}'",
                      which.peer, seed, settings.options.chains, settings.options.draws, settings.precision,
                      settings.data_file, settings.models);
      if (!settings.directory.empty()) arguments += fmt::format(" --cases '{}'", settings.directory);
      ours.push_back(run_cold(settings.program, arguments, settings.scratch));
      if (!settings.peer.empty())
        theirs.push_back(run_stan(which, seed, settings.peer_draws, settings.scratch));
    }
    const auto row = [&](const std::string& name, const std::string& who, const std::vector<Run>& runs,
                         const std::string& ratio) {
      const auto number = [&](const char* format, auto value) {
        return fmt::format(fmt::runtime(format), median(runs, value));
      };
      table.add({name, who, number("{:.0f}", [](const Run& r) { return r.compile_ms; }),
                 number("{:.0f}", [](const Run& r) { return r.warmup_ms; }),
                 number("{:.0f}", [](const Run& r) { return r.sampling_ms; }),
                 who == "Stan" ? std::to_string(settings.peer_draws)
                               : number("{:.0f}", [](const Run& r) { return static_cast<double>(r.draws); }),
                 number("{:.0f}", [](const Run& r) { return r.ess; }),
                 number("{:.4f}", [](const Run& r) { return r.rhat; }),
                 number("{:.0f}", [](const Run& r) { return r.to_thousand_ms(); }), ratio});
    };
    std::string ratio = "-";
    if (!theirs.empty()) {
      const double over = median(theirs, [](const Run& r) { return r.to_thousand_ms(); }) /
                          median(ours, [](const Run& r) { return r.to_thousand_ms(); });
      // Drey's few draws a chain say little of R-hat; whether the two agree, the race itself says.
      const bool comparable = all_comparable(theirs) && std::isfinite(over);
      ratio = comparable ? fmt::format("{:.1f}", over) : "not comparable";
      if (comparable && which.peer != "logistic_glm") log_sum += std::log(over), ++counted;
    }
    row(which.name, "Drey " + ours.front().real, ours, ratio);
    if (!theirs.empty()) row(which.peer, "Stan", theirs, "");
  }
  table.print();
  if (counted > 0)
    fmt::print("\ngeometric mean of the ratios over {} comparable models: {:.1f}\n", counted,
               std::exp(log_sum / counted));
}

std::vector<Case> all_cases(const Settings& settings) {
  std::vector<Case> cases = race_cases(settings.data_file, settings.models);
  if (!settings.directory.empty())
    for (Case& published : published_cases(settings.directory)) cases.push_back(std::move(published));
  return cases;
}

/// The models that were asked for and, with a peer, that it has a program of.
std::vector<Case> chosen_cases(const Settings& settings, const std::string& only) {
  std::vector<Case> cases = all_cases(settings);
  std::erase_if(cases, [&](const Case& which) {
    return which.name.find(only) == std::string::npos && which.peer.find(only) == std::string::npos;
  });
  if (cases.empty()) throw Error("no_case", "no model's name contains " + only);
  std::erase_if(cases, [&](const Case& which) {
    if (settings.peer.empty()) return which.peer == "logistic_glm";
    if (fs::exists(stan_program(which.peer))) return false;
    std::fprintf(stderr, "%s left out: there is no Stan program of it\n", which.name.c_str());
    return true;
  });
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the race's models, and the same models with a peer in the same run");
  Settings settings;
  settings.program = fs::read_symlink("/proc/self/exe").string();
  settings.data_file = DREY_TEST_DATA "/race/data.json";
  settings.models = DREY_BENCH_DIR "/race";
  std::string only, one, scratch = (fs::temp_directory_path() / "drey-race").string();
  bool cold = false;
  std::optional<std::uint64_t> chains;
  app.add_option("--peer", settings.peer, "stan")->check(CLI::IsMember({"stan"}));
  app.add_flag("--cold", cold, "time from the call to an ESS of 1,000 with empty caches");
  app.add_option("--cases", settings.directory,
                 "a folder of published posteriors, run after the race's models")
      ->check(CLI::ExistingDirectory);
  app.add_option("--only", only, "models whose names contain this");
  app.add_option("--chains", chains, "256, or with --cold 64, which a call takes on a CPU");
  app.add_option("--draws", settings.options.draws, "a chain")->capture_default_str();
  app.add_option("--peer-draws", settings.peer_draws, "of each of the peer's four chains")
      ->capture_default_str();
  app.add_option("--seeds", settings.seeds)->capture_default_str();
  app.add_option("--precision", settings.precision, "f32, f64 or auto")->capture_default_str();
  app.add_option("--data", settings.data_file)->capture_default_str();
  app.add_option("--models", settings.models)->capture_default_str();
  app.add_option("--scratch", scratch, "for the peer's compiled models and draws")->capture_default_str();
  app.add_option("--one", one, "a process of --cold: this model with this seed")->group("");
  CLI11_PARSE(app, argc, argv);
  settings.scratch = scratch;
  settings.options.chains = chains.value_or(cold ? 64 : 256);
  settings.options.precision = settings.precision == "f32"   ? nuts::PrecisionChoice::F32
                               : settings.precision == "f64" ? nuts::PrecisionChoice::F64
                                                             : nuts::PrecisionChoice::Auto;
  try {
    if (!one.empty()) {
      for (const Case& which : all_cases(settings))
        if (which.peer == one) {
          const term::Term model = bench::load_model(which.model, which.data);
          gpu::Device device(gpu::default_device());
          glsl::prepare();  // as a node does when it starts
          settings.options.seed = settings.seeds;
          print_run(bench::run_to(device, model, settings.options, 1000));
        }
      return 0;
    }
    const auto cases = chosen_cases(settings, only);
    cold ? cold_race(cases, settings) : race(cases, settings);
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {} {}\n", error.reason(), error.what(), error.where());
    return 1;
  } catch (const std::exception& error) {  // a data set that is no JSON, a folder that cannot be read
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
