#pragma once

#include "cnode/stream.h"

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// TLS under the distribution, as `erl -proto_dist inet_tls` speaks it: TLS from the first byte, 1.2 or 1.3,
/// no ALPN; handshake messages then have 4-byte lengths.
namespace drey::cnode {

/// One side of TLS. Named as in Erlang's -ssl_dist_optfile.
struct TlsRole {
  std::string certfile;              ///< PEM, with intermediates; empty: no certificate
  std::string keyfile;               ///< PEM
  std::string password;              ///< of an encrypted key
  std::string cacertfile;            ///< PEM: who may have signed a peer's certificate
  bool verify = true;                ///< whether what the peer shows is checked
  bool fail_if_no_peer_cert = true;  ///< server: whether a client must show one
  int depth = -1;                    ///< intermediates in a peer's chain; -1: as many as OpenSSL takes
  bool tls12 = true, tls13 = true;
  std::vector<std::string> ciphers;  ///< OpenSSL's or the RFCs' names; empty: OpenSSL's choice
  bool honor_cipher_order = false;   ///< server
  std::vector<std::string> groups;   ///< of the key exchange; empty: OpenSSL's choice
  /// client: the host that a server's certificate must be for; empty: that in the peer's name.
  std::string server_name;
  bool server_name_disabled = false;  ///< client: asks for no host, and does not check it
};

/// Nothing in either role: no TLS.
struct TlsOptions {
  std::optional<TlsRole> server;  ///< where peers connect to us
  std::optional<TlsRole> client;  ///< where we connect to them
  bool on() const { return server || client; }
};

/// A role that is missing refuses: without `server` nobody can connect, without `client` this node cannot.
/// \throws Error{bad_tls} naming the file that cannot be used
MakeStream make_tls(const TlsOptions& options);

}  // namespace drey::cnode
