#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "model/model.h"
#include "nuts/run.h"
#include "stats/summary.h"
#include "term/term.h"

/// The draws of a run as they gather from its windows, each quantity in the type and order in which callers get it, so
/// that nothing is held twice. Called by the sampling call; knows nothing of jobs.
namespace drey::service {

class Collector {
 public:
  /// One quantity's draws: [chain][capacity][size].
  struct Column {
    const model::Output* output = nullptr;
    bool returned = true;  ///< false: only looked at
    std::variant<std::vector<float>, std::vector<double>> values;
  };
  /// What is recorded of a draw beside its position: [chain][capacity].
  struct Stats {
    std::vector<double> lp, accept, energy;
    std::vector<std::int32_t> depth, leapfrogs;
    std::vector<std::uint8_t> divergent;
  };

  /// \param returned the quantities that callers get
  /// \param watched  quantities that are looked at beside them
  /// \param first    the number of the first draw that is kept here
  Collector(const std::vector<const model::Output*>& returned,
            const std::vector<const model::Output*>& watched, std::uint64_t chains, bool f64,
            std::uint64_t first = 0);

  /// Bytes that so many draws of each chain take.
  std::uint64_t bytes(std::uint64_t draws) const;
  /// Makes room for so many draws of each chain; what is there stays.
  void reserve(std::uint64_t draws);
  /// Puts a window where it belongs. There must be room.
  /// \param first_chain the chain of the job that is the first here
  void take(const nuts::Window& window, std::uint64_t first_chain = 0);
  /// Keeps the first `draws` of each chain, and no room for more.
  void finish(std::uint64_t draws);

  std::uint64_t chains() const { return chains_; }
  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t first() const { return first_; }
  bool f64() const { return f64_; }
  const std::vector<Column>& columns() const { return columns_; }
  std::vector<Column>& columns() { return columns_; }
  const Stats& stats() const { return stats_; }
  Stats& stats() { return stats_; }

  /// The first `draws` draws of one element, [chain][draw], as numbers.
  void series(const Column& column, std::uint64_t element, std::uint64_t draws, std::span<double> to) const;

  /// `#{Name => {f32 | f64, [Chains, Draws | Shape], Binary}}` of what is returned; takes those arrays. After finish().
  term::Term draws_term();
  /// `#{lp, accept, energy, depth, leapfrogs, divergent}`, each `[Chains, Draws]`; takes those arrays. After finish().
  term::Term stats_term();

 private:
  std::uint64_t chains_, capacity_ = 0, first_;
  bool f64_;
  std::vector<Column> columns_;
  Stats stats_;
};

/// A row for each element of the columns that `which` names, of their first `draws` draws; on all cores where it is much.
/// \param superchain see stats/summary.h
/// \param stopped    asked between rows, from several threads; true ends early with no rows
std::vector<stats::Row> summarize(const Collector& collector, std::uint64_t draws,
                                  const std::function<bool(const Collector::Column&)>& which,
                                  const std::vector<std::uint32_t>& superchain,
                                  const std::function<bool()>& stopped);

}  // namespace drey::service
