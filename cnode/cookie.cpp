#include "cnode/cookie.h"

#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "error.h"

namespace drey::cnode {
namespace {

std::string checked(std::string cookie, const std::string& source) {
  while (!cookie.empty() && (cookie.back() == '\n' || cookie.back() == '\r' || cookie.back() == ' '))
    cookie.pop_back();
  if (cookie.empty()) throw Error("no_cookie", "the cookie is empty", source);
  if (cookie.size() > 255)
    throw Error("no_cookie", fmt::format("the cookie has more than 255 bytes ({})", cookie.size()), source);
  for (const char c : cookie)
    if (static_cast<unsigned char>(c) < ' ')
      throw Error("no_cookie", "the cookie has a control character", source);
  return cookie;
}

std::string read(const std::filesystem::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0)
    throw Error("no_cookie", "the cookie file cannot be read", file.string());
  if (!S_ISREG(status.st_mode))
    throw Error("no_cookie", "the cookie file is not a regular file", file.string());
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw Error("no_cookie", fmt::format("the cookie file is open to others: chmod 400 {}", file.string()),
                file.string());
  std::ifstream in(file, std::ios::binary);
  std::string cookie(1024, '\0');
  if (!in) throw Error("no_cookie", "the cookie file cannot be read", file.string());
  in.read(cookie.data(), static_cast<std::streamsize>(cookie.size()));
  cookie.resize(static_cast<std::size_t>(in.gcount()));
  return checked(std::move(cookie), file.string());
}

}  // namespace

std::string find_cookie(const std::filesystem::path& file) {
  if (!file.empty()) return read(file);
  if (const char* value = std::getenv("DREY_COOKIE"); value != nullptr) return checked(value, "DREY_COOKIE");
  const char* home = std::getenv("HOME");
  const std::filesystem::path usual = std::filesystem::path(home != nullptr ? home : "/") / ".erlang.cookie";
  if (!std::filesystem::exists(usual))
    throw Error("no_cookie",
                fmt::format("there is no cookie: give --cookie-file FILE, set DREY_COOKIE, or write {}",
                            usual.string()));
  return read(usual);
}

void require_strong(const std::string& cookie) {
  static constexpr std::array<std::string_view, 8> known = {"monster",  "cookie",   "secret",   "changeme",
                                                            "password", "nocookie", "mycookie", "erlang"};
  for (const std::string_view one : known)
    if (cookie == one)
      throw Error("weak_cookie",
                  "the cookie is one that every scanner tries; choose another, or listen on loopback only");
  if (cookie.size() < 8)
    throw Error("weak_cookie",
                "the cookie has fewer than 8 bytes; choose a longer one, or listen on loopback only");
}

}  // namespace drey::cnode
