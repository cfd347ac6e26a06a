#pragma once

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// A connected byte stream, in clear or under TLS: what handshakes and channels read and write. One thread.
namespace drey::cnode {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

class Stream {
 public:
  using Handler = std::function<void(const error_code&, std::size_t)>;
  virtual ~Stream() = default;

  /// What comes before the first byte: nothing in clear, the handshake of TLS. Once, before all else.
  virtual void async_open(std::function<void(const error_code&)> handler) { handler({}); }
  /// At most one read and one write are under way at a time. Handlers are never called from within the call.
  virtual void async_read_some(asio::mutable_buffer into, Handler handler) = 0;
  /// The same into two buffers, the first first. May leave the second empty.
  virtual void async_read_two(asio::mutable_buffer into, asio::mutable_buffer, Handler handler) {
    async_read_some(into, std::move(handler));
  }
  virtual void async_write_some(const std::vector<asio::const_buffer>& from, Handler handler) = 0;
  /// Writes what can be written at once; 0 where the kernel takes nothing now, or the stream cannot tell.
  virtual std::size_t try_write(const std::vector<asio::const_buffer>& from, error_code& error) = 0;
  /// Ends both directions; handlers under way are called with an error. May be called again.
  virtual void close() = 0;

  /// Bytes of the length in front of a handshake message: 2 in clear, 4 under TLS.
  virtual std::size_t handshake_header() const = 0;
  /// The address of the other side, without the port.
  const asio::ip::address& address() const { return address_; }
  /// Whether the other side is on this machine.
  bool same_host() const { return same_host_; }

 protected:
  /// Learns where the other side is. No delay of small packets, short queues in the kernel.
  void prepare(tcp::socket& socket);

 private:
  asio::ip::address address_;
  bool same_host_ = false;
};

/// TCP, with Nagle's algorithm off.
std::shared_ptr<Stream> make_plain_stream(tcp::socket socket);

/// Makes a stream of a connected socket; `host` is the host part of the name of the peer that we connected
/// to, empty where the peer connected to us.
using MakeStream = std::function<std::shared_ptr<Stream>(tcp::socket socket, const std::string& host)>;

}  // namespace drey::cnode
