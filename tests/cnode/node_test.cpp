#include "cnode/node.h"

#include <gtest/gtest.h>
#include <algorithm>

#include "cnode/connector.h"
#include "cnode/flags.h"
#include "cnode/listener.h"
#include "cnode/metrics.h"
#include "cnode/raw.h"

namespace drey::cnode {
namespace {

NodeOptions options(const std::string& name, const std::string& cookie = "cookie") {
  NodeOptions made;
  made.name = name;
  made.cookie = cookie;
  made.version = "1";
  made.creation = 9;
  return made;
}

ListenerOptions loopback() {
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

TEST_F(Nodes, MeetAndPart) {
  Node a(io, options("a@127.0.0.1"), {}), b(io, options("b@127.0.0.1"), {});
  Listener listener(b, loopback());
  listener.start();
  const auto connect = connector(a, listener.port());
  connect->keep("b@127.0.0.1");
  run_until([&] { return a.is_connected("b@127.0.0.1") && b.is_connected("a@127.0.0.1"); });
  EXPECT_EQ(a.sessions().at("b@127.0.0.1")->peer().flags, flags::Ours);
  EXPECT_NE(metrics_text(b, listener.half_open()).find("\ndrey_peers 1\n"), std::string::npos);
  connect->stop();
  bool stopped = false;
  b.stop([&] { stopped = true; });
  run_until([&] { return stopped && a.session_count() == 0; });
  EXPECT_EQ(b.admit({"c@h", 0, 0, false}), handshake::Admission::NotAllowed);
  listener.stop();
}

TEST_F(Nodes, AHostIsTriedAtEachOfItsAddresses) {
  Node a(io, options("a@localhost"), {}), b(io, options("b@localhost"), {});
  for (const asio::ip::address& address :
       std::vector<asio::ip::address>{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()}) {
    ListenerOptions one;
    one.addresses = {address};
    std::unique_ptr<Listener> listener;
    try {
      listener = std::make_unique<Listener>(b, one);
    } catch (const Error&) {
      GTEST_SKIP() << "no " << address.to_string() << " on this machine";
    }
    error_code error;
    const auto known = tcp::resolver(io).resolve("localhost", "0", error);
    if (std::none_of(known.begin(), known.end(),
                     [&](const auto& entry) { return entry.endpoint().address() == address; }))
      GTEST_SKIP() << "localhost is not " << address.to_string() << " on this machine";
    listener->start();
    const auto connect = connector(a, listener->port());
    connect->keep("b@localhost");
    run_until([&] { return a.is_connected("b@localhost") && b.is_connected("a@localhost"); });
    connect->stop();
    listener->stop();
    a.sessions().at("b@localhost")->channel().close("the test is over");
    run_until([&] { return a.session_count() + b.session_count() == 0; });
  }
}

TEST_F(Nodes, BothAtOnceEndWithOneConnection) {
  Node a(io, options("a@127.0.0.1"), {}), b(io, options("b@127.0.0.1"), {});
  Listener at_a(a, loopback()), at_b(b, loopback());
  at_a.start();
  at_b.start();
  const auto from_a = connector(a, at_b.port()), from_b = connector(b, at_a.port());
  from_a->keep("b@127.0.0.1");
  from_b->keep("a@127.0.0.1");
  run_until([&] {
    return a.session_count() == 1 && b.session_count() == 1 && at_a.half_open() + at_b.half_open() == 0;
  });
  from_a->stop();
  from_b->stop();
  at_a.stop();
  at_b.stop();
}

TEST_F(Nodes, AnotherCookieIsNoConnection) {
  Node a(io, options("a@127.0.0.1", "one"), {}), b(io, options("b@127.0.0.1", "other"), {});
  Listener listener(b, loopback());
  listener.start();
  const auto connect = connector(a, listener.port());
  connect->keep("b@127.0.0.1");
  run_until([&] { return b.counters().handshakes_failed > 1; });
  EXPECT_EQ(a.session_count() + b.session_count(), 0u);
  connect->stop();
  listener.stop();
}

TEST_F(Nodes, TheGreaterNameWinsWhenBothConnect) {
  Node m(io, options("m@h"), {});
  m.connecting("a@h", [] {});
  m.connecting("z@h", [] {});
  EXPECT_EQ(m.admit({"a@h", 0, 0, false}), handshake::Admission::Nok);
  EXPECT_EQ(m.admit({"z@h", 0, 0, false}), handshake::Admission::OkSimultaneous);
  EXPECT_EQ(m.admit({"c@h", 0, 0, false}), handshake::Admission::Ok);
}

TEST_F(Nodes, SilentConnectionsMakeRoomForOthers) {
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

TEST_F(Nodes, AnAddressIsNotEndedForWhatAnotherDoes) {
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

TEST_F(Nodes, AHandshakeHasADeadline) {
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

TEST_F(Nodes, TheFirstFreePortOfTheRangeIsTaken) {
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
