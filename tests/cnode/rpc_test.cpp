#include "cnode/rpc.h"

#include <limits>

#include "tests/cnode/peer.h"

namespace drey::cnode {
namespace {

using term::Term;
using test::erl;
using test::Peer;
using test::Received;

class Rpc : public test::WithNode {
 protected:
  /// Calls t:f(1); returns our pid of the call, as the spawn reply gives it.
  Bytes call(Peer& peer, std::uint64_t reference = 1, std::uint64_t flags = control::spawned_with_monitor,
             const Term& options = erl("[monitor]")) {
    Received reply;
    const Bytes pid = begun(
        peer,
        [&] { test::erpc_call(peer, term::atom("t"), term::atom("f"), erl("[1]"), reference, options); },
        &reply);
    if (const auto* spawned = reply.is<control::SpawnReply>()) {
      EXPECT_TRUE(same(spawned->reference, peer.reference(reference)));
      EXPECT_TRUE(same(spawned->to, peer.pid()));
      EXPECT_EQ(spawned->flags, flags);
    }
    return pid;
  }
  /// The exit reason that a monitor gives.
  Term exit_of(Peer& peer, const Bytes& pid, std::uint64_t reference = 1) {
    const Received got = peer.receive();
    const auto* exit = got.is<control::MonitorExit>();
    EXPECT_NE(exit, nullptr);
    if (exit == nullptr) return {};
    EXPECT_TRUE(same(exit->from, pid));
    EXPECT_TRUE(same(exit->to, peer.pid()));
    EXPECT_TRUE(same(exit->reference, peer.reference(reference)));
    EXPECT_TRUE(got.has_payload);
    return got.payload;
  }
  static Term result(const Peer& peer) { return test::opaque(peer.reference(77)); }
};

TEST_F(Rpc, TheSpawnReplyComesBeforeTheExitWhateverTheHandlerDoes) {
  // Even where the handler answers before it returns.
  Exports exports;
  exports.add("now", {[](std::string_view, std::size_t) { return true; },
                      [](Call one) -> Cancel {
                        one.caller->reply(Outcome::value(one.arguments[0]));
                        return {};
                      }});
  Node quick(io, test::options("quick@127.0.0.1"), std::move(exports));
  Peer peer(io, quick, "p@h");
  test::erpc_call(peer, term::atom("now"), term::atom("f"), erl("[x]"));
  const Received reply = peer.receive();
  ASSERT_NE(reply.is<control::SpawnReply>(), nullptr);
  EXPECT_EQ(exit_of(peer, copy(reply.is<control::SpawnReply>()->result)),
            term::tuple({result(peer), term::atom("return"), term::atom("x")}));
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, OutcomesAreErpcs) {
  Peer peer(io, *node, "p@h");
  const auto outcome = [&](Outcome given) {
    const Bytes pid = call(peer);
    asked.back().caller->reply(std::move(given));
    return exit_of(peer, pid);
  };
  const Term res = result(peer), boom = term::atom("boom");
  EXPECT_EQ(outcome(Outcome::value(boom)), term::tuple({res, term::atom("return"), boom}));
  EXPECT_EQ(outcome({Outcome::Kind::Throw, boom, erl("[]")}), term::tuple({res, term::atom("throw"), boom}));
  EXPECT_EQ(outcome({Outcome::Kind::Exit, boom, erl("[]")}), term::tuple({res, term::atom("exit"), boom}));
  EXPECT_EQ(outcome(Outcome::error(boom, rpc::frame("t", "f", 1))),
            term::tuple({res, term::atom("error"), boom, erl("[{t, f, 1, []}]")}));
  EXPECT_EQ(outcome(Outcome::refused(boom)),
            term::tuple({res, term::atom("error"), term::tuple({term::atom("erpc"), boom})}));
  EXPECT_EQ(node->processes().calls(), 0u);
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, OutcomesOfASpawnedFunctionAreAProcesses) {
  Peer peer(io, *node, "p@h");
  const auto outcome = [&](Outcome given) {
    const Bytes pid = begun(peer, [&] {
      peer.send(test::spawn_request(peer.reference(), peer.pid(), peer.pid(2), "t", "f", 1, erl("[monitor]")),
                erl("[1]"));
    });
    asked.back().caller->reply(std::move(given));
    return exit_of(peer, pid);
  };
  EXPECT_EQ(outcome(Outcome::value(1)), term::atom("normal"));
  EXPECT_EQ(outcome(Outcome::error(term::atom("bad"), erl("[s]"))), erl("{bad, [s]}"));
  EXPECT_EQ(outcome({Outcome::Kind::Throw, term::atom("ball"), erl("[]")}), erl("{{nocatch, ball}, []}"));
  EXPECT_EQ(outcome({Outcome::Kind::Exit, term::atom("bye"), erl("[]")}), term::atom("bye"));
}

TEST_F(Rpc, TheFirstOutcomeCountsAndLateOnesAreNothing) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = call(peer);
  asked[0].caller->reply(Outcome::value(1));
  asked[0].caller->reply(Outcome::value(2));
  EXPECT_EQ(exit_of(peer, pid), term::tuple({result(peer), term::atom("return"), Term(1)}));
  asked[0].caller->reply(Outcome::value(3));
  asked[0].caller->log("late\n");
  asked[0].caller->send(test::opaque(peer.pid()), 1);
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, ADemonitorOfTheCallCancelsItOnceAndSaysNothing) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = call(peer);
  for (int i = 0; i < 2; ++i) peer.send(control::Demonitor{peer.pid(), pid, peer.reference()});
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(node->processes().calls(), 0u);
  EXPECT_EQ(node->counters().cancelled, 1u);
  asked[0].caller->reply(Outcome::value(1));
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, ADemonitorOfASpawnedFunctionOnlyEndsTheMonitor) {
  Peer peer(io, *node, "p@h");
  peer.send(test::spawn_request(peer.reference(), peer.pid(), peer.pid(2), "t", "f", 1, erl("[monitor]")),
            erl("[1]"));
  const Received reply = peer.receive();
  peer.send(control::Demonitor{peer.pid(), reply.is<control::SpawnReply>()->result, peer.reference()});
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(cancelled, 0);
  EXPECT_EQ(node->processes().calls(), 1u);
  asked[0].caller->reply(Outcome::value(1));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(node->processes().calls(), 0u);
}

TEST_F(Rpc, LinkAndMonitorAreWhatTheOptionsSay) {
  Peer peer(io, *node, "p@h");
  const Bytes linked = call(peer, 1, control::spawned_with_link, erl("[{priority, high}, link]"));
  asked[0].caller->reply(Outcome::value(1));
  const Received exit = peer.receive();
  ASSERT_NE(exit.is<control::Exit>(), nullptr);
  EXPECT_TRUE(same(exit.is<control::Exit>()->from, linked));
  EXPECT_TRUE(same(exit.is<control::Exit>()->to, peer.pid()));
  const Bytes both = call(peer, 2, control::spawned_with_link | control::spawned_with_monitor,
                          erl("[{monitor, [{alias, reply_demonitor}]}, link]"));
  asked[1].caller->reply(Outcome::value(1));
  EXPECT_TRUE(exit_of(peer, both, 2).as<term::Tuple>() != nullptr);
  EXPECT_NE(peer.receive().is<control::Exit>(), nullptr);
  (void)call(peer, 3, 0, erl("[]"));
  asked[2].caller->reply(Outcome::value(1));
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, OptionsThatAreNoneStartNothing) {
  Peer peer(io, *node, "p@h");
  for (const std::string_view bad :
       {"[bogus]", "[{bogus, 1}]", "[monitor | link]", "[{link, x}]", "[1]", "[[]]"}) {
    test::erpc_call(peer, term::atom("t"), term::atom("f"), erl("[1]"), 1, erl(bad));
    const Received reply = peer.receive();
    ASSERT_NE(reply.is<control::SpawnReply>(), nullptr) << bad;
    EXPECT_TRUE(raw::is_atom(reply.is<control::SpawnReply>()->result, "badopt")) << bad;
  }
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(node->processes().calls(), 0u);
}

TEST_F(Rpc, WhatIsNotExportedIsUndef) {
  Peer peer(io, *node, "p@h");
  const auto error = [&](const Term& module, const Term& function, const Term& arguments) {
    test::erpc_call(peer, module, function, arguments);
    const Received reply = peer.receive();
    return exit_of(peer, copy(reply.is<control::SpawnReply>()->result));
  };
  const Term res = result(peer);
  EXPECT_EQ(error(term::atom("os"), term::atom("cmd"), erl("[\"ls\"]")),
            term::tuple({res, term::atom("error"), term::atom("undef"), erl("[{os, cmd, [\"ls\"], []}]")}));
  EXPECT_EQ(error(term::atom("t"), term::atom("f"), erl("[]")),
            term::tuple({res, term::atom("error"), term::atom("undef"), erl("[{t, f, [], []}]")}));
  EXPECT_EQ(error(term::atom("erlang"), term::atom("apply"), erl("[x, []]")),
            term::tuple({res, term::atom("error"), erl("{erpc, notsup}")}));
  // What is large is not sent back.
  const Term large = term::list({term::Binary(std::vector<std::uint8_t>(100000)), Term(2)});
  EXPECT_EQ(error(term::atom("t"), term::atom("f"), large),
            term::tuple({res, term::atom("error"), term::atom("undef"), erl("[{t, f, 2, []}]")}));
  for (const auto& [module, function, arguments] :
       {std::tuple(erl("\"t\""), erl("f"), erl("[1]")), std::tuple(erl("t"), erl("1"), erl("[1]")),
        std::tuple(erl("t"), erl("f"), erl("[1 | 2]")), std::tuple(erl("t"), erl("f"), erl("x"))})
    EXPECT_EQ(error(module, function, arguments),
              term::tuple({res, term::atom("error"), erl("{erpc, badarg}")}));
  EXPECT_TRUE(asked.empty());
}

TEST_F(Rpc, AnExportThatThrowsIsAnErrorOfTheCall) {
  Peer peer(io, *node, "p@h");
  test::erpc_call(peer, term::atom("t"), term::atom("crash"), erl("[]"));
  const Received reply = peer.receive();
  EXPECT_EQ(exit_of(peer, copy(reply.is<control::SpawnReply>()->result)),
            term::tuple({result(peer), term::atom("error"), erl("{failed, <<\"it threw\">>}"), erl("[]")}));
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, AValueThatCannotBeSentIsAnErrorAndNotADeadLink) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = call(peer);
  asked[0].caller->reply(Outcome::value(std::numeric_limits<double>::quiet_NaN()));
  const Term reason = exit_of(peer, pid);
  ASSERT_NE(reason.tagged("not_finite", 2), nullptr);
  EXPECT_TRUE(peer.silent());
}

TEST_F(Rpc, ACastIsAnsweredAndEndsUnheard) {
  Peer peer(io, *node, "p@h");
  peer.send(
      test::spawn_request(peer.reference(), peer.pid(), peer.pid(2), "erpc", "execute_cast", 3, erl("[]")),
      erl("[t, f, [1]]"));
  const Received reply = peer.receive();
  ASSERT_NE(reply.is<control::SpawnReply>(), nullptr);
  EXPECT_EQ(reply.is<control::SpawnReply>()->flags, 0u);
  await_asked(1);
  EXPECT_EQ(asked[0].arguments[0], Term(1));
  asked[0].caller->reply(Outcome::error(term::atom("boom")));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(node->processes().calls(), 0u);
}

TEST_F(Rpc, BeyondTheLimitOfAPeerCallsAreBusyAndOthersAreNot) {
  NodeOptions few = test::options();
  few.session.calls = 2;
  start(few);
  Peer peer(io, *node, "p@h"), other(io, *node, "o@h");
  (void)call(peer, 1);
  (void)call(peer, 2);
  test::erpc_call(peer, term::atom("t"), term::atom("f"), erl("[1]"), 3);
  const Received reply = peer.receive();
  ASSERT_NE(reply.is<control::SpawnReply>(), nullptr);
  EXPECT_EQ(reply.is<control::SpawnReply>()->flags, 0u);
  EXPECT_TRUE(raw::is_atom(reply.is<control::SpawnReply>()->result, "busy"));
  EXPECT_EQ(node->counters().refused, 1u);
  (void)call(other);
  asked[0].caller->reply(Outcome::value(1));
  (void)peer.receive();
  (void)call(peer, 4);
}

TEST_F(Rpc, ArgumentsOfAnotherArityEndTheConnection) {
  for (const std::string_view arguments : {"[1, 2]", "[]", "x", "[1 | 2]"}) {
    Peer peer(io, *node, "p@h");
    peer.send(test::spawn_request(peer.reference(), peer.pid(), peer.pid(2), "t", "f", 1, erl("[monitor]")),
              erl(arguments));
    EXPECT_TRUE(peer.hung_up()) << arguments;
    EXPECT_EQ(node->processes().calls(), 0u);
  }
}

TEST_F(Rpc, WhatACallerOfRexSees) {
  const Term boom = term::atom("boom");
  EXPECT_EQ(rpc::badrpc(Outcome::value(boom)), boom);
  EXPECT_EQ(rpc::badrpc({Outcome::Kind::Throw, boom, erl("[]")}), boom);
  EXPECT_EQ(rpc::badrpc({Outcome::Kind::Exit, boom, erl("[]")}), erl("{badrpc, {'EXIT', boom}}"));
  EXPECT_EQ(rpc::badrpc(Outcome::error(boom, erl("[s]"))), erl("{badrpc, {'EXIT', {boom, [s]}}}"));
  EXPECT_EQ(rpc::badrpc(Outcome::refused(boom)), erl("{badrpc, {'EXIT', boom}}"));
}

}  // namespace
}  // namespace drey::cnode
