#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cnode/bytes.h"

/// Who learns of a process's end. Most processes have one watcher, a registered one may have any number. One
/// thread.
namespace drey::cnode {

class Session;

/// By a monitor or (without a reference) a link.
struct Watcher {
  std::weak_ptr<Session> session;
  Id pid;
  Id reference;
  Id target;  ///< what was monitored, as the watcher wrote it: our pid or a name
};

/// Keys are references or pids that peers choose, so a key is only unique with the session that it came by.
class Watchers {
 public:
  /// \returns false, and does nothing, where the key is there already
  bool add(const Session* by, View key, Watcher watcher);
  /// \returns whether it was there
  bool remove(const Session* by, View key);
  /// Those of one session. \returns how many they were
  std::size_t remove_all(const Session* by);

  std::size_t size() const { return all_.size(); }
  template <typename Do>
  void each(Do&& act) const {
    for (const Entry& entry : all_) act(entry.watcher);
  }

 private:
  struct Entry {
    const Session* by;
    Id key;
    Watcher watcher;
  };
  static constexpr std::size_t few = 8;  // that many are looked through

  static std::string name(const Session* by, View key);
  std::size_t find(const Session* by, View key) const;
  void drop(std::size_t at);

  std::vector<Entry> all_;
  std::unordered_map<std::string, std::size_t> places_;  // of all, once they are more than a few
};

}  // namespace drey::cnode
