#include "service/worker.h"

#include <utility>

#include <fmt/format.h>

#include "error.h"
#include "gpu/device.h"

namespace drey::service {

Worker::Worker(std::int64_t device, const EngineOptions& engine, Models& models,
               std::function<void(const std::shared_ptr<Job>&)> done)
    : device_index_(device), engine_(engine), models_(models), done_(std::move(done)) {
  thread_ = std::thread([this] { loop(); });
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Worker::push(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake_.notify_all();
}

void Worker::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) break;
    const auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    // A job cancelled while it waited has been answered.
    term::Term answer;
    if (!job->answered()) answer = run(*job);
    job->prepared.work = nullptr;
    // Off the table first: who has an answer does not find its job listed.
    done_(job);
    job->answer(std::move(answer));
    lock.lock();
  }
  samplers_.reset();
  device_.reset();
}

term::Term Worker::run(Job& job) {
  job.begin(device_index_);
  bool doubtful = false;
  term::Term answer;
  try {
    if (device_index_ >= 0 && !device_) {
      device_ = std::make_unique<gpu::Device>(static_cast<std::uint32_t>(device_index_));
      samplers_ = std::make_unique<Samplers>(*device_);
    }
    Context context;
    context.stop = job.stop.get_token();
    context.engine = &engine_;
    context.models = &models_;
    context.samplers = samplers_.get();
    context.progress = [&job](const nuts::Progress& progress) { job.note(progress); };
    context.send = [&job](term::Term message) { job.send(std::move(message)); };
    context.ending = [&job] { return job.ending(); };
    context.outflow = job.outflow;
    answer = job.prepared.work(context);
  } catch (const Error& error) {
    doubtful = error.reason() == "internal" || error.reason() == "device_lost" ||
               error.reason() == "device_error" || error.reason() == "out_of_memory";
    answer = current_error();
    // It was asked to answer what it had, and had nothing yet.
    if (error.reason() == "cancelled" && job.ending() == "deadline")
      answer = error_term(
          Error("deadline", fmt::format("deadline_ms passed while the job was {}; allow more time, or "
                                        "ask for fewer draws",
                                        job.reached())));
  } catch (...) {
    doubtful = true;
    answer = current_error();
  }
  if (doubtful) {
    // Nothing of a device that failed is used again.
    samplers_.reset();
    device_.reset();
  }
  return answer;
}

}  // namespace drey::service
