#include "cnode/session.h"

#include <set>

#include "tests/cnode/peer.h"

namespace drey::cnode {
namespace {

using term::Term;
using test::erl;
using test::opaque;
using test::Peer;
using test::Received;

class Sessions : public test::WithNode {
 protected:
  /// A process that runs t:f(1) for the peer, neither linked nor monitored; its pid.
  Bytes spawned(Peer& peer, std::uint64_t reference = 1) {
    return begun(peer, [&] {
      peer.send(
          test::spawn_request(peer.reference(reference), peer.pid(), peer.pid(2), "t", "f", 1, erl("[]")),
          erl("[1]"));
    });
  }
  static Bytes control_of(std::initializer_list<Term> elements) {
    return term::encode(term::tuple(elements)).flatten();
  }
  /// {35, Id, From, To}
  static Bytes unlink(std::int64_t id, const Bytes& from, const Bytes& to) {
    return control_of({Term(35), Term(id), opaque(from), opaque(to)});
  }
  static Bytes exit2(const Bytes& from, const Bytes& to) {
    return control_of({Term(26), opaque(from), opaque(to)});
  }
  Bytes registered(std::string_view name) { return copy(node->processes().find_name(name)->pid); }
};

TEST_F(Sessions, MonitorsFireOnceWithTheTrueReasonAndTheTargetAsItWasWritten) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = spawned(peer);
  for (const std::uint64_t reference : {11, 12, 13})
    peer.send(control::Monitor{peer.pid(3), pid, peer.reference(reference)});
  peer.send(control::Demonitor{peer.pid(3), pid, peer.reference(12)});
  EXPECT_TRUE(peer.silent());
  asked[0].caller->reply({Outcome::Kind::Exit, erl("{some, reason}"), erl("[]")});
  std::set<std::string> told;
  for (int i = 0; i < 2; ++i) {
    const Received got = peer.receive();
    const auto* exit = got.is<control::MonitorExit>();
    ASSERT_NE(exit, nullptr);
    EXPECT_TRUE(same(exit->from, pid));
    EXPECT_TRUE(same(exit->to, peer.pid(3)));
    EXPECT_EQ(got.payload, erl("{some, reason}"));
    told.insert(std::string(text(exit->reference)));
  }
  EXPECT_EQ(told, (std::set<std::string>{std::string(text(peer.reference(11))),
                                         std::string(text(peer.reference(13)))}));
  EXPECT_TRUE(peer.silent());
  peer.send(control::Monitor{peer.pid(3), pid, peer.reference(14)});
  EXPECT_EQ(peer.receive().payload, term::atom("noproc"));
}

TEST_F(Sessions, MonitorsOfNames) {
  Peer peer(io, *node, "p@h");
  peer.send(control::Monitor{peer.pid(), raw::make_atom("nobody"), peer.reference()});
  const Received none = peer.receive();
  ASSERT_NE(none.is<control::MonitorExit>(), nullptr);
  EXPECT_TRUE(raw::is_atom(none.is<control::MonitorExit>()->from, "nobody"));
  EXPECT_EQ(none.payload, term::atom("noproc"));
  peer.send(control::Monitor{peer.pid(), raw::make_atom("t"), peer.reference(2)});
  EXPECT_TRUE(peer.silent());
  bool stopped = false;
  node->stop([&] { stopped = true; });
  const Received down = peer.receive();
  ASSERT_NE(down.is<control::MonitorExit>(), nullptr);
  EXPECT_TRUE(raw::is_atom(down.is<control::MonitorExit>()->from, "t"));
  EXPECT_EQ(down.payload, term::atom("shutdown"));
  EXPECT_TRUE(peer.hung_up());
  while (!stopped) io.run_one_for(std::chrono::milliseconds(5));
}

TEST_F(Sessions, AnUnlinkIsAnsweredBeforeAnythingElseAndThenHolds) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = spawned(peer);
  peer.send(control::Link{peer.pid(), pid});
  peer.send(unlink(5, peer.pid(), pid));
  // The exit follows in the same breath: the answer must come first, and the link is gone.
  peer.send(exit2(peer.pid(2), pid), term::atom("kill"));
  const Received ack = peer.receive();
  const auto* answer = ack.is<control::UnlinkIdAck>();
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->id, 5u);
  EXPECT_TRUE(same(answer->from, pid));
  EXPECT_TRUE(same(answer->to, peer.pid()));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(cancelled, 1);
  // Also of a process that is no more.
  peer.send(unlink(6, peer.pid(), pid));
  ASSERT_NE(peer.receive().is<control::UnlinkIdAck>(), nullptr);
}

TEST_F(Sessions, LinksEndBothWays) {
  Peer peer(io, *node, "p@h");
  const Bytes one = spawned(peer, 1), two = spawned(peer, 2), three = spawned(peer, 3);
  for (const Bytes& pid : {one, two, three}) peer.send(control::Link{peer.pid(), pid});
  EXPECT_TRUE(peer.silent());
  asked[0].caller->reply(Outcome::value(1));
  const Received ended = peer.receive();
  ASSERT_NE(ended.is<control::Exit>(), nullptr);
  EXPECT_TRUE(same(ended.is<control::Exit>()->from, one));
  EXPECT_EQ(ended.payload, term::atom("normal"));
  // The peer's end: normal ends nothing, another reason does, once.
  peer.send(control::Exit{peer.pid(), two, {}}, term::atom("normal"));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(cancelled, 0);
  peer.send(control::Exit{peer.pid(), two, {}}, term::atom("gone"));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(cancelled, 0) << "that link ended with the first exit";
  peer.send(control::Monitor{peer.pid(2), three, peer.reference(9)});
  peer.send(control::Exit{peer.pid(), three, {}}, term::atom("gone"));
  EXPECT_EQ(peer.receive().payload, term::atom("gone"));
  EXPECT_EQ(cancelled, 1);
  // Of a link that was never made.
  peer.send(control::Exit{peer.pid(5), two, {}}, term::atom("gone"));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(node->processes().calls(), 1u);
}

TEST_F(Sessions, LinkingToNobodyIsNoproc) {
  Peer peer(io, *node, "p@h");
  const Bytes nobody = raw::make_pid(node->name(), 999, 9);
  peer.send(control::Link{peer.pid(), nobody});
  const Received got = peer.receive();
  ASSERT_NE(got.is<control::Exit>(), nullptr);
  EXPECT_TRUE(same(got.is<control::Exit>()->from, nobody));
  EXPECT_EQ(got.payload, term::atom("noproc"));
}

TEST_F(Sessions, ExitSignalsAreThoseOfAProcessThatDoesNotTrapThem) {
  Peer peer(io, *node, "p@h");
  const auto killed_by = [&](const Term& reason, std::uint64_t reference) {
    const Bytes pid = spawned(peer, reference);
    peer.send(control::Monitor{peer.pid(), pid, peer.reference(100 + reference)});
    peer.send(exit2(peer.pid(2), pid), reason);
    return peer.receive().payload;
  };
  EXPECT_EQ(killed_by(term::atom("kill"), 1), term::atom("killed"));
  EXPECT_EQ(killed_by(erl("{why, 1}"), 2), erl("{why, 1}"));
  EXPECT_EQ(cancelled, 2);
  const Bytes pid = spawned(peer, 3);
  peer.send(exit2(peer.pid(2), pid), term::atom("normal"));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(node->processes().calls(), 1u);
  // Servers live as long as the node.
  for (const std::string_view name : {"t", "rex", "net_kernel"}) {
    peer.send(exit2(peer.pid(2), registered(name)), term::atom("kill"));
    peer.send(control::Link{peer.pid(), registered(name)});
    peer.send(control::Exit{peer.pid(), registered(name), {}}, term::atom("gone"));
    EXPECT_NE(node->processes().find_name(name), nullptr);
  }
  EXPECT_TRUE(peer.silent());
}

TEST_F(Sessions, APeersEndEndsItsCallsAndWatchesAndNoOthers) {
  Peer peer(io, *node, "p@h"), other(io, *node, "o@h");
  (void)spawned(peer, 1);
  (void)spawned(peer, 2);
  const Bytes kept = spawned(other, 1);
  peer.send(control::Monitor{peer.pid(), kept, peer.reference(9)});
  other.send(control::Monitor{other.pid(), kept, other.reference(9)});
  EXPECT_TRUE(peer.silent() && other.silent());
  peer.close();
  while (node->is_connected("p@h")) io.run_one_for(std::chrono::milliseconds(5));
  EXPECT_EQ(cancelled, 2);
  EXPECT_EQ(node->processes().calls(), 1u);
  EXPECT_EQ(node->processes().find_pid(kept)->monitors.size(), 1u);
  asked[2].caller->reply(Outcome::value(1));
  EXPECT_NE(other.receive().is<control::MonitorExit>(), nullptr);
}

TEST_F(Sessions, ALinkFromALostPeerEndsTheProcessAsNoconnection) {
  Peer peer(io, *node, "p@h"), other(io, *node, "o@h");
  const Bytes pid = spawned(other, 1);
  other.send(control::Monitor{other.pid(), pid, other.reference(9)});
  peer.send(control::Link{peer.pid(), pid});
  EXPECT_TRUE(peer.silent() && other.silent());
  peer.close();
  EXPECT_EQ(other.receive().payload, term::atom("noconnection"));
  EXPECT_EQ(cancelled, 1);
}

TEST_F(Sessions, MoreWatchesThanAllowedEndThatConnection) {
  NodeOptions few = test::options();
  few.session.monitors = 10;
  start(few);
  Peer peer(io, *node, "p@h"), other(io, *node, "o@h");
  // The same again, and one that ended, take no room.
  for (const std::uint64_t i : {1, 2, 1, 1, 3, 4, 5, 6, 7, 8, 9, 10})
    peer.send(control::Monitor{peer.pid(), raw::make_atom("t"), peer.reference(i)});
  peer.send(control::Demonitor{peer.pid(), raw::make_atom("t"), peer.reference(1)});
  peer.send(control::Link{peer.pid(), registered("t")});
  EXPECT_TRUE(peer.silent());
  peer.send(control::Monitor{peer.pid(), raw::make_atom("t"), peer.reference(11)});
  EXPECT_TRUE(peer.hung_up());
  EXPECT_TRUE(other.silent());
  EXPECT_EQ(node->processes().find_name("t")->monitors.size(), 0u);
}

TEST_F(Sessions, WhatAPeerCannotReadIsSaidInTheOlderForm) {
  Peer old(io, *node, "old@h", Peer::flags & ~(flags::ExitPayload | flags::SendSender));
  const Bytes pid = spawned(old);
  old.send(control::Monitor{old.pid(), pid, old.reference(9)});
  old.send(control::Link{old.pid(), pid});
  EXPECT_TRUE([&] {  // the answer to its ping has no sender
    old.send(control::RegSend{old.pid(), raw::make_atom("rex")},
             term::tuple({opaque(old.pid()), term::atom("features_request")}));
    const Received got = old.receive();
    return got.is<control::Send>() != nullptr && got.is<control::Send>()->sender.empty();
  }());
  asked[0].caller->reply({Outcome::Kind::Exit, term::atom("why"), erl("[]")});
  const Received down = old.receive(), exit = old.receive();
  ASSERT_NE(down.is<control::MonitorExit>(), nullptr);
  EXPECT_FALSE(down.has_payload);
  EXPECT_TRUE(raw::is_atom(*down.is<control::MonitorExit>()->reason, "why"));
  ASSERT_NE(exit.is<control::Exit>(), nullptr);
  EXPECT_TRUE(raw::is_atom(*exit.is<control::Exit>()->reason, "why"));
}

TEST_F(Sessions, LinesGoToTheGroupLeaderOneAtATime) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = spawned(peer);
  for (const std::string line : {"one\n", "twö\n", "three\n"}) asked[0].caller->log(line);
  const auto line = [&](const Bytes& leader) {
    const Received got = peer.receive();
    EXPECT_TRUE(got.is<control::Send>() != nullptr && same(got.is<control::Send>()->to, leader));
    const auto* request = got.payload.tagged("io_request", 4);
    if (request == nullptr) return std::string("none");
    EXPECT_EQ(request->elements[1], opaque(pid));
    const auto* chars = request->elements[3].tagged("put_chars", 3);
    return chars != nullptr ? std::string(chars->elements[2].as<term::Binary>()->text())
                            : std::string("none");
  };
  const auto done = [&] { peer.send(control::Send{peer.pid(2), pid}, erl("{io_reply, x, ok}")); };
  EXPECT_EQ(line(peer.pid(2)), "one\n");
  EXPECT_TRUE(peer.silent()) << "the next waits until the first is written";
  // group_leader/2 of the BEAM: lines go to the new one.
  peer.send(control_of({Term(7), opaque(peer.pid(8)), opaque(pid)}));
  done();
  EXPECT_EQ(line(peer.pid(8)), "twö\n");
  // What is still to be written when the call ends is written before its end is told.
  peer.send(control::Monitor{peer.pid(), pid, peer.reference(9)});
  EXPECT_TRUE(peer.silent());
  asked[0].caller->reply(Outcome::value(1));
  EXPECT_EQ(line(peer.pid(8)), "three\n");
  EXPECT_NE(peer.receive().is<control::MonitorExit>(), nullptr);
  EXPECT_TRUE(peer.silent());
}

TEST_F(Sessions, LinesThatNobodyTakesAreBounded) {
  Peer peer(io, *node, "p@h");
  const Bytes pid = spawned(peer);
  for (int i = 0; i < 5000; ++i) asked[0].caller->log("line\n");
  EXPECT_NE(peer.receive().is<control::Send>(), nullptr);
  EXPECT_LE(node->processes().find_pid(pid)->lines.size(), 1000u);
}

TEST_F(Sessions, MessagesToNobodyAndAnswersToNothingAreDropped) {
  Peer peer(io, *node, "p@h");
  const Bytes nobody = raw::make_pid(node->name(), 999, 9), earlier = raw::make_pid(node->name(), 1, 8);
  for (const Bytes& pid : {nobody, earlier, peer.pid(3)}) {
    peer.send(control::Send{peer.pid(), pid}, term::atom("x"));
    peer.send(exit2(peer.pid(), pid), term::atom("kill"));
    peer.send(control::Demonitor{peer.pid(), pid, peer.reference()});
    peer.send(control::MonitorExit{peer.pid(), pid, peer.reference(), {}}, term::atom("x"));
    peer.send(control_of({Term(36), Term(3), opaque(peer.pid()), opaque(pid)}));
  }
  peer.send(control::RegSend{peer.pid(), raw::make_atom("nobody")}, term::atom("x"));
  peer.send(control::AliasSend{peer.pid(), peer.reference()}, term::atom("x"));
  peer.send(control::SpawnReply{peer.reference(), peer.pid(), 0, peer.pid()});
  EXPECT_TRUE(peer.silent());
}

TEST_F(Sessions, TheSameReferenceOfTwoPeersIsTwoCalls) {
  Peer peer(io, *node, "p@h"), other(io, *node, "o@h");
  // A reference that names the other peer's node, as one that was passed on does.
  const auto erpc = [&](Peer& from) {
    return begun(from, [&] {
      from.send(test::spawn_request(peer.reference(1), from.pid(), from.pid(2), "erpc", "execute_call", 4,
                                    erl("[monitor]")),
                term::list({opaque(from.reference(77)), term::atom("t"), term::atom("f"), erl("[1]")}));
    });
  };
  const Bytes one = erpc(peer), two = erpc(other);
  other.send(control::Demonitor{other.pid(), two, peer.reference(1)});
  EXPECT_TRUE(other.silent());
  EXPECT_EQ(cancelled, 1);
  EXPECT_NE(node->processes().find_pid(one), nullptr);
  EXPECT_EQ(node->processes().find_pid(two), nullptr);
}

TEST_F(Sessions, ASecondConnectionOfAPeerEndsTheFirstAndItsCalls) {
  Peer first(io, *node, "p@h");
  (void)spawned(first);
  Peer second(io, *node, "p@h");
  EXPECT_TRUE(first.hung_up());
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(node->session_count(), 1u);
  EXPECT_TRUE(second.silent());
}

TEST_F(Sessions, APayloadThatIsNoTermEndsTheConnection) {
  Peer peer(io, *node, "p@h");
  peer.send(control::RegSend{peer.pid(), raw::make_atom("t")});  // none at all
  EXPECT_TRUE(peer.hung_up());
  EXPECT_FALSE(node->is_connected("p@h"));
}

}  // namespace
}  // namespace drey::cnode
