#include "service/stopping.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "service/arrays.h"

namespace drey::service {

using term::Term;

namespace {

constexpr std::uint64_t kFirst = 50;
constexpr double kLeastEss = 1, kMostEss = 1e9, kLeastRhat = 1, kMostRhat = 10;

[[noreturn]] void refuse(const Term& value) {
  throw Error("bad_option",
              fmt::format("stop is #{{ess => 1 to 1e9, rhat => above 1 to 10}}, either or both; found {}",
                          term::to_string(value)),
              "options: stop");
}

void read_one(const Term& key, const Term& value, const Term& whole, StopRule& rule) {
  const auto number = value.number();
  if (!number) refuse(whole);
  if (key.is_atom("ess") && *number >= kLeastEss && *number <= kMostEss)
    rule.ess = *number;
  else if (key.is_atom("rhat") && *number > kLeastRhat && *number <= kMostRhat)
    rule.rhat = *number;
  else
    refuse(whole);
}

std::string text(double value) { return std::isnan(value) ? "undefined" : fmt::format("{:.4g}", value); }

}  // namespace

StopRule read_stop(const Term& value) {
  StopRule rule;
  if (const auto* map = value.as<term::Map>()) {
    for (const auto& [key, number] : map->pairs) read_one(key, number, value, rule);
  } else if (const auto* list = value.as<term::List>(); list && !list->tail) {
    for (const Term& element : list->elements) {
      const auto* pair = element.as<term::Tuple>();
      if (!pair || pair->elements.size() != 2) refuse(value);
      read_one(pair->elements[0], pair->elements[1], value, rule);
    }
  }
  if (!rule.ess && !rule.rhat) refuse(value);
  return rule;
}

std::vector<std::uint64_t> stop_marks(std::uint64_t cap) {
  std::vector<std::uint64_t> marks;
  // Even, so that halves of chains are equal.
  for (std::uint64_t mark = kFirst; mark < cap; mark = (mark + mark / 4 + 1) / 2 * 2) marks.push_back(mark);
  marks.push_back(cap);
  return marks;
}

Convergence convergence(const std::vector<stats::Row>& rows) {
  Convergence worst;
  worst.ess = worst.rhat = std::numeric_limits<double>::quiet_NaN();
  for (const stats::Row& row : rows) {
    if (!std::isnan(row.ess_bulk) && !(row.ess_bulk >= worst.ess)) {
      worst.ess = row.ess_bulk;
      worst.least_name = row.name;
    }
    if (!std::isnan(row.rhat) && !(row.rhat <= worst.rhat)) {
      worst.rhat = row.rhat;
      worst.largest_name = row.name;
    }
  }
  return worst;
}

bool reached(const StopRule& rule, const Convergence& at) {
  // Undefined compares false: not reached.
  return (!rule.ess || at.ess >= *rule.ess) && (!rule.rhat || at.rhat <= *rule.rhat);
}

Term stop_term(bool reached, std::uint64_t draws, const Convergence& at) {
  return term::map({{"reached", term::boolean(reached)},
                    {"draws", Term(static_cast<std::int64_t>(draws))},
                    {"ess", number(at.ess)},
                    {"rhat", number(at.rhat)}});
}

std::string stop_warning(const StopRule& rule, std::uint64_t draws, const Convergence& at) {
  std::string missed;
  if (rule.ess && !(at.ess >= *rule.ess))
    missed = fmt::format("the bulk effective sample size of {} is {}, not {:.6g}", at.least_name,
                         text(at.ess), *rule.ess);
  if (rule.rhat && !(at.rhat <= *rule.rhat))
    missed += fmt::format("{}the R-hat of {} is {}, not {:.6g}", missed.empty() ? "" : ", and ",
                          at.largest_name, text(at.rhat), *rule.rhat);
  return fmt::format(
      "stopped at the cap of {} draws before `stop` was reached: {}; raise `draws`, which caps it, or "
      "resume from a checkpoint (option checkpoint) with more",
      draws, missed);
}

}  // namespace drey::service
