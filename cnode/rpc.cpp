#include "cnode/rpc.h"

#include <algorithm>
#include <array>

#include "cnode/raw.h"

namespace drey::cnode::rpc {
namespace {

using term::Term;

constexpr std::size_t echo_limit = 64 * 1024;

Term stack_frame(const Term& module, const Term& function, const Term& arguments) {
  return term::list({term::tuple({module, function, arguments, term::list({})})});
}

/// The exit reason of a process that erpc started; `result` is the caller's reference for it.
Term erpc_reason(Term result, Outcome outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::Value:
      return term::tuple({std::move(result), term::atom("return"), std::move(outcome.term)});
    case Outcome::Kind::Throw:
      return term::tuple({std::move(result), term::atom("throw"), std::move(outcome.term)});
    case Outcome::Kind::Exit:
      return term::tuple({std::move(result), term::atom("exit"), std::move(outcome.term)});
    case Outcome::Kind::Error:
      return term::tuple(
          {std::move(result), term::atom("error"), std::move(outcome.term), std::move(outcome.stack)});
    case Outcome::Kind::Refused:
      break;
  }
  return term::tuple(
      {std::move(result), term::atom("error"), term::tuple({term::atom("erpc"), std::move(outcome.term)})});
}

/// The exit reason of a process that ran the function and nothing else.
Term spawn_reason(Outcome outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::Value:
      return term::atom("normal");
    case Outcome::Kind::Error:
      return term::tuple({std::move(outcome.term), std::move(outcome.stack)});
    case Outcome::Kind::Throw:
      return term::tuple(
          {term::tuple({term::atom("nocatch"), std::move(outcome.term)}), std::move(outcome.stack)});
    case Outcome::Kind::Exit:
    case Outcome::Kind::Refused:
      break;
  }
  return std::move(outcome.term);
}

void end(Node& node, const Process& process, const Term& reason) {
  const std::uint64_t number = process.number;
  try {
    node.exit_process(number, term::encode(reason));
  } catch (const Error& error) {
    node.exit_process(number,
                      term::encode(term::tuple({term::atom(error.reason()), term::text(error.message())})));
  }
}

struct Options {
  bool monitor = false, link = false;
};
/// `[monitor]`, which is what erpc asks for.
constexpr std::array<std::uint8_t, 15> only_monitor = {108, 0,   0,   0,   1,   119, 7,  'm',
                                                       'o', 'n', 'i', 't', 'o', 'r', 106};

/// Of a BEAM's processes; they mean nothing here.
constexpr std::array<std::string_view, 7> ignored = {
    "priority",      "fullsweep_after",    "min_heap_size", "min_bin_vheap_size",
    "max_heap_size", "message_queue_data", "async_dist"};

/// None where a BEAM would answer `badopt`.
std::optional<Options> parse_options(View bytes) {
  if (same(bytes, only_monitor)) return Options{true, false};
  Options options;
  const Term list = term::decode(bytes);
  const auto* all = list.as<term::List>();
  if (all == nullptr || all->tail) return {};
  for (const Term& one : all->elements) {
    const auto known = [&](std::string_view name) { return one.tagged(name, 2) != nullptr; };
    if (one.is_atom("monitor") || known("monitor"))
      options.monitor = true;
    else if (one.is_atom("link"))
      options.link = true;
    else if (std::none_of(ignored.begin(), ignored.end(), known))
      return {};
  }
  return options;
}

}  // namespace

void apply(Node& node, Process& process, Target target, std::function<void(Process&, Outcome)> answer) {
  const auto finish = [&](Outcome outcome) { answer(process, std::move(outcome)); };
  const auto* module = target.module.as<term::Atom>();
  const auto* function = target.function.as<term::Atom>();
  auto* list = target.arguments.as<term::List>();
  if (module == nullptr || function == nullptr || list == nullptr || list->tail)
    return finish(Outcome::refused(term::atom("badarg")));
  const Module* found = node.exports().find(module->name, function->name, list->elements.size());
  if (found == nullptr) {
    if (module->name == "erlang" && function->name == "apply")  // somebody's code, which is not run here
      return finish(Outcome::refused(term::atom("notsup")));
    const Term shown =
        target.echo_arguments ? target.arguments : Term(static_cast<std::int64_t>(list->elements.size()));
    return finish(Outcome::error(term::atom("undef"), stack_frame(target.module, target.function, shown)));
  }
  Call call;
  call.module = module->name;
  call.function = function->name;
  call.arguments = std::move(list->elements);
  node.run_call(process, *found, std::move(call), std::move(answer));
}

void spawn_request(Node& node, Session& session, const control::SpawnRequest& request,
                   const Session::Payload& arguments) {
  const Term decoded = arguments.decode();
  const auto* list = decoded.as<term::List>();
  if (list == nullptr || list->tail || list->elements.size() != request.arity)
    throw Error("bad_control", "a spawn request whose arguments are no list of its arity");
  const std::optional<Options> options = parse_options(request.options);
  if (!options) return session.send_spawn_reply(request.reference, request.from, 0, raw::make_atom("badopt"));
  if (!session.admits_call()) {
    ++node.counters().refused;
    return session.send_spawn_reply(request.reference, request.from, 0, raw::make_atom("busy"));
  }

  const bool erpc = raw::is_atom(request.module, "erpc");
  const bool execute_call = erpc && raw::is_atom(request.function, "execute_call") && request.arity == 4;
  const bool execute_cast = erpc && raw::is_atom(request.function, "execute_cast") && request.arity == 3;
  Process& process =
      node.begin_call({session.shared_from_this(), request.reference, request.group_leader, execute_call});
  if (options->monitor) session.watch(process, request.from, process.pid, request.reference);
  if (options->link) session.watch(process, request.from, process.pid, {});
  // Before the call begins: the caller can only give up what it has been told of.
  session.send_spawn_reply(request.reference, request.from,
                           (options->monitor ? control::spawned_with_monitor : 0) |
                               (options->link ? control::spawned_with_link : 0),
                           process.pid);

  Target target;
  target.echo_arguments = arguments.bytes.size() <= echo_limit;
  std::function<void(Process&, Outcome)> answer = [&node](Process& ended, Outcome outcome) {
    end(node, ended, spawn_reason(std::move(outcome)));
  };
  if (execute_call || execute_cast) {
    const std::size_t skip = execute_call ? 1 : 0;
    target.module = list->elements[skip];
    target.function = list->elements[skip + 1];
    target.arguments = list->elements[skip + 2];
  } else {
    target.module = term::atom(raw::atom_name(request.module));
    target.function = term::atom(raw::atom_name(request.function));
    target.arguments = decoded;
  }
  if (execute_call)
    answer = [&node, result = list->elements[0]](Process& ended, Outcome outcome) mutable {
      end(node, ended, erpc_reason(std::move(result), std::move(outcome)));
    };
  apply(node, process, std::move(target), std::move(answer));
}

Term badrpc(Outcome outcome) {
  const auto exit = [](Term reason) {
    return term::tuple({term::atom("badrpc"), term::tuple({term::atom("EXIT"), std::move(reason)})});
  };
  switch (outcome.kind) {
    case Outcome::Kind::Value:
    case Outcome::Kind::Throw:
      return std::move(outcome.term);
    case Outcome::Kind::Error:
      return exit(term::tuple({std::move(outcome.term), std::move(outcome.stack)}));
    case Outcome::Kind::Exit:
    case Outcome::Kind::Refused:
      break;
  }
  return exit(std::move(outcome.term));
}

term::Term frame(std::string_view module, std::string_view function, Term arity_or_arguments) {
  return stack_frame(term::atom(module), term::atom(function), arity_or_arguments);
}

}  // namespace drey::cnode::rpc
