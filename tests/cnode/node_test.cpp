#include "cnode/node.h"

#include <gtest/gtest.h>

#include "cnode/flags.h"
#include "cnode/metrics.h"
#include "tests/cnode/nodes.h"

namespace drey::cnode {
namespace {

using test::loopback;
using test::options;

class Meeting : public test::Nodes {};

TEST_F(Meeting, MeetAndPart) {
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

TEST_F(Meeting, TheGreaterNameWinsWhenBothConnect) {
  Node m(io, options("m@h"), {});
  m.connecting("a@h", [] {});
  m.connecting("z@h", [] {});
  EXPECT_EQ(m.admit({"a@h", 0, 0, false}), handshake::Admission::Nok);
  EXPECT_EQ(m.admit({"z@h", 0, 0, false}), handshake::Admission::OkSimultaneous);
  EXPECT_EQ(m.admit({"c@h", 0, 0, false}), handshake::Admission::Ok);
}

TEST_F(Meeting, OneThatIsConnectedIsAlive) {
  Node a(io, options("a@127.0.0.1"), {}), b(io, options("b@127.0.0.1"), {});
  Listener listener(b, loopback());
  listener.start();
  const auto connect = connector(a, listener.port());
  connect->keep("b@127.0.0.1");
  run_until([&] { return b.is_connected("a@127.0.0.1"); });
  EXPECT_EQ(b.admit({"a@127.0.0.1", 0, 0, false}), handshake::Admission::Alive);
  connect->stop();
  listener.stop();
}

TEST_F(Meeting, CallsThatRunWhenTheNodeGoesAreCancelledAndLateAnswersAreNothing) {
  int cancelled = 0;
  std::shared_ptr<Caller> caller;
  {
    Exports exports;
    exports.add("t", {[](std::string_view, std::size_t) { return true; },
                      [&](Call call) -> Cancel {
                        caller = call.caller;
                        return [&] { ++cancelled; };
                      }});
    Node a(io, options("a@127.0.0.1"), {}), b(io, options("b@127.0.0.1"), std::move(exports));
    Listener listener(b, loopback());
    listener.start();
    const auto connect = connector(a, listener.port());
    connect->keep("b@127.0.0.1");
    run_until([&] { return b.is_connected("a@127.0.0.1"); });
    Process& process = b.begin_call({b.sessions().at("a@127.0.0.1"), {}, {}, true});
    b.run_call(process, *b.exports().find("t", "f", 0), {"t", "f", {}, {}},
               [](Process&, Outcome) { FAIL(); });
    EXPECT_EQ(b.processes().calls(), 1u);
    connect->stop();
    listener.stop();
  }
  EXPECT_EQ(cancelled, 1);
  caller->reply(Outcome::value(1));
  caller->log("late\n");
  io.poll();
}

}  // namespace
}  // namespace drey::cnode
