#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "term/term.h"

/// The calls of the product: one contract, two doors. The only header of the engine (beside term/) that a
/// door includes. It knows nothing of sockets, processes of the VM, or how a term travelled.
namespace drey::service {

/// Names a call in progress; unique for the life of an Engine.
using Ticket = std::uint64_t;

struct Call {
  std::string function;               ///< "sample"
  std::vector<term::Term> arguments;  ///< as many as its arity
  /// The answer, exactly once, from a thread of the engine (or from submit itself for calls that compute
  /// nothing). Never an exception: failures are `{error, #{reason, message, ...}}`. A cancelled call answers
  /// `{error, #{reason => cancelled, ...}}`. Must not block.
  std::function<void(term::Term)> reply;
  /// Delivers a message to a pid that the caller named in `stream_to`. Must not block; may be empty.
  std::function<void(const term::Term& pid, term::Term message)> send;
  /// Writes a line of UTF-8 where the caller is (its group leader). Must not block; may be empty.
  std::function<void(std::string line)> log;
};

struct EngineOptions {
  std::string node_name;      ///< what info() answers as `node`
  std::string door;           ///< `node` or `nif`
  int device = -1;            ///< index into the devices; -1: the best one
  std::size_t max_jobs = 64;  ///< running and waiting; more are refused with reason `busy`
  std::size_t max_result_bytes = std::size_t{4} << 30;  ///< a run's draws in the host's memory, at most
  /// Streamed draws that this door may hold for one job before they are on their way; 0: any number, for a door that
  /// holds them as long as their reader does.
  std::size_t max_stream_bytes = std::size_t{64} << 20;
};

/// The engine. All members may be called from any thread; none blocks on a device.
class Engine {
 public:
  explicit Engine(EngineOptions options);
  /// Cancels what runs, waits for it, answers everything.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Whether `function/arity` is one of the calls.
  static bool exports(std::string_view function, std::size_t arity);
  /// The names of the calls; one of several arities more than once.
  static std::vector<std::string> names();

  /// Starts a call. A function that is not exported answers `{error, #{reason => undef, ...}}`.
  Ticket submit(Call call);

  /// Asks a call to stop; it still answers, soon. Unknown and finished tickets are ignored.
  void cancel(Ticket ticket);

  /// One line about the device in use, for a log: "llvmpipe (LLVM 15.0.6, 256 bits)".
  std::string device_name() const;

  /// For a program that was told which device to use: whether it is there.
  /// \throws Error{bad_option} that lists the devices there are
  void require_device() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drey::service
