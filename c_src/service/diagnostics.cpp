#include "service/diagnostics.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "stats/convergence.h"

namespace drey::service {

std::vector<std::string> warnings(const nuts::Draws& draws, const std::vector<stats::Row>& rows) {
  std::vector<std::string> found;
  const std::uint64_t total = draws.chains * draws.draws;
  if (total == 0) return found;

  std::uint64_t low = 0;
  double lowest = 1;
  for (std::uint64_t c = 0; draws.energy.size() == total && c < draws.chains; ++c) {
    // Fewer draws say little about the variance of the energy.
    if (draws.draws < 50) break;
    const double fraction = stats::ebfmi(std::span(draws.energy).subspan(c * draws.draws, draws.draws));
    if (fraction < 0.3) {
      ++low;
      lowest = std::min(lowest, fraction);
    }
  }
  if (low > 0)
    found.push_back(
        fmt::format("E-BFMI is below 0.3 in {} of {} chains (lowest {:.2f}): the tails of the energy are "
                    "explored slowly; "
                    "write hierarchical parameters non-centred, or put tighter priors on scales",
                    low, draws.chains, lowest));

  const stats::Row* worst = nullptr;
  std::size_t above = 0;
  for (const stats::Row& row : rows) {
    if (!(row.rhat > 1.01)) continue;
    ++above;
    if (!worst || row.rhat > worst->rhat) worst = &row;
  }
  if (worst)
    found.push_back(
        fmt::format("R-hat is above 1.01 for {} of {} quantities (largest {:.3f}, {}): the chains have not "
                    "mixed; take more "
                    "warm-up and draws, and check the model for several modes",
                    above, rows.size(), worst->rhat, worst->name));

  const double enough = 100.0 * static_cast<double>(std::min<std::uint64_t>(draws.chains, 4));
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
