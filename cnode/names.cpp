#include "cnode/names.h"

#include <netdb.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "error.h"

namespace drey::cnode {
namespace {

std::string host_name() {
  std::array<char, 256> buffer{};
  if (gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  return buffer.data();
}

std::string full_host_name() {
  const std::string host = host_name();
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  std::string full = host;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) == 0 && found != nullptr) {
    if (found->ai_canonname != nullptr) full = found->ai_canonname;
    freeaddrinfo(found);
  }
  return full;
}

}  // namespace

NodeName NodeName::parse(std::string_view name) {
  const auto bad = [&](const std::string& why) {
    std::string shown;
    for (const char c : name.substr(0, 80)) shown += c >= ' ' && c <= '~' ? c : '?';
    return Error("bad_name",
                 fmt::format("'{}' is no node name: {}; a name is written name@host", shown, why));
  };
  if (name.size() > 255) throw bad(fmt::format("it has {} bytes, 255 are allowed", name.size()));
  const auto at = name.find('@');
  if (at == std::string_view::npos) throw bad("there is no @");
  if (name.find('@', at + 1) != std::string_view::npos) throw bad("there are two @");
  if (at == 0 || at + 1 == name.size()) throw bad("one side of the @ is empty");
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) throw bad("it has a space or a control character");
  return {std::string(name.substr(0, at)), std::string(name.substr(at + 1))};
}

NodeName own_name(std::string_view given, bool long_names) {
  std::string full(given);
  if (full.find('@') == std::string::npos) {
    std::string host = long_names ? full_host_name() : host_name();
    if (!long_names) host = host.substr(0, host.find('.'));
    full += "@" + host;
  }
  NodeName name = NodeName::parse(full);
  if (long_names && !name.is_long())
    throw Error(
        "bad_name",
        fmt::format("'{}' has no dot after the @, so it is a short name: use --sname, or give the host's "
                    "full name or address",
                    full));
  if (!long_names && name.is_long())
    throw Error("bad_name",
                fmt::format("'{}' has a dot after the @, so it is a long name: use --name", full));
  return name;
}

}  // namespace drey::cnode
