#include "cnode/setup.h"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "cnode/flags.h"
#include "tests/cnode/hex.h"

namespace drey::cnode {
namespace {

handshake::Local local(const std::string& name, const std::string& cookie = "cookie") {
  return {name, cookie, flags::Ours, 5};
}

/// A handshake of this node with bytes written by hand on the other end.
class Setups : public testing::Test {
 protected:
  struct End {
    bool done = false;
    std::string error;
    handshake::Peer peer;
    Bytes rest;
  };
  std::shared_ptr<cnode::Setup> begin(cnode::Setup::Machine machine, End& end,
                                      std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    other = tcp::socket(io);
    other.connect(acceptor.local_endpoint());
    tcp::socket ours(io);
    acceptor.accept(ours);
    auto setup = std::make_shared<cnode::Setup>(
        io, make_plain_stream(std::move(ours)), std::move(machine), deadline,
        [&end](const std::string& error, const handshake::Peer& peer, View rest) {
          EXPECT_FALSE(end.done) << "told twice";
          end = {true, error, peer, copy(rest)};
        });
    setup->start();
    return setup;
  }
  static handshake::Acceptor acceptor() {
    return {local("us@h"), [](const handshake::Peer&) { return handshake::Admission::Ok; }, 17};
  }
  static Bytes framed(const Bytes& message) {
    Bytes out;
    Writer(out).u16(static_cast<std::uint16_t>(message.size())).raw(View(message));
    return out;
  }
  void write(const Bytes& bytes) { asio::write(other, asio::buffer(bytes)); }
  void run_until(const bool& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition && std::chrono::steady_clock::now() < until)
      io.run_one_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(condition);
  }
  /// Plays the other side with a machine of its own; `cut` writes one byte at a time.
  void play(End& end, bool cut, const Bytes& after) {
    handshake::Initiator initiator(local("them@h"), "us@h", 23);
    const auto send = [&](const Bytes& bytes) {
      if (!cut) return write(bytes);
      for (const std::uint8_t byte : bytes) {
        write({byte});
        for (int i = 0; i < 3; ++i) io.run_one_for(std::chrono::milliseconds(1));
      }
    };
    send(framed(initiator.begin()));
    Bytes in;
    other.non_blocking(true);
    bool done = false;
    while (!done && !end.done) {
      io.run_one_for(std::chrono::milliseconds(2));
      std::array<std::uint8_t, 512> some;
      error_code error;
      const std::size_t count = other.read_some(asio::buffer(some), error);
      in.insert(in.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
      while (in.size() >= 2 && in.size() >= 2u + in[0] * 256u + in[1]) {
        const std::size_t length = in[0] * 256u + in[1];
        const handshake::Step step = initiator.receive(View(in).subspan(2, length));
        in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(2 + length));
        done = step.done;
        // The last word, and what a hasty peer writes right behind it.
        if (!step.send.empty()) send(framed(step.send) + after);
      }
      if (done) break;
    }
    run_until(end.done);
  }
  asio::io_context io;
  tcp::socket other{io};
};

TEST_F(Setups, AcceptsInWholeMessagesAndInSingleBytes) {
  for (const bool cut : {false, true}) {
    End end;
    const auto setup = begin(acceptor(), end);
    play(end, cut, hex("00000000 00"));
    EXPECT_EQ(end.error, "");
    EXPECT_EQ(end.peer.name, "them@h");
    EXPECT_EQ(end.peer.flags, flags::Ours);
    if (!cut) {
      EXPECT_EQ(end.rest, hex("00000000 00")) << "bytes behind the handshake are the receiver's";
    }
  }
}

TEST_F(Setups, AMessageThatIsTooLongIsRefusedByItsLength) {
  End end;
  const auto setup = begin(acceptor(), end);
  write(hex("0201"));
  run_until(end.done);
  EXPECT_NE(end.error.find("513 bytes"), std::string::npos);
}

TEST_F(Setups, SilenceEndsAtTheDeadline) {
  End end;
  const auto setup = begin(acceptor(), end, std::chrono::milliseconds(30));
  write(hex("00"));
  run_until(end.done);
  EXPECT_NE(end.error.find("too long"), std::string::npos);
}

TEST_F(Setups, AbortTellsWhyOnce) {
  End end;
  const auto setup = begin(acceptor(), end);
  setup->abort("because");
  setup->abort("again");
  EXPECT_TRUE(end.done);
  EXPECT_EQ(end.error, "because");
  io.run_for(std::chrono::milliseconds(20));
}

TEST_F(Setups, AHangUpIsSaid) {
  End end;
  const auto setup = begin(acceptor(), end);
  other.close();
  run_until(end.done);
  EXPECT_NE(end.error.find("hung up"), std::string::npos);
}

TEST_F(Setups, TheRefusalsStatusIsWrittenBeforeTheConnectionEnds) {
  End end;
  const auto setup =
      begin(handshake::Acceptor(local("us@h"),
                                [](const handshake::Peer&) { return handshake::Admission::NotAllowed; }),
            end);
  write(framed(handshake::Initiator(local("them@h"), "us@h").begin()));
  run_until(end.done);
  EXPECT_NE(end.error.find("not admitted"), std::string::npos);
  Bytes said(14);
  asio::read(other, asio::buffer(said));
  EXPECT_EQ(said, hex("000c") + hex("73 6e6f745f616c6c6f776564"));
  error_code error;
  EXPECT_EQ(other.read_some(asio::buffer(said), error), 0u);
  EXPECT_EQ(error, asio::error::eof);
}

TEST_F(Setups, TwoOfThemMeet) {
  tcp::acceptor door(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket a(io), b(io);
  a.connect(door.local_endpoint());
  door.accept(b);
  End here, there;
  const auto done = [](End& end) {
    return [&end](const std::string& error, const handshake::Peer& peer, View rest) {
      end = {true, error, peer, copy(rest)};
    };
  };
  const auto one = std::make_shared<cnode::Setup>(io, make_plain_stream(std::move(a)),
                                                  handshake::Initiator(local("them@h"), "us@h"),
                                                  std::chrono::seconds(20), done(here));
  const auto two = std::make_shared<cnode::Setup>(io, make_plain_stream(std::move(b)), acceptor(),
                                                  std::chrono::seconds(20), done(there));
  one->start();
  two->start();
  run_until(here.done);
  run_until(there.done);
  EXPECT_EQ(here.error + there.error, "");
  EXPECT_EQ(here.peer.name, "us@h");
  EXPECT_EQ(there.peer.name, "them@h");
}

}  // namespace
}  // namespace drey::cnode
