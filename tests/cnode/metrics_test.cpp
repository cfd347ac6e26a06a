#include "cnode/metrics.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <sstream>
#include <thread>

#include "tests/cnode/peer.h"

namespace drey::cnode {
namespace {

using test::erl;
using test::Peer;

class MetricsPage : public test::WithNode {
 protected:
  /// The value of a number of the page; -1 where there is none.
  double value(const std::string& name, std::size_t half_open = 0) {
    const std::string page = metrics_text(*node, half_open);
    const auto at = page.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(page.substr(at + name.size() + 2));
  }
};

TEST_F(MetricsPage, CountsWhatHappens) {
  EXPECT_EQ(value("drey_peers"), 0);
  EXPECT_EQ(value("drey_half_open_connections", 3), 3);
  Peer peer(io, *node, "p@h");
  EXPECT_EQ(value("drey_peers"), 1);
  EXPECT_EQ(value("drey_handshakes_total"), 1);
  test::erpc_call(peer, term::atom("t"), term::atom("f"), erl("[1]"));
  await_asked(1);
  EXPECT_EQ(value("drey_calls_running"), 1);
  EXPECT_EQ(value("drey_calls_total"), 1);
  EXPECT_GT(value("drey_received_bytes_total"), 100);
  (void)peer.receive();
  EXPECT_GT(value("drey_sent_bytes_total"), 50);
  const double received = value("drey_received_bytes_total");
  peer.close();
  while (node->is_connected("p@h")) io.run_one_for(std::chrono::milliseconds(5));
  EXPECT_EQ(value("drey_calls_running"), 0);
  EXPECT_EQ(value("drey_calls_cancelled_total"), 1);
  EXPECT_EQ(value("drey_received_bytes_total"), received) << "counters outlive the connection";
}

TEST_F(MetricsPage, IsPrometheusText) {
  std::istringstream page(metrics_text(*node, 0));
  std::string line, name;
  int numbers = 0;
  while (std::getline(page, line)) {
    if (line.starts_with("# HELP ")) {
      name = line.substr(7, line.find(' ', 7) - 7);
    } else if (line.starts_with("# TYPE ")) {
      const std::string type = line.substr(line.rfind(' ') + 1);
      EXPECT_EQ(line, "# TYPE " + name + " " + type);
      EXPECT_EQ(type, name.ends_with("_total") ? "counter" : "gauge");
    } else {
      EXPECT_EQ(line.substr(0, line.find(' ')), name);
      EXPECT_NO_THROW((void)std::stoull(line.substr(line.find(' ') + 1)));
      ++numbers;
    }
  }
  EXPECT_GE(numbers, 11);
}

/// The server, and what it says to a request.
class MetricsServer : public testing::Test {
 protected:
  void SetUp() override {
    metrics.start();
    server = std::thread([this] { io.run(); });
  }
  void TearDown() override {
    asio::post(io, [this] {
      metrics.stop();
      io.stop();
    });
    server.join();
  }
  tcp::socket connect() {
    tcp::socket socket(client);
    socket.connect({asio::ip::address_v4::loopback(), metrics.port()});
    return socket;
  }
  static std::string rest(tcp::socket& socket) {
    std::string said;
    error_code ignored;
    asio::read(socket, asio::dynamic_buffer(said), ignored);
    return said;
  }
  std::string ask(const std::string& request) {
    tcp::socket socket = connect();
    error_code ignored;
    asio::write(socket, asio::buffer(request), ignored);
    return rest(socket);
  }
  asio::io_context io, client;
  Metrics metrics{io, 0, [] { return std::string("drey_peers 1\n"); }};
  std::thread server;
};

TEST_F(MetricsServer, AnswersGetAndNothingElse) {
  for (const std::string path : {"/metrics", "/"}) {
    const std::string page = ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(page.starts_with("HTTP/1.1 200 OK\r\n")) << page;
    EXPECT_NE(page.find("\r\nContent-Length: 13\r\n"), std::string::npos);
    EXPECT_TRUE(page.ends_with("\r\n\r\ndrey_peers 1\n"));
  }
  for (const std::string request : {"GET /metricsx HTTP/1.1", "GET /../etc/passwd HTTP/1.1",
                                    "POST /metrics HTTP/1.1", "get /metrics HTTP/1.1", "", "x"})
    EXPECT_TRUE(ask(request + "\r\n\r\n").starts_with("HTTP/1.1 404")) << request;
}

TEST_F(MetricsServer, ARequestIsBounded) {
  EXPECT_EQ(ask(std::string(100000, 'x')), "");
  EXPECT_NE(ask("GET / HTTP/1.1\r\n\r\n"), "");
}

TEST_F(MetricsServer, ConnectionsThatSayNothingLeaveRoomForNoMoreThanAFew) {
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(connect());
  // Those beyond the cap are closed at once.
  EXPECT_EQ(rest(silent.back()), "");
  for (tcp::socket& one : silent) one.close();
  std::string page;
  for (int i = 0; i < 200 && page.empty(); ++i) page = ask("GET / HTTP/1.1\r\n\r\n");
  EXPECT_NE(page, "") << "and when they go there is room again";
}

TEST_F(MetricsServer, APortThatIsTakenIsNamed) {
  asio::io_context other;
  try {
    Metrics second(other, metrics.port(), {});
    ADD_FAILURE() << "taken twice";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find(std::to_string(metrics.port())), std::string::npos);
  }
}

}  // namespace
}  // namespace drey::cnode
