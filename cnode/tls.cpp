#include "cnode/tls.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "error.h"

namespace drey::cnode {
namespace {

namespace ssl = asio::ssl;

class TlsStream final : public Stream, public std::enable_shared_from_this<TlsStream> {
 public:
  TlsStream(tcp::socket socket, std::shared_ptr<ssl::context> context, const std::string& host, bool verify)
      : context_(std::move(context)), stream_(std::move(socket), *context_), server_(host.empty()) {
    prepare(stream_.next_layer());
    if (server_) return;
    error_code ignored;
    if (asio::ip::make_address(host, ignored); ignored)
      SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
    if (verify) stream_.set_verify_callback(ssl::host_name_verification(host), ignored);
  }

  void async_open(std::function<void(const error_code&)> handler) override {
    stream_.async_handshake(server_ ? ssl::stream_base::server : ssl::stream_base::client,
                            [self = shared_from_this(),
                             handler = std::move(handler)](const error_code& error) { handler(error); });
  }
  void async_read_some(asio::mutable_buffer into, Handler handler) override {
    stream_.async_read_some(into, [self = shared_from_this(), handler = std::move(handler)](
                                      const error_code& error, std::size_t count) {
      handler(error == ssl::error::stream_truncated ? error_code(asio::error::eof) : error, count);
    });
  }
  void async_write_some(const std::vector<asio::const_buffer>& from, Handler handler) override {
    // One record of what may be many small pieces.
    const std::size_t count = asio::buffer_copy(asio::buffer(record_), from);
    stream_.async_write_some(asio::buffer(record_.data(), count),
                             [self = shared_from_this(), handler = std::move(handler)](
                                 const error_code& error, std::size_t written) { handler(error, written); });
  }
  std::size_t try_write(const std::vector<asio::const_buffer>&, error_code& error) override {
    error.clear();
    return 0;
  }
  void close() override {
    error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.lowest_layer().close(ignored);
  }
  std::size_t handshake_header() const override { return 4; }

 private:
  std::shared_ptr<ssl::context> context_;
  ssl::stream<tcp::socket> stream_;
  bool server_;
  std::array<std::uint8_t, 16384> record_;
};

}  // namespace

MakeStream make_tls(const TlsOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  const auto check = [](const error_code& error, const std::string& what, const std::string& file) {
    if (error) throw Error("bad_tls", fmt::format("{} {}: {}", what, file, error.message()));
  };
  error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::single_dh_use,
                       error);
  check(error, "TLS", "options");
  context->use_certificate_chain_file(options.certfile, error);
  check(error, "the certificate", options.certfile);
  context->use_private_key_file(options.keyfile, ssl::context::pem, error);
  check(error, "the key", options.keyfile);
  if (!options.cacertfile.empty()) {
    context->load_verify_file(options.cacertfile, error);
    check(error, "the authorities' certificates", options.cacertfile);
  } else if (options.verify) {
    throw Error("bad_tls", "without --tls-cacertfile no peer can be verified; give it, or --tls-no-verify");
  }
  context->set_verify_mode(
      options.verify ? ssl::verify_peer | ssl::verify_fail_if_no_peer_cert : ssl::verify_none, error);
  check(error, "TLS", "verification");
  return [context, verify = options.verify](tcp::socket socket, const std::string& host) {
    return std::make_shared<TlsStream>(std::move(socket), context, host, verify);
  };
}

}  // namespace drey::cnode
