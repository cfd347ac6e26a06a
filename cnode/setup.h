#pragma once

#include "cnode/stream.h"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <variant>

#include "cnode/handshake.h"

/// Takes a connected stream through the handshake. Bounded: messages of at most 512 bytes, one deadline for
/// the whole, no work but what the state machine does. One thread.
namespace drey::cnode {

class Setup : public std::enable_shared_from_this<Setup> {
 public:
  using Machine = std::variant<handshake::Acceptor, handshake::Initiator>;
  /// Once: with an empty `error` when the peer has proved itself; then the stream is the receiver's, and
  /// `rest` are bytes received behind the handshake. Otherwise the stream is closed.
  using Done = std::function<void(const std::string& error, const handshake::Peer& peer, View rest)>;

  Setup(asio::io_context& io, std::shared_ptr<Stream> stream, Machine machine,
        std::chrono::milliseconds deadline, Done done);
  void start();
  /// Gives up: done is called with `why`.
  void abort(const std::string& why);
  const std::shared_ptr<Stream>& stream() const { return stream_; }

 private:
  void read();
  void messages();
  void write();
  void finish(const std::string& error);
  void queue(View message);
  const handshake::Peer& peer() const;

  std::shared_ptr<Stream> stream_;
  Machine machine_;
  std::chrono::milliseconds deadline_;
  Done done_;
  asio::steady_timer timer_;
  std::array<std::uint8_t, 2048> in_;
  std::size_t filled_ = 0;
  Bytes out_;
  bool machine_done_ = false;
  std::string last_;  // what went wrong, while the last word is written
};

}  // namespace drey::cnode
