#include "service/engine.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "error.h"
#include "glsl/compile.h"
#include "gpu/device.h"
#include "service/calls.h"
#include "service/job.h"
#include "service/worker.h"

namespace drey::service {

using term::Term;

/// A control thread routes jobs to workers, runs quick calls, keeps deadlines and answers what is cancelled;
/// it never waits for a device. Workers compute.
class Engine::Impl {
 public:
  explicit Impl(EngineOptions options) : options_(std::move(options)) {
    preparing_ = std::jthread([] {
      try {
        glsl::prepare();
      } catch (...) {
        // The first job that compiles meets it again, and says so.
      }
    });
    control_ = std::thread([this] { loop(); });
  }

  ~Impl() {
    std::vector<std::shared_ptr<Job>> left;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const auto& [id, job] : jobs_) left.push_back(job);
      for (const auto& job : arrived_) left.push_back(job);
    }
    wake_.notify_all();
    control_.join();
    for (const auto& job : left) {
      job->stop.request_stop();
      job->answer(error_term(Error("cancelled", "the engine is shutting down")));
    }
    // No new workers: the control thread is gone.
    workers_.clear();
  }

  Ticket submit(Call call) {
    const Ticket ticket = next_.fetch_add(1);
    const CallRow* row = find_call(call.function, call.arguments.size());
    if (!row) {
      call.reply(
          error_term(Error("undef", fmt::format("there is no drey:{}/{}; docs/calls.md lists the calls",
                                                call.function.substr(0, 100), call.arguments.size()))));
      return ticket;
    }
    if (row->kind == Kind::Immediate) {
      call.reply(immediate(*row, call.arguments));
      return ticket;
    }
    std::shared_ptr<Job> job;
    try {
      Prepared prepared = row->prepare(std::move(call.arguments));
      job = std::make_shared<Job>(ticket, *row, call, std::move(prepared), options_.max_stream_bytes);
    } catch (...) {
      call.reply(current_error());
      return ticket;
    }
    bool accepted = true, closed = false;
    {
      const std::lock_guard lock(mutex_);
      closed = stopping_;
      accepted = !closed && (row->kind == Kind::Quick || jobs_.size() < options_.max_jobs);
      if (accepted) {
        if (row->kind == Kind::Job) jobs_.emplace(ticket, job);
        arrived_.push_back(job);
      }
    }
    if (accepted)
      wake_.notify_all();
    else if (closed)
      job->answer(error_term(Error("cancelled", "the engine is shutting down")));
    else
      job->answer(error_term(
          Error("busy", fmt::format("{} jobs run or wait here already, the most allowed; try again later, "
                                    "or another node",
                                    options_.max_jobs))));
    return ticket;
  }

  /// \param asked by a call: a caller still waits for what the job has. Else the caller is gone.
  bool cancel(Ticket ticket, bool asked) {
    const auto job = find(ticket);
    if (!job || job->answered()) return false;
    if (asked && job->ask("cancelled")) {
      wake_.notify_all();
      return true;
    }
    job->stop.request_stop();
    {
      const std::lock_guard lock(mutex_);
      cancelled_.push_back(job);
    }
    wake_.notify_all();
    return true;
  }

  std::string device_name() const {
    try {
      const std::uint32_t index = default_device();
      for (const gpu::DeviceInfo& device : gpu::devices())
        if (device.index == index) return device.name;
      return fmt::format("none with index {}", index);
    } catch (const Error& error) {
      return fmt::format("none ({})", error.message());
    }
  }

  void require_device() const {
    if (options_.device < 0) return;
    std::string there;
    for (const gpu::DeviceInfo& device : gpu::devices()) {
      if (device.index == static_cast<std::uint32_t>(options_.device)) return;
      there += fmt::format("{}{} {}", there.empty() ? "" : ", ", device.index, device.name);
    }
    throw Error("bad_option",
                fmt::format("there is no device {}; there {}", options_.device,
                            there.empty() ? "is none at all: install a Vulkan driver" : "are: " + there),
                "--device");
  }

 private:
  using Clock = Job::Clock;

  std::uint32_t default_device() const {
    return options_.device >= 0 ? static_cast<std::uint32_t>(options_.device) : gpu::default_device();
  }

  Term immediate(const CallRow& row, const std::vector<Term>& arguments) {
    if (row.name == "jobs") {
      std::vector<std::shared_ptr<Job>> jobs;
      {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, job] : jobs_) jobs.push_back(job);
      }
      std::vector<Term> list;
      for (const auto& job : jobs) list.push_back(job->describe());
      return term::list(std::move(list));
    }
    const auto* id = arguments[0].as<std::int64_t>();
    if (row.name == "credit") return credit(id, arguments);
    if (!id)
      return error_term(
          Error("wrong_type", fmt::format("a job is the integer that jobs() lists as id; found {}",
                                          term::to_string(arguments[0]))));
    if (*id < 0 || !cancel(static_cast<Ticket>(*id), true))
      return error_term(Error("no_such_job", fmt::format("no job {} runs or waits here", *id)));
    return term::atom("ok");
  }

  std::shared_ptr<Job> find(Ticket ticket) {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(ticket);
    return found == jobs_.end() ? nullptr : found->second;
  }

  Term credit(const std::int64_t* id, const std::vector<Term>& arguments) {
    const auto* windows = arguments[1].as<std::int64_t>();
    if (!id || !windows || *windows < 1)
      return error_term(
          Error("wrong_type", fmt::format("credit takes a job's id and a number of windows from 1; found {} "
                                          "and {}",
                                          term::to_string(arguments[0]), term::to_string(arguments[1]))));
    const auto job = *id < 0 ? nullptr : find(static_cast<Ticket>(*id));
    if (!job) return error_term(Error("no_such_job", fmt::format("no job {} runs or waits here", *id)));
    if (!job->outflow || !job->outflow->grant(static_cast<std::uint64_t>(*windows)))
      return error_term(
          Error("bad_option", fmt::format("job {} was started without the option credit", *id)));
    return term::atom("ok");
  }

  void loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (!cancelled_.empty()) {
        const auto jobs = std::exchange(cancelled_, {});
        lock.unlock();
        for (const auto& job : jobs) end(job, "cancelled", "the job was cancelled");
        lock.lock();
        continue;
      }
      if (!arrived_.empty()) {
        const auto job = std::move(arrived_.front());
        arrived_.pop_front();
        lock.unlock();
        start(job);
        lock.lock();
        continue;
      }
      std::vector<std::shared_ptr<Job>> late;
      std::optional<Clock::time_point> next;
      const auto now = Clock::now();
      for (const auto& [id, job] : jobs_) {
        if (job->answered()) continue;
        const auto grace = job->grace();
        const auto until = grace ? grace : job->deadline;
        if (!until) continue;
        if (*until <= now)
          late.push_back(job);
        else if (!next || *until < *next)
          next = *until;
      }
      if (!late.empty()) {
        lock.unlock();
        for (const auto& job : late) {
          // One that answers itself has time to; one that has had it is answered.
          if (!job->grace() && job->ask("deadline")) continue;
          const bool cancelled = job->ending() == "cancelled";
          end(job, cancelled ? "cancelled" : "deadline",
              cancelled
                  ? "the job was cancelled"
                  : fmt::format(
                        "deadline_ms passed while the job was {}; allow more time, or ask for fewer draws",
                        job->reached()));
        }
        lock.lock();
      } else if (next) {
        wake_.wait_until(lock, *next);
      } else {
        wake_.wait(lock);
      }
    }
  }

  /// Answers a job before its work is done, and lets the work know. What waits in a worker's queue is skipped
  /// there.
  void end(const std::shared_ptr<Job>& job, const char* reason, const std::string& message) {
    job->stop.request_stop();
    if (!job->running()) erase(job);
    job->answer(error_term(Error(reason, message)));
  }

  void erase(const std::shared_ptr<Job>& job) {
    const std::lock_guard lock(mutex_);
    jobs_.erase(job->id);
  }

  void start(const std::shared_ptr<Job>& job) {
    if (job->answered()) return;
    try {
      if (job->row.kind == Kind::Quick) {
        Context context;
        context.engine = &options_;
        context.models = &models_;
        job->answer(job->prepared.work(context));
        return;
      }
      std::int64_t device = -1;
      if (job->prepared.on_device) {
        device = job->prepared.device ? *job->prepared.device : the_default();
        check_device(device);
      }
      auto& worker = workers_[device];
      if (!worker)
        worker =
            std::make_unique<Worker>(device, options_, models_, [this](const auto& done) { erase(done); });
      worker->push(job);
    } catch (...) {
      const Term answer = current_error();
      erase(job);
      job->answer(answer);
    }
  }

  /// Devices are asked for once they exist, and then not again: a call is not to wait for the loader.
  std::uint32_t the_default() {
    if (!default_) default_ = default_device();
    return *default_;
  }

  void check_device(std::int64_t device) {
    if (workers_.contains(device)) return;
    const auto devices = gpu::devices();
    if (devices.empty())
      throw Error("no_device",
                  "there is no usable Vulkan device here; install a driver (mesa-vulkan-drivers has one for "
                  "the CPU)");
    if (std::ranges::none_of(devices, [&](const auto& d) { return d.index == device; }))
      throw Error("bad_option",
                  fmt::format("device is an index that info() lists; there are {}, and none is {}",
                              devices.size(), device),
                  "options: device");
  }

  const EngineOptions options_;
  Models models_;
  std::atomic<Ticket> next_ = 1;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::map<Ticket, std::shared_ptr<Job>> jobs_;  ///< accepted and not yet out of a worker
  std::deque<std::shared_ptr<Job>> arrived_;
  std::vector<std::shared_ptr<Job>> cancelled_;

  // The control thread's own; the destructor's after it.
  std::optional<std::uint32_t> default_;
  std::map<std::int64_t, std::unique_ptr<Worker>> workers_;
  std::thread control_;
  std::jthread preparing_;
};

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Engine::~Engine() = default;

bool Engine::exports(std::string_view function, std::size_t arity) {
  return find_call(function, arity) != nullptr;
}
std::vector<std::string> Engine::names() {
  std::vector<std::string> names;
  for (const CallRow& row : calls()) names.emplace_back(row.name);
  return names;
}
Ticket Engine::submit(Call call) { return impl_->submit(std::move(call)); }
void Engine::cancel(Ticket ticket) { impl_->cancel(ticket, false); }
std::string Engine::device_name() const { return impl_->device_name(); }
void Engine::require_device() const { impl_->require_device(); }

}  // namespace drey::service
