#include "cnode/epmd.h"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "tests/cnode/hex.h"

namespace drey::cnode::epmd {
namespace {

TEST(Epmd, MessagesAreThoseOfTheProtocol) {
  EXPECT_EQ(alive_request(0x1234, "gpu1"), hex("78 1234 48 00 0006 0006 0004 67707531 0000"));
  EXPECT_EQ(port_request("gpu1"), hex("7a 67707531"));
  EXPECT_EQ(parse_alive(hex("76 00 6b00eed0")).creation, 0x6b00eed0u);
  EXPECT_EQ(parse_alive(hex("79 00 0002")).creation, 2u);
  EXPECT_FALSE(parse_alive(hex("76 01 00000000")).accepted);
  EXPECT_FALSE(parse_alive(hex("79 01 0000")).accepted);
  EXPECT_THROW(parse_alive(hex("77 00")), Error);
  EXPECT_THROW(parse_alive({}), Error);
  EXPECT_EQ(parse_port(hex("77 00 1234 4d00")), 0x1234);
  EXPECT_EQ(parse_port(hex("77 01")), 0);
  EXPECT_THROW(parse_port(hex("78")), Error);
  EXPECT_THROW(parse_port(hex("77")), Error);
}

/// An epmd that answers each connection with the given bytes.
class FakeEpmd {
 public:
  FakeEpmd(asio::io_context& io, Bytes answer)
      : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), socket_(io), answer_(std::move(answer)) {
    accept();
  }
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  int connections = 0;
  void hang_up() {
    error_code ignored;
    socket_.close(ignored);
  }
  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    hang_up();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      ++connections;
      socket_ = std::move(socket);
      asio::async_write(socket_, asio::buffer(answer_), [this](const error_code&, std::size_t) {
        if (answer_.empty() || answer_[0] == 119) hang_up();
      });
      accept();
    });
  }
  tcp::acceptor acceptor_;
  tcp::socket socket_;
  Bytes answer_;
};

TEST(Epmd, RegistrationGetsACreationAndComesBackAfterARestart) {
  asio::io_context io;
  FakeEpmd epmd(io, hex("76 00 6b00eed0"));
  auto registration = std::make_shared<Registration>(io, "gpu1", 9100, std::vector{epmd.endpoint()});
  std::uint32_t creation = 0;
  registration->start([&](const std::string& error, std::uint32_t given) {
    EXPECT_EQ(error, "");
    creation = given;
    epmd.hang_up();
  });
  while (epmd.connections < 2 || !registration->registered()) io.run_one();
  EXPECT_EQ(creation, 0x6b00eed0u);
  registration->stop();
  epmd.close();
  io.run();
}

TEST(Epmd, TheNextAddressIsAskedWhereTheFirstHasNone) {
  asio::io_context io;
  FakeEpmd epmd(io, hex("76 00 6b00eed0"));
  tcp::endpoint nobody;
  {
    tcp::acceptor gone(io, {asio::ip::address_v4::loopback(), 0});
    nobody = gone.local_endpoint();
  }
  auto registration = std::make_shared<Registration>(io, "gpu1", 9100, std::vector{nobody, epmd.endpoint()});
  std::string said = "nothing";
  registration->start([&](const std::string& error, std::uint32_t) {
    said = error;
    registration->stop();
    epmd.close();
  });
  io.run();
  EXPECT_EQ(said, "");
}

TEST(Epmd, RefusalsAreSentences) {
  for (const auto& [answer, words] :
       std::vector<std::pair<Bytes, std::string>>{{hex("76 01 00000000"), "another node on this host has it"},
                                                  {hex(""), "closed the connection"},
                                                  {hex("01020304"), "message 1"}}) {
    asio::io_context io;
    FakeEpmd epmd(io, answer);
    auto registration = std::make_shared<Registration>(io, "gpu1", 9100, std::vector{epmd.endpoint()});
    std::string said;
    registration->start([&](const std::string& error, std::uint32_t) {
      said = error;
      epmd.close();
    });
    io.run();
    EXPECT_NE(said.find(words), std::string::npos) << said;
  }
}

TEST(Epmd, NoneThereIsSaidWithWhatToDo) {
  asio::io_context io;
  tcp::endpoint nobody;
  {
    tcp::acceptor gone(io, {asio::ip::address_v4::loopback(), 0});
    nobody = gone.local_endpoint();
  }
  auto registration = std::make_shared<Registration>(io, "gpu1", 9100, std::vector{nobody});
  std::string said;
  registration->start([&](const std::string& error, std::uint32_t) { said = error; });
  io.run();
  EXPECT_NE(said.find("--no-epmd"), std::string::npos) << said;
}

TEST(Epmd, LooksUpPorts) {
  for (const auto& [answer, port] : std::vector<std::pair<Bytes, int>>{
           {hex("77 00 238c 4d 00 0006 0005 0000 0000"), 9100}, {hex("77 01"), 0}}) {
    asio::io_context io;
    FakeEpmd epmd(io, answer);
    std::string said = "nothing";
    int got = -1;
    look_up(io, epmd.endpoint(), "be", std::chrono::seconds(5),
            [&](const std::string& error, std::uint16_t found) {
              said = error;
              got = found;
              epmd.close();
            });
    io.run();
    EXPECT_EQ(got, port);
    EXPECT_EQ(said.empty(), port != 0) << said;
  }
}

}  // namespace
}  // namespace drey::cnode::epmd
