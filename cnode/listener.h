#pragma once

#include "cnode/stream.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>

#include "cnode/node.h"
#include "cnode/setup.h"

/// Accepts connections and takes them through the handshake, with caps on those that have not proved
/// themselves. Where a cap is reached the oldest such connection makes room, so that an honest one, which
/// needs milliseconds, gets in past any number of silent ones. One thread.
namespace drey::cnode {

struct ListenerOptions {
  asio::ip::address address;
  std::uint16_t first_port = 0, last_port = 0;  ///< 0: one that the system chooses
  std::size_t half_open = 256;                  ///< in all
  std::size_t half_open_an_address = 64;
  std::chrono::milliseconds deadline{7000};  ///< for a handshake
  MakeStream make_stream;                    ///< empty: in clear
};

class Listener {
 public:
  /// Binds the first free port of the range.
  /// \throws Error{no_port}
  Listener(Node& node, ListenerOptions options);
  std::uint16_t port() const { return port_; }
  void start();
  void stop();
  std::size_t half_open() const { return half_open_.size(); }

 private:
  void accept();
  void accepted(tcp::socket socket);
  void make_room(const asio::ip::address& address);

  Node& node_;
  ListenerOptions options_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::uint16_t port_ = 0;
  std::list<std::shared_ptr<Setup>> half_open_;  // oldest first
};

}  // namespace drey::cnode
