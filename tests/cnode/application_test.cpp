#include "cnode/application.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/read.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "error.h"

namespace drey::cnode {
namespace {

/// A whole node in this process, without an epmd; ended by SIGTERM, as by an operator.
class Application : public testing::Test {
 protected:
  void SetUp() override {
    cookie = std::filesystem::temp_directory_path() / ("drey_application_" + std::to_string(::getpid()));
    std::ofstream(cookie) << "long-enough-a-cookie\n";
    ::chmod(cookie.c_str(), 0400);
    options.name = "app@127.0.0.1";
    options.epmd = false;
    options.cookie_file = cookie.string();
  }
  void TearDown() override { std::filesystem::remove(cookie); }
  std::string refusal() {
    asio::io_context io(1);
    std::ostringstream out;
    try {
      (void)run(options, io, {}, "device", "1", out);
    } catch (const Error& error) {
      EXPECT_EQ(out.str(), "");
      return error.message();
    }
    ADD_FAILURE() << "it ran";
    return {};
  }
  std::filesystem::path cookie;
  Options options;
};

TEST_F(Application, SaysThatItIsReadyAndLeavesOnSigterm) {
  asio::io_context io(1);
  std::ostringstream out;
  options.metrics_port = 0;
  bool connected = false;
  asio::steady_timer later(io, std::chrono::milliseconds(50));
  tcp::socket client(io);
  later.async_wait([&](const error_code&) {
    const std::string line = out.str();
    const auto at = line.find("port=");
    ASSERT_NE(at, std::string::npos);
    client.async_connect(
        {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(line.substr(at + 5)))},
        [&](const error_code& error) {
          connected = !error;
          std::raise(SIGTERM);
        });
  });
  EXPECT_EQ(run(options, io, {}, "a device", "1", out), 0);
  EXPECT_TRUE(connected);
  EXPECT_TRUE(out.str().starts_with("drey_node ready name=app@127.0.0.1 port="));
  EXPECT_TRUE(out.str().ends_with(" device=a device\n"));
  EXPECT_EQ(out.str().find("cookie"), std::string::npos);
}

TEST_F(Application, WithoutAnEpmdThatAnswersItFails) {
  asio::io_context io(1);
  std::ostringstream out;
  options.epmd = true;
  options.epmd_port = 1;
  EXPECT_EQ(run(options, io, {}, "device", "1", out), 1);
  EXPECT_EQ(out.str(), "") << "it does not claim to be ready";
}

TEST_F(Application, OffLoopbackACookieMustBeStrong) {
  std::filesystem::remove(cookie);
  std::ofstream(cookie) << "monster";
  ::chmod(cookie.c_str(), 0400);
  options.listen = "0.0.0.0";
  EXPECT_NE(refusal().find("every scanner tries"), std::string::npos);
  options.listen = "";
  options.name = "app@host.example";  // listens everywhere
  EXPECT_NE(refusal().find("every scanner tries"), std::string::npos);
}

TEST_F(Application, WhereItCannotListenIsSaid) {
  options.listen = "nowhere";
  EXPECT_NE(refusal().find("--listen nowhere"), std::string::npos);
  options.listen = "";
  asio::io_context io;
  tcp::acceptor taken(io, {asio::ip::address_v4::loopback(), 0});
  options.first_port = options.last_port = taken.local_endpoint().port();
  EXPECT_NE(refusal().find(std::to_string(options.first_port)), std::string::npos);
}

TEST_F(Application, CertificatesThatCannotBeReadAreSaid) {
  TlsRole role;
  role.certfile = role.keyfile = "/no/such.pem";
  role.verify = false;
  options.tls = {role, role};
  EXPECT_NE(refusal().find("/no/such.pem"), std::string::npos);
}

}  // namespace
}  // namespace drey::cnode
