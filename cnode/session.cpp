#include "cnode/session.h"

#include <spdlog/spdlog.h>

#include "cnode/flags.h"
#include "cnode/gen_server.h"
#include "cnode/node.h"
#include "cnode/rpc.h"

namespace drey::cnode {
namespace {

/// Of a reference's number, so that no other reference of this node is taken for a probe's.
constexpr std::uint64_t probe_bit = std::uint64_t{1} << 49;

}  // namespace

Session::Session(Node& node, handshake::Peer peer, std::shared_ptr<Channel> channel, SessionLimits limits)
    : node_(node), peer_(std::move(peer)), channel_(std::move(channel)), limits_(limits) {}

void Session::start(View received_already) {
  // A monitor of a name that nothing can have: the peer says at once that there is no such process.
  if (has(flags::Fragments) && has(flags::DistMonitorName) && channel_->stream().same_host())
    channel_->pace([this](Writer& out, std::uint64_t number) {
      const Bytes reference =
          raw::make_reference(node_.name(), number | probe_bit, node_.processes().creation());
      control::put(out, control::Monitor{node_.processes().find_name("net_kernel")->pid,
                                         raw::make_atom("undefined"), reference});
    });
  channel_->on_cut(
      [self = shared_from_this()](View head, std::string_view reason) { self->on_cut(head, reason); });
  channel_->start(
      [self = shared_from_this()](View bytes, const std::shared_ptr<const void>& owner) {
        self->on_message(bytes, owner);
      },
      [self = shared_from_this()](const std::string& why) { self->on_closed(why); }, received_already);
}

bool Session::admits_call() const {
  return running_ < limits_.calls && channel_->queued() < node_.options().channel.queued / 2 &&
         !node_.stopping();
}

term::Term Session::Payload::decode() const {
  term::Limits limits;
  limits.bytes = bytes.size();  // the channel has bounded them
  return term::decode(bytes, nullptr, owner, limits);
}

void Session::on_message(View bytes, const std::shared_ptr<const void>& owner) {
  const control::Parsed parsed = control::parse(bytes);
  Payload payload{bytes.subspan(parsed.used), owner};
  if (parsed.payload && channel_->versioned()) {
    Reader in(payload.bytes);
    if (in.u8() != 131) throw Error("bad_frame", "a payload that does not begin with 131");
    payload.bytes = in.rest();
  }
  std::visit([&](const auto& message) { handle(message, payload); }, parsed.message);
}

/// Whoever waits for an answer is told; what was said to nobody in particular is dropped.
void Session::on_cut(View head, std::string_view reason) {
  const control::Parsed parsed = control::parse(head);
  ++node_.counters().refused;
  spdlog::warn("{}: a message was not taken: {}", peer_.name, reason);
  if (const auto* request = std::get_if<control::SpawnRequest>(&parsed.message))
    return send_spawn_reply(request->reference, request->from, 0, raw::make_atom(reason));
  const Process* server = nullptr;
  if (const auto* named = std::get_if<control::RegSend>(&parsed.message))
    server = node_.processes().find_name(raw::atom_name(named->name));
  if (server != nullptr) refuse_gen_call(*this, *server, head.subspan(parsed.used), reason);
}

void Session::on_closed(const std::string& why) {
  spdlog::info("{} is gone: {}", peer_.name, why);
  node_.disconnected(*this);
}

// Calls and watchers ------------------------------------------------------------------------------------

void Session::call_began(const Process& process) {
  ++running_;
  if (!process.call.empty()) calls_.emplace(text(process.call), process.number);
}

void Session::call_ended(const Process& process) {
  --running_;
  const auto found = calls_.find(std::string(text(process.call)));
  if (found != calls_.end() && found->second == process.number) calls_.erase(found);
}

Process* Session::find_call(View reference) {
  const auto found = calls_.find(std::string(text(reference)));
  return found != calls_.end() ? node_.processes().find(found->second) : nullptr;
}

void Session::watch(Process& process, View watcher, View target, View reference) {
  if (watches_ >= limits_.monitors)
    throw Error("too_many", fmt::format("the peer holds more than {} monitors and links", limits_.monitors));
  Watchers& table = reference.empty() ? process.links : process.monitors;
  if (table.add(this, reference.empty() ? watcher : reference,
                {weak_from_this(), Id(watcher), Id(reference), Id(target)}))
    ++watches_;
}

// Messages from the peer --------------------------------------------------------------------------------

void Session::handle(const control::Link& m, const Payload&) {
  if (Process* process = node_.processes().find_pid(m.to)) return watch(*process, m.from, m.to, {});
  send_exit(m.to, m.from, term::encode(term::atom("noproc")), 0);
}

void Session::handle(const control::Send& m, const Payload& payload) {
  const term::Term message = payload.decode();
  if (Process* process = node_.processes().find_pid(m.to)) node_.deliver(*this, *process, message);
}

void Session::handle(const control::RegSend& m, const Payload& payload) {
  const term::Term message = payload.decode();
  if (Process* process = node_.processes().find_name(raw::atom_name(m.name)))
    node_.deliver(*this, *process, message);
}

void Session::handle(const control::Exit& m, const Payload& payload) {
  const term::Term reason = m.reason ? term::decode(*m.reason) : payload.decode();
  Process* process = node_.processes().find_pid(m.to);
  if (process == nullptr || !process->links.remove(this, m.from)) return;
  --watches_;
  // A process that runs a call does not trap exits; a registered one does, and lives on.
  if (process->name.empty() && !reason.is_atom("normal"))
    node_.kill_process(process->number, term::encode(reason));
}

void Session::handle(const control::Exit2& m, const Payload& payload) {
  const term::Term reason = m.reason ? term::decode(*m.reason) : payload.decode();
  Process* process = node_.processes().find_pid(m.to);
  if (process == nullptr || !process->name.empty() || reason.is_atom("normal")) return;
  node_.kill_process(process->number, term::encode(reason.is_atom("kill") ? term::atom("killed") : reason));
}

void Session::handle(const control::GroupLeader& m, const Payload&) {
  Process* process = node_.processes().find_pid(m.to);
  if (process != nullptr && process->name.empty()) process->group_leader = Id(m.from);
}

void Session::handle(const control::Monitor& m, const Payload&) {
  if (Process* process = node_.processes().find_target(m.target))
    return watch(*process, m.from, m.target, m.reference);
  send_monitor_exit(m.target, m.from, m.reference, term::encode(term::atom("noproc")), 0);
}

void Session::handle(const control::Demonitor& m, const Payload&) {
  Process* target = node_.processes().find_target(m.target);
  if (target != nullptr && target->monitors.remove(this, m.reference)) --watches_;
  Process* call = find_call(m.reference);
  if (call == nullptr || !call->cancel_with_monitor) return;
  ++node_.counters().cancelled;
  node_.kill_process(call->number, term::encode(term::atom("killed")));
}

void Session::handle(const control::SpawnRequest& m, const Payload& payload) {
  rpc::spawn_request(node_, *this, m, payload);
}

void Session::handle(const control::UnlinkId& m, const Payload&) {
  if (Process* process = node_.processes().find_pid(m.to))
    if (process->links.remove(this, m.from)) --watches_;
  scratch_.clear();
  Writer out(scratch_);
  control::put(out, control::UnlinkIdAck{m.id, m.to, m.from});
  channel_->send(scratch_);
}

/// The only monitors that this node holds are the probes of the channel's pace.
void Session::handle(const control::MonitorExit& m, const Payload&) {
  const auto number = raw::own_reference(m.reference, node_.name(), node_.processes().creation());
  if (number && (*number & probe_bit) != 0) channel_->answered(*number & ~probe_bit);
}

// This node links to and spawns nothing elsewhere, and makes no aliases: answers to such are late or forged.
void Session::handle(const control::SpawnReply&, const Payload&) {}
void Session::handle(const control::UnlinkIdAck&, const Payload&) {}
void Session::handle(const control::AliasSend&, const Payload&) {}

// Messages to the peer ----------------------------------------------------------------------------------

void Session::send(View control, const term::Encoded* payload, std::uint64_t sender) {
  if (payload == nullptr) return channel_->send(control);
  channel_->send(control, *payload, true, sender);
}

void Session::send_exit(View from, View to, const term::Encoded& reason, std::uint64_t sender) {
  scratch_.clear();
  Writer out(scratch_);
  if (has(flags::ExitPayload)) {
    control::put(out, control::Exit{from, to, {}});
    return send(scratch_, &reason, sender);
  }
  const Bytes inside = reason.flatten();
  control::put(out, control::Exit{from, to, View(inside)});
  send(scratch_, nullptr, sender);
}

void Session::send_monitor_exit(View target, View to, View reference, const term::Encoded& reason,
                                std::uint64_t sender) {
  scratch_.clear();
  Writer out(scratch_);
  if (has(flags::ExitPayload)) {
    control::put(out, control::MonitorExit{target, to, reference, {}});
    return send(scratch_, &reason, sender);
  }
  const Bytes inside = reason.flatten();
  control::put(out, control::MonitorExit{target, to, reference, View(inside)});
  send(scratch_, nullptr, sender);
}

void Session::send_to_pid(View from, View to, term::Encoded message, std::uint64_t sender) {
  scratch_.clear();
  Writer out(scratch_);
  control::put(out, control::Send{has(flags::SendSender) ? from : View{}, to});
  channel_->send(scratch_, std::move(message), true, sender);
}

void Session::send_to_alias(View from, View alias, term::Encoded message, std::uint64_t sender) {
  scratch_.clear();
  Writer out(scratch_);
  control::put(out, control::AliasSend{from, alias});
  channel_->send(scratch_, std::move(message), true, sender);
}

void Session::send_spawn_reply(View reference, View to, std::uint64_t spawned, View result) {
  scratch_.clear();
  Writer out(scratch_);
  control::put(out, control::SpawnReply{reference, to, spawned, result});
  channel_->send(scratch_);
}

}  // namespace drey::cnode
