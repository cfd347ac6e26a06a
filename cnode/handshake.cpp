#include "cnode/handshake.h"

#include "cnode/flags.h"
#include "cnode/names.h"

namespace drey::cnode::handshake {
namespace {

std::string printable(View bytes) {
  std::string shown;
  for (const std::uint8_t c : bytes.subspan(0, std::min<std::size_t>(bytes.size(), 64)))
    shown += c > ' ' && c <= '~' ? static_cast<char>(c) : '?';
  return shown;
}

Error refused(const std::string& why) { return Error("refused", why); }

/// Reads under a reader's bounds, with one reason for every failure of a handshake.
template <typename F>
auto guarded(F&& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.reason() == "refused") throw;
    throw refused(error.message());
  }
}

std::string peer_name(Reader& in, bool only_host = false) {
  const std::size_t length = in.u16();
  const std::string name(text(in.take(length)));
  NodeName::parse(only_host ? "x@" + name : name);
  return name;
}

/// A name that nobody has: 13 digits of base 36, as a BEAM gives.
std::string fresh_name(const std::string& host) {
  std::uint64_t random = std::uint64_t{random_u32()} << 32 | random_u32();
  std::string name(13, '0');
  for (char& digit : name) {
    digit = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[random % 36];
    random /= 36;
  }
  return name + "@" + host;
}

/// Flags that only an honest peer of OTP 25 or later has.
void require_flags(std::uint64_t flags, const std::string& name) {
  const std::uint64_t missing = flags::Required & ~flags;
  if (missing != 0)
    throw refused(fmt::format("{} lacks distribution flags {:#x}: OTP 25 or later is needed", name, missing));
}

}  // namespace

Acceptor::Acceptor(Local local, Admit admit, std::uint32_t challenge)
    : local_(std::move(local)), admit_(std::move(admit)), challenge_(challenge) {}

void Acceptor::refuse(std::string_view status, const std::string& why) {
  Writer(last_word_).u8('s').raw(status);
  throw refused(why);
}

Step Acceptor::challenge_message() {
  Step step;
  // A peer that is named looks for the flag in the answer.
  const std::uint64_t flags = local_.flags | (named_ ? flags::NameMe : 0);
  Writer(step.send).u8('N').u64(flags).u32(challenge_).u32(local_.creation);
  Writer(step.send).u16(static_cast<std::uint16_t>(local_.name.size())).raw(local_.name);
  return step;
}

Step Acceptor::name(View message) {
  Reader in(message);
  switch (in.u8()) {
    case 'N':
      peer_.flags = flags::expand(in.u64());
      peer_.creation = in.u32();
      named_ = (peer_.flags & flags::NameMe) != 0;
      peer_.name = peer_name(in, named_);
      break;
    case 'n':
      in.u16();  // the version, which has said 5 since the message was made
      peer_.flags = in.u32();
      peer_.name = text(in.rest());
      NodeName::parse(peer_.name);
      old_name_ = true;
      break;
    default:
      throw refused(fmt::format("no Erlang node: the handshake began with '{}'", printable(message)));
  }
  if (named_) {
    peer_.name = fresh_name(peer_.name);
    peer_.creation = random_u32() | 4;
  }
  // An old message carries the high half of the flags later.
  const std::uint64_t required = old_name_ ? flags::Required & 0xffffffff : flags::Required;
  if ((peer_.flags & required) != required) {
    Writer(last_word_).u8('s').raw("not_allowed");
    require_flags(peer_.flags | (flags::Required & ~required), peer_.name);
  }

  Step first;
  Writer status(first.send);
  switch (peer_.name == local_.name ? Admission::Nok : admit_(peer_)) {
    case Admission::Ok:
      status.u8('s').raw(named_ ? "named:" : "ok");
      if (named_) {
        status.u16(static_cast<std::uint16_t>(peer_.name.size())).raw(peer_.name);
        status.u32(peer_.creation);
      }
      break;
    case Admission::OkSimultaneous:
      status.u8('s').raw("ok_simultaneous");
      break;
    case Admission::Nok:
      refuse("nok", fmt::format("{} must wait for the connection under way to it", peer_.name));
    case Admission::NotAllowed:
      refuse("not_allowed", fmt::format("{} is not admitted", peer_.name));
    case Admission::Alive:
      status.u8('s').raw("alive");
      state_ = State::Status;
      return first;
  }
  const Step second = challenge_message();
  first.split = first.send.size();
  Writer(first.send).raw(second.send);
  state_ = old_name_ ? State::Complement : State::Reply;
  return first;
}

Step Acceptor::receive(View message) {
  return guarded([&]() -> Step {
    if (message.size() > max_message)
      throw refused(fmt::format("a handshake message of {} bytes", message.size()));
    Reader in(message);
    switch (state_) {
      case State::Name:
        return name(message);
      case State::Status:
        if (in.u8() != 's' || text(in.rest()) != "true")
          throw refused(fmt::format("{} keeps the connection it has", peer_.name));
        peer_.replaces = true;
        state_ = old_name_ ? State::Complement : State::Reply;
        return challenge_message();
      case State::Complement:
        if (in.u8() != 'c') throw refused(fmt::format("{} sent no complement", peer_.name));
        peer_.flags |= static_cast<std::uint64_t>(in.u32()) << 32;
        peer_.creation = in.u32();
        require_flags(peer_.flags, peer_.name);
        state_ = State::Reply;
        return {};
      case State::Reply: {
        if (in.u8() != 'r') throw refused(fmt::format("{} sent no challenge reply", peer_.name));
        const std::uint32_t theirs = in.u32();
        const View proof = in.take(16);
        if (!equal_in_constant_time(proof, digest(local_.cookie, challenge_)))
          throw refused(fmt::format("{} has another cookie", peer_.name));
        peer_.flags &= local_.flags;
        Step step;
        Writer(step.send).u8('a').raw(View(digest(local_.cookie, theirs)));
        step.done = true;
        state_ = State::Done;
        return step;
      }
      case State::Done:
        break;
    }
    throw refused("a message after the handshake was done");
  });
}

Initiator::Initiator(Local local, std::string expected, std::uint32_t challenge)
    : local_(std::move(local)), expected_(std::move(expected)), challenge_(challenge) {}

Bytes Initiator::begin() const {
  Bytes message;
  Writer(message).u8('N').u64(local_.flags).u32(local_.creation);
  Writer(message).u16(static_cast<std::uint16_t>(local_.name.size())).raw(local_.name);
  return message;
}

Step Initiator::status(View message) {
  Reader in(message);
  if (in.u8() != 's') throw refused(fmt::format("{} answered no status", expected_));
  const std::string_view status = text(in.rest());
  Step step;
  state_ = State::Challenge;
  if (status == "ok") return step;
  if (status == "ok_simultaneous") {
    simultaneous_ = true;
    return step;
  }
  if (status == "alive") {  // it still holds a connection of an earlier life of ours
    Writer(step.send).u8('s').raw("true");
    return step;
  }
  if (status == "nok")
    throw refused(fmt::format("{} is connecting to this node and asks it to wait", expected_));
  if (status == "not_allowed") throw refused(fmt::format("{} does not admit this node", expected_));
  throw refused(fmt::format("{} answered status '{}'", expected_, printable(view(status))));
}

Step Initiator::challenge(View message) {
  Reader in(message);
  if (in.u8() != 'N') throw refused(fmt::format("{} does not speak handshake version 6", expected_));
  peer_.flags = flags::expand(in.u64());
  const std::uint32_t theirs = in.u32();
  peer_.creation = in.u32();
  peer_.name = peer_name(in);
  if (peer_.name != expected_) throw refused(fmt::format("{} calls itself {}", expected_, peer_.name));
  require_flags(peer_.flags, peer_.name);
  peer_.flags &= local_.flags;
  Step step;
  Writer(step.send).u8('r').u32(challenge_).raw(View(digest(local_.cookie, theirs)));
  state_ = State::Ack;
  return step;
}

Step Initiator::receive(View message) {
  return guarded([&]() -> Step {
    if (message.size() > max_message)
      throw refused(fmt::format("a handshake message of {} bytes", message.size()));
    switch (state_) {
      case State::Status:
        return status(message);
      case State::Challenge:
        return challenge(message);
      case State::Ack: {
        Reader in(message);
        if (in.u8() != 'a' || !equal_in_constant_time(in.take(16), digest(local_.cookie, challenge_)))
          throw refused(fmt::format("{} has another cookie", expected_));
        state_ = State::Done;
        Step step;
        step.done = true;
        return step;
      }
      case State::Done:
        break;
    }
    throw refused("a message after the handshake was done");
  });
}

}  // namespace drey::cnode::handshake
