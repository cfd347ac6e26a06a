#include <fmt/format.h>

#include "error.h"
#include "service/arrays.h"
#include "service/calls.h"
#include "service/results.h"

namespace drey::service {

using term::Term;

namespace {

Term summary(const Term& term, const Context& context) {
  const auto* map = term.as<term::Map>();
  if (!map)
    throw Error("wrong_type",
                fmt::format("draws are a map of arrays, as in a result; found {}", term::to_string(term)));
  std::vector<stats::Row> rows;
  for (const auto& [key, value] : map->pairs) {
    const auto* name = key.as<term::Atom>();
    if (!name)
      throw Error("wrong_type", fmt::format("a quantity's name is an atom; found {}", term::to_string(key)));
    const Numbers numbers = read_numbers(value, name->name, std::uint64_t{1} << 30);
    if (numbers.shape.size() < 2 || numbers.shape[0] == 0 || numbers.shape[1] == 0)
      throw Error("wrong_shape",
                  fmt::format("draws have shape [Chains, Draws | Shape], none of both 0; {} has [{}]",
                              name->name, fmt::join(numbers.shape, ",")));
    const std::uint64_t chains = numbers.shape[0], count = chains * numbers.shape[1];
    const model::Shape shape(numbers.shape.begin() + 2, numbers.shape.end());
    const std::uint64_t size = element_count(shape, name->name);
    std::vector<double> values(count);
    for (std::uint64_t k = 0; k < size; ++k) {
      check_stop(context);
      for (std::uint64_t i = 0; i < count; ++i) values[i] = numbers.values[i * size + k];
      rows.push_back(stats::summarize(element_name(name->name, shape, k), values, chains));
    }
  }
  return ok(rows_term(rows));
}

}  // namespace

Prepared prepare_summary(std::vector<Term> arguments) {
  Prepared prepared;
  prepared.work = [term = std::move(arguments[0])](Context& context) { return summary(term, context); };
  return prepared;
}

}  // namespace drey::service
