#include "service/diagnostics.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "stats/convergence.h"

namespace drey::service {

namespace {

/// Fewer draws say little about the variance of the energy.
constexpr std::uint64_t kLeastDraws = 50;
/// Of a chain, from which on R-hat can be below 1.01.
constexpr double kEffectiveDraws = 100;

}  // namespace

std::vector<double> ebfmi(std::span<const double> energy, std::uint64_t chains) {
  std::vector<double> fractions(chains, std::numeric_limits<double>::quiet_NaN());
  const std::uint64_t draws = energy.size() / chains;
  if (draws < kLeastDraws) return fractions;
  for (std::uint64_t c = 0; c < chains; ++c) fractions[c] = stats::ebfmi(energy.subspan(c * draws, draws));
  return fractions;
}

std::vector<std::string> warnings(std::uint64_t chains, std::span<const double> ebfmi,
                                  const std::vector<stats::Row>& rows) {
  std::vector<std::string> found;
  const auto low = std::ranges::count_if(ebfmi, [](double fraction) { return fraction < 0.3; });
  if (low > 0)
    found.push_back(fmt::format(
        "{} of {} chains have an E-BFMI below 0.3: the tails of the energy are explored slowly; write "
        "hierarchical parameters non-centred, or put tighter priors on scales",
        low, chains));

  const stats::Row* worst = nullptr;
  std::size_t above = 0;
  for (const stats::Row& row : rows) {
    if (!(row.rhat > 1.01)) continue;
    ++above;
    if (!worst || row.rhat > worst->rhat) worst = &row;
  }
  if (worst) {
    // Split chains of n effective draws that agree in all have an R-hat near sqrt(1 + 2 / n): 1.01 at 100.
    // Of the tails too, as R-hat looks at the spread as well.
    const double each = std::min(worst->ess_bulk, worst->ess_tail) / static_cast<double>(chains);
    const std::string why =
        each < kEffectiveDraws
            ? fmt::format(
                  "have not mixed, or are too short for R-hat to tell: about {:.0f} effective draws each, "
                  "where it needs {:.0f}; take more draws of each, and check the model for several modes",
                  each, kEffectiveDraws)
            : "have not mixed; take more warm-up and draws, and check the model for several modes";
    found.push_back(
        fmt::format("R-hat is above 1.01 for {} of {} quantities (largest {:.3f}, {}): the chains {}", above,
                    rows.size(), worst->rhat, worst->name, why));
  }

  const double enough = 100.0 * static_cast<double>(std::min<std::uint64_t>(chains, 4));
  const stats::Row* least = nullptr;
  const auto ess = [](const stats::Row& row) { return std::min(row.ess_bulk, row.ess_tail); };
  std::size_t below = 0;
  for (const stats::Row& row : rows) {
    if (!(ess(row) < enough)) continue;
    ++below;
    if (!least || ess(row) < ess(*least)) least = &row;
  }
  if (least)
    found.push_back(fmt::format(
        "the effective sample size is below {:.0f} for {} of {} quantities (smallest {:.0f}, {}): means and "
        "quantiles are uncertain; take more draws",
        enough, below, rows.size(), ess(*least), least->name));
  return found;
}

}  // namespace drey::service
