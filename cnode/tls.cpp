#include "cnode/tls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <algorithm>
#include <array>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "error.h"

namespace drey::cnode {
namespace {

namespace ssl = asio::ssl;

/// A role ready for connections.
struct Side {
  std::shared_ptr<ssl::context> context;
  bool checks_host = false;
  std::string server_name;
  bool names_host = true;
};

class TlsStream final : public Stream, public std::enable_shared_from_this<TlsStream> {
 public:
  /// \param host of the peer that we connected to; empty: it connected to us
  TlsStream(tcp::socket socket, const Side& side, const std::string& host)
      : context_(side.context), stream_(std::move(socket), *context_), server_(host.empty()) {
    prepare(stream_.next_layer());
    if (server_ || !side.names_host) return;
    const std::string& name = side.server_name.empty() ? host : side.server_name;
    error_code ignored;
    if (asio::ip::make_address(name, ignored); ignored)
      SSL_set_tlsext_host_name(stream_.native_handle(), name.c_str());
    if (side.checks_host) stream_.set_verify_callback(ssl::host_name_verification(name), ignored);
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

void check(const error_code& error, const std::string& what, const std::string& file) {
  if (error) throw Error("bad_tls", fmt::format("{} {}: {}", what, file, error.message()));
}

/// What OpenSSL says is wrong, where a call of its own failed.
void check(int done, const std::string& what, const std::string& value) {
  if (done == 1) return;
  const unsigned long code = ERR_get_error();
  const char* why = code != 0 ? ERR_reason_error_string(code) : nullptr;
  throw Error("bad_tls",
              fmt::format("{} {}: {}", what, value, why != nullptr ? why : "OpenSSL does not take it"));
}

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ":")); }

/// The suites of TLS 1.3 and of 1.2 are set apart; a version for which none is left is off.
void set_ciphers(SSL_CTX* context, const TlsRole& role, bool& tls12, bool& tls13) {
  std::vector<std::string> suites13, suites12;
  for (const std::string& name : role.ciphers)
    (name.starts_with("TLS_") ? suites13 : suites12).push_back(name);
  tls12 = tls12 && !suites12.empty();
  tls13 = tls13 && !suites13.empty();
  if (!suites12.empty())
    check(SSL_CTX_set_cipher_list(context, joined(suites12).c_str()), "ciphers", joined(suites12));
  if (!suites13.empty())
    check(SSL_CTX_set_ciphersuites(context, joined(suites13).c_str()), "ciphers", joined(suites13));
}

Side make_side(const TlsRole& role, bool server) {
  const std::string which = server ? "server" : "client";
  auto context = std::make_shared<ssl::context>(server ? ssl::context::tls_server : ssl::context::tls_client);
  SSL_CTX* raw = context->native_handle();
  error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::single_dh_use,
                       error);
  check(error, "TLS", "options");
  bool tls12 = role.tls12, tls13 = role.tls13;
  if (!role.ciphers.empty()) set_ciphers(raw, role, tls12, tls13);
  if (!tls12 && !tls13)
    throw Error("bad_tls",
                fmt::format("{}: no version of TLS is left; its ciphers are those of another", which));
  check(SSL_CTX_set_min_proto_version(raw, tls12 ? TLS1_2_VERSION : TLS1_3_VERSION), which, "versions");
  check(SSL_CTX_set_max_proto_version(raw, tls13 ? TLS1_3_VERSION : TLS1_2_VERSION), which, "versions");
  if (role.honor_cipher_order) SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (!role.groups.empty())
    check(static_cast<int>(SSL_CTX_set1_groups_list(raw, joined(role.groups).c_str())), "groups",
          joined(role.groups));
  SSL_CTX_set_dh_auto(raw, 1);

  if (!role.password.empty())
    context->set_password_callback([password = role.password](std::size_t, auto) { return password; }, error);
  else  // else OpenSSL would ask at the terminal
    context->set_password_callback([](std::size_t, auto) { return std::string(); }, error);
  if (!role.certfile.empty()) {
    context->use_certificate_chain_file(role.certfile, error);
    check(error, "the certificate", role.certfile);
    // A file may hold both, as in Erlang.
    const std::string& key = role.keyfile.empty() ? role.certfile : role.keyfile;
    context->use_private_key_file(key, ssl::context::pem, error);
    check(error, "the key", key);
  } else if (server) {
    throw Error("bad_tls", "server: a node that peers connect to needs a certificate: certfile");
  }
  if (!role.cacertfile.empty()) {
    context->load_verify_file(role.cacertfile, error);
    check(error, "the authorities' certificates", role.cacertfile);
  } else if (role.verify) {
    throw Error(
        "bad_tls",
        fmt::format("{}: without cacertfile no peer can be verified; give it, or say that none shall be "
                    "({{verify, verify_none}}, --tls-no-verify)",
                    which));
  }
  context->set_verify_mode(role.verify ? ssl::verify_peer | (server && !role.fail_if_no_peer_cert
                                                                 ? ssl::verify_none
                                                                 : ssl::verify_fail_if_no_peer_cert)
                                       : ssl::verify_none,
                           error);
  check(error, "TLS", "verification");
  if (role.depth >= 0) SSL_CTX_set_verify_depth(raw, role.depth);
  return {context, role.verify, role.server_name, !role.server_name_disabled};
}

}  // namespace

MakeStream make_tls(const TlsOptions& options) {
  std::optional<Side> server, client;
  if (options.server) server = make_side(*options.server, true);
  if (options.client) client = make_side(*options.client, false);
  return [server, client](tcp::socket socket, const std::string& host) {
    return std::make_shared<TlsStream>(std::move(socket), host.empty() ? *server : *client, host);
  };
}

}  // namespace drey::cnode
