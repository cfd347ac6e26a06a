#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "service/job.h"

namespace drey::service {

/// A thread that runs jobs one after another: one for each device in use, and one for work on the host. Owns
/// its device and the samplers made ready on it.
class Worker {
 public:
  /// \param device index into the devices; -1: the host
  /// \param done   told when a job leaves the worker, before it is answered
  Worker(std::int64_t device, const EngineOptions& engine, Models& models,
         std::function<void(const std::shared_ptr<Job>&)> done);
  /// Waits for the job that runs. Jobs that wait must have been answered.
  ~Worker();

  void push(std::shared_ptr<Job> job);

 private:
  void loop();
  term::Term run(Job& job);

  const std::int64_t device_index_;
  const EngineOptions& engine_;
  Models& models_;
  const std::function<void(const std::shared_ptr<Job>&)> done_;

  // The thread's own.
  std::unique_ptr<gpu::Device> device_;
  std::unique_ptr<Samplers> samplers_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace drey::service
