#include "service/stream.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "service/collector.h"

namespace drey::service {

using term::Term;

bool Outflow::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool may = changed_.wait(lock, stop, [this] {
    return (!credit_ || *credit_ > 0) && (most_bytes_ == 0 || held_ == 0 || held_ < most_bytes_);
  });
  if (may && credit_) --*credit_;
  return may;
}

bool Outflow::grant(std::uint64_t windows) {
  {
    const std::lock_guard lock(mutex_);
    if (!credit_) return false;
    *credit_ += std::min(windows, std::numeric_limits<std::uint64_t>::max() - *credit_);
  }
  changed_.notify_all();
  return true;
}

std::shared_ptr<const void> Outflow::lease(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    held_ += bytes;
  }
  return {static_cast<const void*>(this), [self = shared_from_this(), bytes](const void*) {
            {
              const std::lock_guard lock(self->mutex_);
              self->held_ -= bytes;
            }
            self->changed_.notify_all();
          }};
}

std::size_t Outflow::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

namespace {

/// The same arrays, each of whose binaries keeps a lease of its own size as well as its bytes.
Term leased(const Term& arrays, Outflow& outflow) {
  term::Map map = *arrays.as<term::Map>();
  for (auto& [name, array] : map.pairs) {
    std::vector<Term> parts = array.as<term::Tuple>()->elements;
    const auto& binary = *parts[2].as<term::Binary>();
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
    parts[2] = term::Binary(std::make_shared<const Both>(binary.owner(), outflow.lease(binary.size())),
                            binary.bytes());
    array = term::tuple(std::move(parts));
  }
  return map;
}

}  // namespace

Term window_term(const nuts::Window& window, const std::vector<const model::Output*>& outputs, bool f64,
                 std::uint64_t first_chain, Outflow& outflow) {
  // A window of its own chains, in a result's arrays.
  Collector arrays(outputs, {}, window.draws.chains, f64, window.first_draw);
  arrays.reserve(window.draws.draws);
  arrays.take(window, window.first_chain);
  return term::map({{"first_chain", Term(static_cast<std::int64_t>(first_chain + window.first_chain))},
                    {"first_draw", Term(static_cast<std::int64_t>(window.first_draw))},
                    {"draws", leased(arrays.draws_term(), outflow)},
                    {"stats", leased(arrays.stats_term(), outflow)}});
}

}  // namespace drey::service
