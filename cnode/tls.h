#pragma once

#include "cnode/stream.h"

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

/// TLS under the distribution, as `erl -proto_dist inet_tls` speaks it: TLS from the first byte, 1.2 or 1.3,
/// no ALPN; handshake messages then have 4-byte lengths.
namespace drey::cnode {

/// Named as in Erlang's -ssl_dist_optfile.
struct TlsOptions {
  std::string certfile;    ///< PEM, with intermediates; empty: no TLS
  std::string keyfile;     ///< PEM
  std::string cacertfile;  ///< PEM: who may have signed a peer's certificate
  bool verify =
      true;  ///< whether a peer must show a certificate, in either role, and a server one for its host
};

/// \throws Error{bad_tls} naming the file that cannot be used
MakeStream make_tls(const TlsOptions& options);

}  // namespace drey::cnode
