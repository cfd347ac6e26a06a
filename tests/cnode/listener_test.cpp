#include "cnode/listener.h"

#include <gtest/gtest.h>

#include "tests/cnode/nodes.h"

namespace drey::cnode {
namespace {

using test::loopback;
using test::options;

class Listening : public test::Nodes {};

TEST_F(Listening, SilentConnectionsMakeRoomForOthers) {
  Node node(io, options("b@127.0.0.1"), {});
  ListenerOptions few = loopback();
  few.half_open = 4;
  few.half_open_an_address = 3;
  Listener listener(node, few);
  listener.start();
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 20; ++i) {
    silent.emplace_back(io);
    silent.back().connect({asio::ip::address_v4::loopback(), listener.port()});
  }
  run_until([&] { return node.counters().handshakes_failed == 17; });
  EXPECT_EQ(listener.half_open(), 3u);
  Node a(io, options("a@127.0.0.1"), {});
  const auto connect = connector(a, listener.port());
  connect->keep("b@127.0.0.1");
  run_until([&] { return a.session_count() == 1; });
  connect->stop();
  listener.stop();
}

TEST_F(Listening, AnAddressIsNotEndedForWhatAnotherDoes) {
  Node node(io, options("b@localhost"), {});
  ListenerOptions few;
  few.addresses = {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  few.half_open = few.half_open_an_address = 8;
  Listener listener(node, few);
  listener.start();
  tcp::socket slow(io);
  error_code error;
  slow.connect({asio::ip::address_v6::loopback(), listener.port()}, error);
  if (error) GTEST_SKIP() << "no ::1 on this machine";
  run_until([&] { return listener.half_open() == 1; });
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 40; ++i) {
    silent.emplace_back(io);
    silent.back().connect({asio::ip::address_v4::loopback(), listener.port()});
  }
  run_until([&] { return node.counters().handshakes_failed == 33; });
  EXPECT_EQ(listener.half_open(), 8u);
  slow.non_blocking(true);
  char byte = 0;
  slow.read_some(asio::buffer(&byte, 1), error);
  EXPECT_EQ(error, asio::error::would_block) << "the connection from ::1 was ended";
  listener.stop();
}

TEST_F(Listening, AHandshakeHasADeadline) {
  Node node(io, options("b@127.0.0.1"), {});
  ListenerOptions hasty = loopback();
  hasty.deadline = std::chrono::milliseconds(50);
  Listener listener(node, hasty);
  listener.start();
  tcp::socket silent(io);
  silent.connect({asio::ip::address_v4::loopback(), listener.port()});
  run_until([&] { return node.counters().handshakes_failed == 1; });
  EXPECT_EQ(listener.half_open(), 0u);
  listener.stop();
}

TEST_F(Listening, TheFirstFreePortOfTheRangeIsTaken) {
  Node node(io, options("b@127.0.0.1"), {});
  Listener first(node, loopback());
  ListenerOptions range = loopback();
  range.first_port = range.last_port = first.port();
  EXPECT_THROW(Listener(node, range), Error);
  if (first.port() < 65000) {
    range.last_port = static_cast<std::uint16_t>(first.port() + 200);
    EXPECT_GT(Listener(node, range).port(), first.port());
  }
}

}  // namespace
}  // namespace drey::cnode
