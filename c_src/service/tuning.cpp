#include "service/tuning.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "service/arrays.h"

namespace drey::service {

using term::Term;

namespace {

constexpr std::int64_t version = 1;

struct NamedMetric {
  std::string_view name;
  nuts::MetricKind kind;
};
constexpr NamedMetric kMetrics[] = {{"diagonal", nuts::MetricKind::Diagonal},
                                    {"low_rank", nuts::MetricKind::LowRank},
                                    {"dense", nuts::MetricKind::Dense}};

std::string_view metric_name(nuts::MetricKind kind) {
  return std::ranges::find(kMetrics, kind, &NamedMetric::kind)->name;
}

[[noreturn]] void bad(const std::string& message, std::string_view field = {}) {
  throw Error("bad_tuning", message, field.empty() ? "tuning" : fmt::format("tuning: {}", field));
}

const Term& field(const Term& tuning, std::string_view name) {
  const Term* value = tuning.find(name);
  if (!value) bad(fmt::format("the tuning has no {}; hand over what warmup answered, unchanged", name));
  return *value;
}

std::uint64_t whole(const Term& tuning, std::string_view name) {
  const Term& value = field(tuning, name);
  const auto* n = value.as<std::int64_t>();
  if (!n || *n < 0) bad(fmt::format("{} is an integer from 0; found {}", name, term::to_string(value)), name);
  return static_cast<std::uint64_t>(*n);
}

std::string_view one_of(const Term& tuning, std::string_view name, std::span<const std::string_view> known) {
  const Term& value = field(tuning, name);
  for (const auto choice : known)
    if (value.is_atom(choice)) return choice;
  bad(fmt::format("{} is {}, which this version does not know", name, term::to_string(value)), name);
}

}  // namespace

Term tuning_term(const nuts::Tuning& tuning) {
  const auto whole_number = [](std::uint64_t n) { return Term(static_cast<std::int64_t>(n)); };
  return term::map({
      {"version", Term(version)},
      {"precision", term::atom(tuning.f64 ? "f64" : "f32")},
      {"mapping", term::atom(tuning.mapping)},
      {"metric", term::atom(metric_name(tuning.metric))},
      {"step_size", Term(tuning.step_size)},
      {"inverse_metric", array_f64(tuning.inverse_metric, {tuning.inverse_metric.size()})},
      {"dimension", whole_number(tuning.dimension)},
      {"positions", array_f64(tuning.positions, {tuning.position_count, tuning.dimension})},
      {"model_key", term::text(tuning.model_key)},
      {"transitions", whole_number(tuning.transitions)},
      {"gradients", whole_number(tuning.gradients)},
      {"divergent", whole_number(tuning.divergent)},
  });
}

nuts::Tuning read_tuning(const Term& value) {
  if (!value.as<term::Map>())
    bad("a tuning is the map that warmup answered; found " + term::to_string(value));
  if (whole(value, "version") != static_cast<std::uint64_t>(version))
    bad(fmt::format("the tuning has version {}; this node reads version {}",
                    term::to_string(field(value, "version")), version),
        "version");
  constexpr std::array<std::string_view, 2> precisions = {"f32", "f64"};
  constexpr std::array<std::string_view, 2> mappings = {"invocation", "subgroup"};
  nuts::Tuning tuning;
  tuning.f64 = one_of(value, "precision", precisions) == "f64";
  tuning.mapping = one_of(value, "mapping", mappings);
  constexpr std::array<std::string_view, 3> metrics = {"diagonal", "low_rank", "dense"};
  tuning.metric = std::ranges::find(kMetrics, one_of(value, "metric", metrics), &NamedMetric::name)->kind;
  const auto step_size = field(value, "step_size").number();
  if (!step_size || !(*step_size > 0) || !std::isfinite(*step_size))
    bad(fmt::format("step_size is a number above 0; found {}", term::to_string(field(value, "step_size"))),
        "step_size");
  tuning.step_size = *step_size;
  tuning.dimension = whole(value, "dimension");
  tuning.transitions = whole(value, "transitions");
  tuning.gradients = whole(value, "gradients");
  tuning.divergent = whole(value, "divergent");
  const auto* key = field(value, "model_key").as<term::Binary>();
  if (!key || key->size() > 4096) bad("model_key is a binary", "model_key");
  tuning.model_key = key->text();

  const auto finite = [](const std::vector<double>& values) {
    return std::ranges::all_of(values, [](double x) { return std::isfinite(x); });
  };
  try {
    tuning.inverse_metric = read_numbers(field(value, "inverse_metric"), "inverse_metric").values;
    Numbers positions = read_numbers(field(value, "positions"), "positions");
    if (positions.shape.size() != 2 || positions.shape[1] != tuning.dimension || positions.shape[0] == 0)
      bad(fmt::format("positions has shape [count, {}], at least one", tuning.dimension), "positions");
    tuning.position_count = positions.shape[0];
    tuning.positions = std::move(positions.values);
  } catch (const Error& error) {
    bad(error.message(), "arrays");
  }
  if (!finite(tuning.positions)) bad("positions has a number that is not finite", "positions");
  if (!finite(tuning.inverse_metric) || tuning.inverse_metric.empty())
    bad("inverse_metric has a number that is not finite, or none", "inverse_metric");
  if (tuning.metric == nuts::MetricKind::Diagonal) {
    if (tuning.inverse_metric.size() != tuning.dimension)
      bad(fmt::format("a diagonal inverse_metric has {} numbers; found {}", tuning.dimension,
                      tuning.inverse_metric.size()),
          "inverse_metric");
    if (std::ranges::any_of(tuning.inverse_metric, [](double x) { return !(x > 0); }))
      bad("a diagonal inverse_metric has only numbers above 0", "inverse_metric");
  }
  if (tuning.metric == nuts::MetricKind::Dense &&
      tuning.inverse_metric.size() != tuning.dimension * tuning.dimension)
    bad(fmt::format("a dense inverse_metric has {} numbers; found {}", tuning.dimension * tuning.dimension,
                    tuning.inverse_metric.size()),
        "inverse_metric");
  return tuning;
}

void check_tuning(const nuts::Tuning& tuning, std::uint64_t dimension, std::string_view model_key,
                  const Options& options) {
  if (tuning.dimension != dimension)
    bad(fmt::format("the tuning is of a model with {} dimensions, this one has {}; warm this model up",
                    tuning.dimension, dimension),
        "dimension");
  if (tuning.model_key != model_key)
    bad("the tuning is of another model; warm this model up, or check that both calls name the same one",
        "model_key");
  if (options.precision_given && options.sampling.precision != nuts::PrecisionChoice::Auto &&
      tuning.f64 != (options.sampling.precision == nuts::PrecisionChoice::F64))
    bad(fmt::format("the tuning was made in {}; leave the option precision out, or warm up in the other",
                    tuning.f64 ? "f64" : "f32"),
        "precision");
  if (options.metric_given && options.sampling.metric != tuning.metric)
    bad(fmt::format("the tuning's metric is {}; leave the option metric out, or warm up with the other",
                    metric_name(tuning.metric)),
        "metric");
}

}  // namespace drey::service
