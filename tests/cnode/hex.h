#pragma once

#include <string_view>

#include "cnode/bytes.h"

namespace drey::cnode {

/// Bytes written as hexadecimal digits; blanks are skipped.
inline Bytes hex(std::string_view digits) {
  Bytes out;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  return out;
}

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Terms that an OTP 25 node and a peer of it put on the wire.
inline const std::string_view be_pid = "58770c6265403132372e302e302e3100000009000000006b00f987";
inline const std::string_view be_leader = "58770c6265403132372e302e302e3100000047000000006b00f987";
inline const std::string_view be_request =
    "5a0003770c6265403132372e302e302e316b00f98700017151f6e00001de00cb19";
inline const std::string_view be_result =
    "5a0003770c6265403132372e302e302e316b00f98700017150f6e00001de00cb19";
inline const std::string_view py_pid = "58770c7079403132372e302e302e3100000065000000006b00f986";

}  // namespace drey::cnode
