#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "nuts/sampler.h"
#include "service/calls.h"
#include "service/engine.h"
#include "term/term.h"

namespace drey::service {

/// A call on its way from submit to its one answer. Any thread may answer it, note its progress or look at
/// it; the first answer counts.
class Job {
 public:
  using Clock = std::chrono::steady_clock;

  Job(Ticket id, const CallRow& row, Call call, Prepared prepared);

  const Ticket id;
  const CallRow& row;
  Prepared prepared;
  std::stop_source stop;
  const std::optional<Clock::time_point> deadline;

  /// Sends the answer unless one was sent before. Call without locks held.
  void answer(term::Term term);
  bool answered() const { return answered_.load(); }

  /// The worker's own marks.
  void begin(std::int64_t device);
  void note(const nuts::Progress& progress);
  bool running() const;

  /// What has been reached, for a message: "in sampling, 1200 of 4000 transitions".
  std::string reached() const;
  /// `#{id, call, phase, done, total, divergent, device, elapsed_ms}`.
  term::Term describe() const;

 private:
  term::Term progress_message() const;

  Call call_;
  const Clock::time_point submitted_ = Clock::now();
  std::atomic<bool> answered_ = false;
  mutable std::mutex mutex_;  // guards what follows
  bool running_ = false;
  std::int64_t device_ = -1;
  std::string phase_ = "waiting";
  std::uint64_t done_ = 0, total_ = 0, divergent_ = 0;
  Clock::time_point last_sent_;
};

}  // namespace drey::service
