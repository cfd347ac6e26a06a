#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gpu/device.h"
#include "model/evaluator.h"
#include "nuts/run.h"

// What a run says of itself: its divergences, its warnings.
namespace drey::nuts {
namespace {

bool earlier(const Snapshot::Suspect& a, const Snapshot::Suspect& b) {
  return std::pair(a.draw, a.chain) < std::pair(b.draw, b.chain);
}

}  // namespace

std::vector<Divergence> Run::divergences(std::stop_token stop) {
  std::vector<Snapshot::Suspect> suspects;
  for (const auto& batch : batches_)
    suspects.insert(suspects.end(), batch.suspects.begin(), batch.suspects.end());
  std::sort(suspects.begin(), suspects.end(), earlier);
  if (suspects.size() > kMostDivergences) suspects.resize(kMostDivergences);
  std::vector<Divergence> found;
  if (suspects.empty()) return found;
  Chains chains(kernels_.chains, 1, 1, false);
  model::Evaluator evaluator(kernels_.density, kernels_.model.data);
  for (const auto& suspect : suspects) {
    Batch alone;
    alone.first = suspect.chain;
    alone.count = 1;
    if (!suspect.before.empty())
      chains.start_at(suspect.before);
    else if (tuning_.position_count == 0)
      chains.start_dispersed();
    else
      chains.start_at(start(alone));
    chains.rewind(static_cast<std::uint32_t>(suspect.draw * options_.thin));
    chains.set_scale(scale_);
    RunOptions run = options_of(alone);
    run.base = static_cast<std::uint32_t>(suspect.draw);
    run.limit = static_cast<std::uint32_t>((suspect.draw + 1) * options_.thin);
    if (chains.run(run, {}, stop).failed || !chains.record(1).word(0, 2, 0)) continue;
    auto ends = chains.ends();
    const double lp = evaluator.run(ends.positions).target;
    found.push_back({options_.first_chain + suspect.chain, suspect.draw, std::move(ends.positions),
                     (ends.start_lp[0] - lp) + (ends.kinetic[0] - ends.start_kinetic[0])});
  }
  return found;
}

std::vector<std::string> Run::warnings() const {
  std::vector<std::string> found;
  std::uint64_t kept = 0;
  for (const auto& batch : batches_) kept += batch.count * batch.draws;
  if (divergent_)
    found.push_back(
        fmt::format("{} of {} transitions diverged: parts of the posterior may be missed; raise "
                    "target_accept, or write the "
                    "model in other parameters (a non-centred hierarchy)",
                    divergent_, kept));
  if (deep_)
    found.push_back(
        fmt::format("{} of {} transitions reached max_depth {}: draws are more correlated than "
                    "they need be; raise max_depth or rescale the model",
                    deep_, kept, options_.max_depth));
  if (options_.precision == PrecisionChoice::Auto)
    found.push_back(tuning_.f64 ? "precision auto chose f64: f32 is too coarse for this model and data"
                    : kernels_.device.info().f64
                        ? "precision auto chose f32: its energy error is negligible here"
                        : "precision auto took f32: this device has no f64");
  if (tuning_.position_count == 0)
    found.push_back(
        "the tuning has no positions: chains start dispersed, and their first draws are on "
        "their way in");
  else if (options_.first_chain + options_.chains > tuning_.position_count)
    found.push_back(fmt::format(
        "{} warmed positions are shared by more chains: chains of one position start alike, which "
        "R-hat does not see",
        tuning_.position_count));
  return found;
}

}  // namespace drey::nuts
