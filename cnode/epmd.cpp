#include "cnode/epmd.h"

#include <spdlog/spdlog.h>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace drey::cnode::epmd {
namespace {

constexpr std::uint8_t alive2_request = 120, alive2_reply = 121, alive2_reply_wide = 118, port2_request = 122,
                       port2_reply = 119, hidden_node = 72, tcp_v4 = 0;
constexpr auto retry = std::chrono::seconds(2), patience = std::chrono::seconds(5);

Bytes framed(const Bytes& message) {
  Bytes out;
  Writer(out).u16(static_cast<std::uint16_t>(message.size())).raw(View(message));
  return out;
}

std::string text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

}  // namespace

Bytes alive_request(std::uint16_t port, std::string_view alive) {
  Bytes out;
  Writer writer(out);
  writer.u8(alive2_request).u16(port).u8(hidden_node).u8(tcp_v4).u16(6).u16(6);
  writer.u16(static_cast<std::uint16_t>(alive.size())).raw(alive).u16(0);
  return out;
}

Alive parse_alive(View reply) {
  Reader in(reply);
  const std::uint8_t kind = in.u8();
  if (kind != alive2_reply && kind != alive2_reply_wide)
    throw Error("bad_frame", fmt::format("epmd answered a registration with message {}", kind));
  Alive alive;
  alive.accepted = in.u8() == 0;
  if (alive.accepted) alive.creation = kind == alive2_reply ? in.u16() : in.u32();
  return alive;
}

Bytes port_request(std::string_view alive) {
  Bytes out;
  Writer(out).u8(port2_request).raw(alive);
  return out;
}

std::uint16_t parse_port(View reply) {
  Reader in(reply);
  if (in.u8() != port2_reply) throw Error("bad_frame", "epmd answered a look-up with another message");
  return in.u8() == 0 ? in.u16() : std::uint16_t{0};
}

Registration::Registration(asio::io_context& io, std::string alive, std::uint16_t port,
                           std::vector<tcp::endpoint> epmd)
    : io_(io), alive_(std::move(alive)), port_(port), epmd_(std::move(epmd)), socket_(io), timer_(io) {}

void Registration::start(std::function<void(const std::string&, std::uint32_t)> on_first) {
  on_first_ = std::move(on_first);
  connect(0);
}

void Registration::stop() {
  stopped_ = true;
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
}

void Registration::connect(std::size_t at) {
  if (stopped_) return;
  where_ = text(epmd_[at]);
  socket_ = tcp::socket(io_);
  timer_.expires_after(patience);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    error_code ignored;
    if (!error) self->socket_.close(ignored);
  });
  socket_.async_connect(epmd_[at], [self = shared_from_this(), at](const error_code& error) {
    if (self->stopped_) return;
    if (error && at + 1 < self->epmd_.size()) return self->connect(at + 1);
    if (error)
      return self->failed(
          fmt::format("no epmd answers at {} ({}): start one (epmd -daemon), or give --no-epmd",
                      text(self->epmd_.front()), error.message()));
    self->request();
  });
}

void Registration::request() {
  out_ = framed(alive_request(port_, alive_));
  asio::async_write(socket_, asio::buffer(out_),
                    [self = shared_from_this()](const error_code& error, std::size_t) {
                      if (self->stopped_) return;
                      if (error) return self->failed("epmd closed the connection: " + error.message());
                      self->reply(0);
                    });
}

/// The reply has 4 or 6 bytes, which its first byte tells.
void Registration::reply(std::size_t filled) {
  const std::size_t wanted = filled == 0 || in_[0] != alive2_reply_wide ? 4 : 6;
  if (filled >= wanted) {
    timer_.cancel();
    Alive alive;
    try {
      alive = parse_alive(View(in_.data(), filled));
    } catch (const Error& error) {
      return failed(error.message());
    }
    if (!alive.accepted)
      return failed(fmt::format("epmd refused the name '{}': another node on this host has it", alive_));
    registered_ = true;
    said_ = false;
    spdlog::info("registered as '{}' with epmd at {}", alive_, where_);
    if (const auto on_first = std::exchange(on_first_, nullptr)) on_first({}, alive.creation);
    return keep();
  }
  socket_.async_read_some(
      asio::buffer(in_.data() + filled, wanted - filled),
      [self = shared_from_this(), filled](const error_code& error, std::size_t count) {
        if (self->stopped_) return;
        if (error)
          return self->failed(fmt::format(
              "epmd closed the connection without an answer: is the name '{}' taken?", self->alive_));
        self->reply(filled + count);
      });
}

void Registration::keep() {
  socket_.async_read_some(asio::buffer(in_),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (self->stopped_) return;
                            if (!error) return self->keep();
                            self->registered_ = false;
                            self->failed("epmd is gone");
                          });
}

void Registration::failed(const std::string& why) {
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (const auto on_first = std::exchange(on_first_, nullptr)) return on_first(why, 0);
  if (!std::exchange(said_, true)) spdlog::warn("{}; registering again every {} s", why, retry.count());
  timer_.expires_after(retry);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->connect(0);
  });
}

namespace {

struct LookUp : std::enable_shared_from_this<LookUp> {
  explicit LookUp(asio::io_context& io) : socket(io), timer(io) {}
  tcp::socket socket;
  asio::steady_timer timer;
  Bytes out;
  std::array<std::uint8_t, 4> in{};
  std::function<void(const std::string&, std::uint16_t)> done;

  void finish(const std::string& error, std::uint16_t port) {
    error_code ignored;
    timer.cancel();
    socket.close(ignored);
    if (const auto call = std::exchange(done, nullptr)) call(error, port);
  }
};

}  // namespace

void look_up(asio::io_context& io, tcp::endpoint epmd, const std::string& alive,
             std::chrono::milliseconds deadline,
             std::function<void(const std::string&, std::uint16_t)> done) {
  auto self = std::make_shared<LookUp>(io);
  self->out = framed(port_request(alive));
  self->done = std::move(done);
  const std::string where = text(epmd);
  self->timer.expires_after(deadline);
  self->timer.async_wait([self, where](const error_code& error) {
    if (!error) self->finish("epmd at " + where + " does not answer", 0);
  });
  self->socket.async_connect(epmd, [self, where, alive](const error_code& error) {
    if (error) return self->finish(fmt::format("no epmd answers at {} ({})", where, error.message()), 0);
    asio::async_write(
        self->socket, asio::buffer(self->out), [self, where, alive](const error_code& failed, std::size_t) {
          if (failed) return self->finish(fmt::format("epmd at {}: {}", where, failed.message()), 0);
          // Of a refusal there are two bytes and the end of the stream.
          asio::async_read(
              self->socket, asio::buffer(self->in),
              [self, where, alive](const error_code&, std::size_t count) {
                std::uint16_t port = 0;
                try {
                  port = parse_port(View(self->in.data(), count));
                } catch (const Error&) {
                }
                self->finish(
                    port == 0 ? fmt::format("epmd at {} knows no '{}'", where, alive) : std::string(), port);
              });
        });
  });
}

}  // namespace drey::cnode::epmd
