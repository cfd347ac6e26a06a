#include "cnode/handshake.h"

#include <gtest/gtest.h>

#include <set>

#include "cnode/flags.h"
#include "tests/cnode/hex.h"

namespace drey::cnode::handshake {
namespace {

Local local(const std::string& name, const std::string& cookie = "cookie") {
  return {name, cookie, flags::Ours, 7};
}
Admit always(Admission admission) {
  return [admission](const Peer&) { return admission; };
}
Bytes name_message(const std::string& name, std::uint64_t with = flags::Ours) {
  Bytes out;
  Writer(out).u8('N').u64(with).u32(1).u16(static_cast<std::uint16_t>(name.size())).raw(name);
  return out;
}
Bytes bytes(std::string_view characters) { return copy(view(characters)); }

/// Passes messages between the two until both are done.
void shake(Initiator& a, Acceptor& b) {
  std::vector<Bytes> to_b = {a.begin()}, to_a;
  bool a_done = false, b_done = false;
  while (!to_a.empty() || !to_b.empty()) {
    if (!to_b.empty()) {
      const Step step = b.receive(to_b.front());
      to_b.erase(to_b.begin());
      b_done |= step.done;
      if (step.split > 0) {
        to_a.push_back(copy(View(step.send).first(step.split)));
        to_a.push_back(copy(View(step.send).subspan(step.split)));
      } else if (!step.send.empty()) {
        to_a.push_back(step.send);
      }
      continue;
    }
    const Step step = a.receive(to_a.front());
    to_a.erase(to_a.begin());
    a_done |= step.done;
    if (!step.send.empty()) to_b.push_back(step.send);
  }
  EXPECT_TRUE(a_done);
  EXPECT_TRUE(b_done);
}

TEST(Handshake, BothSidesMeet) {
  Initiator a(local("a@h"), "b@h");
  Acceptor b(local("b@h"), always(Admission::Ok));
  shake(a, b);
  EXPECT_EQ(a.peer().name, "b@h");
  EXPECT_EQ(b.peer().name, "a@h");
  EXPECT_EQ(a.peer().flags, flags::Ours);
  EXPECT_EQ(b.peer().flags, flags::Ours);
  EXPECT_EQ(b.peer().creation, 7u);
  EXPECT_FALSE(b.peer().replaces);
}

TEST(Handshake, APeerWithoutANameGetsOne) {
  std::set<std::string> given;
  for (int i = 0; i < 3; ++i) {
    Acceptor b(local("b@h"), always(Admission::Ok), 17);
    const Step step = b.receive(name_message("host.example", flags::Ours | flags::NameMe));
    ASSERT_GT(step.split, 7u);
    Reader status(View(step.send).first(step.split));
    EXPECT_EQ(text(status.take(7)), "snamed:");
    const std::string name(text(status.take(status.u16())));
    EXPECT_EQ(name.size(), 13 + std::string_view("@host.example").size());
    EXPECT_TRUE(name.ends_with("@host.example"));
    const std::uint32_t creation = status.u32();
    EXPECT_GT(creation, 3u);
    EXPECT_EQ(status.left(), 0u);
    Reader challenge(View(step.send).subspan(step.split + 1));
    EXPECT_EQ(challenge.u64(), flags::Ours | flags::NameMe);
    Bytes proof;
    Writer(proof).u8('r').u32(1).raw(View(digest("cookie", 17)));
    EXPECT_TRUE(b.receive(proof).done);
    EXPECT_EQ(b.peer().name, name);
    EXPECT_EQ(b.peer().creation, creation);
    EXPECT_EQ(b.peer().flags, flags::Ours);
    given.insert(name);
  }
  EXPECT_EQ(given.size(), 3u);
  for (const std::string& host :
       {std::string(), std::string("a@b"), std::string("a b"), std::string(300, 'h')}) {
    Acceptor b(local("b@h"), always(Admission::Ok));
    EXPECT_THROW(b.receive(name_message(host, flags::Ours | flags::NameMe)), Error) << host;
  }
  Acceptor b(local("b@h"), always(Admission::NotAllowed));
  EXPECT_THROW(b.receive(name_message("h", flags::Ours | flags::NameMe)), Error);
}

TEST(Handshake, SimultaneousAndAliveGoOn) {
  {
    Initiator a(local("a@h"), "b@h");
    Acceptor b(local("b@h"), always(Admission::OkSimultaneous));
    shake(a, b);
    EXPECT_TRUE(a.simultaneous());
  }
  Initiator a(local("a@h"), "b@h");
  Acceptor b(local("b@h"), always(Admission::Alive));
  shake(a, b);
  EXPECT_TRUE(b.peer().replaces);
}

TEST(Handshake, AnotherCookieIsRefusedByEither) {
  Initiator a(local("a@h", "one"), "b@h");
  Acceptor b(local("b@h", "other"), always(Admission::Ok));
  EXPECT_THROW(shake(a, b), Error);

  // A peer that accepts anything must prove itself, too.
  Initiator c(local("c@h", "one"), "b@h");
  (void)c.begin();
  (void)c.receive(bytes("sok"));
  Acceptor forger(local("b@h", "other"), always(Admission::Ok));
  const Step offered = forger.receive(name_message("c@h"));
  (void)c.receive(View(offered.send).subspan(offered.split));
  EXPECT_THROW(c.receive(Bytes(17, 'a')), Error);
}

TEST(Handshake, WritesTheBytesOfAnErlangNode) {
  Local be = local("be@127.0.0.1");
  be.flags = 0xd07df7fbd;
  be.creation = 0x6b00f987;
  EXPECT_EQ(Initiator(be, "x@y").begin(), hex("4e 0000000d07df7fbd 6b00f987 000c 6265403132372e302e302e31"));
}

TEST(Handshake, AnOlderNameIsTakenWithItsComplement) {
  Acceptor b(local("b@h"), always(Admission::Ok), 42);
  Bytes name;
  Writer(name).u8('n').u16(5).u32(static_cast<std::uint32_t>(flags::Ours)).raw("a@h");
  EXPECT_GT(b.receive(name).split, 0u);
  Bytes complement;
  Writer(complement).u8('c').u32(static_cast<std::uint32_t>(flags::Ours >> 32)).u32(9);
  EXPECT_TRUE(b.receive(complement).send.empty());
  Bytes reply;
  Writer(reply).u8('r').u32(5).raw(View(digest("cookie", 42)));
  EXPECT_TRUE(b.receive(reply).done);
  EXPECT_EQ(b.peer().flags, flags::Ours);
  EXPECT_EQ(b.peer().creation, 9u);
}

TEST(Handshake, BytesBehindTheNameAreIgnored) {
  Acceptor b(local("b@h"), always(Admission::Ok));
  EXPECT_NO_THROW(b.receive(name_message("a@h") + bytes("future")));
  EXPECT_EQ(b.peer().name, "a@h");
}

TEST(Handshake, RefusalsHaveALastWord) {
  const auto word = [](Admission admission, std::uint64_t with = flags::Ours) {
    Acceptor b(local("b@h"), always(admission));
    EXPECT_THROW(b.receive(name_message("a@h", with)), Error);
    return std::string(text(b.last_word()));
  };
  EXPECT_EQ(word(Admission::Nok), "snok");
  EXPECT_EQ(word(Admission::NotAllowed), "snot_allowed");
  EXPECT_EQ(word(Admission::Ok, 0), "snot_allowed");
  EXPECT_EQ(word(Admission::Ok, flags::Ours & ~flags::V4Nc), "snot_allowed");
  Acceptor self(local("b@h"), always(Admission::Ok));
  EXPECT_THROW(self.receive(name_message("b@h")), Error);
  EXPECT_EQ(text(self.last_word()), "snok");
}

TEST(Handshake, TheShorthandStandsForItsFlags) {
  Acceptor b(local("b@h"), always(Admission::Ok));
  EXPECT_NO_THROW(b.receive(
      name_message("a@h", flags::Mandatory25Digest | flags::Handshake23 | flags::V4Nc | flags::UnlinkId)));
}

TEST(Handshake, HostileMessagesAreRefused) {
  for (const Bytes& message :
       {Bytes(), bytes("G"), bytes("GET / HTTP/1.1"), Bytes(513, 'N'), bytes("N"), name_message("nobody"),
        name_message("a@b@c"), name_message(fmt::format("{:a>300}@h", "")),
        hex("4e 0000000d07df5fbc 00000001 ffff 61"), bytes("r0123"), bytes("sok")}) {
    Acceptor b(local("b@h"), always(Admission::Ok));
    EXPECT_THROW(b.receive(message), Error) << message.size();
  }
  for (const Bytes& message :
       {Bytes(), bytes("snok"), bytes("sfoo"), bytes("snot_allowed"), bytes("x"), bytes("snamed:")}) {
    Initiator a(local("a@h"), "b@h");
    EXPECT_THROW(a.receive(message), Error);
  }
  Initiator a(local("a@h"), "b@h");
  (void)a.receive(bytes("sok"));
  Bytes other;
  Writer(other).u8('N').u64(flags::Ours).u32(1).u32(1).u16(3).raw("c@h");
  EXPECT_THROW(a.receive(other), Error);
}

TEST(Handshake, ADigestMustBeWholeAndRight) {
  for (const std::size_t length : {0u, 15u, 16u}) {
    Acceptor b(local("b@h"), always(Admission::Ok), 42);
    (void)b.receive(name_message("a@h"));
    Bytes reply;
    Digest proof = digest("cookie", 42);
    proof[0] ^= length == 16 ? 1 : 0;
    Writer(reply).u8('r').u32(1).raw(View(proof).first(length));
    EXPECT_THROW(b.receive(reply), Error);
  }
}

TEST(Handshake, WhatANodeAnnouncesIsWhatAPeerSees) {
  Acceptor b(local("b@h"), always(Admission::Ok), 0x01020304);
  const Step step = b.receive(name_message("a@h"));
  EXPECT_EQ(text(View(step.send).first(step.split)), "sok");
  EXPECT_EQ(copy(View(step.send).subspan(step.split)),
            hex("4e 0000000d07df5fbc 01020304 00000007 0003 624068"));
}

}  // namespace
}  // namespace drey::cnode::handshake
