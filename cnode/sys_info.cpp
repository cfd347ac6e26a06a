#include "cnode/sys_info.h"

#include <sys/utsname.h>

#include <chrono>
#include <thread>

#include "cnode/node.h"

namespace drey::cnode {
namespace {

using term::Term;

Term pair(std::string_view key, Term value) { return term::tuple({term::atom(key), std::move(value)}); }
Term characters(std::string_view text) {
  std::vector<Term> list;
  for (const char c : text) list.emplace_back(static_cast<int>(static_cast<unsigned char>(c)));
  return term::list(std::move(list));
}

/// {Days, {Hours, Minutes, Seconds}}
Term uptime(std::chrono::seconds seconds) {
  const std::int64_t s = seconds.count();
  return term::tuple({Term(s / 86400), term::tuple({Term(s / 3600 % 24), Term(s / 60 % 60), Term(s % 60)})});
}

Term sys_info(const Node& node, std::chrono::seconds up) {
  std::uint64_t in = node.counters().bytes_in, out = node.counters().bytes_out;
  for (const auto& [peer, session] : node.sessions()) {
    in += session->channel().bytes_in();
    out += session->channel().bytes_out();
  }
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  utsname system{};
  uname(&system);
  const auto number = [](std::uint64_t value) { return Term(static_cast<std::int64_t>(value)); };
  return term::list({
      pair("process_count", number(node.processes().calls() + 3)),
      pair("process_limit", number(node.options().session.calls)),
      pair("uptime", uptime(up)),
      pair("run_queue", number(0)),
      pair("io_input", number(in)),
      pair("io_output", number(out)),
      pair("logical_processors", Term(cores)),
      pair("logical_processors_online", Term(cores)),
      pair("logical_processors_available", Term(cores)),
      pair("schedulers", Term(1)),
      pair("schedulers_online", Term(1)),
      pair("schedulers_available", Term(1)),
      pair("otp_release", characters("drey")),
      pair("version", characters(node.options().version)),
      pair("system_architecture", characters(std::string(system.machine) + "-" + system.sysname)),
      pair("kernel_poll", term::boolean(true)),
      pair("smp_support", term::boolean(true)),
      pair("threads", term::boolean(true)),
      pair("threads_pool_size", Term(0)),
      pair("wordsize_internal", Term(static_cast<int>(sizeof(void*)))),
      pair("wordsize_external", Term(static_cast<int>(sizeof(void*)))),
      pair("alloc_info", term::list({})),
  });
}

}  // namespace

void export_sys_info(Exports& exports, const Node& node) {
  const auto started = std::chrono::steady_clock::now();
  exports.add(
      "observer_backend",
      {[](std::string_view function, std::size_t arity) { return function == "sys_info" && arity == 0; },
       [&node, started](Call call) -> Cancel {
         const auto up = std::chrono::steady_clock::now() - started;
         call.caller->reply(
             Outcome::value(sys_info(node, std::chrono::duration_cast<std::chrono::seconds>(up))));
         return {};
       }});
}

}  // namespace drey::cnode
