#include "cnode/gen_server.h"

#include "tests/cnode/peer.h"

namespace drey::cnode {
namespace {

using term::Term;
using test::erl;
using test::Peer;
using test::Received;

class GenServer : public test::WithNode {
 protected:
  static Term from(const Peer& peer) { return test::opaque(peer.pid()); }
  static Term tag(const Peer& peer) { return test::opaque(peer.reference(5)); }
  static Term alias(const Peer& peer) {
    return term::List{{term::atom("alias")}, std::make_shared<const Term>(tag(peer))};
  }
  static void say(Peer& peer, std::string_view server, const Term& message) {
    peer.send(control::RegSend{peer.pid(), raw::make_atom(server)}, message);
  }
  static Term call_of(const Peer& peer, const Term& request, const Term& with) {
    return term::tuple({term::atom("$gen_call"), term::tuple({from(peer), with}), request});
  }
  /// The reply to a call; sent to the alias where there is one.
  Term ask(Peer& peer, std::string_view server, const Term& request) {
    say(peer, server, call_of(peer, request, alias(peer)));
    return reply(peer);
  }
  Term reply(Peer& peer) {
    const Received got = peer.receive();
    const auto* sent = got.is<control::AliasSend>();
    EXPECT_NE(sent, nullptr);
    if (sent == nullptr) return {};
    EXPECT_TRUE(same(sent->alias, peer.reference(5)));
    const auto* pair = got.payload.as<term::Tuple>();
    EXPECT_TRUE(pair != nullptr && pair->elements.size() == 2 && pair->elements[0] == alias(peer));
    return pair != nullptr ? pair->elements.back() : Term();
  }
  static std::string reason(const Term& answer) {
    const auto* error = answer.tagged("error", 2);
    const Term* found = error != nullptr ? error->elements[1].find("reason") : nullptr;
    const auto* name = found != nullptr ? found->as<term::Atom>() : nullptr;
    return name != nullptr ? name->name : term::to_string(answer);
  }
  static std::string message(const Term& answer) {
    const auto* error = answer.tagged("error", 2);
    const Term* found = error != nullptr ? error->elements[1].find("message") : nullptr;
    const auto* said = found != nullptr ? found->as<term::Binary>() : nullptr;
    return said != nullptr ? std::string(said->text()) : std::string();
  }
};

TEST_F(GenServer, CallsAndCastsAreKnownByTheirShape) {
  Peer peer(io, *node, "p@h");
  const auto call = as_gen_call(call_of(peer, term::atom("x"), tag(peer)));
  ASSERT_TRUE(call);
  EXPECT_FALSE(call->alias());
  EXPECT_TRUE(same(call->reference(), peer.reference(5)));
  const auto aliased = as_gen_call(call_of(peer, term::atom("x"), alias(peer)));
  ASSERT_TRUE(aliased);
  EXPECT_TRUE(aliased->alias());
  EXPECT_TRUE(same(aliased->reference(), peer.reference(5)));
  // A tag may be anything; without a reference there is none.
  const auto odd = as_gen_call(call_of(peer, term::atom("x"), erl("[alias | 1]")));
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->reference().empty());
  for (const std::string_view none :
       {"x", "{'$gen_call', x}", "{'$gen_call', {x, y}, z}", "{'$gen_call', [], z}", "{'$gen_call', {}, z}",
        "{'$gen_call', {1, 2, 3}, z}"})
    EXPECT_FALSE(as_gen_call(erl(none))) << none;
  EXPECT_EQ(*as_gen_cast(erl("{'$gen_cast', x}")), term::atom("x"));
  EXPECT_EQ(as_gen_cast(erl("{'$gen_cast', x, y}")), nullptr);
  EXPECT_EQ(as_gen_cast(erl("x")), nullptr);
}

TEST_F(GenServer, RepliesGoToTheAliasOrToThePid) {
  Peer peer(io, *node, "p@h");
  EXPECT_EQ(ask(peer, "net_kernel", erl("{is_auth, p@h}")), term::atom("yes"));
  say(peer, "net_kernel", call_of(peer, erl("{is_auth, p@h}"), tag(peer)));
  Received got = peer.receive();
  ASSERT_NE(got.is<control::Send>(), nullptr);
  EXPECT_TRUE(same(got.is<control::Send>()->to, peer.pid()));
  EXPECT_EQ(got.payload, term::tuple({tag(peer), term::atom("yes")}));
  // A peer that knows no aliases gets it by its pid.
  Peer older(io, *node, "older@h", Peer::flags & ~flags::Alias);
  say(older, "net_kernel", call_of(older, erl("{is_auth, p@h}"), alias(older)));
  got = older.receive();
  ASSERT_NE(got.is<control::Send>(), nullptr);
  EXPECT_EQ(got.payload, term::tuple({alias(older), term::atom("yes")}));
  // An alias that is no reference must not be sent to, which would cost the link.
  const Term forged = term::List{{term::atom("alias")}, std::make_shared<const Term>(from(peer))};
  say(peer, "net_kernel", call_of(peer, erl("{is_auth, p@h}"), forged));
  EXPECT_NE(peer.receive().is<control::Send>(), nullptr);
}

TEST_F(GenServer, NetKernelAnswersPingsAndRefusesOthers) {
  Peer peer(io, *node, "p@h");
  EXPECT_EQ(ask(peer, "net_kernel", erl("{is_auth, p@h}")), term::atom("yes"));
  EXPECT_EQ(ask(peer, "net_kernel", erl("{spawn, x}")), erl("{error, bad_request}"));
  say(peer, "net_kernel", erl("{'$gen_cast', x}"));
  say(peer, "net_kernel", erl("whatever"));
  EXPECT_TRUE(peer.silent());
}

TEST_F(GenServer, AModuleIsCalledByItsName) {
  Peer peer(io, *node, "p@h");
  say(peer, "t", call_of(peer, erl("{f, 7}"), alias(peer)));
  await_asked(1);
  EXPECT_EQ(asked[0].function, "f");
  EXPECT_EQ(asked[0].arguments[0], Term(7));
  asked[0].caller->reply(Outcome::value(erl("{ok, 7}")));
  EXPECT_EQ(reply(peer), erl("{ok, 7}"));
  for (const std::string_view no_arguments : {"g", "{g}"}) {
    const std::size_t before = asked.size();
    say(peer, "t", call_of(peer, erl(no_arguments), alias(peer)));
    await_asked(before + 1);
    asked.back().caller->reply(Outcome::error(term::atom("boom"), erl("[s]")));
    EXPECT_EQ(reply(peer), erl("{badrpc, {'EXIT', {boom, [s]}}}"));
  }
  for (const std::string_view none :
       {"{f}", "{f, 1, 2}", "{h, 1}", "\"text\"", "17", "{}", "{\"f\", 1}", "#{}"})
    EXPECT_EQ(reason(ask(peer, "t", erl(none))), "undef") << none;
  EXPECT_EQ(message(ask(peer, "t", erl("{crahs, 1}"))), "t has no call {crahs,1}; did you mean `crash`?");
  EXPECT_EQ(
      message(ask(peer, "t", erl("{crash, 1}"))),
      "t has no call {crash,1}; a request is {Function, Argument...}, such as {sample, Model, Options}");
  EXPECT_EQ(node->processes().calls(), 0u);
  // Only calls are answered.
  say(peer, "t", erl("{'$gen_cast', {f, 1}}"));
  say(peer, "t", erl("{f, 1}"));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(asked.size(), 3u);
}

TEST_F(GenServer, ACallThatIsGivenUpIsCancelled) {
  Peer peer(io, *node, "p@h");
  peer.send(control::Monitor{peer.pid(), raw::make_atom("t"), peer.reference(5)});
  say(peer, "t", call_of(peer, erl("{f, 7}"), alias(peer)));
  await_asked(1);
  peer.send(control::Demonitor{peer.pid(), raw::make_atom("t"), peer.reference(5)});
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(node->processes().calls(), 0u);
  asked[0].caller->reply(Outcome::value(1));
  EXPECT_TRUE(peer.silent());
}

TEST_F(GenServer, BeyondTheLimitCallsAreBusy) {
  NodeOptions few = test::options();
  few.session.calls = 1;
  start(few);
  Peer peer(io, *node, "p@h");
  say(peer, "t", call_of(peer, erl("{f, 7}"), tag(peer)));
  await_asked(1);
  EXPECT_EQ(reason(ask(peer, "t", erl("{f, 8}"))), "busy");
  EXPECT_EQ(reason(ask(
                peer, "rex",
                term::tuple({term::atom("call"), term::atom("t"), term::atom("f"), erl("[1]"), from(peer)}))),
            "busy");
  EXPECT_EQ(node->counters().refused, 2u);
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(GenServer, AReplyThatCannotBeSentSaysSo) {
  Peer peer(io, *node, "p@h");
  say(peer, "t", call_of(peer, erl("{f, 7}"), alias(peer)));
  await_asked(1);
  asked[0].caller->reply(Outcome::value(1.0 / 0.0));
  EXPECT_EQ(reason(reply(peer)), "not_finite");
}

TEST_F(GenServer, RexCallsForOlderCallers) {
  Peer peer(io, *node, "p@h");
  const auto request = [&](std::string_view kind, const Term& arguments) {
    return term::tuple({term::atom(kind), term::atom("t"), term::atom("f"), arguments, from(peer)});
  };
  for (const std::string_view kind : {"call", "block_call"}) {
    const std::size_t before = asked.size();
    say(peer, "rex", call_of(peer, request(kind, erl("[1]")), alias(peer)));
    await_asked(before + 1);
    asked.back().caller->reply(Outcome::value(term::atom("done")));
    EXPECT_EQ(reply(peer), term::atom("done"));
  }
  EXPECT_EQ(ask(peer, "rex", request("call", erl("x"))), erl("{badrpc, {'EXIT', badarg}}"));
  EXPECT_EQ(ask(peer, "rex", erl("{call, t, f}")), erl("{badrpc, notsup}"));
  EXPECT_EQ(ask(peer, "rex", erl("{other, t, f, [1], x}")), erl("{badrpc, notsup}"));
  // {From, Request}: the reply is {rex, Value}.
  say(peer, "rex", term::tuple({from(peer), request("call", erl("[2]"))}));
  await_asked(3);
  asked[2].caller->reply(Outcome::error(term::atom("boom"), erl("[]")));
  const Received got = peer.receive();
  ASSERT_NE(got.is<control::Send>(), nullptr);
  EXPECT_TRUE(same(got.is<control::Send>()->to, peer.pid()));
  EXPECT_EQ(got.payload, erl("{rex, {badrpc, {'EXIT', {boom, []}}}}"));
  say(peer, "rex", term::tuple({from(peer), term::atom("features_request")}));
  EXPECT_EQ(peer.receive().payload,
            term::tuple({term::atom("features_reply"), term::atom(node->name()), erl("[erpc]")}));
  for (const auto& [name, answer] :
       {std::pair("t", term::atom(node->name())), std::pair("nobody", erl("{nonexisting_name, nobody}")),
        std::pair("rex", term::atom(node->name()))}) {
    say(peer, "rex",
        term::tuple({from(peer), term::tuple({term::atom("sbcast"), term::atom(name), erl("hello")})}));
    EXPECT_EQ(peer.receive().payload, term::tuple({term::atom("rex"), term::atom(node->name()), answer}));
  }
  say(peer, "rex", term::tuple({term::atom("$gen_cast"), request("cast", erl("[3]"))}));
  await_asked(4);
  asked[3].caller->reply(Outcome::value(1));
  for (const std::string_view rubbish :
       {"x", "{1, 2}", "{'$gen_cast', x}", "{}", "{a, {call, t, f, [1], x}}"})
    say(peer, "rex", erl(rubbish));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(node->processes().calls(), 0u);
}

TEST_F(GenServer, ACallOfWhichOnlyTheHeadWasKeptIsAnswered) {
  Peer peer(io, *node, "p@h");
  const auto session = node->sessions().at("p@h");
  const Process& server = *node->processes().find_name("t");
  const Bytes whole = term::encode(call_of(peer, erl("{f, 7}"), alias(peer))).flatten();
  // As many of its bytes as hold the caller and no more, and any fewer.
  const std::size_t enough = whole.size() - term::encode(erl("{f, 7}")).size;
  refuse_gen_call(*session, server, View(whole).first(enough), "too_large");
  EXPECT_EQ(reason(reply(peer)), "too_large");
  for (std::size_t length = 0; length < enough; ++length)
    refuse_gen_call(*session, server, View(whole).first(length), "too_large");
  refuse_gen_call(*session, server, term::encode(erl("{'$gen_cast', x}")).flatten(), "busy");
  refuse_gen_call(*session, server, term::encode(erl("{'$gen_call', {x, y}, z}")).flatten(), "busy");
  EXPECT_TRUE(peer.silent());
}

}  // namespace
}  // namespace drey::cnode
