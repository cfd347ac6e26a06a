#pragma once

#include "cnode/control.h"
#include "cnode/node.h"

/// Remote calls: spawn requests (`erpc`, `rpc`, `spawn*` of exported functions) and calls through `rex`.
namespace drey::cnode::rpc {

/// A spawn request with its argument list. Answers with a spawn reply at once, before the call is queued.
void spawn_request(Node& node, Session& session, const control::SpawnRequest& request,
                   const Session::Payload& arguments);

/// What a caller asks to be called, as terms that may be anything.
struct Target {
  term::Term module, function, arguments;
  bool echo_arguments = true;  ///< whether an error may carry them back: not when they are large
};

/// Runs `target` in the process, whose outcome goes to `answer`: undef for what is not exported, as
/// Node::run_call.
void apply(Node& node, Process& process, Target target, std::function<void(Process&, Outcome)> answer);

/// The outcome as the caller of `rex` sees it: a value, or `{badrpc, {'EXIT', Reason}}`.
term::Term badrpc(Outcome outcome);

/// The stack trace of one frame that a BEAM gives.
term::Term frame(std::string_view module, std::string_view function, term::Term arity_or_arguments);

}  // namespace drey::cnode::rpc
