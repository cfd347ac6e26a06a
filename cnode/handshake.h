#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cnode/bytes.h"
#include "cnode/digest.h"

/// The handshake of Erlang distribution, version 6, as two state machines that only see messages: what was
/// received goes in, what to send comes out. They own no socket and no timer. A message is without its
/// length; whoever frames them must refuse one longer than `max_message`.
namespace drey::cnode::handshake {

inline constexpr std::size_t max_message = 512;

/// This node, as the other side will see it.
struct Local {
  std::string name;
  std::string cookie;
  std::uint64_t flags = 0;
  std::uint32_t creation = 1;
};

/// The other side. `flags` are those that both have; trust it only once the handshake is done.
struct Peer {
  std::string name;
  std::uint64_t flags = 0;
  std::uint32_t creation = 0;
  bool replaces = false;  ///< it was told that it is connected already, and insisted
};

/// What the node says to a peer that asks to come in.
enum class Admission { Ok, OkSimultaneous, Nok, NotAllowed, Alive };
using Admit = std::function<Admission(const Peer&)>;

struct Step {
  Bytes send;             ///< one message, or several with `split` between them; empty: nothing
  std::size_t split = 0;  ///< length of the first message when there are two; 0: there is one
  bool done = false;      ///< after sending, switch to 4-byte packets
};

/// The side that accepted the connection.
class Acceptor {
 public:
  Acceptor(Local local, Admit admit, std::uint32_t challenge = random_u32());
  /// \throws Error{refused} with the reason when the peer must go; the message in `last_word()`, if any, is
  /// sent first
  Step receive(View message);
  const Bytes& last_word() const { return last_word_; }
  const Peer& peer() const { return peer_; }

 private:
  Step name(View message);
  Step challenge_message();
  [[noreturn]] void refuse(std::string_view status, const std::string& why);

  enum class State { Name, Status, Complement, Reply, Done } state_ = State::Name;
  Local local_;
  Admit admit_;
  Peer peer_;
  bool old_name_ = false;  // the peer wrote 'n' and owes a complement
  bool named_ =
      false;  // the peer has no name and got one here, as one does that is started with `-name undefined`
  std::uint32_t challenge_;
  Bytes last_word_;
};

/// The side that connected.
class Initiator {
 public:
  /// \param expected the name under which the peer was looked up; another one is refused
  Initiator(Local local, std::string expected, std::uint32_t challenge = random_u32());
  Bytes begin() const;
  /// \throws Error{refused}
  Step receive(View message);
  const Peer& peer() const { return peer_; }
  /// Whether the peer's status said that it has a connection under way to us, too.
  bool simultaneous() const { return simultaneous_; }

 private:
  Step status(View message);
  Step challenge(View message);

  enum class State { Status, Challenge, Ack, Done } state_ = State::Status;
  Local local_;
  std::string expected_;
  Peer peer_;
  bool simultaneous_ = false;
  std::uint32_t challenge_;
};

}  // namespace drey::cnode::handshake
