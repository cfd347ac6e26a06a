#pragma once

#include <array>
#include <cstdint>

/// How a run on a device is paced. Called by Chains; knows times and counts only.
namespace drey::nuts {

/// How many ticks a round should have, found by trying: more where trees are shallow (what a round does
/// beside its ticks is shared by more of them), fewer where they are deep (a chain whose four leaves are
/// there waits less). Never changes a draw.
class Pace {
 public:
  /// Ticks that a round may have.
  static constexpr std::array<std::uint32_t, 2> kCandidates = {8, 4};

  /// For the next dispatch.
  std::uint32_t ticks() const;
  /// Of a dispatch's usual length, while trying.
  double share() const;
  /// What a dispatch did.
  void saw(std::uint32_t ticks, std::uint64_t transitions, double ns);

 private:
  static constexpr int kTrials = 8;
  static constexpr double kTrialShare = 0.1, kLeastNs = 5e5;
  struct Seen {
    double transitions = 0, ns = 0;
  };
  std::array<Seen, kCandidates.size()> seen_{};
  int trials_ = 0;
};

}  // namespace drey::nuts
