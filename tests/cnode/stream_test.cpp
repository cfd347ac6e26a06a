#include "cnode/stream.h"

#include <gtest/gtest.h>

#include <array>

namespace drey::cnode {
namespace {

class PlainStreams : public testing::Test {
 protected:
  void SetUp() override {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket a(io), b(io);
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    one = make_plain_stream(std::move(a));
    two = make_plain_stream(std::move(b));
  }
  asio::io_context io;
  std::shared_ptr<Stream> one, two;
};

TEST_F(PlainStreams, KnowTheOtherSide) {
  EXPECT_EQ(one->address(), asio::ip::address_v4::loopback());
  EXPECT_TRUE(one->same_host());
  EXPECT_EQ(one->handshake_header(), 2u);
}

TEST_F(PlainStreams, SeveralPiecesAreOneWrite) {
  std::array<char, 16> in{};
  std::size_t got = 0;
  two->async_read_some(asio::buffer(in), [&](const error_code& error, std::size_t count) {
    EXPECT_FALSE(error);
    got = count;
  });
  bool opened = false;
  one->async_open([&](const error_code& error) { opened = !error; });
  EXPECT_TRUE(opened);
  one->async_write_some(
      {asio::buffer("ab", 2), asio::buffer("cde", 3)},
      [](const error_code& error, std::size_t count) { EXPECT_TRUE(!error && count == 5); });
  while (got == 0) io.run_one_for(std::chrono::seconds(5));
  EXPECT_EQ(std::string(in.data(), got), "abcde");
}

TEST_F(PlainStreams, WritingAtOnceStopsWhereTheKernelIsFull) {
  const std::vector<char> block(1 << 20, 'x');
  error_code error;
  std::size_t written = 0, last = 1;
  for (int i = 0; i < 1000 && last > 0 && !error; ++i)
    written += last = one->try_write({asio::buffer(block)}, error);
  EXPECT_FALSE(error);
  EXPECT_EQ(last, 0u);
  EXPECT_GT(written, 0u);
  two->close();
  for (int i = 0; i < 1000 && !error; ++i) {
    (void)one->try_write({asio::buffer(block)}, error);
    io.run_one_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(error) << "a peer that is gone is an error, not a full queue";
}

TEST_F(PlainStreams, ClosingEndsWhatIsUnderWayAndMayBeRepeated) {
  std::array<char, 1> in{};
  error_code here, there;
  one->async_read_some(asio::buffer(in), [&](const error_code& error, std::size_t) { here = error; });
  two->async_read_some(asio::buffer(in), [&](const error_code& error, std::size_t) { there = error; });
  one->close();
  one->close();
  while (!here || !there) io.run_one_for(std::chrono::seconds(5));
  EXPECT_EQ(there, asio::error::eof);
}

}  // namespace
}  // namespace drey::cnode
