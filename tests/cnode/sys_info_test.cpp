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
  EXPECT_NE(info.find("uptime")->as<std::int64_t>(), nullptr);
  EXPECT_GT(*info.find("total")->as<std::int64_t>(), 0);
  // Strings are lists of characters, as in Erlang.
  std::string text;
  EXPECT_TRUE(info.find("version")->as<term::List>() != nullptr &&
              term::as_text(*info.find("version"), text));
  EXPECT_EQ(text, node->options().version);
  EXPECT_EQ(node->exports().find("observer_backend", "sys_info", 1), nullptr);
  EXPECT_EQ(node->exports().find("observer_backend", "get_table", 3), nullptr);
}

TEST_F(SysInfo, TellsWhatIsExportedAndLoadsNothing) {
  Peer peer(io, *node, "p@h");
  const auto value = [&](std::string_view module, std::string_view function, std::string_view arguments) {
    test::erpc_call(peer, term::atom(module), term::atom(function), erl(arguments));
    (void)peer.receive();
    const Received exit = peer.receive();
    const auto* result = exit.payload.as<term::Tuple>();
    return result != nullptr && result->elements[1].is_atom("return") ? result->elements[2]
                                                                      : term::atom("failed");
  };
  EXPECT_EQ(value("code", "ensure_loaded", "[observer_backend]"), erl("{module, observer_backend}"));
  EXPECT_EQ(value("code", "ensure_loaded", "[t]"), erl("{module, t}"));
  EXPECT_EQ(value("code", "ensure_loaded", "[os]"), erl("{error, nofile}"));
  EXPECT_EQ(value("code", "ensure_loaded", "[\"t\"]"), erl("{error, nofile}"));
  EXPECT_EQ(value("erlang", "function_exported", "[t, f, 1]"), erl("true"));
  for (const std::string_view none : {"[t, f, 2]", "[t, f, -1]", "[os, cmd, 1]", "[t, 1, 1]", "[t, f, x]"})
    EXPECT_EQ(value("erlang", "function_exported", none), erl("false")) << none;
  EXPECT_EQ(value("erlang", "node", "[]"), term::atom(node->name()));
  EXPECT_EQ(value("erlang", "node", "[x]"), erl("failed"));
  EXPECT_EQ(value("code", "load_binary", "[a, \"a\", <<>>]"), erl("failed"));
}

}  // namespace
}  // namespace drey::cnode
