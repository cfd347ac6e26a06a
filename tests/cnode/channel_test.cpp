#include "cnode/channel.h"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>

#include "cnode/control.h"
#include "tests/cnode/hex.h"

namespace drey::cnode {
namespace {

/// Two channels over a loopback connection.
class ChannelPair : public testing::Test {
 protected:
  void join(bool fragments, ChannelLimits limits = {}) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket a(io), b(io);
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    one = std::make_shared<Channel>(io, make_plain_stream(std::move(a)), fragments, limits);
    two = std::make_shared<Channel>(io, make_plain_stream(std::move(b)), fragments, limits);
    one->start([](View, const std::shared_ptr<const void>&) {},
               [this](const std::string& why) { one_closed = why; }, {});
    two->start([this](View bytes, const std::shared_ptr<const void>&) { received.push_back(copy(bytes)); },
               [this](const std::string& why) { two_closed = why; }, {});
  }
  void TearDown() override {
    if (one) one->close("over");
    if (two) two->close("over");
    io.run();
  }
  void run_until(const std::function<bool()>& condition) {
    while (!condition()) io.run_one_for(std::chrono::seconds(20));
  }
  static term::Encoded payload(std::size_t length, std::uint8_t fill) {
    return term::encode(term::Binary(std::vector<std::uint8_t>(length, fill)));
  }

  asio::io_context io;
  std::shared_ptr<Channel> one, two;
  std::vector<Bytes> received;
  std::string one_closed, two_closed;
};

const Bytes control_a = {104, 1, 97, 1}, control_b = {104, 1, 97, 2};

TEST_F(ChannelPair, MessagesArriveWholeWhateverTheirSize) {
  for (const bool fragments : {true, false}) {
    received.clear();
    join(fragments);
    std::vector<Bytes> sent;
    std::uint8_t fill = 0;
    for (const std::size_t length :
         {0u, 1u, 65000u, 65536u, 65531u, 65532u, 131072u, 1000000u, 5000000u, 3u}) {
      term::Encoded message = payload(length, ++fill);
      sent.push_back(control_a + (fragments ? Bytes() : Bytes{131}) + message.flatten());
      one->send(control_a, std::move(message), true, 1);
    }
    one->send(control_b);
    sent.push_back(control_b);
    run_until([&] { return received.size() == sent.size(); });
    // Those of one sender in order; the last, of no sender, may be earlier.
    std::erase(received, control_b);
    std::erase(sent, control_b);
    EXPECT_EQ(received, sent);
    EXPECT_EQ(one->queued(), 0u);
    TearDown();
    io.restart();
  }
}

TEST_F(ChannelPair, SmallMessagesOvertakeOtherSendersLargeOnes) {
  join(true);
  one->send(control_a, payload(50 << 20, 1), true, 1);
  one->send(control_b, payload(10, 2), true, 2);
  one->send(control_b, payload(10, 3), true, 1);
  run_until([&] { return received.size() == 3; });
  EXPECT_EQ(received[0], control_b + payload(10, 2).flatten());
  EXPECT_EQ(received[1].size(), control_a.size() + 5 + (50u << 20));
  EXPECT_EQ(received[2], control_b + payload(10, 3).flatten());
}

TEST_F(ChannelPair, LargeMessagesOfTwoSendersShareTheWay) {
  join(true);
  one->send(control_a, payload(40 << 20, 1), true, 1);
  one->send(control_b, payload(1 << 20, 2), true, 2);
  run_until([&] { return received.size() == 2; });
  EXPECT_EQ(received[0].size(), control_b.size() + 5 + (1u << 20));
}

/// What the first packet of a message says of itself: its length, and a distribution header's kind.
TEST_F(ChannelPair, FragmentsAreShortWhereOthersSpeakAndLongInLargeMessages) {
  struct {
    std::size_t size;
    bool others;
    std::size_t first, kind;
  } const cases[] = {{Channel::bulk_from, false, Channel::bulk_from, 68},
                     {1 << 20, false, Channel::middle_fragment, 69},
                     {1 << 20, true, Channel::short_fragment, 69},
                     {Channel::middle_message + 1, false, Channel::long_fragment, 69},
                     {Channel::long_message, false, Channel::short_fragment, 69}};
  for (const auto& c : cases) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket a(io), b(io);
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    auto channel = std::make_shared<Channel>(io, make_plain_stream(std::move(a)), true, ChannelLimits{});
    channel->start([](View, const std::shared_ptr<const void>&) {}, [](const std::string&) {}, {});
    std::size_t small = 0;
    if (c.others) {
      channel->send(control_b, payload(10, 2), true, 2);
      small = channel->bytes_out();
    }
    channel->send(control_a, payload(c.size - 5 - control_a.size(), 1), true, 1);
    Bytes bytes(small + 23);
    asio::read(b, asio::buffer(bytes));
    Reader in(View(bytes).subspan(small));
    const std::size_t length = in.u32();
    EXPECT_EQ(in.u8(), 131);
    EXPECT_EQ(in.u8(), c.kind);
    const std::size_t head = c.kind == 68 ? 3 : 19 + control_a.size();
    EXPECT_EQ(length, c.first + head);
    channel->close("over");
  }
}

TEST_F(ChannelPair, BulkWaitsForThePeersReaderWhileOthersSpeak) {
  std::uint64_t answers = 0;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket a(io), b(io);
  a.connect(acceptor.local_endpoint());
  acceptor.accept(b);
  ChannelLimits limits;
  limits.pace = {std::chrono::hours(1), std::chrono::hours(1)};  // however slow this machine is
  one = std::make_shared<Channel>(io, make_plain_stream(std::move(a)), true, limits);
  two = std::make_shared<Channel>(io, make_plain_stream(std::move(b)), true, ChannelLimits{});
  one->start([](View, const std::shared_ptr<const void>&) {}, [](const std::string&) {}, {});
  one->pace([](Writer& out, std::uint64_t number) { out.raw(control_b).u64(number); });
  std::size_t under_way = 0, whole = 0;
  two->start(
      [&](View bytes, const std::shared_ptr<const void>&) {
        if (bytes.size() != control_b.size() + 8) {
          ++whole;
          return;
        }
        // What was written and not read yet; after the first probes, which follow what the wide window let go.
        if (++answers > 20) under_way = std::max(under_way, one->bytes_out() - two->bytes_in());
        one->answered(Reader(bytes.subspan(control_b.size())).u64());
      },
      [](const std::string&) {}, {});
  one->send(control_a, payload(20 << 20, 1), true, 1);
  one->send(control_b, payload(10, 2), true, 2);
  run_until([&] { return whole == 2; });
  EXPECT_GT(answers, (std::size_t{16} << 20) / Channel::long_fragment);
  EXPECT_LE(under_way, 2 * Channel::long_fragment);
}

TEST_F(ChannelPair, WithoutAnswersBulkStillGoes) {
  join(true);
  one->pace([](Writer& out, std::uint64_t number) { out.raw(control_b).u64(number); });
  one->send(control_a, payload(20 << 20, 1), true, 1);
  one->send(control_b, payload(10, 2), true, 2);
  const std::size_t size = control_a.size() + 5 + (20 << 20);
  run_until([&] { return !received.empty() && received.back().size() == size; });
}

TEST_F(ChannelPair, APeerThatDoesNotReadIsCutOff) {
  ChannelLimits limits;
  limits.queued = 1 << 20;
  join(true, limits);
  for (int i = 0; i < 1000 && one_closed.empty(); ++i) one->send(control_a, payload(100000, 1), true, 1);
  EXPECT_NE(one_closed.find("does not read"), std::string::npos);
}

TEST_F(ChannelPair, SilenceEndsAChannelAndTicksBreakIt) {
  ChannelLimits limits;
  limits.tick_time = std::chrono::milliseconds(400);
  join(true, limits);
  // Both tick: neither is silent.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while (std::chrono::steady_clock::now() < until) io.run_one_for(std::chrono::milliseconds(50));
  EXPECT_EQ(one_closed + two_closed, "");
}

TEST_F(ChannelPair, ASilentPeerIsGone) {
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket a(io), silent(io);
  a.connect(acceptor.local_endpoint());
  acceptor.accept(silent);
  ChannelLimits limits;
  limits.tick_time = std::chrono::milliseconds(200);
  one = std::make_shared<Channel>(io, make_plain_stream(std::move(a)), true, limits);
  one->start([](View, const std::shared_ptr<const void>&) {},
             [this](const std::string& why) { one_closed = why; }, {});
  run_until([&] { return !one_closed.empty(); });
  EXPECT_NE(one_closed.find("nothing was heard"), std::string::npos);
}

TEST_F(ChannelPair, WhatIsQueuedIsWrittenBeforeLeaving) {
  join(true);
  one->send(control_a, payload(20 << 20, 1), true, 1);
  one->close_after_writing("leaving", std::chrono::seconds(20));
  run_until([&] { return !two_closed.empty(); });
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(one_closed, "leaving");
}

TEST_F(ChannelPair, BytesReceivedWithTheHandshakeAreRead) {
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket a(io), b(io);
  a.connect(acceptor.local_endpoint());
  acceptor.accept(b);
  two = std::make_shared<Channel>(io, make_plain_stream(std::move(b)), true, ChannelLimits{});
  two->start([this](View bytes, const std::shared_ptr<const void>&) { received.push_back(copy(bytes)); },
             [](const std::string&) {}, hex("00000000 00000007 834400 68016101"));
  run_until([&] { return received.size() == 1; });
  EXPECT_EQ(received[0], control_a);
}

TEST_F(ChannelPair, AForeignPacketEndsTheChannel) {
  for (const std::string_view packet :
       {"00000001 70", "00000003 830000", "00000003 8344ff", "00000002 7083", "ffffffff", "00000001 83"}) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket a(io), b(io);
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    std::string closed;
    auto channel = std::make_shared<Channel>(io, make_plain_stream(std::move(b)), true, ChannelLimits{});
    channel->start(
        [this](View bytes, const std::shared_ptr<const void>&) { received.push_back(copy(bytes)); },
        [&](const std::string& why) { closed = why; }, hex(packet));
    run_until([&] { return !closed.empty(); });
    EXPECT_TRUE(received.empty());
  }
}

}  // namespace
}  // namespace drey::cnode
