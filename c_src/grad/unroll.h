#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "grad/optimise.h"
#include "grad/rewrite.h"
#include "model/program.h"

namespace drey::grad {

/// Which loops of a program are written out: short ones, so that what passes between their trips needs no memory, while
/// the text stays bounded. optimise() asks it; it changes nothing.
///
/// An array with one access whose index is only known at run time stays in memory, and then every other access is
/// one more site that a driver has to compile (some in time quadratic in the sites) and that gains nothing from being
/// written out. So loops over such arrays stay loops unless they are very short.
class Unrolling {
 public:
  /// The references must outlive it.
  Unrolling(const model::Program& source, const OptimiseOptions& options, const Needed& needed);

  /// Whether `loop`, whose trips are `trips` and whose body comes to `operations`, is written out.
  bool writes_out(model::LoopId loop, std::uint64_t trips, std::uint64_t operations) const;
  /// Operations that a body comes to once its own loops are written out where they will be.
  std::uint64_t operations(const model::Block& body) const;
  /// Whether `loop`, a For that is not written out, is cut into blocks of OptimiseOptions::strip trips, written out.
  bool strips(const model::Statement& loop, std::uint64_t trips, std::uint64_t operations) const;

 private:
  /// Whether a body has loops of its own that stay loops.
  bool keeps_loops(const model::Block& body) const;
  /// Whether the body reads or writes an array at an index that moves by one a trip of `loop`.
  bool walks_elements(const model::Block& body, model::LoopId loop) const;
  bool reads_data(const model::Block& body) const;
  std::optional<std::uint64_t> constant_trips(model::LoopId id) const;
  std::uint64_t weight(const model::Statement& s) const;
  std::optional<std::int64_t> step(model::ValueId id, model::LoopId loop) const;
  std::optional<std::int64_t> step(model::ValueId id, model::LoopId loop, int& budget) const;

  void find_varying();
  void mark_kept(const model::Block& body);
  bool walks_kept(const model::Block& body, model::LoopId loop) const;
  bool mark_walks(const model::Block& body);

  const model::Program& source_;
  const OptimiseOptions& options_;
  const Needed& needed_;
  std::vector<bool> varying_;  ///< of each value: its number is not known when the text is made
  std::vector<bool> kept_;     ///< of each memory: it stays an array
  std::vector<bool> walk_;     ///< of each loop: it walks along a kept array
};

}  // namespace drey::grad
