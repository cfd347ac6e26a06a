#pragma once

#include "cnode/stream.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "cnode/node.h"
#include "cnode/setup.h"

/// Accepts connections and takes them through the handshake, with caps on those that have not proved
/// themselves. Where a cap is reached the oldest such connection of the address that has most of them makes
/// room, so that an honest one, which needs milliseconds, gets in past any number of silent ones, and is never
/// ended for what another address does while that one holds more. One thread.
namespace drey::cnode {

struct ListenerOptions {
  /// All take the same port. An IPv6 one that the machine lacks is left out where an IPv4 one stands before
  /// it.
  std::vector<asio::ip::address> addresses;
  std::uint16_t first_port = 0, last_port = 0;  ///< 0: one that the system chooses
  std::size_t half_open = 256;                  ///< in all
  std::size_t half_open_an_address = 64;        ///< an IPv6 address being its first 64 bits
  std::chrono::milliseconds deadline{7000};     ///< for a handshake
  MakeStream make_stream;                       ///< empty: in clear
};

class Listener {
 public:
  /// Binds the first port of the range that is free at every address.
  /// \throws Error{no_port}
  Listener(Node& node, ListenerOptions options);
  std::uint16_t port() const { return port_; }
  void start();
  void stop();
  std::size_t half_open() const { return half_open_.size(); }

 private:
  struct Door {
    explicit Door(asio::io_context& io) : acceptor(io), pause(io) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };
  /// Whether every address could be bound at `port`; `error` says why not.
  bool open(std::uint16_t port, error_code& error);
  void accept(Door& door);
  void accepted(tcp::socket socket);
  void make_room(const asio::ip::address& address);

  Node& node_;
  ListenerOptions options_;
  std::list<Door> doors_;
  std::uint16_t port_ = 0;
  std::list<std::shared_ptr<Setup>> half_open_;  // oldest first
};

}  // namespace drey::cnode
