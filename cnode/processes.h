#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cnode/bytes.h"
#include "cnode/exports.h"

/// The processes of this node: one for each registered name, which lives as long as the node, and one for
/// each call under way. They have a pid that others can monitor, link to and kill. One thread.
namespace drey::cnode {

class Session;

struct Process {
  /// Someone who learns of this process's end, by a monitor or (without a reference) a link.
  struct Watcher {
    std::weak_ptr<Session> session;
    Bytes pid;
    Bytes reference;
    Bytes target;  ///< what was monitored, as the watcher wrote it: our pid or a name
  };

  std::uint64_t number = 0;
  Bytes pid;
  std::string name;                ///< registered; empty for a call
  std::weak_ptr<Session> session;  ///< where the caller lives
  Bytes caller;                    ///< its pid
  Bytes call;  ///< the reference that stands for the call: its monitor going away cancels it
  bool cancel_with_monitor = false;
  Cancel cancel;
  std::unordered_map<std::string, Watcher> monitors, links;  ///< by watcher_key

  // Lines for the caller's group leader, one under way at a time.
  Bytes group_leader;
  std::deque<std::string> lines;
  bool line_under_way = false;
};

/// Peers choose references and pids, so a key is only unique with the session it came by.
std::string watcher_key(const Session* session, View reference_or_pid);

class Processes {
 public:
  Processes(std::string node, std::uint32_t creation) : node_(std::move(node)), creation_(creation) {}

  /// Once, before any connection: the creation that epmd gave.
  void set_creation(std::uint32_t creation);
  std::uint32_t creation() const { return creation_; }
  const std::string& node() const { return node_; }

  Process& spawn();
  Process& spawn_registered(std::string name);
  Process* find(std::uint64_t number);
  Process* find_pid(View pid);
  Process* find_name(std::string_view name);
  /// By a monitor's target: a pid or an atom.
  Process* find_target(View target);
  /// Takes a process out of the table; null when it is not there.
  std::unique_ptr<Process> take(std::uint64_t number);

  std::size_t calls() const { return table_.size() - names_.size(); }
  std::vector<std::uint64_t> numbers() const;
  Bytes new_reference();

 private:
  std::string node_;
  std::uint32_t creation_;
  std::uint64_t next_ = 1;
  std::uint64_t next_reference_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Process>> table_;
  std::unordered_map<std::string, std::uint64_t> names_;
};

}  // namespace drey::cnode
