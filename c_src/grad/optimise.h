#pragma once

#include <cstdint>
#include <vector>

#include "model/program.h"

namespace drey::grad {

/// How a program is rewritten. Every choice is a function of the program alone, so that two hosts make the
/// same.
struct OptimiseOptions {
  /// Loops of at most this many trips (constant bounds) are written out; 0: none.
  std::uint64_t unroll_trips = 0;
  /// ... while the body written out comes to at most this many operations.
  std::uint64_t unroll_values = 600;
  /// All that is written out together comes to at most this many operations.
  std::uint64_t growth = 4000;
  /// Loops over data that is read one element a trip are cut into blocks of this many trips, written out, so
  /// that vector loads can serve them; 0: none.
  std::uint64_t strip = 0;
  /// ... while a block comes to at most this many operations.
  std::uint64_t strip_values = 400;
  /// Outermost independent loops of at least this many trips stay as they are, to be spread over lanes; 0: none.
  std::uint64_t keep_trips = 0;
};

/// The same function, cheaper: dead code removed, equal values shared, invariants hoisted, neighbouring loops
/// over the same range fused where what passes between them stays within a trip, stores forwarded to loads.
model::Program optimise(const model::Program& program, const OptimiseOptions& options = {});

/// The Locals that a body stores or accumulates to, sorted.
std::vector<model::MemoryId> written_locals(const model::Program& program, const model::Block& body);

}  // namespace drey::grad
