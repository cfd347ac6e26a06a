#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "cnode/raw.h"

/// Control messages of a connected channel: one struct a message, each field the raw bytes of a term
/// (views into the packet). Both the older forms, with a reason inside, and the newer, with the reason as
/// payload, are read, whatever was negotiated.
namespace drey::cnode::control {

struct Link {
  View from, to;
};
struct Send {
  View sender, to;
};  ///< `sender` is empty where the message does not say
struct RegSend {
  View from, name;
};
struct Exit {
  View from, to;
  std::optional<View> reason;
};  ///< a link broke; no reason: it is the payload
struct Exit2 {
  View from, to;
  std::optional<View> reason;
};  ///< exit/2
struct GroupLeader {
  View from, to;
};
struct Monitor {
  View from, target, reference;
};  ///< `target`: a pid or an atom
struct Demonitor {
  View from, target, reference;
};
struct MonitorExit {
  View from, to, reference;
  std::optional<View> reason;
};
struct SpawnRequest {
  View reference, from, group_leader, module, function;
  std::uint64_t arity;
  View options;
};
struct SpawnReply {
  View reference, to;
  std::uint64_t flags;
  View result;
};
struct AliasSend {
  View from, alias;
};
struct UnlinkId {
  std::uint64_t id;
  View from, to;
};
struct UnlinkIdAck {
  std::uint64_t id;
  View from, to;
};

using Message = std::variant<Link, Send, RegSend, Exit, Exit2, GroupLeader, Monitor, Demonitor, MonitorExit,
                             SpawnRequest, SpawnReply, AliasSend, UnlinkId, UnlinkIdAck>;

struct Parsed {
  Message message;
  bool payload = false;  ///< whether a second term follows
  std::size_t used = 0;  ///< bytes of the control term
};

/// Reads the control term at the front of `bytes`. A message that no BEAM would send is an error that must
/// end the connection.
/// \throws Error{bad_control}
Parsed parse(View bytes);

/// Bits of SpawnReply.flags.
inline constexpr std::uint64_t spawned_with_link = 1;
inline constexpr std::uint64_t spawned_with_monitor = 2;

// Writers of the messages that this node sends.
void put(Writer& out, const Link& message);
void put(Writer& out, const Send& message);  ///< SEND_SENDER where there is a sender
void put(Writer& out, const RegSend& message);
void put(Writer& out, const Exit& message);  ///< without a reason: it follows as payload
void put(Writer& out, const Monitor& message);
void put(Writer& out, const Demonitor& message);
void put(Writer& out, const MonitorExit& message);  ///< without a reason: it follows as payload
void put(Writer& out, const SpawnReply& message);
void put(Writer& out, const AliasSend& message);
void put(Writer& out, const UnlinkIdAck& message);

}  // namespace drey::cnode::control
