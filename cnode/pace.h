#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

/// How far bulk may run ahead of the peer's reader. What stands in the kernels' buffers no message can
/// overtake, and between two programs of one machine these grow to megabytes, since no network slows the
/// writer down. So bulk is followed by probes, which the peer answers in the order in which it reads: what
/// went before an answered probe has been read. The window is narrow while others speak on the connection,
/// else wide. Owns no socket and reads no clock.
namespace drey::cnode {

struct PaceTimes {
  std::chrono::milliseconds hurry{100};   ///< a small message keeps the window narrow
  std::chrono::milliseconds patience{4};  ///< without an answer the window opens nevertheless
};

class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::size_t narrow = 1;                   ///< bytes: one piece at a time is under way
  static constexpr std::size_t wide = std::size_t{4} << 20;  ///< bytes: no reader starves behind so many
  static constexpr std::size_t deaf = 64;  ///< so often in a row, then the peer answers no probes

  explicit Pace(PaceTimes times = {}) : times_(times) {}

  /// Whether one more piece of bulk may be written.
  bool open(Time now) const;
  /// A piece was written. \returns the number of the probe that must follow it, 0: none
  std::uint64_t wrote(std::size_t bytes, Time now);
  /// A small message is written while bulk is waiting. \returns the number of a probe to follow it, 0: none
  std::uint64_t hurried(Time now);
  /// The peer has answered a probe, and with it those before.
  void answered(std::uint64_t probe, Time now);
  /// When to call expired() where the window is shut and no answer comes.
  Time deadline() const { return since_ + times_.patience; }
  /// What is under way counts as read.
  void expired();

 private:
  struct Probe {
    std::uint64_t number, bytes_before;
  };
  std::size_t window(Time now) const { return now < narrow_until_ ? narrow : wide; }
  std::uint64_t probe();

  PaceTimes times_;
  std::deque<Probe> probes_;  // not answered yet
  std::uint64_t next_ = 1;
  std::uint64_t written_ = 0, probed_ = 0, read_ = 0;  // bytes in all, before the last probe, known as read
  std::size_t expired_ = 0;                            // in a row
  Time narrow_until_{}, since_{};                      // since when an answer is awaited
};

}  // namespace drey::cnode
