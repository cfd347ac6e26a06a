#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
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

  /// \param most_held bytes that draws on their way to the subscriber may hold; 0: any number
  Job(Ticket id, const CallRow& row, Call call, Prepared prepared, std::size_t most_held = 0);

  const Ticket id;
  const CallRow& row;
  Prepared prepared;
  std::stop_source stop;
  const std::optional<Clock::time_point> deadline;

  /// Sends the answer unless one was sent before. Call without locks held.
  void answer(term::Term term);
  bool answered() const { return answered_.load(); }

  /// Asks the call to end and to answer what it has, for this reason ("deadline", "cancelled"); the first one counts.
  /// \return false when it cannot: it does not run, or is of those that only stop
  bool ask(const char* reason);
  /// Why it was asked; empty: it was not.
  std::string ending() const;
  /// When a call that was asked has had its time.
  std::optional<Clock::time_point> grace() const;

  /// To the subscriber, `{drey, Id, Message}`; dropped where there is none.
  void send(term::Term message) const;
  /// What bounds the draws on their way to it; null where there is none.
  const std::shared_ptr<Outflow> outflow;

  /// The worker's own marks.
  void begin(std::int64_t device);
  void note(const nuts::Progress& progress);
  bool running() const;

  /// What has been reached, for a message: "in sampling, 1200 of 4000 transitions".
  std::string reached() const;
  /// `#{id, call, phase, done, total, divergent, device, elapsed_ms}`.
  term::Term describe() const;

 private:
  term::Term progress_term() const;
  /// "drey job 3: sampling, 1200 of 4000 transitions, 2 divergent".
  std::string line() const;

  Call call_;
  const Clock::time_point submitted_ = Clock::now();
  std::atomic<bool> answered_ = false;
  mutable std::mutex mutex_;  // guards what follows
  bool running_ = false;
  std::int64_t device_ = -1;
  std::string phase_ = "waiting";
  std::uint64_t done_ = 0, total_ = 0, divergent_ = 0;
  Clock::time_point last_sent_, last_line_;
  std::string ending_;
  std::optional<Clock::time_point> grace_;
};

}  // namespace drey::service
