#pragma once

#include <filesystem>
#include <string>

/// The secret that nodes of a cluster share. Never from the command line, where every user could read it.
namespace drey::cnode {

/// The cookie from `file` when it is not empty, else from the environment variable DREY_COOKIE, else from
/// ~/.erlang.cookie. A file that others may read is refused, as Erlang does.
/// \throws Error{no_cookie} when there is none, or it is empty or longer than 255 bytes
std::string find_cookie(const std::filesystem::path& file);

/// Whether the cookie may be used where strangers can connect.
/// \throws Error{weak_cookie} for fewer than 8 bytes and for well-known defaults
void require_strong(const std::string& cookie);

}  // namespace drey::cnode
