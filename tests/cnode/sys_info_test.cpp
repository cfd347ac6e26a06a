#include "cnode/sys_info.h"

#include "tests/cnode/peer.h"

namespace drey::cnode {
namespace {

using test::erl;
using test::Peer;
using test::Received;

class SysInfo : public test::WithNode {};

TEST_F(SysInfo, IsWhatObserverAsksFor) {
  Peer peer(io, *node, "p@h");
  test::erpc_call(peer, term::atom("observer_backend"), term::atom("sys_info"), erl("[]"));
  (void)peer.receive();
  const Received exit = peer.receive();
  const auto* result = exit.payload.as<term::Tuple>();
  ASSERT_TRUE(result != nullptr && result->elements.size() == 3 && result->elements[1].is_atom("return"));
  const term::Term& info = result->elements[2];
  for (const std::string_view number :
       {"process_count", "process_limit", "run_queue", "io_input", "io_output", "schedulers",
        "logical_processors", "wordsize_internal", "wordsize_external"}) {
    const term::Term* value = info.find(number);
    ASSERT_NE(value, nullptr) << number;
    EXPECT_GE(*value->as<std::int64_t>(), 0) << number;
  }
  const auto* uptime = info.find("uptime")->as<term::Tuple>();
  ASSERT_TRUE(uptime != nullptr && uptime->elements.size() == 2);
  EXPECT_EQ(uptime->elements[1].as<term::Tuple>()->elements.size(), 3u);
  // Strings are lists of characters, as in Erlang.
  std::string text;
  EXPECT_TRUE(info.find("version")->as<term::List>() != nullptr &&
              term::as_text(*info.find("version"), text));
  EXPECT_EQ(text, node->options().version);
  EXPECT_EQ(node->exports().find("observer_backend", "sys_info", 1), nullptr);
  EXPECT_EQ(node->exports().find("observer_backend", "get_table", 3), nullptr);
}

}  // namespace
}  // namespace drey::cnode
