#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "cnode/channel.h"
#include "cnode/control.h"
#include "cnode/handshake.h"
#include "cnode/processes.h"

/// A connected peer: what its control messages mean. Keeps the monitors and links that its processes hold on
/// ours and the calls they made, and ends them with the connection. One thread.
namespace drey::cnode {

class Node;

struct SessionLimits {
  std::size_t calls = 1024;       ///< under way for one peer; more are refused with `busy`
  std::size_t monitors = 100000;  ///< monitors and links held; more end the connection
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Node& node, handshake::Peer peer, std::shared_ptr<Channel> channel, SessionLimits limits);
  void start(View received_already);

  const handshake::Peer& peer() const { return peer_; }
  Channel& channel() { return *channel_; }
  bool has(std::uint64_t flag) const { return (peer_.flags & flag) != 0; }
  /// What follows a control message.
  struct Payload {
    View bytes;
    std::shared_ptr<const void> owner;
    /// \throws Error{bad_term}
    term::Term decode() const;
  };

  /// Whether one more call may begin.
  bool admits_call() const;
  std::size_t calls() const { return running_; }

  // What others tell the peer.
  void send_exit(View from, View to, const term::Encoded& reason, std::uint64_t sender);
  void send_monitor_exit(View target, View to, View reference, const term::Encoded& reason,
                         std::uint64_t sender);
  void send_to_pid(View from, View to, term::Encoded message, std::uint64_t sender);
  void send_to_alias(View from, View alias, term::Encoded message, std::uint64_t sender);
  void send_spawn_reply(View reference, View to, std::uint64_t flags, View result);

  // Bookkeeping, for whoever starts and ends calls.
  void call_began(const Process& process);
  void call_ended(const Process& process);
  /// The call that the caller's reference stands for, else null.
  Process* find_call(View reference);
  /// Lets a process of the peer watch one of ours: by a monitor with that reference, or by a link.
  /// \throws Error{too_many}
  void watch(Process& process, View watcher, View target, View reference);
  void watch_ended() { --watches_; }

 private:
  void on_message(View bytes, const std::shared_ptr<const void>& owner);
  void on_cut(View head, std::string_view reason);
  void on_closed(const std::string& why);

  void handle(const control::Link& m, const Payload&);
  void handle(const control::Send& m, const Payload&);
  void handle(const control::RegSend& m, const Payload&);
  void handle(const control::Exit& m, const Payload&);
  void handle(const control::Exit2& m, const Payload&);
  void handle(const control::GroupLeader& m, const Payload&);
  void handle(const control::Monitor& m, const Payload&);
  void handle(const control::Demonitor& m, const Payload&);
  void handle(const control::MonitorExit& m, const Payload&);
  void handle(const control::SpawnRequest& m, const Payload&);
  void handle(const control::SpawnReply& m, const Payload&);
  void handle(const control::AliasSend& m, const Payload&);
  void handle(const control::UnlinkId& m, const Payload&);
  void handle(const control::UnlinkIdAck& m, const Payload&);
  void send(View control, const term::Encoded* payload, std::uint64_t sender);

  Node& node_;
  handshake::Peer peer_;
  std::shared_ptr<Channel> channel_;
  SessionLimits limits_;
  std::size_t watches_ = 0;
  std::unordered_map<std::string, std::uint64_t> calls_;  // the caller's reference -> our process
  std::size_t running_ = 0;                               // our processes that run the peer's calls
  Bytes scratch_;                                         // control terms being written
};

}  // namespace drey::cnode
