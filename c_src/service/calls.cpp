#include "service/calls.h"

#include <algorithm>
#include <array>
#include <new>
#include <random>

#include <fmt/format.h>

#include "error.h"
#include "gpu/device.h"

namespace drey::service {

using term::Term;

std::span<const CallRow> calls() {
  static const std::array<CallRow, 10> rows = {{
      {"info", 0, Kind::Quick, prepare_info, "info()", "#{version, node, door, devices, chains, limits}",
       "the engine, its devices, the chains that keep its device busy, its limits"},
      {"check", 1, Kind::Job, prepare_check, "check(Model)",
       "{ok, #{dimension, parameters, outputs, warnings}}", "whether the model is one, and what it has"},
      {"log_density", 2, Kind::Job, prepare_log_density, "log_density(Model, Points)",
       "{ok, #{value, gradient}}", "the log density, normalised and with Jacobians, at unconstrained points"},
      {"log_density", 3, Kind::Job, prepare_log_density, "log_density(Model, Points, Opts)",
       "{ok, #{value, gradient}}", "with options"},
      {"warmup", 2, Kind::Job, prepare_warmup, "warmup(Model, Opts)", "{ok, Tuning}",
       "step size, inverse metric and positions to sample from"},
      {"sample", 2, Kind::Job, prepare_sample, "sample(Model, Opts)", "{ok, Result}",
       "draws and their summary"},
      {"summary", 1, Kind::Job, prepare_summary, "summary(Draws)", "{ok, [Row]}",
       "the rows of draws shaped [Chains, Draws | Shape], of one run or several joined"},
      {"jobs", 0, Kind::Immediate, nullptr, "jobs()", "[Job]", "what runs and waits"},
      {"cancel", 1, Kind::Immediate, nullptr, "cancel(Job)", "ok",
       "stops a job; its caller gets reason cancelled"},
      {"credit", 2, Kind::Immediate, nullptr, "credit(Job, N)", "ok",
       "lets a streaming job send N windows more"},
  }};
  return rows;
}

const CallRow* find_call(std::string_view name, std::size_t arity) {
  const auto rows = calls();
  const auto row =
      std::ranges::find_if(rows, [&](const CallRow& r) { return r.name == name && r.arity == arity; });
  return row == rows.end() ? nullptr : &*row;
}

Prepared device_job(const Options& options) {
  Prepared prepared;
  prepared.on_device = true;
  prepared.device = options.device;
  prepared.deadline = options.deadline;
  prepared.stream_to = options.stream_to;
  prepared.stream_progress = options.stream_progress;
  prepared.log = options.log;
  prepared.credit = options.credit;
  return prepared;
}

Term ok(Term value) { return term::tuple({term::atom("ok"), std::move(value)}); }

Term error_term(const Error& error) {
  std::vector<std::pair<std::string_view, Term>> fields = {{"reason", term::atom(error.reason())},
                                                           {"message", term::text(error.message())}};
  if (!error.where().empty()) fields.emplace_back("where", term::text(error.where()));
  return term::tuple({term::atom("error"), term::map(std::move(fields))});
}

Term current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error_term(error);
  } catch (const std::bad_alloc&) {
    return error_term(Error("out_of_memory",
                            "the host has not the memory for this call; take fewer chains, draws or "
                            "outputs, or thin"));
  } catch (const std::exception& error) {
    return error_term(
        Error("internal",
              fmt::format("{}; this is a defect of Drey, please report it with the model", error.what())));
  } catch (...) {
    return error_term(
        Error("internal", "an unknown exception; this is a defect of Drey, please report it with the model"));
  }
}

void check_stop(const Context& context) {
  if (context.stop.stop_requested()) throw Error("cancelled", "the job was cancelled");
}

std::uint64_t full_chains(const gpu::DeviceInfo& device) {
  // A CPU's lanes are full with 64 chains; a GPU wants a thousand at least.
  return device.type == "cpu" ? 64 : 1024;
}

std::uint64_t default_chains(const gpu::Device& device, std::uint64_t draws, std::uint64_t numbers_a_draw) {
  // The answer stays under 256 MiB.
  std::uint64_t chains = full_chains(device.info());
  const std::uint64_t bytes = 8 * std::max<std::uint64_t>(1, draws) * (numbers_a_draw + 8);
  while (chains > 4 && chains * bytes > (std::uint64_t{256} << 20)) chains /= 2;
  return chains;
}

std::uint64_t fresh_seed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32 | random()) >> 11;
}

}  // namespace drey::service
