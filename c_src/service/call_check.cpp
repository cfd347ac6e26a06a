#include <chrono>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "error.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "service/calls.h"

namespace drey::service {

using term::Term;

namespace {

Term sizes(const model::Shape& shape) {
  std::vector<Term> terms;
  for (const std::uint64_t size : shape) terms.emplace_back(static_cast<std::int64_t>(size));
  return term::list(std::move(terms));
}

Term describe(const model::Model& model) {
  std::vector<Term> parameters, outputs, warnings;
  for (const model::Parameter& p : model.parameters)
    parameters.push_back(term::map({{"name", term::atom(p.name)},
                                    {"type", term::text(p.constraint)},
                                    {"shape", sizes(p.shape)},
                                    {"offset", Term(static_cast<std::int64_t>(p.offset))},
                                    {"size", Term(static_cast<std::int64_t>(p.size))}}));
  constexpr std::string_view kinds[] = {"parameter", "transformed", "generated"};
  for (const model::Output& o : model.outputs)
    outputs.push_back(term::map({{"name", term::atom(o.name)},
                                 {"kind", term::atom(kinds[static_cast<std::size_t>(o.kind)])},
                                 {"type", term::atom(o.type == model::Type::Integer ? "integer" : "real")},
                                 {"shape", sizes(o.shape)}}));
  for (const std::string& warning : model.warnings) warnings.push_back(term::text(warning));
  return term::map({{"dimension", Term(static_cast<std::int64_t>(model.dimension))},
                    {"parameters", term::list(std::move(parameters))},
                    {"outputs", term::list(std::move(outputs))},
                    {"warnings", term::list(std::move(warnings))}});
}

/// Looks for a start with a finite density: the origin, then points uniform in (-2, 2), as sampling will.
/// \throws Error{bad_start} when none of a hundred has one
void find_start(const model::Model& model, const Context& context) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::seconds(2);
  model::Evaluator evaluator(model.density, model.data);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(-2, 2);
  std::vector<double> point(model.dimension, 0.0);
  double value = 0;
  constexpr int tries = 100;
  for (int i = 0; i < tries; ++i) {
    check_stop(context);
    value = evaluator.run(point).target;
    if (std::isfinite(value)) return;
    // A slow model is not judged by a few points.
    if (Clock::now() > until && i < tries - 1) return;
    for (double& x : point) x = uniform(random);
  }
  throw Error(
      "bad_start",
      fmt::format(
          "the log density is {} at {} starts of {}: the model excludes its own parameters' values (data "
          "outside a distribution's support, a scale that is negative, bounds that contradict each "
          "other)",
          std::isnan(value) ? "not a number" : "minus infinity", tries, tries),
      "model");
}

}  // namespace

Prepared prepare_check(std::vector<Term> arguments) {
  Prepared prepared;
  prepared.work = [term = std::move(arguments[0])](Context& context) {
    const auto model = context.models->get(term);
    find_start(*model, context);
    return ok(describe(*model));
  };
  return prepared;
}

}  // namespace drey::service
