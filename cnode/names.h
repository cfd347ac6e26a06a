#pragma once

#include <string>
#include <string_view>

/// Names of nodes: `alive@host`.
namespace drey::cnode {

struct NodeName {
  std::string alive;
  std::string host;
  std::string full() const { return alive + "@" + host; }
  /// Long names have a host with a dot (or an IPv6 address); the two kinds do not mix in a cluster.
  bool is_long() const { return host.find_first_of(".:") != std::string::npos; }

  /// One '@' with something on both sides, at most 255 bytes, printable, no white space.
  /// \throws Error{bad_name}
  static NodeName parse(std::string_view name);
};

/// The name that --name or --sname asks for: a missing host is this machine's (its full name for a long one,
/// the part before the first dot for a short one).
/// \throws Error{bad_name}
NodeName own_name(std::string_view given, bool long_names);

}  // namespace drey::cnode
