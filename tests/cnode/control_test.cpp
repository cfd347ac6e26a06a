#include "cnode/control.h"

#include <gtest/gtest.h>

#include "tests/cnode/hex.h"

namespace drey::cnode::control {
namespace {

Bytes atom(std::string_view name) { return raw::make_atom(name); }
Bytes tuple(std::initializer_list<Bytes> elements) {
  Bytes out = {104, static_cast<std::uint8_t>(elements.size())};
  for (const Bytes& element : elements) out = out + element;
  return out;
}
Bytes number(std::uint64_t value) {
  Bytes out;
  Writer writer(out);
  raw::put_integer(writer, value);
  return out;
}
const Bytes pid = hex(be_pid), ours = hex(py_pid), ref = hex(be_request);

template <typename T>
T parsed(const Bytes& bytes, bool payload) {
  const Parsed result = parse(bytes);
  EXPECT_EQ(result.used, bytes.size());
  EXPECT_EQ(result.payload, payload);
  return std::get<T>(result.message);
}

TEST(Control, ReadsASpawnRequestOfOtp) {
  const Bytes bytes =
      hex("6806 611d") + ref + pid + hex(be_leader) +
      hex("6803 770465727063 770c657865637574655f63616c6c 6104 6c00000001 77076d6f6e69746f72 6a");
  const auto request = parsed<SpawnRequest>(bytes, true);
  EXPECT_TRUE(same(request.reference, ref));
  EXPECT_TRUE(same(request.from, pid));
  EXPECT_TRUE(same(request.group_leader, hex(be_leader)));
  EXPECT_TRUE(raw::is_atom(request.module, "erpc"));
  EXPECT_TRUE(raw::is_atom(request.function, "execute_call"));
  EXPECT_EQ(request.arity, 4u);
  EXPECT_TRUE(raw::is_list(request.options));
}

TEST(Control, WritesTheBytesThatOtpTook) {
  Bytes out;
  Writer writer(out);
  put(writer, SpawnReply{ref, pid, spawned_with_monitor, ours});
  EXPECT_EQ(out, hex("6805 611f") + ref + pid + hex("6102") + ours);
  out.clear();
  put(writer, MonitorExit{ours, pid, ref, {}});
  EXPECT_EQ(out, hex("6804 611c") + ours + pid + ref);
  out.clear();
  put(writer, AliasSend{ours, ref});
  EXPECT_EQ(out, hex("6803 6121") + ours + ref);
}

TEST(Control, ReadsWhatItWrites) {
  Bytes out;
  Writer writer(out);
  const auto again = [&](const auto& message, bool payload) {
    out.clear();
    put(writer, message);
    return parsed<std::decay_t<decltype(message)>>(out, payload);
  };
  EXPECT_TRUE(same(again(Link{pid, ours}, false).to, ours));
  EXPECT_TRUE(same(again(Send{pid, ours}, true).sender, pid));
  EXPECT_TRUE(again(Send{{}, ours}, true).sender.empty());
  EXPECT_TRUE(raw::is_atom(again(RegSend{pid, atom("drey")}, true).name, "drey"));
  EXPECT_FALSE(again(Exit{pid, ours, {}}, true).reason);
  EXPECT_TRUE(raw::is_atom(again(Monitor{pid, atom("drey"), ref}, false).target, "drey"));
  EXPECT_TRUE(same(again(Demonitor{pid, ours, ref}, false).target, ours));
  EXPECT_EQ(again(UnlinkIdAck{0xffffffffffffffff, pid, ours}, false).id, 0xffffffffffffffffu);
}

TEST(Control, OlderFormsAndTraceTokensAreTaken) {
  const Bytes token = atom("token"), reason = atom("why");
  EXPECT_TRUE(raw::is_atom(*parsed<Exit>(tuple({number(3), pid, ours, reason}), false).reason, "why"));
  EXPECT_TRUE(
      raw::is_atom(*parsed<Exit>(tuple({number(13), pid, ours, token, reason}), false).reason, "why"));
  EXPECT_TRUE(raw::is_atom(*parsed<Exit2>(tuple({number(8), pid, ours, reason}), false).reason, "why"));
  EXPECT_TRUE(
      raw::is_atom(*parsed<Exit2>(tuple({number(18), pid, ours, token, reason}), false).reason, "why"));
  EXPECT_TRUE(
      raw::is_atom(*parsed<MonitorExit>(tuple({number(21), pid, ours, ref, reason}), false).reason, "why"));
  EXPECT_TRUE(same(parsed<Send>(tuple({number(12), atom(""), ours, token}), true).to, ours));
  EXPECT_TRUE(raw::is_atom(parsed<RegSend>(tuple({number(16), pid, atom(""), atom("rex"), token}), true).name,
                           "rex"));
  EXPECT_TRUE(same(parsed<Send>(tuple({number(23), pid, ours, token}), true).to, ours));
  EXPECT_FALSE(parsed<Exit>(tuple({number(25), pid, ours, token}), true).reason);
  EXPECT_FALSE(parsed<Exit2>(tuple({number(27), pid, ours, token}), true).reason);
  EXPECT_TRUE(same(parsed<AliasSend>(tuple({number(34), pid, ref, token}), true).alias, ref));
  EXPECT_EQ(parsed<SpawnReply>(tuple({number(32), ref, pid, number(0), atom("busy"), token}), false).flags,
            0u);
  const Bytes mfa = tuple({atom("m"), atom("f"), number(0)});
  EXPECT_EQ(parsed<SpawnRequest>(tuple({number(30), ref, pid, pid, mfa, hex("6a"), token}), true).arity, 0u);
}

TEST(Control, WhatNoNodeSendsIsAnError) {
  const Bytes mfa = tuple({atom("m"), atom("f"), number(0)}), nil = hex("6a");
  for (const Bytes& bad : {Bytes(),
                           Bytes{104},
                           hex("6800"),
                           hex("611d"),
                           nil,
                           tuple({atom("send"), pid}),
                           tuple({number(99), pid}),
                           tuple({number(4), pid, ours}),
                           tuple({number(1), pid}),
                           tuple({number(1), pid, ours, ours}),
                           tuple({number(1), ref, ours}),
                           tuple({number(1), pid, atom("name")}),
                           tuple({number(19), pid, ours, atom("normal")}),
                           tuple({number(19), pid, ref, ref}),
                           tuple({number(6), pid, atom(""), pid}),
                           tuple({number(2), atom(""), atom("name")}),
                           tuple({number(33), pid, pid}),
                           tuple({number(35), number(0), pid, ours}),
                           tuple({number(35), hex("6e09000000000000000000 01"), pid, ours}),
                           tuple({number(35), hex("62ffffffff"), pid, ours}),
                           tuple({number(29), ref, pid, pid, atom("m"), nil}),
                           tuple({number(29), ref, pid, pid, mfa, atom("none")}),
                           tuple({number(29), ref, pid, atom("user"), mfa, nil}),
                           tuple({number(29), pid, pid, pid, mfa, nil}),
                           tuple({number(37), number(0), pid, ours}),
                           tuple({hex("6e0401ffffffff"), pid, ours}),
                           hex("6804 6106") + pid,
                           tuple({number(1), pid, hex("52 00")})}) {
    try {
      (void)parse(bad);
      ADD_FAILURE() << fmt::format("taken: {} bytes", bad.size());
    } catch (const Error& error) {
      EXPECT_EQ(error.reason(), "bad_control");
    }
  }
}

TEST(Control, EveryCutOfAMessageIsAnError) {
  const Bytes whole =
      tuple({number(29), ref, pid, pid, tuple({atom("erpc"), atom("execute_call"), number(4)}), hex("6a")});
  EXPECT_NO_THROW((void)parse(whole));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW((void)parse(View(whole).first(length)), Error) << length;
}

}  // namespace
}  // namespace drey::cnode::control
