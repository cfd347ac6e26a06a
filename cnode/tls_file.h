#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cnode/tls.h"

/// The file of `erl -ssl_dist_optfile`: `[{server, [{certfile, "a.pem"}, ...]}, {client, [...]}].`, so that a node and the
/// BEAMs around it can be given the same one.
namespace drey::cnode {

struct TlsFile {
  TlsOptions options;
  /// What the file says that has no meaning here and changes nothing that matters, and what it leaves open that a
  /// reader might think it does not.
  std::vector<std::string> notes;
};

/// Options that only a BEAM has are noted where leaving them out is harmless, and refused where it would take or refuse
/// other peers than the file says (`verify_fun`, `crl_check`, ...).
/// \throws Error{bad_tls} what is wrong, with the nearest name of an option that is unknown
TlsFile parse_tls_file(std::string_view text);

/// \throws Error{bad_tls} naming the file
TlsFile read_tls_file(const std::string& path);

}  // namespace drey::cnode
