#include "cnode/metrics.h"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace drey::cnode {
namespace {

constexpr std::size_t max_request = 4096, max_open = 16;

}  // namespace

std::string metrics_text(const Node& node, std::size_t half_open) {
  std::string page;
  const auto number = [&](std::string_view name, std::string_view type, std::string_view help,
                          std::uint64_t value) {
    page += fmt::format("# HELP drey_{0} {1}\n# TYPE drey_{0} {2}\ndrey_{0} {3}\n", name, help, type, value);
  };
  const Node::Counters& counters = node.counters();
  std::uint64_t queued = 0, bytes_in = counters.bytes_in, bytes_out = counters.bytes_out;
  for (const auto& [peer, session] : node.sessions()) {
    queued += session->channel().queued();
    bytes_in += session->channel().bytes_in();
    bytes_out += session->channel().bytes_out();
  }
  number("peers", "gauge", "Connected nodes.", node.session_count());
  number("half_open_connections", "gauge", "Connections in their handshake.", half_open);
  number("calls_running", "gauge", "Calls under way.", node.processes().calls());
  number("queued_bytes", "gauge", "Bytes waiting for peers to read.", queued);
  number("calls_total", "counter", "Calls begun.", counters.calls);
  number("calls_refused_total", "counter", "Calls refused as busy.", counters.refused);
  number("calls_cancelled_total", "counter", "Calls given up by their caller or lost with its node.",
         counters.cancelled);
  number("handshakes_total", "counter", "Handshakes done.", counters.handshakes);
  number("handshakes_failed_total", "counter", "Handshakes refused or broken off.",
         counters.handshakes_failed);
  number("received_bytes_total", "counter", "Bytes received after the handshake.", bytes_in);
  number("sent_bytes_total", "counter", "Bytes sent after the handshake.", bytes_out);
  return page;
}

struct Metrics::Request {
  Request(tcp::socket connected, std::size_t& open)
      : socket(std::move(connected)), deadline(socket.get_executor()), count(open) {
    ++count;
  }
  ~Request() { --count; }
  tcp::socket socket;
  asio::steady_timer deadline;
  std::string in, out;
  std::size_t& count;
};

Metrics::Metrics(asio::io_context& io, std::uint16_t port, std::function<std::string()> page)
    : acceptor_(io), page_(std::move(page)) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  error_code error, ignored;
  acceptor_.open(endpoint.protocol(), error);
  acceptor_.set_option(tcp::acceptor::reuse_address(true), ignored);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(16, error);
  if (error)
    throw Error("no_port",
                fmt::format("cannot listen on 127.0.0.1:{} for metrics: {}", port, error.message()));
}

Metrics::~Metrics() { stop(); }

std::uint16_t Metrics::port() const {
  error_code ignored;
  return acceptor_.local_endpoint(ignored).port();
}

void Metrics::start() { accept(); }

void Metrics::stop() {
  error_code ignored;
  acceptor_.close(ignored);
}

void Metrics::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error && open_ < max_open) {
      auto request = std::make_shared<Request>(std::move(socket), open_);
      request->deadline.expires_after(std::chrono::seconds(5));
      request->deadline.async_wait([request](const error_code& stopped) {
        error_code ignored;
        if (!stopped) request->socket.close(ignored);
      });
      asio::async_read_until(
          request->socket, asio::dynamic_buffer(request->in, max_request), "\r\n\r\n",
          [this, request](const error_code& failed, std::size_t) {
            if (failed || !acceptor_.is_open()) {
              request->deadline.cancel();
              return;
            }
            const bool wanted = request->in.starts_with("GET /metrics ") || request->in.starts_with("GET / ");
            const std::string body = wanted ? page_() : "There is /metrics.\n";
            request->out = fmt::format(
                "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: "
                "close\r\n\r\n{}",
                wanted ? "200 OK" : "404 Not Found", body.size(), body);
            asio::async_write(request->socket, asio::buffer(request->out),
                              [request](const error_code&, std::size_t) { request->deadline.cancel(); });
          });
    }
    accept();
  });
}

}  // namespace drey::cnode
