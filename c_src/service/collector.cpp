#include "service/collector.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "service/arrays.h"
#include "service/results.h"

namespace drey::service {

using term::Term;

namespace {

/// Moves rows of `chains` chains from one capacity to another, in place; `width` numbers a draw.
template <typename T>
void lay_out(std::vector<T>& values, std::uint64_t chains, std::uint64_t from, std::uint64_t to,
             std::uint64_t width) {
  const auto at = [&](std::uint64_t index) {
    return values.begin() + static_cast<std::ptrdiff_t>(index * width);
  };
  if (to > from) {
    values.resize(chains * to * width);
    for (std::uint64_t c = chains; c-- > 1;)
      std::copy_backward(at(c * from), at((c + 1) * from), at(c * to + from));
  } else if (to < from) {
    for (std::uint64_t c = 1; c < chains; ++c) std::copy(at(c * from), at(c * from + to), at(c * to));
    values.resize(chains * to * width);
    values.shrink_to_fit();
  }
}

template <typename Stats, typename Visit>
void each(Stats& stats, const Visit& visit) {
  visit(stats.lp);
  visit(stats.accept);
  visit(stats.energy);
  visit(stats.depth);
  visit(stats.leapfrogs);
  visit(stats.divergent);
}

}  // namespace

Collector::Collector(const std::vector<const model::Output*>& returned,
                     const std::vector<const model::Output*>& watched, std::uint64_t chains, bool f64,
                     std::uint64_t first)
    : chains_(chains), first_(first), f64_(f64) {
  const auto add = [&](const model::Output* output, bool is_returned) {
    if (std::ranges::any_of(columns_, [&](const Column& c) { return c.output == output; })) return;
    Column column;
    column.output = output;
    column.returned = is_returned;
    if (f64) column.values.emplace<std::vector<double>>();
    columns_.push_back(std::move(column));
  };
  for (const auto* output : returned) add(output, true);
  for (const auto* output : watched) add(output, false);
}

std::uint64_t Collector::bytes(std::uint64_t draws) const {
  std::uint64_t numbers = 0;
  for (const Column& column : columns_) numbers += column.output->size;
  return chains_ * draws * (numbers * (f64_ ? 8 : 4) + 3 * 8 + 2 * 4 + 1);
}

void Collector::reserve(std::uint64_t draws) {
  if (draws <= capacity_) return;
  finish(draws);
}

void Collector::finish(std::uint64_t draws) {
  for (Column& column : columns_)
    std::visit([&](auto& values) { lay_out(values, chains_, capacity_, draws, column.output->size); },
               column.values);
  each(stats_, [&](auto& values) { lay_out(values, chains_, capacity_, draws, 1); });
  capacity_ = draws;
}

void Collector::take(const nuts::Window& window, std::uint64_t first_chain) {
  const nuts::Draws& from = window.draws;
  const auto row = [&](std::uint64_t chain) {
    return static_cast<std::ptrdiff_t>((window.first_chain - first_chain + chain) * capacity_ +
                                       window.first_draw - first_);
  };
  for (Column& column : columns_) {
    const std::uint64_t size = column.output->size;
    std::visit(
        [&](auto& values) {
          using Number = std::remove_reference_t<decltype(values[0])>;
          for (std::uint64_t c = 0; c < from.chains; ++c) {
            auto* to = values.data() + static_cast<std::uint64_t>(row(c)) * size;
            const double* at =
                from.outputs.data() + c * from.draws * from.output_size + column.output->offset;
            for (std::uint64_t s = 0; s < from.draws; ++s, at += from.output_size)
              for (std::uint64_t k = 0; k < size; ++k) *to++ = static_cast<Number>(at[k]);
          }
        },
        column.values);
  }
  const auto copy = [&](auto& to, const auto& values) {
    for (std::uint64_t c = 0; c < from.chains; ++c)
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(c * from.draws), from.draws,
                  to.begin() + row(c));
  };
  copy(stats_.lp, from.lp);
  copy(stats_.accept, from.accept);
  copy(stats_.energy, from.energy);
  copy(stats_.depth, from.depth);
  copy(stats_.leapfrogs, from.leapfrogs);
  copy(stats_.divergent, from.divergent);
}

void Collector::series(const Column& column, std::uint64_t element, std::uint64_t draws,
                       std::span<double> to) const {
  const std::uint64_t size = column.output->size;
  std::visit(
      [&](const auto& values) {
        auto* out = to.data();
        for (std::uint64_t c = 0; c < chains_; ++c) {
          const auto* at = values.data() + c * capacity_ * size + element;
          for (std::uint64_t s = 0; s < draws; ++s, at += size) *out++ = *at;
        }
      },
      column.values);
}

Term Collector::draws_term() {
  term::Map map;
  for (Column& column : columns_) {
    if (!column.returned) continue;
    Shape shape = {chains_, capacity_};
    shape.insert(shape.end(), column.output->shape.begin(), column.output->shape.end());
    Term array = f64_ ? array_f64(std::move(std::get<1>(column.values)), shape)
                      : array_f32(std::move(std::get<0>(column.values)), shape);
    map.pairs.emplace_back(term::atom(column.output->name), std::move(array));
  }
  return map;
}

Term Collector::stats_term() {
  const Shape shape = {chains_, capacity_};
  return term::map({{"lp", array_f64(std::move(stats_.lp), shape)},
                    {"accept", array_f64(std::move(stats_.accept), shape)},
                    {"energy", array_f64(std::move(stats_.energy), shape)},
                    {"depth", array_s32(std::move(stats_.depth), shape)},
                    {"leapfrogs", array_s32(std::move(stats_.leapfrogs), shape)},
                    {"divergent", array_u8(std::move(stats_.divergent), shape)}});
}

std::vector<stats::Row> summarize(const Collector& collector, std::uint64_t draws,
                                  const std::function<bool(const Collector::Column&)>& which,
                                  const std::vector<std::uint32_t>& superchain,
                                  const std::function<bool()>& stopped) {
  struct Scalar {
    const Collector::Column* column;
    std::uint64_t element;
  };
  std::vector<Scalar> scalars;
  for (const auto& column : collector.columns())
    if (which(column))
      for (std::uint64_t k = 0; k < column.output->size; ++k) scalars.push_back({&column, k});

  const std::uint64_t count = collector.chains() * draws;
  std::vector<stats::Row> rows(scalars.size());
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      std::vector<double> values(count);
      for (std::size_t i; (i = next.fetch_add(1)) < scalars.size() && !stopped();) {
        const auto [column, element] = scalars[i];
        collector.series(*column, element, draws, values);
        rows[i] = stats::summarize(element_name(column->output->name, column->output->shape, element), values,
                                   collector.chains(), superchain);
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

}  // namespace drey::service
