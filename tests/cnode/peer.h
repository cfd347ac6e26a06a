#pragma once

#include "cnode/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cnode/control.h"
#include "cnode/exports.h"
#include "cnode/flags.h"
#include "cnode/node.h"
#include "term/codec.h"
#include "term/text.h"
#include "tests/cnode/node_options.h"

/// A node with a peer made by hand, for tests of what the node says to whom, in which order.
namespace drey::cnode::test {

/// A term as Erlang writes it.
inline term::Term erl(std::string_view text) { return term::parse_text(text); }
/// A pid or a reference as a term.
inline term::Term opaque(const Bytes& bytes) { return term::Opaque{bytes}; }

/// What came from the node: the control message, and the payload where there is one.
struct Received {
  Bytes bytes;  ///< that `control` looks into
  control::Message control;
  bool has_payload = false;
  term::Term payload;
  template <typename T>
  const T* is() const {
    return std::get_if<T>(&control);
  }
};

/// A connected peer on the other end of a socket, without fragments: every packet is one message.
class Peer {
 public:
  static constexpr std::uint64_t flags = flags::Ours & ~flags::Fragments;

  Peer(asio::io_context& io, Node& node, const std::string& name, std::uint64_t capabilities = flags)
      : io_(io), name_(name), socket_(io) {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    socket_.connect(acceptor.local_endpoint());
    tcp::socket other(io);
    acceptor.accept(other);
    socket_.non_blocking(true);
    node.connected({name, capabilities, creation, false}, make_plain_stream(std::move(other)), {});
  }

  /// A process of the peer, and a reference of one.
  Bytes pid(std::uint64_t number = 1) const { return raw::make_pid(name_, number, creation); }
  Bytes reference(std::uint64_t number = 1) const { return raw::make_reference(name_, number, creation); }

  void send(const Bytes& control) { send_packet(control, {}); }
  void send(const Bytes& control, const term::Term& payload) {
    Bytes bytes = {131};
    const Bytes encoded = term::encode(payload).flatten();
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
    send_packet(control, bytes);
  }
  template <typename Message>
  void send(const Message& message) {
    send(written(message));
  }
  template <typename Message>
  void send(const Message& message, const term::Term& payload) {
    send(written(message), payload);
  }
  template <typename Message>
  static Bytes written(const Message& message) {
    Bytes control;
    Writer out(control);
    control::put(out, message);
    return control;
  }

  /// The next message, ticks apart. Fails the test when none comes.
  Received receive() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (waiting_.empty() && !closed_ && std::chrono::steady_clock::now() < end) poll();
    if (waiting_.empty()) {
      ADD_FAILURE() << (closed_ ? "the node hung up" : "the node said nothing");
      return {};
    }
    Received first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }
  /// Whether nothing came in answer to what was sent before: a ping's answer is the next message.
  bool silent() {
    const term::Term tag = opaque(reference(4242));
    send(control::RegSend{pid(4242), raw::make_atom("net_kernel")},
         term::tuple({term::atom("$gen_call"), term::tuple({opaque(pid(4242)), tag}),
                      term::tuple({term::atom("is_auth"), term::atom(name_)})}));
    const Received next = receive();
    return next.has_payload && next.payload == term::tuple({tag, term::atom("yes")});
  }
  /// Whether the node ends the connection.
  bool hung_up() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!closed_ && std::chrono::steady_clock::now() < end) poll();
    return closed_;
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
    for (int i = 0; i < 20; ++i) io_.poll();
  }
  void poll() {
    io_.run_one_for(std::chrono::milliseconds(5));
    std::array<std::uint8_t, 65536> some;
    for (;;) {
      error_code error;
      const std::size_t count = socket_.read_some(asio::buffer(some), error);
      in_.insert(in_.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
      if (error && error != asio::error::would_block) closed_ = true;
      if (error || count == 0) break;
    }
    take_packets();
  }

  static constexpr std::uint32_t creation = 7;

 private:
  void send_packet(const Bytes& control, const Bytes& payload) {
    Bytes packet;
    Writer(packet).u32(static_cast<std::uint32_t>(2 + control.size() + payload.size())).u8(112).u8(131);
    Writer(packet).raw(View(control)).raw(View(payload));
    for (std::size_t at = 0; at < packet.size() && !closed_;) {
      error_code error;
      at += socket_.write_some(asio::buffer(packet.data() + at, packet.size() - at), error);
      if (error && error != asio::error::would_block) return;
      if (error) poll();
    }
  }
  void take_packets() {
    while (in_.size() >= 4) {
      Reader in(in_);
      const std::size_t length = in.u32();
      if (in.left() < length) return;
      const View packet = in.take(length);
      if (length > 0) {
        Reader content(packet);
        EXPECT_EQ(content.u8(), 112);
        EXPECT_EQ(content.u8(), 131);
        Received received;
        received.bytes = copy(content.rest());
        const control::Parsed parsed = control::parse(received.bytes);
        received.control = parsed.message;
        received.has_payload = parsed.payload;
        if (parsed.payload) {
          EXPECT_EQ(received.bytes[parsed.used], 131);
          received.payload = term::decode(View(received.bytes).subspan(parsed.used + 1));
        }
        waiting_.push_back(std::move(received));
        // The views of a control message look into its own bytes, wherever they have been moved to.
        auto& kept = waiting_.back();
        kept.control = control::parse(kept.bytes).message;
      }
      in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(4 + length));
    }
  }

  asio::io_context& io_;
  std::string name_;
  tcp::socket socket_;
  Bytes in_;
  std::deque<Received> waiting_;
  bool closed_ = false;
};

/// A node whose module `t` keeps what it is asked, for the test to answer.
class WithNode : public testing::Test {
 protected:
  struct Asked {
    std::string function;
    std::vector<term::Term> arguments;
    std::shared_ptr<Caller> caller;
  };
  void start(NodeOptions given = options()) {
    Exports exports;
    exports.add("t", {[](std::string_view function, std::size_t arity) {
                        return (function == "f" && arity == 1) || (function == "g" && arity == 0) ||
                               (function == "crash" && arity == 0);
                      },
                      [this](Call call) -> Cancel {
                        if (call.function == "crash") throw std::runtime_error("it threw");
                        asked.push_back({call.function, std::move(call.arguments), call.caller});
                        return [this] { ++cancelled; };
                      },
                      {"f", "g", "crash"}});
    node = std::make_unique<Node>(io, std::move(given), std::move(exports));
  }
  void SetUp() override { start(); }
  /// Runs what is ready until the node was asked so often.
  void await_asked(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (asked.size() < count && std::chrono::steady_clock::now() < end)
      io.run_one_for(std::chrono::milliseconds(5));
    ASSERT_EQ(asked.size(), count);
  }

  /// Our pid of the call of `t` that `request` begins, as the spawn reply gives it, which must come first.
  template <typename Request>
  Bytes begun(Peer& peer, Request&& request, Received* spawn_reply = nullptr) {
    const std::size_t before = asked.size();
    request();
    Received reply = peer.receive();
    const auto* spawned = reply.is<control::SpawnReply>();
    EXPECT_NE(spawned, nullptr) << "the first word is the spawn reply";
    if (spawned == nullptr) return {};
    await_asked(before + 1);
    const Bytes pid = copy(spawned->result);
    if (spawn_reply != nullptr) {
      *spawn_reply = std::move(reply);
      spawn_reply->control = control::parse(spawn_reply->bytes).message;
    }
    return pid;
  }

  asio::io_context io;
  std::vector<Asked> asked;
  int cancelled = 0;
  std::unique_ptr<Node> node;
};

/// {29, ReqId, From, GroupLeader, {M, F, A}, Options}
inline Bytes spawn_request(const Bytes& reference, const Bytes& from, const Bytes& leader,
                           std::string_view module, std::string_view function, std::uint64_t arity,
                           const term::Term& spawn_options) {
  return term::encode(term::tuple({term::Term(29), opaque(reference), opaque(from), opaque(leader),
                                   term::tuple({term::atom(module), term::atom(function),
                                                term::Term(static_cast<std::int64_t>(arity))}),
                                   spawn_options}))
      .flatten();
}
/// What erpc:call(Node, M, F, A) sends; the result reference is number 77.
inline void erpc_call(Peer& peer, const term::Term& module, const term::Term& function,
                      const term::Term& arguments, std::uint64_t reference = 1,
                      const term::Term& spawn_options = erl("[monitor]")) {
  peer.send(spawn_request(peer.reference(reference), peer.pid(), peer.pid(2), "erpc", "execute_call", 4,
                          spawn_options),
            term::list({opaque(peer.reference(77)), module, function, arguments}));
}

}  // namespace drey::cnode::test
