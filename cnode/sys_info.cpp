#include "cnode/sys_info.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
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

/// Resident bytes; 0 where the system does not say.
std::uint64_t resident() {
  std::uint64_t size = 0, pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r"); file != nullptr) {
    if (std::fscanf(file, "%" SCNu64 " %" SCNu64, &size, &pages) != 2) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// The keys of OTP's observer_backend:sys_info/0, of its types; what a node without a BEAM has none of is 0.
Term sys_info(const Node& node, std::chrono::milliseconds up) {
  std::uint64_t in = node.counters().bytes_in, out = node.counters().bytes_out;
  for (const auto& [peer, session] : node.sessions()) {
    in += session->channel().bytes_in();
    out += session->channel().bytes_out();
  }
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  const auto word = static_cast<std::int64_t>(sizeof(void*));
  const std::uint64_t memory = resident();
  utsname system{};
  uname(&system);
  const auto number = [](std::uint64_t value) { return Term(static_cast<std::int64_t>(value)); };
  std::vector<Term> info = {
      pair("uptime", Term(static_cast<std::int64_t>(up.count()))),
      pair("process_count", number(node.processes().numbers().size())),
      pair("process_limit", number(node.options().session.calls)),
      pair("port_count", number(node.session_count())),
      pair("io_input", number(in)),
      pair("io_output", number(out)),
      pair("dist_buf_busy_limit", number(node.options().channel.queued)),
      pair("otp_release", characters("drey")),
      pair("version", characters(node.options().version)),
      pair("system_architecture", characters(std::string(system.machine) + "-" + system.sysname)),
      pair("kernel_poll", term::boolean(true)),
      pair("smp_support", term::boolean(true)),
      pair("threads", term::boolean(true)),
      pair("wordsize_internal", Term(word)),
      pair("wordsize_external", Term(word)),
      pair("total", number(memory)),
      pair("system", number(memory)),
      pair("alloc_info", term::list({})),
  };
  for (const std::string_view key :
       {"logical_processors", "logical_processors_online", "logical_processors_available"})
    info.push_back(pair(key, Term(cores)));
  for (const std::string_view key : {"schedulers", "schedulers_online", "schedulers_available"})
    info.push_back(pair(key, Term(1)));
  for (const std::string_view key :
       {"run_queue", "thread_pool_size", "port_limit", "atom_count", "atom_limit", "ets_count", "ets_limit",
        "processes", "processes_used", "atom", "atom_used", "binary", "code", "ets"})
    info.push_back(pair(key, Term(0)));
  return term::list(std::move(info));
}

/// `erlang:node/0`, by which many look whether a node answers; `code:ensure_loaded/1` and `erlang:function_exported/3`,
/// which observer asks before anything else: they tell what is exported, and load nothing.
void export_questions(Exports& exports, const Node& node) {
  const auto has = [&node](const Term& module) {
    const auto* name = module.as<term::Atom>();
    return name != nullptr && node.exports().has(name->name);
  };
  exports.add(
      "code",
      {[](std::string_view function, std::size_t arity) { return function == "ensure_loaded" && arity == 1; },
       [has](Call call) -> Cancel {
         const Term& module = call.arguments[0];
         call.caller->reply(Outcome::value(has(module)
                                               ? term::tuple({term::atom("module"), module})
                                               : term::tuple({term::atom("error"), term::atom("nofile")})));
         return {};
       }});
  exports.add("erlang", {[](std::string_view function, std::size_t arity) {
                           return (function == "function_exported" && arity == 3) ||
                                  (function == "node" && arity == 0);
                         },
                         [&node](Call call) -> Cancel {
                           if (call.function == "node")
                             return call.caller->reply(Outcome::value(term::atom(node.name()))), Cancel{};
                           const auto* module = call.arguments[0].as<term::Atom>();
                           const auto* function = call.arguments[1].as<term::Atom>();
                           const auto* arity = call.arguments[2].as<std::int64_t>();
                           const bool exported =
                               module != nullptr && function != nullptr && arity != nullptr && *arity >= 0 &&
                               node.exports().find(module->name, function->name,
                                                   static_cast<std::size_t>(*arity)) != nullptr;
                           call.caller->reply(Outcome::value(term::boolean(exported)));
                           return {};
                         }});
}

}  // namespace

void export_sys_info(Exports& exports, const Node& node) {
  export_questions(exports, node);
  const auto started = std::chrono::steady_clock::now();
  exports.add(
      "observer_backend",
      {[](std::string_view function, std::size_t arity) { return function == "sys_info" && arity == 0; },
       [&node, started](Call call) -> Cancel {
         const auto up = std::chrono::steady_clock::now() - started;
         call.caller->reply(
             Outcome::value(sys_info(node, std::chrono::duration_cast<std::chrono::milliseconds>(up))));
         return {};
       }});
}

}  // namespace drey::cnode
