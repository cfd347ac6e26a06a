#include "service/results.h"

#include <algorithm>

#include <fmt/format.h>

#include "error.h"
#include "model/nearest.h"
#include "service/arrays.h"

namespace drey::service {

using term::Term;

std::vector<const model::Output*> select_outputs(const model::Model& model, const Options& options) {
  std::vector<const model::Output*> selected;
  if (!options.outputs) {
    for (const model::Output& output : model.outputs) selected.push_back(&output);
    return selected;
  }
  std::vector<std::string> known;
  for (const model::Output& output : model.outputs) known.push_back(output.name);
  for (const std::string& name : *options.outputs) {
    if (std::ranges::find(known, name) == known.end())
      throw Error("unknown_name",
                  fmt::format("the model has no parameter, transformed or generated quantity {}{}",
                              term::to_string(term::atom(name)), model::did_you_mean(name, known)),
                  "options: outputs");
  }
  for (const model::Output& output : model.outputs)
    if (std::ranges::find(*options.outputs, output.name) != options.outputs->end())
      selected.push_back(&output);
  return selected;
}

std::string element_name(const std::string& name, const model::Shape& shape, std::uint64_t element) {
  if (shape.empty()) return name;
  std::string indices;
  for (std::size_t d = shape.size(); d-- > 0;) {
    indices = fmt::format("{}{}{}", element % shape[d] + 1, indices.empty() ? "" : ",", indices);
    element /= shape[d];
  }
  return fmt::format("{}[{}]", name, indices);
}

Term row_term(const stats::Row& row) {
  return term::map({{"name", term::text(row.name)},
                    {"mean", number(row.mean)},
                    {"sd", number(row.sd)},
                    {"mcse", number(row.mcse)},
                    {"q5", number(row.q5)},
                    {"median", number(row.median)},
                    {"q95", number(row.q95)},
                    {"rhat", number(row.rhat)},
                    {"ess_bulk", number(row.ess_bulk)},
                    {"ess_tail", number(row.ess_tail)}});
}

Term rows_term(const std::vector<stats::Row>& rows) {
  std::vector<Term> terms;
  for (const stats::Row& row : rows) terms.push_back(row_term(row));
  return term::list(std::move(terms));
}

}  // namespace drey::service
