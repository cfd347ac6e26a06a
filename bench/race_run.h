#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/cases.h"
#include "gpu/device.h"
#include "model/model.h"
#include "nuts/run.h"
#include "nuts/sampler.h"
#include "stats/summary.h"

/// One run of one model, by Drey or by a peer, and how Drey's is made.
namespace drey::bench {

struct Run {
  double compile_ms = 0, warmup_ms = 0, sampling_ms = 0;
  double ess = 0, rhat = 0;
  std::uint64_t divergent = 0, transitions = 0, gradients = 0;
  std::uint64_t warmup_gradients = 0;                      ///< a chain
  double live = std::numeric_limits<double>::quiet_NaN();  ///< share of the lanes' time that chains used
  std::string real;
  std::map<std::string, std::pair<double, double>> means;  ///< a scalar's mean and Monte Carlo error
  double reached_ms = 0;    ///< the clock's, of run_to(): until the ESS was there
  std::uint64_t draws = 0;  ///< of each chain

  bool comparable() const {
    return rhat <= 1.01 && static_cast<double>(divergent) <= 0.01 * static_cast<double>(transitions);
  }
  double sampling_rate() const { return ess / sampling_ms * 1e3; }
  double total_rate() const { return ess / (warmup_ms + sampling_ms) * 1e3; }
  double to_thousand_ms() const {
    return reached_ms > 0 ? reached_ms : compile_ms + warmup_ms + sampling_ms * std::min(1.0, 1000 / ess);
  }
};

inline double elapsed_ms(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
}

/// ESS and R-hat over the scalars of a run: the least and the greatest.
inline void diagnose(Run& run, const std::string& name, const std::vector<double>& column,
                     std::uint64_t chains) {
  const stats::Row row = stats::summarize(name, column, chains);
  if (std::isnan(row.ess_bulk)) return;  // a constant
  run.ess = run.ess == 0 ? row.ess_bulk : std::min(run.ess, row.ess_bulk);
  run.rhat = std::max(run.rhat, row.rhat);
  run.means[name] = {row.mean, row.mcse};
}

inline Run run_drey(gpu::Device& device, const term::Term& term, const nuts::Options& options) {
  Run run;
  const auto start = std::chrono::steady_clock::now();
  const auto model = std::make_shared<const model::Model>(model::compile(term));
  nuts::Sampler sampler(device, model);
  const nuts::Tuning tuning = sampler.warmup(options);
  run.warmup_ms = elapsed_ms(start) - sampler.compile_ms();
  const auto sampling = std::chrono::steady_clock::now();
  const double compile_before = sampler.compile_ms();
  // Each scalar's draws in a column, chain after chain, as the estimator reads them.
  const auto names = scalar_names(*model);
  const std::uint64_t kept = options.chains * options.draws;
  std::vector<std::vector<double>> columns(names.size(), std::vector<double>(kept));
  const auto drawing = sampler.run(tuning, options, {});
  drawing->draw([&](nuts::Window&& window) {
    const nuts::Draws& draws = window.draws;
    for (std::uint64_t c = 0; c < draws.chains; ++c) {
      const std::uint64_t to = (window.first_chain + c) * options.draws + window.first_draw;
      for (std::uint64_t s = 0; s < draws.draws; ++s) {
        const double* draw = draws.outputs.data() + (c * draws.draws + s) * draws.output_size;
        for (std::size_t i = 0; i < names.size(); ++i) columns[i][to + s] = draw[names[i].second];
      }
    }
    return true;
  });
  run.compile_ms = sampler.compile_ms();
  run.sampling_ms = elapsed_ms(sampling) - (run.compile_ms - compile_before);
  for (std::size_t i = 0; i < names.size(); ++i) diagnose(run, names[i].first, columns[i], options.chains);
  run.divergent = drawing->divergent();
  run.transitions = kept;
  run.gradients = drawing->gradients();
  run.live = drawing->live_share();
  run.warmup_gradients = tuning.gradients;
  run.real = tuning.f64 ? "f64" : "f32";
  run.draws = options.draws;
  return run;
}

/// A call that ends when the least bulk ESS has reached `ess`, as `stop => #{ess => N}` does: looked at after 50 draws
/// of each chain and each time a quarter more, the cost of looking included.
inline Run run_to(gpu::Device& device, const term::Term& term, const nuts::Options& options, double ess) {
  const auto start = std::chrono::steady_clock::now();
  const auto model = std::make_shared<const model::Model>(model::compile(term));
  nuts::Sampler sampler(device, model);
  const nuts::Tuning tuning = sampler.warmup(options);
  Run run;
  run.warmup_ms = elapsed_ms(start) - sampler.compile_ms();
  const auto sampling = std::chrono::steady_clock::now();
  const double compile_before = sampler.compile_ms();
  nuts::RunPlan plan;
  plan.abreast = true;
  for (std::uint64_t mark = 50; mark < options.draws; mark += (mark + 3) / 4) plan.marks.push_back(mark);
  const auto marks = plan.marks;
  const auto drawing = sampler.run(tuning, options, std::move(plan));
  const auto names = scalar_names(*model);
  std::vector<std::vector<std::vector<double>>> series(
      names.size(), std::vector<std::vector<double>>(options.chains));  // [scalar][chain]
  drawing->draw([&](nuts::Window&& window) {
    const nuts::Draws& draws = window.draws;
    for (std::size_t n = 0; n < names.size(); ++n)
      for (std::uint64_t i = 0; i < draws.chains * draws.draws; ++i)
        series[n][window.first_chain + i / draws.draws].push_back(
            draws.outputs[i * draws.output_size + names[n].second]);
    run.transitions += draws.chains * draws.draws;
    for (const auto flag : draws.divergent) run.divergent += flag;
    run.draws = window.first_draw + draws.draws;
    const bool looked_at = run.draws == options.draws || std::ranges::binary_search(marks, run.draws);
    if (window.first_chain + draws.chains < options.chains || !looked_at) return true;
    run.ess = run.rhat = 0;
    run.means.clear();
    for (std::size_t n = 0; n < names.size(); ++n) {
      std::vector<double> column;
      for (const auto& chain : series[n]) column.insert(column.end(), chain.begin(), chain.end());
      diagnose(run, names[n].first, column, options.chains);
    }
    return run.ess < ess;
  });
  run.reached_ms = run.ess >= ess ? elapsed_ms(start) : std::numeric_limits<double>::quiet_NaN();
  run.compile_ms = sampler.compile_ms();
  run.sampling_ms = elapsed_ms(sampling) - (run.compile_ms - compile_before);
  run.gradients = drawing->gradients();
  run.live = drawing->live_share();
  run.warmup_gradients = tuning.gradients;
  run.real = tuning.f64 ? "f64" : "f32";
  return run;
}

}  // namespace drey::bench
