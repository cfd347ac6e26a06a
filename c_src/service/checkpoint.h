#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/model.h"
#include "nuts/run.h"
#include "nuts/sampler.h"
#include "service/collector.h"
#include "term/term.h"

/// A sampling job as one binary that another node of the same version can go on from, to the same bytes. It comes back
/// from callers, so nothing in it is believed: a checksum finds what was damaged on the way, and every number is checked
/// against the model and the kernel before it is used.
namespace drey::service {

/// What the result holds of the draws, and the checkpoint of those made so far.
enum class Keep : std::uint8_t {
  All,   ///< every draw of the run; checkpoints hold those made so far
  New,   ///< the draws that this call makes; checkpoints hold none that were answered
  None,  ///< no draws: they are streamed; checkpoints hold none
};

struct Checkpoint {
  std::string model_key, data_key;  ///< of the sampler
  nuts::Tuning tuning;
  nuts::Options options;  ///< those that decide the draws, and `draws`
  Keep keep = Keep::All;
  nuts::Snapshot snapshot;
  std::vector<std::string> outputs;  ///< the names of what is returned
  /// The arrays kept so far, draws [first, first + draws) of each chain, as a result has them: name to array, and the
  /// stats. Maps without entries where nothing is kept.
  std::uint64_t first = 0, draws = 0;
  term::Term arrays, stats;
};

/// \param collector what was kept so far; null: nothing
/// \param from      the first draw to hold
term::Term checkpoint_term(const Checkpoint& checkpoint, const Collector* collector, std::uint64_t from = 0);

/// \throws Error{wrong_checkpoint} what is wrong with it
Checkpoint read_checkpoint(const term::Term& value);

/// Puts the kept draws back. \param collector with room for them, of the same chains
/// \throws Error{wrong_checkpoint} when they are not of these outputs and chains
void restore_kept(const Checkpoint& checkpoint, Collector& collector);

}  // namespace drey::service
