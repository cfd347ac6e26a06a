#pragma once

#include <chrono>

/// How long a loop looks for its next event before it sleeps. In a conversation the next message is some tens of
/// microseconds away, while a sleep and its end cost as much again, on both sides: whoever wakes a sleeper pays for
/// it, too. So the loop looks on, but only while that pays: a wait that was longer than the longest look ends it
/// until two events are close together again, and a core that others want is left to them. Reads no clock.
namespace drey::cnode {

class Spin {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A look that took so long has given the core to somebody else.
  static constexpr std::chrono::microseconds lost{200};
  /// So long the loop then sleeps at once: a sleeper is given the core when its event comes, one that looks waits
  /// for its turn.
  static constexpr std::chrono::milliseconds polite{20};

  /// \param longest how long to look after an event; 0: never
  explicit Spin(std::chrono::microseconds longest) : longest_(longest) {}

  /// What there was has been handled.
  void begin(Time now);
  /// Whether to look once more. Asked before each look.
  bool look(Time now);
  /// An event has come; `slept`: not to a look.
  void came(Time now, bool slept);

 private:
  std::chrono::microseconds longest_;
  bool pays_ = false;
  Time began_{}, looked_{}, polite_until_{};
};

}  // namespace drey::cnode
