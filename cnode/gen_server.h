#pragma once

#include <functional>

#include "cnode/node.h"

/// The protocol of gen_server, and the servers that this node registers.
namespace drey::cnode {

/// `{'$gen_call', {From, Tag}, Request}`.
struct GenCall {
  term::Term from, tag, request;
  /// The caller's reference inside the tag, which is also that of its monitor.
  View reference() const;
  bool alias() const;
};

/// The message as a call, if it is one.
std::optional<GenCall> as_gen_call(const term::Term& message);
/// The request of `{'$gen_cast', Request}`, else null.
const term::Term* as_gen_cast(const term::Term& message);

/// Sends `{Tag, Reply}` where the caller waits for it, behind what the process `sender` has sent.
void gen_reply(Session& session, const Process& server, const GenCall& call, const term::Term& reply,
               std::uint64_t sender = 0);

/// Answers a call of which only the first bytes were kept: `{error, #{reason, message}}`. What is no call is dropped.
void refuse_gen_call(Session& session, const Process& server, View head, std::string_view reason);

/// Messages to the registered names `net_kernel`, `rex`, and each exported module (`drey`: `{sample, M, O}`
/// calls drey:sample(M, O)).
void net_kernel_message(Node& node, Session& session, Process& self, const term::Term& message);
void rex_message(Node& node, Session& session, Process& self, const term::Term& message);
void module_message(Node& node, Session& session, Process& self, const term::Term& message);

}  // namespace drey::cnode
