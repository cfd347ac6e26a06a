#pragma once

#include <string>

#include "cnode/node.h"

/// What a node of the tests is called and lets in.
namespace drey::cnode::test {

inline NodeOptions options(const std::string& name = "node@127.0.0.1", const std::string& cookie = "cookie") {
  NodeOptions made;
  made.name = name;
  made.cookie = cookie;
  made.version = "1";
  made.creation = 9;
  return made;
}

}  // namespace drey::cnode::test
