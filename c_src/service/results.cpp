#include "service/results.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

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

namespace {

/// One output's elements out of rows of `output_size`.
template <typename T>
std::vector<T> gather(const nuts::Draws& draws, const model::Output& output) {
  const std::uint64_t rows = draws.chains * draws.draws;
  std::vector<T> values(rows * output.size);
  const double* from = draws.outputs.data() + output.offset;
  T* to = values.data();
  for (std::uint64_t row = 0; row < rows; ++row, from += draws.output_size)
    for (std::uint64_t k = 0; k < output.size; ++k) *to++ = static_cast<T>(from[k]);
  return values;
}

}  // namespace

Term draws_term(nuts::Draws& draws, const std::vector<const model::Output*>& outputs, bool f64) {
  term::Map map;
  for (const model::Output* output : outputs) {
    Shape shape = {draws.chains, draws.draws};
    shape.insert(shape.end(), output->shape.begin(), output->shape.end());
    Term array = !f64                                ? array_f32(gather<float>(draws, *output), shape)
                 : output->size == draws.output_size ? array_f64(std::move(draws.outputs), shape)
                                                     : array_f64(gather<double>(draws, *output), shape);
    map.pairs.emplace_back(term::atom(output->name), std::move(array));
  }
  return map;
}

Term stats_term(nuts::Draws& draws) {
  const Shape shape = {draws.chains, draws.draws};
  return term::map({{"lp", array_f64(std::move(draws.lp), shape)},
                    {"accept", array_f64(std::move(draws.accept), shape)},
                    {"energy", array_f64(std::move(draws.energy), shape)},
                    {"depth", array_s32(std::move(draws.depth), shape)},
                    {"leapfrogs", array_s32(std::move(draws.leapfrogs), shape)},
                    {"divergent", array_u8(std::move(draws.divergent), shape)}});
}

std::vector<stats::Row> summarize(const nuts::Draws& draws, const std::vector<const model::Output*>& outputs,
                                  const std::vector<std::uint32_t>& superchain,
                                  const std::function<bool()>& stopped) {
  struct Scalar {
    const model::Output* output;
    std::uint64_t element;
  };
  std::vector<Scalar> scalars;
  for (const model::Output* output : outputs)
    for (std::uint64_t k = 0; k < output->size; ++k) scalars.push_back({output, k});

  const std::uint64_t count = draws.chains * draws.draws;
  std::vector<stats::Row> rows(scalars.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      std::vector<double> values(count);
      for (std::size_t i; (i = next.fetch_add(1)) < scalars.size() && !stopped();) {
        const auto [output, element] = scalars[i];
        const double* from = draws.outputs.data() + output->offset + element;
        for (double& value : values) {
          value = *from;
          from += draws.output_size;
        }
        rows[i] = stats::summarize(element_name(output->name, output->shape, element), values, draws.chains,
                                   superchain);
      }
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      failure = std::current_exception();
    }
  };
  // A few milliseconds of work are not worth a thread.
  const std::uint64_t worth = scalars.size() * count / 100000;
  const std::uint64_t threads =
      std::min<std::uint64_t>({worth, scalars.size(), std::thread::hardware_concurrency(), 16});
  {
    std::vector<std::jthread> helpers;
    for (std::uint64_t t = 1; t < threads; ++t) helpers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  if (stopped()) rows.clear();
  return rows;
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
