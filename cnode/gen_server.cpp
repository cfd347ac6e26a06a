#include "cnode/gen_server.h"

#include "cnode/flags.h"
#include "cnode/raw.h"
#include "cnode/rpc.h"

namespace drey::cnode {
namespace {

using term::Term;

const Term* alias_of(const Term& tag) {
  const auto* list = tag.as<term::List>();
  if (list == nullptr || list->elements.size() != 1 || !list->elements[0].is_atom("alias") || !list->tail)
    return nullptr;
  return list->tail.get();
}

View opaque(const Term& term) {
  const auto* bytes = term.as<term::Opaque>();
  return bytes != nullptr ? View(bytes->bytes) : View();
}

Term failure(std::string_view reason, const std::string& message) {
  return term::tuple(
      {term::atom("error"), term::map({{"reason", term::atom(reason)}, {"message", term::text(message)}})});
}

/// Runs what a caller of a server asked for; the value goes back as the server's reply.
void call_for(Node& node, Session& session, const Process& server, GenCall call, rpc::Target target,
              View group_leader, std::function<Term(Outcome)> as_reply) {
  if (!session.admits_call()) {
    ++node.counters().refused;
    return gen_reply(session, server, call,
                     failure("busy", "this node has as many calls as it takes; try later"));
  }
  Process& process = node.begin_call({session.shared_from_this(), call.reference(), group_leader, true});
  const std::uint64_t server_number = server.number;
  rpc::apply(node, process, std::move(target),
             [&node, server_number, call = std::move(call), as_reply = std::move(as_reply)](Process& ended,
                                                                                            Outcome outcome) {
               const auto to = ended.session.lock();
               const Process* from = node.processes().find(server_number);
               if (to && from != nullptr)
                 gen_reply(*to, *from, call, as_reply(std::move(outcome)), ended.number);
               node.exit_process(ended.number, term::encode(term::atom("normal")));
             });
}

}  // namespace

View GenCall::reference() const {
  const Term* inside = alias_of(tag);
  return opaque(inside != nullptr ? *inside : tag);
}

bool GenCall::alias() const { return alias_of(tag) != nullptr; }

std::optional<GenCall> as_gen_call(const Term& message) {
  const auto* call = message.tagged("$gen_call", 3);
  const auto* from = call != nullptr ? call->elements[1].as<term::Tuple>() : nullptr;
  if (from == nullptr || from->elements.size() != 2 || !raw::is_pid(opaque(from->elements[0]))) return {};
  return GenCall{from->elements[0], from->elements[1], call->elements[2]};
}

const Term* as_gen_cast(const Term& message) {
  const auto* cast = message.tagged("$gen_cast", 2);
  return cast != nullptr ? &cast->elements[1] : nullptr;
}

void gen_reply(Session& session, const Process& server, const GenCall& call, const Term& reply,
               std::uint64_t sender) {
  term::Encoded message;
  try {
    message = term::encode(term::tuple({call.tag, reply}));
  } catch (const Error& error) {
    message = term::encode(term::tuple({call.tag, failure(error.reason(), error.message())}));
  }
  if (call.alias() && session.has(flags::Alias) && raw::is_reference(call.reference()))
    session.send_to_alias(server.pid, call.reference(), std::move(message), sender);
  else
    session.send_to_pid(server.pid, opaque(call.from), std::move(message), sender);
}

void refuse_gen_call(Session& session, const Process& server, View head, std::string_view reason) {
  try {
    Reader in(head);
    if (in.u8() != 104 || in.u8() != 3) return;  // a tuple of three
    if (!raw::is_atom(in.take(term::validate(in.rest())), "$gen_call")) return;
    const Term from = term::decode(in.rest());
    const auto* pair = from.as<term::Tuple>();
    if (pair == nullptr || pair->elements.size() != 2 || !raw::is_pid(opaque(pair->elements[0]))) return;
    gen_reply(session, server, {pair->elements[0], pair->elements[1], {}},
              failure(reason,
                      "the message is larger than this node takes, or it takes too many at once; see "
                      "--max-fragments-mb"));
  } catch (const Error&) {  // no term of a call
  }
}

void net_kernel_message(Node& node, Session& session, Process& self, const Term& message) {
  const auto call = as_gen_call(message);
  if (!call) return;
  if (call->request.tagged("is_auth", 2) != nullptr)
    return gen_reply(session, self, *call, term::atom("yes"));
  gen_reply(session, self, *call, term::tuple({term::atom("error"), term::atom("bad_request")}));
  (void)node;
}

void rex_message(Node& node, Session& session, Process& self, const Term& message) {
  // {call | block_call | cast, Module, Function, Arguments, GroupLeader}
  const auto target = [](const term::Tuple& request) {
    return rpc::Target{request.elements[1], request.elements[2], request.elements[3], true};
  };
  const auto request_of = [](const Term& term) -> const term::Tuple* {
    for (const std::string_view kind : {"call", "block_call", "cast"})
      if (const auto* request = term.tagged(kind, 5)) return request;
    return nullptr;
  };
  if (auto call = as_gen_call(message)) {
    const auto* request = request_of(call->request);
    if (request == nullptr)
      return gen_reply(session, self, *call, term::tuple({term::atom("badrpc"), term::atom("notsup")}));
    const View leader = opaque(request->elements[4]);
    const Bytes leader_bytes = copy(leader);
    rpc::Target called = target(*request);
    return call_for(node, session, self, std::move(*call), std::move(called), leader_bytes, rpc::badrpc);
  }
  if (const Term* cast = as_gen_cast(message)) {
    const auto* request = request_of(*cast);
    if (request == nullptr || !session.admits_call()) return;
    Process& process = node.begin_call({session.shared_from_this(), {}, opaque(request->elements[4]), false});
    return rpc::apply(node, process, target(*request), [&node](Process& ended, Outcome) {
      node.exit_process(ended.number, term::encode(term::atom("normal")));
    });
  }
  // {From, Request}: the callers of before gen_server, among them those written with erl_interface.
  const auto* pair = message.as<term::Tuple>();
  if (pair == nullptr || pair->elements.size() != 2 || !raw::is_pid(opaque(pair->elements[0]))) return;
  const Bytes caller = copy(opaque(pair->elements[0]));
  const Bytes server = copy(self.pid);
  if (pair->elements[1].is_atom("features_request")) {
    const Term reply = term::tuple(
        {term::atom("features_reply"), term::atom(node.name()), term::list({term::atom("erpc")})});
    return session.send_to_pid(server, caller, term::encode(reply), self.number);
  }
  // rpc:sbcast: a message for a server of that name, whose caller waits to hear whether there is one.
  if (const auto* cast = pair->elements[1].tagged("sbcast", 3)) {
    const auto* name = cast->elements[1].as<term::Atom>();
    Process* to = name != nullptr ? node.processes().find_name(name->name) : nullptr;
    if (to != nullptr && to != &self) node.deliver(session, *to, cast->elements[2]);
    const Term answer = to != nullptr ? term::atom(node.name())
                                      : term::tuple({term::atom("nonexisting_name"), cast->elements[1]});
    return session.send_to_pid(
        server, caller, term::encode(term::tuple({term::atom("rex"), term::atom(node.name()), answer})),
        self.number);
  }
  const auto* request = request_of(pair->elements[1]);
  if (request == nullptr || !session.admits_call()) return;
  Process& process = node.begin_call({session.shared_from_this(), {}, opaque(request->elements[4]), false});
  rpc::apply(node, process, target(*request), [&node, server, caller](Process& ended, Outcome outcome) {
    const Term reply = term::tuple({term::atom("rex"), rpc::badrpc(std::move(outcome))});
    if (const auto to = ended.session.lock())
      to->send_to_pid(server, caller, term::encode(reply), ended.number);
    node.exit_process(ended.number, term::encode(term::atom("normal")));
  });
}

void module_message(Node& node, Session& session, Process& self, const Term& message) {
  auto call = as_gen_call(message);
  if (!call) return;
  std::vector<Term> parts;
  if (const auto* request = call->request.as<term::Tuple>())
    parts = request->elements;
  else
    parts = {call->request};
  const auto* function = parts.empty() ? nullptr : parts[0].as<term::Atom>();
  if (function == nullptr || node.exports().find(self.name, function->name, parts.size() - 1) == nullptr) {
    const std::string meant =
        function != nullptr ? node.exports().nearest_to(self.name, function->name) : std::string();
    const std::string remedy = meant.empty() || meant == function->name
                                   ? "a request is {Function, Argument...}, such as {sample, Model, Options}"
                                   : fmt::format("did you mean `{}`?", meant);
    return gen_reply(session, self, *call,
                     failure("undef", fmt::format("{} has no call {}; {}", self.name,
                                                  term::to_string(call->request), remedy)));
  }
  rpc::Target target{term::atom(self.name), parts[0], {}, true};
  parts.erase(parts.begin());
  target.arguments = term::list(std::move(parts));
  call_for(node, session, self, std::move(*call), std::move(target), {}, rpc::badrpc);
}

}  // namespace drey::cnode
