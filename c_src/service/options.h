#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nuts/sampler.h"
#include "service/checkpoint.h"
#include "service/stopping.h"
#include "term/term.h"

/// Options of the calls: a map or a property list. Every one is checked here, before any device work.
namespace drey::service {

/// One row of the table of options: what docs/calls.md lists and unknown names are compared with.
struct OptionRow {
  std::string_view name;
  std::string_view calls;     ///< which calls take it, separated by spaces
  std::string_view value;     ///< what it may be, for a person
  std::string_view fallback;  ///< the default, for a person
  std::string_view meaning;
};
std::vector<OptionRow> option_table();

struct Options {
  std::optional<std::uint64_t> chains;  ///< none: as many as fit the device
  nuts::Options sampling;               ///< chains and seed are set by the call when the caller gave none
  bool seed_given = false, precision_given = false, metric_given = false;
  std::optional<term::Term> tuning;
  std::optional<std::vector<std::string>> outputs;  ///< none: all
  std::optional<term::Term> stream_to;              ///< a pid
  std::optional<std::chrono::milliseconds> deadline;
  std::optional<std::uint32_t> device;  ///< none: the engine's
  bool host = false;                    ///< log_density: the host's evaluator
  bool summary = true;
  bool log = false;                ///< lines about the job go to the caller
  std::vector<std::string> given;  ///< the names of the options that were there

  std::optional<StopRule> stop;
  bool stream_progress = true, stream_draws = true;  ///< what stream_to gets
  std::uint64_t window = 0;                          ///< draws of a streamed window; 0: chosen
  std::optional<std::uint64_t> credit;               ///< windows; none: any number
  std::optional<Keep> keep;
  bool checkpoint = false;
  std::optional<std::chrono::milliseconds> checkpoint_every;
  std::optional<term::Term> resume;  ///< a binary
};

/// \param call the call's name: which options it takes
/// \throws Error{unknown_option} with the nearest name, Error{bad_option} what the option may be and what it
/// is
Options read_options(const term::Term& options, std::string_view call);

}  // namespace drey::service
