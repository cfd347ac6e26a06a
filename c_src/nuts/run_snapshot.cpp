#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "error.h"
#include "nuts/chain_state.h"
#include "nuts/run.h"

// A run that goes on where another stood, and where it stands itself.
namespace drey::nuts {
namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error("wrong_checkpoint", message); }

}  // namespace

Run::Run(RunKernels kernels, const Tuning& tuning, const Options& options, RunPlan plan,
         const Snapshot& snapshot)
    : Run(kernels, tuning, options, std::move(plan), Unplanned()) {
  const KernelShape& shape = kernels_.chains.shape;
  if (snapshot.layout != state_layout(shape))
    refuse(fmt::format("the checkpoint is of another kernel ({}; here {})", snapshot.layout,
                       state_layout(shape)));
  std::uint64_t next = 0, longest = 0;
  for (const auto& from : snapshot.batches) {
    if (from.first != next || from.count == 0 || from.count > options_.chains - next)
      refuse("the checkpoint's chains are not those of the run");
    next += from.count;
    if (from.draws > options_.draws)
      refuse(fmt::format("the checkpoint has {} draws of each chain, more than the {} asked for", from.draws,
                         options_.draws));
    const bool begun = !from.state.empty();
    if (!begun && (from.draws || from.ahead || !from.record.empty()))
      refuse("the checkpoint has draws of no chain");
    if (from.last.size() != (from.draws ? from.count * shape.dimension : 0))
      refuse("the checkpoint's last draws are not of its chains");
    if (from.ahead > 0x7fffffff || from.record.size() != record_size(shape, from.count, from.ahead))
      refuse("the checkpoint's records are not of its chains");
    if (begun)
      check_state(shape, from.state, from.count, from.draws * options_.thin,
                  (from.draws + from.ahead) * options_.thin + options_.thin - 1);
    longest = std::max(longest, from.ahead);
    auto& batch = batches_.emplace_back();
    static_cast<Snapshot::Batch&>(batch) = from;
  }
  if (next != options_.chains) refuse("the checkpoint's chains are not those of the run");
  if (snapshot.suspects.size() > kMostDivergences * snapshot.batches.size())
    refuse("the checkpoint has too many divergences");
  for (const auto& suspect : snapshot.suspects) {
    if (suspect.chain >= options_.chains || suspect.draw >= options_.draws ||
        suspect.before.size() != (suspect.draw             ? shape.dimension
                                  : suspect.before.empty() ? 0
                                                           : ~std::size_t{0}))
      refuse("the checkpoint's divergences are not of its chains");
    for (auto& batch : batches_)
      if (suspect.chain >= batch.first && suspect.chain < batch.first + batch.count)
        batch.suspects.push_back(suspect);
  }
  divergent_ = snapshot.divergent;
  deep_ = snapshot.deep;
  gradients_ = snapshot.gradients;
  plan_batches();
  // A chain that was in a transition then has one draw more to record.
  slots_ = std::max(slots_, longest + 1);
}

Snapshot Run::save() const {
  Snapshot snapshot;
  snapshot.layout = state_layout(kernels_.chains.shape);
  for (std::size_t b = 0; b < batches_.size(); ++b) {
    Snapshot::Batch batch = batches_[b];
    if (chains_ && resident_ == b && chains_->stands()) {
      batch.state = chains_->save();
      batch.ahead = transitions(batch.state, batch.count).second / options_.thin - batch.draws;
      batch.record = chains_->save_record(batch.ahead, batch.draws - lap_);
    }
    snapshot.batches.push_back(std::move(batch));
    snapshot.suspects.insert(snapshot.suspects.end(), batches_[b].suspects.begin(),
                             batches_[b].suspects.end());
  }
  snapshot.divergent = divergent_;
  snapshot.deep = deep_;
  snapshot.gradients = gradients_;
  return snapshot;
}

}  // namespace drey::nuts
