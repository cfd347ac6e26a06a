#include "service/job.h"

#include <utility>

#include <fmt/format.h>

namespace drey::service {

using term::Term;

namespace {

/// Progress goes to a subscriber at most so often; a change of phase goes at once.
constexpr auto send_interval = std::chrono::milliseconds(100);
/// Lines, which people read, less often.
constexpr auto line_interval = std::chrono::seconds(5);
/// What a call that answers what it has may take for it.
constexpr auto grace_time = std::chrono::seconds(30);

std::optional<Job::Clock::time_point> deadline_of(const Prepared& prepared) {
  if (!prepared.deadline) return std::nullopt;
  return Job::Clock::now() + *prepared.deadline;
}

}  // namespace

Job::Job(Ticket ticket, const CallRow& call_row, Call call, Prepared work, std::size_t most_held)
    : id(ticket),
      row(call_row),
      prepared(std::move(work)),
      deadline(deadline_of(prepared)),
      outflow(prepared.stream_to ? std::make_shared<Outflow>(prepared.credit, most_held) : nullptr),
      call_(std::move(call)) {
  call_.arguments.clear();
}

void Job::answer(Term term) {
  if (answered_.exchange(true)) return;
  if (prepared.log && call_.log) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - submitted_).count();
    call_.log(fmt::format("drey job {}: {} after {:.1f} s\n", id, term.tagged("ok", 2) ? "done" : "ended",
                          static_cast<double>(ms) / 1000));
  }
  call_.reply(std::move(term));
}

void Job::begin(std::int64_t device) {
  const std::lock_guard lock(mutex_);
  running_ = true;
  device_ = device;
  phase_ = "starting";
}

void Job::note(const nuts::Progress& progress) {
  Term message;
  std::string said;
  {
    const std::lock_guard lock(mutex_);
    const bool turned = phase_ != progress.phase;
    if (turned) phase_ = progress.phase;
    done_ = progress.done;
    total_ = progress.total;
    divergent_ = progress.divergent;
    const auto now = Clock::now();
    if (prepared.log && (turned || now - last_line_ >= line_interval)) {
      last_line_ = now;
      said = line();
    }
    if (prepared.stream_progress &&
        (turned || now - last_sent_ >= send_interval || (total_ > 0 && done_ == total_))) {
      last_sent_ = now;
      message = progress_term();
    }
  }
  if (!said.empty() && call_.log && !answered()) call_.log(std::move(said));
  if (message.as<term::Tuple>() != nullptr) send(std::move(message));
}

void Job::send(Term message) const {
  if (!prepared.stream_to || !call_.send || answered()) return;
  call_.send(*prepared.stream_to,
             term::tuple({term::atom("drey"), Term(static_cast<std::int64_t>(id)), std::move(message)}));
}

bool Job::ask(const char* reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!prepared.yields || !running_) return false;
    if (ending_.empty()) {
      ending_ = reason;
      grace_ = Clock::now() + grace_time;
    }
  }
  stop.request_stop();
  return true;
}

std::string Job::ending() const {
  const std::lock_guard lock(mutex_);
  return ending_;
}

std::optional<Job::Clock::time_point> Job::grace() const {
  const std::lock_guard lock(mutex_);
  return grace_;
}

bool Job::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::string Job::reached() const {
  const std::lock_guard lock(mutex_);
  if (!running_) return "waiting for other jobs";
  if (total_ == 0) return fmt::format("in phase {}", phase_);
  return fmt::format("in phase {}, {} of {} transitions", phase_, done_, total_);
}

std::string Job::line() const {
  if (total_ == 0) return fmt::format("drey job {}: {}\n", id, phase_);
  return fmt::format("drey job {}: {}, {} of {} transitions{}\n", id, phase_, done_, total_,
                     divergent_ ? fmt::format(", {} divergent", divergent_) : "");
}

Term Job::progress_term() const {
  return term::tuple(
      {term::atom("progress"), term::map({{"phase", term::atom(phase_)},
                                          {"done", Term(static_cast<std::int64_t>(done_))},
                                          {"total", Term(static_cast<std::int64_t>(total_))},
                                          {"divergent", Term(static_cast<std::int64_t>(divergent_))}})});
}

Term Job::describe() const {
  const std::lock_guard lock(mutex_);
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - submitted_).count();
  return term::map({{"id", Term(static_cast<std::int64_t>(id))},
                    {"call", term::atom(row.name)},
                    {"phase", term::atom(answered() ? "stopping" : phase_)},
                    {"done", Term(static_cast<std::int64_t>(done_))},
                    {"total", Term(static_cast<std::int64_t>(total_))},
                    {"divergent", Term(static_cast<std::int64_t>(divergent_))},
                    {"device", device_ < 0 ? term::atom(running_ ? "host" : "undefined") : Term(device_)},
                    {"elapsed_ms", Term(static_cast<std::int64_t>(elapsed))}});
}

}  // namespace drey::service
