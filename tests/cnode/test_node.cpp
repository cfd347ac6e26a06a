#include "cnode/stream.h"

#include <atomic>
#include <iostream>
#include <map>
#include <thread>

#include <spdlog/spdlog.h>

#include "cnode/application.h"
#include "cnode/log.h"
#include "cnode/rpc.h"
#include "error.h"

/// The node of the product with another module, `test`: what a suite needs to see every way in which a call
/// can end.
namespace {

using namespace drey;
using cnode::Call;
using cnode::Cancel;
using cnode::Outcome;
using term::Term;

std::atomic<int> sleeping{0}, cancelled{0};

/// Replies `value` after some milliseconds; counts how many sleep and how many were cancelled.
Cancel sleep(cnode::asio::io_context& io, std::int64_t milliseconds, const Call& call, Term value) {
  auto timer = std::make_shared<cnode::asio::steady_timer>(io, std::chrono::milliseconds(milliseconds));
  ++sleeping;
  timer->async_wait([caller = call.caller, value = std::move(value), timer](const cnode::error_code& error) {
    --sleeping;
    if (!error) caller->reply(Outcome::value(value));
  });
  return [timer] {
    ++cancelled;
    timer->cancel();
  };
}

/// A binary of that length, made once.
Term bytes(std::int64_t count) {
  static std::map<std::int64_t, term::Binary> made;
  const auto found = made.find(count);
  if (found != made.end()) return found->second;
  std::vector<std::uint8_t> filled(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < filled.size(); ++i) filled[i] = static_cast<std::uint8_t>(i % 251);
  return made.emplace(count, term::Binary(std::move(filled))).first->second;
}

std::int64_t integer(const Term& term) {
  const auto* value = term.as<std::int64_t>();
  return value != nullptr ? *value : 0;
}

Cancel start(cnode::asio::io_context& io, const Call& call) {
  const auto& a = call.arguments;
  const std::string& f = call.function;
  if (f == "echo") return call.caller->reply(Outcome::value(a[0])), Cancel{};
  if (f == "null") return call.caller->reply(Outcome::value(term::atom("ok"))), Cancel{};
  if (f == "size") {
    const auto* binary = a[0].as<term::Binary>();
    return call.caller->reply(
               Outcome::value(static_cast<std::int64_t>(binary != nullptr ? binary->size() : 0))),
           Cancel{};
  }
  if (f == "warm")
    return bytes(integer(a[0])), call.caller->reply(Outcome::value(term::atom("ok"))), Cancel{};
  if (f == "blob") return call.caller->reply(Outcome::value(bytes(integer(a[0])))), Cancel{};
  if (f == "error")
    return call.caller->reply(Outcome::error(a[0], cnode::rpc::frame("test", "error", 1))), Cancel{};
  if (f == "throw") return call.caller->reply({Outcome::Kind::Throw, a[0], term::list({})}), Cancel{};
  if (f == "exit") return call.caller->reply({Outcome::Kind::Exit, a[0], term::list({})}), Cancel{};
  if (f == "crash") throw std::runtime_error("the export threw");
  if (f == "sleep") return sleep(io, integer(a[0]), call, term::atom("slept"));
  if (f == "sleeping") return call.caller->reply(Outcome::value(sleeping.load())), Cancel{};
  if (f == "cancelled") return call.caller->reply(Outcome::value(cancelled.load())), Cancel{};
  if (f == "log") {
    for (std::int64_t i = 1; i <= integer(a[1]); ++i) {
      const auto* line = a[0].as<term::Binary>();
      call.caller->log(fmt::format("{} {}\n", line != nullptr ? line->text() : "", i));
    }
    return sleep(io, 200, call, term::atom("ok"));
  }
  if (f == "thread") {  // as the engine answers: from a thread of its own
    std::thread([caller = call.caller, value = a[0]] { caller->reply(Outcome::value(value)); }).detach();
    return {};
  }
  if (f == "stream") {  // messages large and small to a pid, in order, then the answer
    for (std::int64_t i = 1; i <= integer(a[1]); ++i)
      call.caller->send(a[0],
                        term::tuple({term::atom("draws"), Term(i), bytes(i % 2 == 1 ? integer(a[2]) : 10)}));
    return call.caller->reply(Outcome::value(term::atom("streamed"))), Cancel{};
  }
  return call.caller->reply(Outcome::error(term::atom("undef"))), Cancel{};
}

bool exported(std::string_view f, std::size_t arity) {
  struct Export {
    std::string_view name;
    std::size_t arity;
  };
  static constexpr Export all[] = {{"echo", 1},      {"null", 0},     {"size", 1}, {"blob", 1},
                                   {"error", 1},     {"throw", 1},    {"exit", 1}, {"crash", 0},
                                   {"sleep", 1},     {"sleeping", 0}, {"log", 2},  {"thread", 1},
                                   {"cancelled", 0}, {"stream", 3},   {"warm", 1}};
  for (const Export& one : all)
    if (one.name == f && one.arity == arity) return true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const auto [options, leave] = cnode::parse_options({argv + 1, argv + argc}, "test");
  if (leave) {
    std::cerr << leave->text;
    return leave->status;
  }
  try {
    cnode::set_up_log(options);
    cnode::asio::io_context io(1);
    cnode::Exports exports;
    exports.add("test", {exported, [&io](Call call) { return start(io, call); }});
    return cnode::run(options, io, std::move(exports), "test", "test", std::cout);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
  }
  return 1;
}
