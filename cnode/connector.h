#pragma once

#include "cnode/stream.h"

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "cnode/node.h"
#include "cnode/setup.h"

/// Connects to named peers and, when a connection ends, connects again: asks the peer's epmd (or takes a
/// fixed port) at each address of its host until one takes the connection, IPv4 and IPv6 in the order of the
/// system's resolver, then the handshake as the side that began. One thread.
namespace drey::cnode {

struct ConnectorOptions {
  std::uint16_t epmd_port = 4369;
  std::uint16_t fixed_port = 0;  ///< 0: ask epmd
  MakeStream make_stream;        ///< empty: in clear
  std::chrono::milliseconds deadline{7000};
  std::chrono::milliseconds first_retry{1000}, last_retry{30000};
};

class Connector {
 public:
  Connector(Node& node, ConnectorOptions options);
  /// Stays connected with `peer`, a full node name, until stop().
  void keep(const std::string& peer);
  void stop();

 private:
  struct Target {
    explicit Target(asio::io_context& io) : timer(io), resolver(io), socket(io) {}
    std::string peer;
    asio::steady_timer timer;
    tcp::resolver resolver;
    tcp::socket socket;
    std::shared_ptr<Setup> setup;
    std::vector<asio::ip::address> others;  // of the peer's host, that are not tried yet
    std::chrono::milliseconds retry{0};
    bool warned = false;
  };
  void attempt(const std::shared_ptr<Target>& target);
  void next(const std::shared_ptr<Target>& target, const std::string& why);
  void found(const std::shared_ptr<Target>& target, const asio::ip::address& address);
  void connect(const std::shared_ptr<Target>& target, const tcp::endpoint& endpoint);
  void again(const std::shared_ptr<Target>& target, const std::string& why);

  Node& node_;
  ConnectorOptions options_;
  std::list<std::shared_ptr<Target>> targets_;
  bool stopped_ = false;
};

}  // namespace drey::cnode
