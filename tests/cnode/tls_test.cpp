#include "cnode/tls.h"

#include <gtest/gtest.h>

#include <boost/asio/ssl/error.hpp>
#include <fstream>
#include <numeric>

#include "error.h"
#include "tests/cnode/certificates.h"

namespace drey::cnode {
namespace {

class Tls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_ = std::make_unique<test::Certificates>();
    files_->authority("ca");
    files_->authority("other");
    files_->certificate("node", "ca", "node.example");
    files_->certificate("peer", "ca", "peer.example");
    files_->certificate("stranger", "other", "node.example");
    files_->certificate("locked", "ca", "node.example", "secret");
    files_->certificate("middle", "ca", "middle.example", {}, true);
    files_->certificate("below", "middle", "node.example");
    // As a server shows it: its own, then what leads to the authority.
    std::ofstream chain(files_->path("chain.pem"));
    for (const std::string one : {"below.pem", "middle.pem"})
      chain << std::ifstream(files_->path(one)).rdbuf();
  }
  static void TearDownTestSuite() { files_.reset(); }

  static TlsRole role(const std::string& name, const std::string& ca = "ca") {
    TlsRole made;
    made.certfile = files_->path(name + ".pem");
    made.keyfile = files_->path(name + ".key");
    made.cacertfile = files_->path(ca + ".pem");
    return made;
  }

  struct Ends {
    error_code server, client;
    bool both() const { return !server && !client; }
  };
  /// Opens a connection between the two roles; what each side came to. One byte each way, since under TLS 1.3 a client
  /// learns that it was refused with the first byte it reads.
  Ends open(const TlsRole& server, const TlsRole& client, const std::string& host = "node.example") {
    asio::io_context io;
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    tcp::socket a(io), b(io);
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    const auto there = make_tls({server, {}})(std::move(b), {});
    const auto here = make_tls({{}, client})(std::move(a), host);
    Ends ends;
    std::array<char, 1> bytes[2];
    const auto exchange = [&](const std::shared_ptr<Stream>& stream, error_code& result, int which) {
      stream->async_open([&, stream, which](const error_code& error) {
        if (error) {
          result = error;
          return stream->close();
        }
        stream->async_write_some({asio::buffer("x", 1)},
                                 [&, stream, which](const error_code& failed, std::size_t) {
                                   if (failed) result = failed;
                                   stream->async_read_some(asio::buffer(bytes[which]),
                                                           [&, stream](const error_code& end, std::size_t) {
                                                             if (end && !result) result = end;
                                                             if (end) stream->close();
                                                           });
                                 });
      });
    };
    exchange(there, ends.server, 0);
    exchange(here, ends.client, 1);
    io.run_for(std::chrono::seconds(20));
    return ends;
  }
  static std::string refusal(const TlsOptions& options) {
    try {
      (void)make_tls(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.reason(), "bad_tls");
      return error.message();
    }
    ADD_FAILURE() << "taken";
    return {};
  }

  static std::unique_ptr<test::Certificates> files_;
};

std::unique_ptr<test::Certificates> Tls::files_;

TEST_F(Tls, BothSidesShowACertificate) {
  EXPECT_TRUE(open(role("node"), role("peer")).both());
  EXPECT_EQ(make_tls({role("node"), {}}) != nullptr, true);
}

TEST_F(Tls, AStrangersCertificateIsRefusedByEitherSide) {
  EXPECT_TRUE(open(role("stranger", "ca"), role("peer")).client);
  EXPECT_TRUE(open(role("node"), role("stranger", "ca")).server);
}

TEST_F(Tls, AServerMustBeForTheHostThatWasAskedFor) {
  EXPECT_TRUE(open(role("node"), role("peer"), "elsewhere.example").client);
  TlsRole named = role("peer");
  named.server_name = "node.example";
  EXPECT_TRUE(open(role("node"), named, "10.0.0.7").both());
  named.server_name = "elsewhere.example";
  EXPECT_TRUE(open(role("node"), named).client);
  TlsRole any = role("peer");
  any.server_name_disabled = true;
  EXPECT_TRUE(open(role("node"), any, "elsewhere.example").both());
}

TEST_F(Tls, AClientWithoutACertificate) {
  TlsRole bare = role("peer");
  bare.certfile = bare.keyfile = "";
  EXPECT_TRUE(open(role("node"), bare).server);
  TlsRole lenient = role("node");
  lenient.fail_if_no_peer_cert = false;
  EXPECT_TRUE(open(lenient, bare).both());
  EXPECT_TRUE(open(lenient, role("stranger", "ca")).server) << "one that is shown is still checked";
}

TEST_F(Tls, WithoutVerificationAnyPeerIsTaken) {
  TlsRole open_server = role("stranger", "ca"), open_client = role("stranger", "ca");
  open_server.verify = open_client.verify = false;
  EXPECT_TRUE(open(open_server, open_client, "elsewhere.example").both());
}

TEST_F(Tls, VersionsMustMeet) {
  TlsRole only12 = role("node"), only13 = role("peer");
  only12.tls13 = false;
  only13.tls12 = false;
  EXPECT_TRUE(open(only12, role("peer")).both());
  EXPECT_TRUE(open(role("node"), only13).both());
  const Ends apart = open(only12, only13);
  EXPECT_TRUE(apart.server && apart.client);
}

TEST_F(Tls, CiphersMustMeet) {
  TlsRole server = role("node"), client = role("peer");
  server.ciphers = {"ECDHE-ECDSA-AES256-GCM-SHA384"};
  client.ciphers = {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"};
  EXPECT_TRUE(open(server, client).both());
  client.ciphers = {"ECDHE-ECDSA-AES128-GCM-SHA256"};
  EXPECT_TRUE(open(server, client).client);
  // Suites of one version only leave that version.
  client.ciphers = {"TLS_AES_128_GCM_SHA256"};
  EXPECT_TRUE(open(server, client).client);
  server.ciphers = {"TLS_AES_128_GCM_SHA256"};
  EXPECT_TRUE(open(server, client).both());
  client.tls13 = false;
  EXPECT_NE(refusal({{}, client}).find("no version"), std::string::npos);
}

TEST_F(Tls, GroupsMustMeet) {
  TlsRole server = role("node"), client = role("peer");
  server.groups = {"x25519"};
  EXPECT_TRUE(open(server, client).both());
  client.groups = {"secp384r1"};
  EXPECT_TRUE(open(server, client).client);
}

TEST_F(Tls, AChainIsAsLongAsItMayBe) {
  TlsRole server = role("below");
  server.certfile = files_->path("chain.pem");
  TlsRole client = role("peer");
  EXPECT_TRUE(open(server, client).both());
  client.depth = 1;
  EXPECT_TRUE(open(server, client).both());
  client.depth = 0;
  EXPECT_TRUE(open(server, client).client);
}

TEST_F(Tls, AnEncryptedKeyNeedsItsPassword) {
  TlsRole server = role("locked");
  server.password = "secret";
  EXPECT_TRUE(open(server, role("peer")).both());
  server.password = "wrong";
  EXPECT_NE(refusal({server, {}}).find("locked.key"), std::string::npos);
  server.password = "";
  EXPECT_NE(refusal({server, {}}).find("locked.key"),
            std::string::npos);  // and nobody is asked at the terminal
}

TEST_F(Tls, FilesThatCannotBeUsedAreNamed) {
  TlsRole bad = role("node");
  bad.certfile = files_->path("none.pem");
  EXPECT_NE(refusal({bad, {}}).find("none.pem"), std::string::npos);
  bad = role("node");
  bad.keyfile = files_->path("peer.key");
  EXPECT_NE(refusal({bad, {}}).find("peer.key"), std::string::npos) << "a key of another certificate";
  bad = role("node");
  bad.cacertfile = files_->path("node.key");
  EXPECT_NE(refusal({bad, {}}).find("node.key"), std::string::npos);
  bad = role("node");
  bad.cacertfile = "";
  EXPECT_NE(refusal({bad, {}}).find("cacertfile"), std::string::npos);
  bad = role("node");
  bad.certfile = "";
  EXPECT_NE(refusal({bad, {}}).find("certfile"), std::string::npos);
  bad = role("node");
  bad.ciphers = {"NO-SUCH-SUITE"};
  EXPECT_NE(refusal({bad, {}}).find("NO-SUCH-SUITE"), std::string::npos);
  bad = role("node");
  bad.groups = {"nosuchgroup"};
  EXPECT_NE(refusal({bad, {}}).find("nosuchgroup"), std::string::npos);
}

TEST_F(Tls, HandshakesOfTheDistributionHaveFourByteLengths) {
  asio::io_context io;
  EXPECT_EQ(make_tls({role("node"), {}})(tcp::socket(io, tcp::v4()), {})->handshake_header(), 4u);
}

TEST_F(Tls, MuchGoesThrough) {
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket a(io), b(io);
  a.connect(acceptor.local_endpoint());
  acceptor.accept(b);
  const auto there = make_tls({role("node"), {}})(std::move(b), {});
  const auto here = make_tls({{}, role("peer")})(std::move(a), "node.example");
  std::vector<std::uint8_t> sent(1 << 20), got;
  std::iota(sent.begin(), sent.end(), std::uint8_t{0});
  std::size_t at = 0;
  std::array<std::uint8_t, 5000> in;
  std::function<void()> write = [&] {
    if (at == sent.size()) return;
    // In two pieces, as a message and its payload are.
    const std::size_t first = std::min<std::size_t>(100, sent.size() - at);
    here->async_write_some({asio::buffer(sent.data() + at, first),
                            asio::buffer(sent.data() + at + first, sent.size() - at - first)},
                           [&](const error_code& error, std::size_t count) {
                             ASSERT_FALSE(error);
                             at += count;
                             write();
                           });
  };
  std::function<void()> read = [&] {
    there->async_read_some(asio::buffer(in), [&](const error_code& error, std::size_t count) {
      if (error) return;
      got.insert(got.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
      got.size() == sent.size() ? there->close() : read();
    });
  };
  there->async_open([&](const error_code& error) {
    ASSERT_FALSE(error) << error.message();
    read();
  });
  here->async_open([&](const error_code& error) {
    ASSERT_FALSE(error) << error.message();
    write();
  });
  io.run_for(std::chrono::seconds(20));
  EXPECT_TRUE(got == sent);
}

}  // namespace
}  // namespace drey::cnode
