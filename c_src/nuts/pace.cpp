#include "nuts/pace.h"

namespace drey::nuts {

std::uint32_t Pace::ticks() const {
  if (trials_ < kTrials) return kCandidates[trials_ % kCandidates.size()];
  std::size_t best = 0;
  for (std::size_t i = 1; i < kCandidates.size(); ++i)
    if (seen_[i].transitions * seen_[best].ns > seen_[best].transitions * seen_[i].ns) best = i;
  return kCandidates[best];
}

double Pace::share() const { return trials_ < kTrials ? kTrialShare : 1; }

void Pace::saw(std::uint32_t ticks, std::uint64_t transitions, double ns) {
  if (trials_ >= kTrials || ns < kLeastNs) return;
  ++trials_;
  for (std::size_t i = 0; i < kCandidates.size(); ++i)
    if (kCandidates[i] == ticks) {
      seen_[i].transitions += static_cast<double>(transitions);
      seen_[i].ns += ns;
    }
}

}  // namespace drey::nuts
