#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stats/summary.h"
#include "term/term.h"

/// When a run has draws enough. It is decided at draw numbers that depend on nothing but the cap, so that the same run
/// ends at the same draw on any node, with any budget.
namespace drey::service {

struct StopRule {
  std::optional<double> ess;   ///< the worst parameter's bulk effective sample size, at least
  std::optional<double> rhat;  ///< the worst parameter's R-hat, at most
};

/// `#{ess => N, rhat => R}`, either or both, as a map or a property list.
/// \throws Error{bad_option}
StopRule read_stop(const term::Term& value);

/// The draws kept of each chain at which a run is looked at: 50, then each time a quarter more, the cap last.
std::vector<std::uint64_t> stop_marks(std::uint64_t cap);

/// The worst of the rows; rows of constants, which have neither, do not count.
struct Convergence {
  std::string least_name, largest_name;
  double ess = 0, rhat = 0;  ///< NaN where no row has one
};
Convergence convergence(const std::vector<stats::Row>& rows);

bool reached(const StopRule& rule, const Convergence& at);

/// `#{reached, draws, ess, rhat}`: what a result says of its rule.
term::Term stop_term(bool reached, std::uint64_t draws, const Convergence& at);

/// What a user should know of a rule that the cap came before.
std::string stop_warning(const StopRule& rule, std::uint64_t draws, const Convergence& at);

}  // namespace drey::service
