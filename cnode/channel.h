#pragma once

#include "cnode/stream.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnode/fragments.h"
#include "cnode/frames.h"
#include "cnode/pace.h"
#include "term/codec.h"

/// A connected channel: distribution messages over a stream. Reads always, so that a peer is never made to
/// wait; cuts packets, puts fragments together, queues and gathers writes, lets small messages overtake large
/// ones, keeps the peer's clock quiet with ticks. Knows no pid, no call. One thread.
namespace drey::cnode {

struct ChannelLimits {
  std::size_t packet = std::size_t{256} << 20;  ///< longest packet taken
  FragmentLimits fragments;
  std::size_t queued = std::size_t{2} << 30;   ///< bytes waiting to be written; beyond it the peer is cut off
  std::chrono::milliseconds tick_time{60000};  ///< silence after which a peer counts as gone
  PaceTimes pace;
};

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  /// A message from the peer: control term, and payload behind it (with a leading 131 when versioned()).
  using OnMessage = std::function<void(View bytes, const std::shared_ptr<const void>& owner)>;
  /// A message for which there was no room: its first bytes, and the reason (cnode/fragments.h).
  using OnCut = std::function<void(View head, std::string_view reason)>;
  /// The connection is over, once; `why` is for a log.
  using OnClosed = std::function<void(const std::string& why)>;

  /// \param fragments whether the peer takes fragments, which also decides the framing of every packet
  Channel(asio::io_context& io, std::shared_ptr<Stream> stream, bool fragments, ChannelLimits limits);

  void start(OnMessage on_message, OnClosed on_closed, View received_already);

  /// Without it such a message ends the connection. Before start().
  void on_cut(OnCut handler) { on_cut_ = std::move(handler); }

  /// Queues a message: an encoded control term and a payload (none: a control message alone). Messages with
  /// the same `sender` other than 0 arrive in the order they were sent; a large one does not hold up other
  /// senders'.
  void send(View control, term::Encoded&& payload, bool has_payload, std::uint64_t sender);
  void send(View control, const term::Encoded& payload, bool has_payload, std::uint64_t sender);
  void send(View control) { send(control, term::Encoded(), false, 0); }

  /// Writes a control term that the peer answers as soon as it reads it; the answer goes to answered().
  using Probe = std::function<void(Writer& out, std::uint64_t number)>;
  /// From now on bulk waits for the peer's reader (cnode/pace.h). Where fragments are taken.
  void pace(Probe probe) { probe_ = std::move(probe); }
  void answered(std::uint64_t number);

  /// Ends the connection; on_closed is called before this returns.
  void close(const std::string& why);
  /// Ends the connection once what is queued has been written, or after `grace`.
  void close_after_writing(const std::string& why, std::chrono::milliseconds grace);

  bool closed() const { return closed_; }
  bool versioned() const { return !fragments_; }
  std::size_t queued() const { return queued_; }
  const Stream& stream() const { return *stream_; }
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }

  /// Messages from this size on are bulk, which others overtake between its fragments.
  static constexpr std::size_t bulk_from = 64 * 1024;
  /// Bytes of payload in a fragment. A BEAM copies each as it comes and joins them at the end: long ones it reads 1.5
  /// times as fast, up to 512 KiB, from where on each costs it fresh memory; of a message of a few MiB it copies one while
  /// the next is on its way, so there must be some. Others wait for a long one some 50 us, for a short one some 10. Short
  /// are those of a message that begins while others speak, and of a very long one, since others may yet.
  static constexpr std::size_t short_fragment = 28 * 1024;
  static constexpr std::size_t middle_fragment = 254 * 1024;
  static constexpr std::size_t long_fragment = 500 * 1024;
  static constexpr std::size_t middle_message = std::size_t{4} << 20;  ///< at most, in middle fragments
  static constexpr std::size_t long_message = std::size_t{256} << 20;
  static constexpr std::chrono::milliseconds speaks{20};  ///< so long after a message that is not bulk

 private:
  struct Bulk {
    Bytes head;  ///< packet header and control term; of an unfragmented message the whole start
    term::Encoded payload;
    std::size_t piece = 0, offset = 0;  ///< next payload byte to send
    std::size_t left = 0;               ///< payload bytes to send
    std::uint64_t sequence = 0, fragments = 1, next = 1;
    std::size_t fragment = 0;  ///< payload bytes in each but the last
  };
  struct BulkStream {
    std::uint64_t sender;
    std::deque<Bulk> messages;
  };

  BulkStream* waiting(std::uint64_t sender);
  bool is_bulk(std::size_t size, std::uint64_t sender);
  bool has_room(std::size_t size);
  std::size_t fragment_size(std::size_t message) const;
  void send_small(View control, const term::Encoded& payload, bool has_payload, std::uint64_t sender);
  void send_bulk(View control, term::Encoded payload, bool has_payload, std::uint64_t sender);
  void read();
  void on_read(const error_code& error, std::size_t count);
  void drain();
  void packet(const FrameReader::Frame& frame);
  void divert();
  void flush();
  void gather();
  void gather_bulk();
  void written(std::size_t count);
  void write();
  void tick();
  void arm_tick();
  void tick_back();
  bool bulk_may_go();
  void put_probe(Bytes& out, std::uint64_t number);

  asio::io_context& io_;
  std::shared_ptr<Stream> stream_;
  bool fragments_;
  ChannelLimits limits_;
  OnMessage on_message_;
  OnCut on_cut_;
  OnClosed on_closed_;
  FrameReader frames_;
  Reassembly reassembly_;
  bool closed_ = false;
  bool corked_ = false;  // while packets are handled, answers are gathered
  bool finishing_ = false;
  std::string finish_why_;

  Bytes small_;                  // small messages waiting
  std::deque<BulkStream> bulk_;  // large ones, a queue a sender, served in turn
  std::uint64_t next_sequence_ = 1;
  Pace pace_;
  Probe probe_;  // empty: no pace is kept
  std::size_t queued_ = 0;

  bool writing_ = false;
  Bytes front_;                                // small messages being written
  std::deque<Bytes> front_heads_;              // fragment headers being written
  std::vector<term::Encoded> front_payloads_;  // finished messages whose last bytes are being written
  std::vector<asio::const_buffer> gather_;
  std::size_t gathered_ = 0;

  asio::steady_timer tick_timer_;
  asio::steady_timer finish_timer_;
  asio::steady_timer pace_timer_;
  bool pace_armed_ = false;
  std::chrono::steady_clock::time_point last_in_, last_out_, last_small_{};
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace drey::cnode
