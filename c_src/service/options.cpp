#include "service/options.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "error.h"
#include "model/nearest.h"

namespace drey::service {

using term::Term;

namespace {

[[noreturn]] void refuse(std::string_view name, const Term& value, std::string_view expected) {
  throw Error("bad_option", fmt::format("{} is {}; found {}", name, expected, term::to_string(value)),
              fmt::format("options: {}", name));
}

std::int64_t integer(std::string_view name, const Term& value, std::int64_t least, std::int64_t most) {
  const auto* n = value.as<std::int64_t>();
  if (!n || *n < least || *n > most)
    refuse(name, value, fmt::format("an integer from {} to {}", least, most));
  return *n;
}

std::uint64_t count(std::string_view name, const Term& value, std::int64_t least, std::int64_t most) {
  return static_cast<std::uint64_t>(integer(name, value, least, most));
}

/// The index among `names` of an atom.
std::size_t choice(std::string_view name, const Term& value, std::initializer_list<std::string_view> names) {
  std::size_t index = 0;
  for (const auto known : names) {
    if (value.is_atom(known)) return index;
    ++index;
  }
  std::string expected = "one of the atoms";
  for (const auto known : names) expected += fmt::format(" {}", known);
  refuse(name, value, expected);
}

bool is_pid(const Term& value) {
  const auto* opaque = value.as<term::Opaque>();
  return opaque && !opaque->bytes.empty() && (opaque->bytes.front() == 88 || opaque->bytes.front() == 103);
}

std::optional<std::string> name_of(const Term& value) {
  if (const auto* atom = value.as<term::Atom>()) return atom->name;
  if (const auto* binary = value.as<term::Binary>()) return std::string(binary->text());
  return std::nullopt;
}

constexpr std::int64_t max_chains = 65536, max_draws = 1000000, max_warmup = 100000, max_thin = 10000,
                       max_budget = 1000000, max_depth = 15;
/// Draws of each chain where `stop` ends the run.
constexpr std::uint64_t default_cap = 10000;
constexpr std::int64_t max_first = (std::int64_t{1} << 32) - 1 - max_chains;

struct Row {
  OptionRow row;
  std::function<void(std::string_view, const Term&, Options&)> read;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {{"chains", "warmup sample", "1 to 65536", "as many as suit the device", "how many chains run"},
       [](auto name, const Term& v, Options& o) { o.chains = count(name, v, 1, max_chains); }},
      {{"draws", "warmup sample", "1 to 1000000", "1000",
        "draws kept of each chain (warmup takes it and needs it not, so that both calls can have the same "
        "options; so thin, outputs, summary)"},
       [](auto name, const Term& v, Options& o) { o.sampling.draws = count(name, v, 1, max_draws); }},
      {{"warmup", "warmup sample", "1 to 100000", "1000",
        "transitions a chain may spend on warm-up, at most; the pooled schedule uses fewer"},
       [](auto name, const Term& v, Options& o) { o.sampling.warmup = count(name, v, 1, max_warmup); }},
      {{"thin", "warmup sample", "1 to 10000", "1", "keeps every so manieth transition"},
       [](auto name, const Term& v, Options& o) { o.sampling.thin = count(name, v, 1, max_thin); }},
      {{"seed", "warmup sample", "an integer from 0", "a fresh one, which the result names",
        "the same model, seed, chain numbers and tuning give the same draws"},
       [](auto name, const Term& v, Options& o) {
         o.sampling.seed = count(name, v, 0, std::numeric_limits<std::int64_t>::max());
         o.seed_given = true;
       }},
      {{"first_chain", "warmup sample", "an integer from 0", "0",
        "the global number of this job's first chain, for runs split over nodes"},
       [](auto name, const Term& v, Options& o) { o.sampling.first_chain = count(name, v, 0, max_first); }},
      {{"precision", "log_density warmup sample", "f32, f64, auto", "auto (log_density: f64)",
        "of the arithmetic on the device; auto takes f32 where its noise stays small on this model, else "
        "f64"},
       [](auto name, const Term& v, Options& o) {
         constexpr nuts::PrecisionChoice choices[] = {nuts::PrecisionChoice::F32, nuts::PrecisionChoice::F64,
                                                      nuts::PrecisionChoice::Auto};
         o.sampling.precision = choices[choice(name, v, {"f32", "f64", "auto"})];
         o.precision_given = true;
       }},
      {{"metric", "warmup sample", "auto, diagonal, low_rank, dense", "auto",
        "the kind of inverse metric; auto takes a dense one (low_rank, a diagonal and up to 16 directions, beyond 32 "
        "dimensions) where the draws of the warm-up are correlated enough"},
       [](auto name, const Term& v, Options& o) {
         constexpr nuts::MetricKind kinds[] = {nuts::MetricKind::Auto, nuts::MetricKind::Diagonal,
                                               nuts::MetricKind::LowRank, nuts::MetricKind::Dense};
         o.sampling.metric = kinds[choice(name, v, {"auto", "diagonal", "low_rank", "dense"})];
         o.metric_given = o.sampling.metric != nuts::MetricKind::Auto;
       }},
      {{"mapping", "warmup sample", "auto, invocation, subgroup", "auto",
        "how chains lie on the device: one an invocation, or one a subgroup, whose lanes share its dimensions and "
        "data; auto takes what costs less. A tuning keeps its own"},
       [](auto name, const Term& v, Options& o) {
         constexpr nuts::Mapping mappings[] = {nuts::Mapping::Auto, nuts::Mapping::Invocation,
                                               nuts::Mapping::Subgroup};
         o.sampling.mapping = mappings[choice(name, v, {"auto", "invocation", "subgroup"})];
       }},
      {{"start", "warmup sample", "pathfinder, dispersed", "pathfinder",
        "where the chains of a warm-up begin: where Pathfinder finds the mass, climbing from dispersed places, or "
        "in these places themselves"},
       [](auto name, const Term& v, Options& o) {
         constexpr nuts::StartKind kinds[] = {nuts::StartKind::Pathfinder, nuts::StartKind::Dispersed};
         o.sampling.start = kinds[choice(name, v, {"pathfinder", "dispersed"})];
       }},
      {{"target_accept", "warmup sample", "a number from 0.1 to 0.999", "0.8",
        "the acceptance that warm-up tunes the step size for, at least: nearer 1 means smaller steps. It takes a smaller one "
        "still where chains wait for one another's trees and larger trees cost no time"},
       [](auto name, const Term& v, Options& o) {
         const auto x = v.number();
         if (!x || !(*x >= 0.1 && *x <= 0.999)) refuse(name, v, "a number from 0.1 to 0.999");
         o.sampling.target_accept = *x;
       }},
      {{"max_depth", "warmup sample", "1 to 15", "10", "trajectories have fewer than 2^max_depth leapfrogs"},
       [](auto name, const Term& v, Options& o) {
         o.sampling.max_depth = static_cast<int>(integer(name, v, 1, max_depth));
       }},
      {{"tuning", "sample", "what warmup answered", "none: warms up first",
        "starts from these positions, step size and metric"},
       [](auto name, const Term& v, Options& o) {
         if (!v.template as<term::Map>()) refuse(name, v, "the map that warmup answered");
         o.tuning = v;
       }},
      {{"outputs", "warmup sample", "all, or a list of names", "all",
        "which parameters, transformed and generated quantities are returned"},
       [](auto name, const Term& v, Options& o) {
         if (v.is_atom("all")) return;
         const auto* list = v.template as<term::List>();
         if (!list || list->tail) refuse(name, v, "the atom all or a list of names");
         o.outputs.emplace();
         for (const Term& element : list->elements) {
           const auto output = name_of(element);
           if (!output) refuse(name, element, "a list of names (atoms)");
           if (std::ranges::find(*o.outputs, *output) == o.outputs->end()) o.outputs->push_back(*output);
         }
       }},
      {{"summary", "warmup sample", "true, false", "true", "whether the result has summary rows"},
       [](auto name, const Term& v, Options& o) {
         o.summary = choice(name, v, {"false", "true"}) == 1;
       }},
      {{"log", "warmup sample", "true, false", "false",
        "lines about what the job does are printed where the caller is: they go to its group leader, such as a shell"},
       [](auto name, const Term& v, Options& o) {
         o.log = choice(name, v, {"false", "true"}) == 1;
       }},
      {{"stop", "sample", "#{ess => N, rhat => R}, either or both", "none: all draws",
        "draws until the worst parameter has that bulk effective sample size at least and that R-hat at most; draws "
        "(then 10000 by default) is the cap"},
       [](auto, const Term& v, Options& o) { o.stop = read_stop(v); }},
      {{"keep", "warmup sample", "all, new, none", "all",
        "the draws that the result holds: all of the run, those made by this call (after resume), or none, which are "
        "streamed and take no memory"},
       [](auto name, const Term& v, Options& o) {
         constexpr Keep keeps[] = {Keep::All, Keep::New, Keep::None};
         o.keep = keeps[choice(name, v, {"all", "new", "none"})];
       }},
      {{"checkpoint", "sample", "true, false", "false",
        "the result holds a checkpoint, and so does the error of a deadline or of cancel, with the draws made so far"},
       [](auto name, const Term& v, Options& o) {
         o.checkpoint = choice(name, v, {"false", "true"}) == 1;
       }},
      {{"checkpoint_every_ms", "sample", "10 to 2147483647", "none",
        "stream_to gets the messages {drey, Job, {checkpoint, Binary}} so often"},
       [](auto name, const Term& v, Options& o) {
         o.checkpoint_every =
             std::chrono::milliseconds(integer(name, v, 10, std::numeric_limits<std::int32_t>::max()));
       }},
      {{"resume", "sample", "a checkpoint", "none: a new run",
        "goes on where the checkpoint was made, to the same draws; draws may be more than before"},
       [](auto name, const Term& v, Options& o) {
         if (!v.template as<term::Binary>()) refuse(name, v, "a checkpoint, which is a binary");
         o.resume = v;
       }},
      {{"stream_to", "warmup sample", "a pid", "none",
        "gets the messages {drey, Job, {progress, Map}} and {drey, Job, {draws, Map}} while the job runs"},
       [](auto name, const Term& v, Options& o) {
         if (!is_pid(v)) refuse(name, v, "a pid");
         o.stream_to = v;
       }},
      {{"stream", "warmup sample", "all, draws, progress", "all", "which messages stream_to gets"},
       [](auto name, const Term& v, Options& o) {
         const std::size_t which = choice(name, v, {"all", "draws", "progress"});
         o.stream_draws = which != 2;
         o.stream_progress = which != 1;
       }},
      {{"window", "warmup sample", "1 to 1000000", "a twentieth of draws",
        "draws of each chain in one {draws, Map} message"},
       [](auto name, const Term& v, Options& o) { o.window = count(name, v, 1, max_draws); }},
      {{"credit", "warmup sample", "1 to 1000000", "none: the job does not wait for the subscriber",
        "windows that are sent before credit(Job, N) allows more"},
       [](auto name, const Term& v, Options& o) { o.credit = count(name, v, 1, max_draws); }},
      {{"deadline_ms", "log_density warmup sample", "1 to 2147483647", "none",
        "the call answers {error, #{reason => deadline}} after so many milliseconds"},
       [](auto name, const Term& v, Options& o) {
         o.deadline =
             std::chrono::milliseconds(integer(name, v, 1, std::numeric_limits<std::int32_t>::max()));
       }},
      {{"device", "log_density warmup sample", "an index of info(); log_density: or host", "the best one",
        "where to compute; host is the evaluator in f64 on the CPU"},
       [](auto name, const Term& v, Options& o) {
         if (v.is_atom("host")) {
           o.host = true;
         } else {
           o.device = static_cast<std::uint32_t>(integer(name, v, 0, 255));
         }
       }},
      {{"budget", "warmup sample", "0 to 1000000", "0: chosen from the device and the kernel",
        "leapfrogs a chain runs in one dispatch, at most; never changes draws"},
       [](auto name, const Term& v, Options& o) { o.sampling.budget = count(name, v, 0, max_budget); }},
  };
  return all;
}

bool takes(const OptionRow& row, std::string_view call) {
  for (std::size_t at = 0; at < row.calls.size();) {
    const std::size_t end = std::min(row.calls.find(' ', at), row.calls.size());
    if (row.calls.substr(at, end - at) == call) return true;
    at = end + 1;
  }
  return false;
}

void read_one(const Term& key, const Term& value, std::string_view call, std::vector<std::string>& seen,
              Options& options) {
  const auto name = name_of(key);
  if (!name)
    throw Error("bad_option", fmt::format("an option's name is an atom; found {}", term::to_string(key)),
                "options");
  if (std::ranges::find(seen, *name) != seen.end()) return;  // the first of a property list counts
  seen.push_back(*name);
  std::vector<std::string> known;
  for (const Row& row : rows()) {
    if (!takes(row.row, call)) continue;
    if (row.row.name == *name) {
      row.read(*name, value, options);
      options.given.push_back(*name);
      return;
    }
    known.emplace_back(row.row.name);
  }
  for (const Row& row : rows())
    if (row.row.name == *name)
      throw Error("unknown_option",
                  fmt::format("{} takes no option {}; it is one of: {}", call, *name, row.row.calls),
                  "options");
  std::string message = fmt::format("{} has no option {}", call, *name);
  const std::string nearest = model::did_you_mean(*name, known);
  message += nearest.empty() ? fmt::format("; it takes {}", fmt::join(known, ", ")) : nearest;
  throw Error("unknown_option", message, "options");
}

}  // namespace

std::vector<OptionRow> option_table() {
  std::vector<OptionRow> table;
  for (const Row& row : rows()) table.push_back(row.row);
  return table;
}

Options read_options(const Term& term, std::string_view call) {
  Options options;
  std::vector<std::string> seen;
  static const Term yes = term::boolean(true);
  if (const auto* map = term.as<term::Map>()) {
    for (const auto& [key, value] : map->pairs) read_one(key, value, call, seen, options);
  } else if (const auto* list = term.as<term::List>(); list && !list->tail) {
    for (const Term& element : list->elements) {
      const auto* pair = element.as<term::Tuple>();
      if (pair && pair->elements.size() == 2)
        read_one(pair->elements[0], pair->elements[1], call, seen, options);
      else if (element.as<term::Atom>())
        read_one(element, yes, call, seen, options);
      else
        throw Error("bad_option",
                    fmt::format("an option is {{Name, Value}}; found {}", term::to_string(element)),
                    "options");
    }
  } else {
    throw Error("bad_option",
                fmt::format("options are a map or a property list; found {}", term::to_string(term)),
                "options");
  }
  const auto together = [&](bool wrong, std::string_view name, const char* message) {
    if (wrong) throw Error("bad_option", message, fmt::format("options: {}", name));
  };
  together(options.credit && !options.stream_to, "credit",
           "credit is of the windows that stream_to gets; name a stream_to");
  together(options.checkpoint_every && !options.stream_to, "checkpoint_every_ms",
           "checkpoint_every_ms sends checkpoints to stream_to; name one");
  together(options.keep == Keep::None && options.stop.has_value(), "keep",
           "stop looks at all draws, which keep => none does not hold; leave one of both out");
  together(options.keep == Keep::New && options.stop.has_value(), "keep",
           "stop looks at all draws, which keep => new does not hold; leave one of both out");
  together(options.resume && options.tuning, "tuning",
           "a checkpoint has its own tuning; leave tuning or resume out");
  if (options.stop && std::ranges::find(options.given, "draws") == options.given.end())
    options.sampling.draws = default_cap;
  if (options.host && call != "log_density")
    throw Error("bad_option", "only log_density runs on the host; device is an index that info() lists",
                "options: device");
  return options;
}

}  // namespace drey::service
