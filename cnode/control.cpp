#include "cnode/control.h"

#include <array>

namespace drey::cnode::control {
namespace {

enum Op : std::uint8_t {
  OpLink = 1,
  OpSend = 2,
  OpExit = 3,
  OpRegSend = 6,
  OpGroupLeader = 7,
  OpExit2 = 8,
  OpSendTt = 12,
  OpExitTt = 13,
  OpRegSendTt = 16,
  OpExit2Tt = 18,
  OpMonitor = 19,
  OpDemonitor = 20,
  OpMonitorExit = 21,
  OpSendSender = 22,
  OpSendSenderTt = 23,
  OpPayloadExit = 24,
  OpPayloadExitTt = 25,
  OpPayloadExit2 = 26,
  OpPayloadExit2Tt = 27,
  OpPayloadMonitorExit = 28,
  OpSpawnRequest = 29,
  OpSpawnRequestTt = 30,
  OpSpawnReply = 31,
  OpSpawnReplyTt = 32,
  OpAliasSend = 33,
  OpAliasSendTt = 34,
  OpUnlinkId = 35,
  OpUnlinkIdAck = 36,
};

/// What an op looks like: elements with the op itself, in which place a trace token stands (0: none), whether
/// a payload follows.
struct Shape {
  std::uint8_t op, arity, token;
  bool payload;
};
constexpr std::array shapes = {
    Shape{OpLink, 3, 0, false},          Shape{OpSend, 3, 0, true},
    Shape{OpExit, 4, 0, false},          Shape{OpRegSend, 4, 0, true},
    Shape{OpGroupLeader, 3, 0, false},   Shape{OpExit2, 4, 0, false},
    Shape{OpSendTt, 4, 3, true},         Shape{OpExitTt, 5, 3, false},
    Shape{OpRegSendTt, 5, 4, true},      Shape{OpExit2Tt, 5, 3, false},
    Shape{OpMonitor, 4, 0, false},       Shape{OpDemonitor, 4, 0, false},
    Shape{OpMonitorExit, 5, 0, false},   Shape{OpSendSender, 3, 0, true},
    Shape{OpSendSenderTt, 4, 3, true},   Shape{OpPayloadExit, 3, 0, true},
    Shape{OpPayloadExitTt, 4, 3, true},  Shape{OpPayloadExit2, 3, 0, true},
    Shape{OpPayloadExit2Tt, 4, 3, true}, Shape{OpPayloadMonitorExit, 4, 0, true},
    Shape{OpSpawnRequest, 6, 0, true},   Shape{OpSpawnRequestTt, 7, 6, true},
    Shape{OpSpawnReply, 5, 0, false},    Shape{OpSpawnReplyTt, 6, 5, false},
    Shape{OpAliasSend, 3, 0, true},      Shape{OpAliasSendTt, 4, 3, true},
    Shape{OpUnlinkId, 4, 0, false},      Shape{OpUnlinkIdAck, 4, 0, false},
};

const Shape* shape_of(std::uint64_t op) {
  for (const Shape& shape : shapes)
    if (shape.op == op) return &shape;
  return nullptr;
}

Error bad(const std::string& why) { return Error("bad_control", why); }

/// The elements behind the op, taken in order and by kind.
class Fields {
 public:
  explicit Fields(const raw::TupleView& tuple, const Shape& shape) : tuple_(tuple), token_(shape.token) {
    if (tuple.arity != shape.arity)
      throw bad(fmt::format("control message {} with {} elements instead of {}", shape.op, tuple.arity,
                            shape.arity));
  }
  View any() {
    if (at_ == token_ && token_ != 0) ++at_;
    return tuple_.element[at_++];
  }
  View pid() { return kind(raw::is_pid, "a pid"); }
  View reference() { return kind(raw::is_reference, "a reference"); }
  View atom() {
    return kind([](View term) { return raw::is_atom(term); }, "an atom");
  }
  View list() { return kind(raw::is_list, "a list"); }
  View pid_or_atom() {
    return kind([](View term) { return raw::is_pid(term) || raw::is_atom(term); }, "a pid or a name");
  }
  std::uint64_t integer() {
    const auto value = raw::unsigned_integer(any());
    if (!value) throw bad(fmt::format("element {} is no integer of 64 bits", at_));
    return *value;
  }

 private:
  template <typename Is>
  View kind(Is is, std::string_view what) {
    const View term = any();
    if (!is(term)) throw bad(fmt::format("element {} of a control message is not {}", at_, what));
    return term;
  }
  const raw::TupleView& tuple_;
  std::size_t token_;
  std::size_t at_ = 1;
};

std::uint64_t unlink_id(Fields& fields) {
  const std::uint64_t id = fields.integer();
  if (id == 0) throw bad("an unlink id of 0");
  return id;
}

SpawnRequest spawn_request(Fields& fields) {
  SpawnRequest request{};
  request.reference = fields.reference();
  request.from = fields.pid();
  request.group_leader = fields.pid();
  const raw::TupleView mfa = raw::split_tuple(fields.any());
  const auto arity = mfa.arity == 3 ? raw::unsigned_integer(mfa.element[2]) : std::nullopt;
  if (!arity || !raw::is_atom(mfa.element[0]) || !raw::is_atom(mfa.element[1]))
    throw bad("a spawn request without module, function and arity");
  request.module = mfa.element[0];
  request.function = mfa.element[1];
  request.arity = *arity;
  request.options = fields.list();
  return request;
}

Message build(std::uint64_t op, Fields& fields) {
  // Braced lists are evaluated in order.
  switch (op) {
    case OpLink:
      return Link{fields.pid(), fields.pid()};
    case OpSend:
    case OpSendTt: {
      fields.any();  // once a cookie
      return Send{{}, fields.pid()};
    }
    case OpSendSender:
    case OpSendSenderTt:
      return Send{fields.pid(), fields.pid()};
    case OpRegSend:
    case OpRegSendTt: {
      const View from = fields.pid();
      fields.any();
      return RegSend{from, fields.atom()};
    }
    case OpExit:
    case OpExitTt:
      return Exit{fields.pid(), fields.pid(), fields.any()};
    case OpPayloadExit:
    case OpPayloadExitTt:
      return Exit{fields.pid(), fields.pid(), {}};
    case OpExit2:
    case OpExit2Tt:
      return Exit2{fields.pid(), fields.pid(), fields.any()};
    case OpPayloadExit2:
    case OpPayloadExit2Tt:
      return Exit2{fields.pid(), fields.pid(), {}};
    case OpGroupLeader:
      return GroupLeader{fields.pid(), fields.pid()};
    case OpMonitor:
      return Monitor{fields.pid(), fields.pid_or_atom(), fields.reference()};
    case OpDemonitor:
      return Demonitor{fields.pid(), fields.pid_or_atom(), fields.reference()};
    case OpMonitorExit:
      return MonitorExit{fields.pid_or_atom(), fields.pid(), fields.reference(), fields.any()};
    case OpPayloadMonitorExit:
      return MonitorExit{fields.pid_or_atom(), fields.pid(), fields.reference(), {}};
    case OpSpawnRequest:
    case OpSpawnRequestTt:
      return spawn_request(fields);
    case OpSpawnReply:
    case OpSpawnReplyTt:
      return SpawnReply{fields.reference(), fields.pid(), fields.integer(), fields.pid_or_atom()};
    case OpAliasSend:
    case OpAliasSendTt:
      return AliasSend{fields.pid(), fields.reference()};
    case OpUnlinkId:
      return UnlinkId{unlink_id(fields), fields.pid(), fields.pid()};
    case OpUnlinkIdAck:
      return UnlinkIdAck{unlink_id(fields), fields.pid(), fields.pid()};
    default:
      throw bad(fmt::format("control message {}", op));
  }
}

Writer& op(Writer& out, std::uint8_t code, std::size_t arity) {
  raw::put_tuple(out, arity);
  return out.u8(97).u8(code);
}

}  // namespace

Parsed parse(View bytes) {
  try {
    Parsed parsed;
    const raw::TupleView tuple = raw::split_tuple(bytes, &parsed.used);
    const auto code = tuple.arity == 0 ? std::nullopt : raw::unsigned_integer(tuple.element[0]);
    const Shape* shape = code ? shape_of(*code) : nullptr;
    if (shape == nullptr)
      throw bad(code ? fmt::format("unknown control message {}", *code)
                     : "a control message without a number");
    Fields fields(tuple, *shape);
    parsed.message = build(*code, fields);
    parsed.payload = shape->payload;
    return parsed;
  } catch (const Error& error) {
    if (error.reason() == "bad_control") throw;
    throw bad(error.message());
  }
}

void put(Writer& out, const Link& m) { op(out, OpLink, 3).raw(m.from).raw(m.to); }
void put(Writer& out, const Send& m) {
  if (m.sender.empty()) {
    op(out, OpSend, 3);
    raw::put_atom(out, "");
  } else {
    op(out, OpSendSender, 3).raw(m.sender);
  }
  out.raw(m.to);
}
void put(Writer& out, const RegSend& m) {
  op(out, OpRegSend, 4).raw(m.from);
  raw::put_atom(out, "");
  out.raw(m.name);
}
void put(Writer& out, const Exit& m) {
  if (m.reason)
    op(out, OpExit, 4).raw(m.from).raw(m.to).raw(*m.reason);
  else
    op(out, OpPayloadExit, 3).raw(m.from).raw(m.to);
}
void put(Writer& out, const Monitor& m) { op(out, OpMonitor, 4).raw(m.from).raw(m.target).raw(m.reference); }
void put(Writer& out, const Demonitor& m) {
  op(out, OpDemonitor, 4).raw(m.from).raw(m.target).raw(m.reference);
}
void put(Writer& out, const MonitorExit& m) {
  if (m.reason)
    op(out, OpMonitorExit, 5).raw(m.from).raw(m.to).raw(m.reference).raw(*m.reason);
  else
    op(out, OpPayloadMonitorExit, 4).raw(m.from).raw(m.to).raw(m.reference);
}
void put(Writer& out, const SpawnReply& m) {
  op(out, OpSpawnReply, 5).raw(m.reference).raw(m.to);
  raw::put_integer(out, m.flags);
  out.raw(m.result);
}
void put(Writer& out, const AliasSend& m) { op(out, OpAliasSend, 3).raw(m.from).raw(m.alias); }
void put(Writer& out, const UnlinkIdAck& m) {
  op(out, OpUnlinkIdAck, 4);
  raw::put_integer(out, m.id);
  out.raw(m.from).raw(m.to);
}

}  // namespace drey::cnode::control
