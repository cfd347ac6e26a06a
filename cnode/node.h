#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "cnode/channel.h"
#include "cnode/exports.h"
#include "cnode/handshake.h"
#include "cnode/processes.h"
#include "cnode/session.h"

/// The node: its name, its processes, its peers, and how a call runs. Everything happens on the thread that
/// runs the io_context; what an export says from another thread is posted to it.
namespace drey::cnode {

struct NodeOptions {
  std::string name;
  std::string cookie;
  std::string version;
  std::uint32_t creation = 1;
  ChannelLimits channel;
  SessionLimits session;
};

/// How a call came in, which decides how its outcome goes back.
struct Origin {
  std::shared_ptr<Session> session;
  View call;                        ///< reference
  View group_leader;                ///< may be empty
  bool cancel_with_monitor = true;  ///< whether the caller's demonitor means that it gave up
};

class Node {
 public:
  Node(asio::io_context& io, NodeOptions options, Exports exports);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  asio::io_context& io() { return io_; }
  const std::string& name() const { return options_.name; }
  const NodeOptions& options() const { return options_; }
  Processes& processes() { return processes_; }
  const Processes& processes() const { return processes_; }
  const Exports& exports() const { return exports_; }
  std::size_t session_count() const { return sessions_.size(); }
  const std::unordered_map<std::string, std::shared_ptr<Session>>& sessions() const { return sessions_; }

  /// Before the first connection.
  void set_creation(std::uint32_t creation);
  handshake::Local local() const;

  /// What to say to a peer that asks to come in.
  handshake::Admission admit(const handshake::Peer& peer) const;
  /// A peer that has proved itself. One with the same name is cut off first.
  void connected(const handshake::Peer& peer, std::shared_ptr<Stream> stream, View received_already);
  void disconnected(Session& session);
  /// Marks that this node is connecting to `peer`; `give_up` is called when the peer's own attempt wins.
  void connecting(const std::string& peer, std::function<void()> give_up);
  void connecting_ended(const std::string& peer) { pending_.erase(peer); }
  bool is_connected(const std::string& peer) const { return sessions_.contains(peer); }

  /// A process for a call that is about to run.
  Process& begin_call(const Origin& origin);
  /// Runs it. `answer` gets the outcome, unless the call is given up first, on the I/O thread and with the
  /// process still there, and must end it; it may do so before this returns.
  void run_call(Process& process, const Module& module, Call call,
                std::function<void(Process&, Outcome)> answer);
  /// Ends a process: its monitors and links are told.
  void exit_process(std::uint64_t number, const term::Encoded& reason);
  /// The same, and what it ran is stopped.
  void kill_process(std::uint64_t number, const term::Encoded& reason);

  /// A message for one of our processes: a registered name, a call's own pid.
  void deliver(Session& session, Process& to, const term::Term& message);
  /// Sends to a pid of a connected node; otherwise the message is dropped.
  void send(View from, View pid, term::Encoded message, std::uint64_t sender);

  /// Tells everyone `shutdown`, writes what is queued, closes. `done` is called when all are gone.
  void stop(std::function<void()> done);
  bool stopping() const { return stopping_; }

  struct Counters {
    std::uint64_t calls = 0, refused = 0, cancelled = 0, handshakes = 0, handshakes_failed = 0, bytes_in = 0,
                  bytes_out = 0;
  };
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

 private:
  class ToCaller;
  void ended(std::uint64_t process, Outcome outcome);
  void write_line(Process& process, std::string line);
  void next_line(Process& process);

  asio::io_context& io_;
  NodeOptions options_;
  Exports exports_;
  Processes processes_;
  std::unordered_map<std::string, std::shared_ptr<Session>> sessions_;
  std::unordered_map<std::string, std::function<void()>> pending_;
  bool stopping_ = false;
  std::function<void()> stopped_;
  Counters counters_;
  std::shared_ptr<Node*> alive_;  // cleared when the node is gone, for what is posted late
};

}  // namespace drey::cnode
