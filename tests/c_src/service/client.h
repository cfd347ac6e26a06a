#pragma once

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "service/engine.h"

namespace drey::service {

/// A caller of an engine in this process.
class Client {
 public:
  explicit Client(EngineOptions options = {"test@here", "node"}) : engine_(std::move(options)) {}

  Engine& engine() { return engine_; }

  struct Request {
    Ticket ticket = 0;
    std::future<term::Term> answer;
  };

  Request start(const std::string& function, std::vector<term::Term> arguments) {
    auto promise = std::make_shared<std::promise<term::Term>>();
    Request request;
    request.answer = promise->get_future();
    Call call;
    call.function = function;
    call.arguments = std::move(arguments);
    call.reply = [promise](term::Term answer) {
      promise->set_value(std::move(answer));
    };  // throws if it comes twice
    call.send = [this](const term::Term& pid, term::Term message) {
      const std::lock_guard lock(mutex_);
      messages_.emplace_back(pid, std::move(message));
      arrived_.notify_all();
    };
    call.log = [this](std::string line) {
      const std::lock_guard lock(mutex_);
      lines_ += line;
    };
    request.ticket = engine_.submit(std::move(call));
    return request;
  }

  /// All lines that calls with the option log said.
  std::string lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  /// The answer, within two minutes.
  term::Term call(const std::string& function, std::vector<term::Term> arguments) {
    return wait(start(function, std::move(arguments)));
  }

  static term::Term wait(Request request) {
    if (request.answer.wait_for(std::chrono::minutes(2)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return term::atom("no_answer");
    }
    return request.answer.get();
  }

  std::vector<std::pair<term::Term, term::Term>> messages() {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

  /// Waits until a message came; false after a minute.
  bool wait_for_message() {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::minutes(1), [&] { return !messages_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::string lines_;
  std::condition_variable arrived_;
  std::vector<std::pair<term::Term, term::Term>> messages_;
  Engine engine_;  // last: its threads end before what they use
};

/// The value of `{ok, Value}`; ends the test when it is none.
inline term::Term ok_value(const term::Term& answer) {
  const auto* tuple = answer.tagged("ok", 2);
  if (!tuple) throw std::runtime_error("not {ok, Value}: " + term::to_string(answer, 2000));
  return tuple->elements[1];
}

/// The reason of `{error, #{reason := Reason, message := Message}}`; checks that there is a message.
inline std::string reason(const term::Term& answer) {
  const auto* tuple = answer.tagged("error", 2);
  if (!tuple) return "not an error: " + term::to_string(answer, 500);
  const auto* message = tuple->elements[1].find("message");
  EXPECT_TRUE(message && message->as<term::Binary>() && message->as<term::Binary>()->size() > 8)
      << term::to_string(answer);
  const auto* why = tuple->elements[1].find("reason");
  return why && why->as<term::Atom>() ? why->as<term::Atom>()->name : "";
}

inline std::string message(const term::Term& answer) {
  const auto* tuple = answer.tagged("error", 2);
  const auto* text = tuple ? tuple->elements[1].find("message") : nullptr;
  return text && text->as<term::Binary>() ? std::string(text->as<term::Binary>()->text()) : "";
}

}  // namespace drey::service
