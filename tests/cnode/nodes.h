#pragma once

#include <gtest/gtest.h>

#include "cnode/connector.h"
#include "cnode/listener.h"
#include "cnode/node.h"
#include "tests/cnode/node_options.h"

/// Whole nodes in one process, for tests of how they meet.
namespace drey::cnode::test {

inline ListenerOptions loopback() {
  ListenerOptions made;
  made.addresses = {asio::ip::address_v4::loopback()};
  return made;
}

class Nodes : public testing::Test {
 protected:
  void run_until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < end)
      io.run_one_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(condition());
  }
  std::unique_ptr<Connector> connector(Node& node, std::uint16_t port) {
    ConnectorOptions made;
    made.fixed_port = port;
    made.first_retry = std::chrono::milliseconds(20);
    return std::make_unique<Connector>(node, made);
  }
  asio::io_context io;
};

}  // namespace drey::cnode::test
