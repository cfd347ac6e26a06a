#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cnode/bytes.h"
#include "cnode/exports.h"
#include "cnode/watchers.h"

/// The processes of this node: one for each registered name, which lives as long as the node, and one for
/// each call under way. They have a pid that others can monitor, link to and kill. One thread.
namespace drey::cnode {

struct Process {
  std::uint64_t number = 0;
  Id pid;
  std::string name;                ///< registered; empty for a call
  std::weak_ptr<Session> session;  ///< where the caller lives
  Id call;  ///< the reference that stands for the call: its monitor going away cancels it
  bool cancel_with_monitor = false;
  std::function<void(Process&, Outcome)> answer;  ///< what becomes of the outcome, while there is none
  Cancel cancel;
  Watchers monitors, links;

  // Lines for the caller's group leader, one under way at a time.
  Id group_leader;
  std::list<std::string> lines;
  bool line_under_way = false;
};

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
