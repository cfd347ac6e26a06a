#include "cnode/stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

namespace drey::cnode {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    prepare(socket_);
  }

  void async_read_some(asio::mutable_buffer into, Handler handler) override {
    socket_.async_read_some(into, std::move(handler));
  }
  void async_read_two(asio::mutable_buffer first, asio::mutable_buffer second, Handler handler) override {
    socket_.async_read_some(std::array{first, second}, std::move(handler));
  }
  void async_write_some(const std::vector<asio::const_buffer>& from, Handler handler) override {
    socket_.async_write_some(from, std::move(handler));
  }
  std::size_t try_write(const std::vector<asio::const_buffer>& from, error_code& error) override {
    const std::size_t written = socket_.write_some(from, error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
      error.clear();
      return 0;
    }
    return written;
  }
  void close() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }
  std::size_t handshake_header() const override { return 2; }

 private:
  tcp::socket socket_;
};

}  // namespace

/// What stands in the kernel's queues, no message can overtake. Towards another machine only what is not sent
/// yet is kept short, since what is under way must cover its distance; on this machine nothing has to.
void Stream::prepare(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto remote = socket.remote_endpoint(ignored);
  if (!ignored) address_ = remote.address();
  const auto local = socket.local_endpoint(ignored);
  same_host_ = address_.is_loopback() || (!ignored && local.address() == address_);
  if (same_host_) socket.set_option(asio::socket_base::send_buffer_size(256 * 1024), ignored);
#ifdef TCP_NOTSENT_LOWAT
  const int bytes = 128 * 1024;
  (void)setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
#endif
}

std::shared_ptr<Stream> make_plain_stream(tcp::socket socket) {
  return std::make_shared<PlainStream>(std::move(socket));
}

}  // namespace drey::cnode
