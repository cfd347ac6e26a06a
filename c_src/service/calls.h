#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "error.h"
#include "gpu/device.h"
#include "nuts/sampler.h"
#include "service/engine.h"
#include "service/models.h"
#include "service/options.h"
#include "service/stream.h"
#include "term/term.h"

/// The calls, one file each (call_sample.cpp, ...). A call is prepared where it came in: its arguments are
/// looked at and its options checked, nothing is computed. Its work then runs on the thread it needs.
namespace drey::service {

/// What a call's work may use.
struct Context {
  std::stop_token stop;
  const EngineOptions* engine = nullptr;
  Models* models = nullptr;
  Samplers* samplers = nullptr;  ///< of the device's worker; null for work on the host
  /// Notes the phase and how far it is, for jobs() and stream_to. May be called often.
  std::function<void(const nuts::Progress&)> progress;
  /// Sends `{drey, Job, Message}` to the subscriber; nothing where there is none.
  std::function<void(term::Term message)> send;
  std::shared_ptr<Outflow> outflow;  ///< of the subscriber
  /// Why a stop was requested when the call is to answer what it has: "deadline" or "cancelled"; else empty.
  std::function<std::string()> ending;
};

/// A call that was looked at and can start.
struct Prepared {
  bool on_device = false;
  std::optional<std::uint32_t> device;  ///< of the option `device`
  std::optional<std::chrono::milliseconds> deadline;
  std::optional<term::Term> stream_to;
  bool stream_progress = true;
  bool log = false;  ///< tells the caller what it does, in lines
  std::optional<std::uint64_t> credit;
  bool yields = false;  ///< answers itself, soon, what it has when its deadline passes or cancel(Job) comes
  /// Answers with the whole answer, `{ok, ...}` included. \throws Error, or any exception
  std::function<term::Term(Context&)> work;
};

/// Whether and where a call computes.
enum class Kind : std::uint8_t {
  Immediate,  ///< answered by the engine from its own tables: jobs, cancel
  Quick,      ///< runs on the engine's control thread; not listed, never refused: info
  Job,        ///< prepared, queued, listed by jobs()
};

struct CallRow {
  std::string_view name;
  std::size_t arity;
  Kind kind;
  Prepared (*prepare)(std::vector<term::Term> arguments);  ///< null for Kind::Immediate
  std::string_view signature, answer, meaning;             ///< for docs/calls.md
};

/// The table of calls: exports(), submit() and docs/calls.md follow from it.
std::span<const CallRow> calls();
/// The row of `name/arity`; null when there is none.
const CallRow* find_call(std::string_view name, std::size_t arity);

Prepared prepare_info(std::vector<term::Term> arguments);
Prepared prepare_check(std::vector<term::Term> arguments);
Prepared prepare_log_density(std::vector<term::Term> arguments);
Prepared prepare_warmup(std::vector<term::Term> arguments);
Prepared prepare_sample(std::vector<term::Term> arguments);
Prepared prepare_summary(std::vector<term::Term> arguments);

/// A job on a device, run as its options say; its work is still to be given.
Prepared device_job(const Options& options);

/// `{ok, Value}`.
term::Term ok(term::Term value);
/// `{error, #{reason, message, where}}`; `where` only when there is one.
term::Term error_term(const Error& error);
/// The answer to whatever was thrown. Call in a catch block.
term::Term current_error();

/// \throws Error{cancelled} when a stop was requested
void check_stop(const Context& context);

/// Chains that keep a device busy.
std::uint64_t full_chains(const gpu::DeviceInfo& device);
/// The chains to run when the caller names none: enough lanes to keep the device busy, fewer where draws or
/// outputs are large.
std::uint64_t default_chains(const gpu::Device& device, std::uint64_t draws, std::uint64_t numbers_a_draw);
/// A seed nobody has to choose, below 2^53 so that every language prints it exactly.
std::uint64_t fresh_seed();

}  // namespace drey::service
