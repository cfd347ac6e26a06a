#include "cnode/connector.h"

#include <gtest/gtest.h>
#include <algorithm>

#include "tests/cnode/nodes.h"

namespace drey::cnode {
namespace {

using test::loopback;
using test::options;

class Connecting : public test::Nodes {};

TEST_F(Connecting, AHostIsTriedAtEachOfItsAddresses) {
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

TEST_F(Connecting, BothAtOnceEndWithOneConnection) {
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

TEST_F(Connecting, AnotherCookieIsNoConnection) {
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

}  // namespace
}  // namespace drey::cnode
