#include "cnode/raw.h"

#include "term/codec.h"

namespace drey::cnode::raw {
namespace {

enum Tag : std::uint8_t {
  NewPid = 88,
  NewerReference = 90,
  SmallInteger = 97,
  Integer = 98,
  AtomLatin1 = 100,
  Reference = 101,
  Pid = 103,
  SmallTuple = 104,
  LargeTuple = 105,
  Nil = 106,
  String = 107,
  List = 108,
  SmallBig = 110,
  NewReference = 114,
  SmallAtomLatin1 = 115,
  AtomUtf8 = 118,
  SmallAtomUtf8 = 119,
};

std::uint8_t tag(View term) { return term.empty() ? 0 : term[0]; }

/// The bytes of the atom at the front of `bytes` and its whole length.
std::string_view atom_at(View bytes, std::size_t* used) {
  Reader in(bytes);
  switch (in.u8()) {
    case AtomLatin1:
    case AtomUtf8: {
      const std::size_t length = in.u16();
      *used = 3 + length;
      return text(in.take(length));
    }
    case SmallAtomLatin1:
    case SmallAtomUtf8: {
      const std::size_t length = in.u8();
      *used = 2 + length;
      return text(in.take(length));
    }
    default:
      *used = 0;
      return {};
  }
}

}  // namespace

TupleView split_tuple(View bytes, std::size_t* used) {
  Reader in(bytes);
  if (in.u8() != SmallTuple) throw Error("bad_term", "no small tuple");
  TupleView tuple;
  tuple.arity = in.u8();
  if (tuple.arity > max_arity) throw Error("bad_term", fmt::format("a tuple of {} elements", tuple.arity));
  for (std::size_t i = 0; i < tuple.arity; ++i) tuple.element[i] = in.take(term::validate(in.rest()));
  if (used != nullptr) *used = in.position();
  return tuple;
}

bool is_pid(View term) { return tag(term) == NewPid || tag(term) == Pid; }
bool is_reference(View term) {
  return tag(term) == NewerReference || tag(term) == NewReference || tag(term) == Reference;
}
bool is_atom(View term) {
  return tag(term) == SmallAtomUtf8 || tag(term) == AtomUtf8 || tag(term) == SmallAtomLatin1 ||
         tag(term) == AtomLatin1;
}
bool is_list(View term) { return tag(term) == List || tag(term) == Nil || tag(term) == String; }
bool is_atom(View term, std::string_view name) { return is_atom(term) && atom_name(term) == name; }

std::string_view atom_name(View term) {
  std::size_t used = 0;
  return is_atom(term) ? atom_at(term, &used) : std::string_view{};
}

std::optional<std::uint64_t> unsigned_integer(View term) {
  Reader in(term);
  switch (tag(term)) {
    case SmallInteger:
      in.u8();
      return in.u8();
    case Integer: {
      in.u8();
      const auto value = static_cast<std::int32_t>(in.u32());
      if (value < 0) return {};
      return static_cast<std::uint64_t>(value);
    }
    case SmallBig: {
      in.u8();
      const std::size_t length = in.u8();
      if (in.u8() != 0 || length > 8) return {};
      std::uint64_t value = 0;
      const View digits = in.take(length);
      for (std::size_t i = length; i-- > 0;) value = value << 8 | digits[i];
      return value;
    }
    default:
      return {};
  }
}

std::string_view pid_node(View pid) {
  if (!is_pid(pid)) return {};
  std::size_t used = 0;
  return atom_at(pid.subspan(1), &used);
}

void put_atom(Writer& out, std::string_view name) {
  if (name.size() < 256)
    out.u8(SmallAtomUtf8).u8(static_cast<std::uint8_t>(name.size())).raw(name);
  else
    out.u8(AtomUtf8).u16(static_cast<std::uint16_t>(name.size())).raw(name);
}

void put_integer(Writer& out, std::uint64_t value) {
  if (value < 256) {
    out.u8(SmallInteger).u8(static_cast<std::uint8_t>(value));
  } else if (value <= 0x7fffffff) {
    out.u8(Integer).u32(static_cast<std::uint32_t>(value));
  } else {
    std::size_t length = 0;
    for (std::uint64_t rest = value; rest != 0; rest >>= 8) ++length;
    out.u8(SmallBig).u8(static_cast<std::uint8_t>(length)).u8(0);
    for (std::size_t i = 0; i < length; ++i) out.u8(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

Bytes make_atom(std::string_view name) {
  Bytes out;
  Writer writer(out);
  put_atom(writer, name);
  return out;
}

Bytes make_pid(std::string_view node, std::uint64_t number, std::uint32_t creation) {
  Bytes out;
  out.reserve(node.size() + 16);
  Writer writer(out);
  writer.u8(NewPid);
  put_atom(writer, node);
  // 28 bits of id and the rest as serial: readable as <N.Id.Serial>, and legal before V4_NC, too.
  writer.u32(static_cast<std::uint32_t>(number & 0xfffffff))
      .u32(static_cast<std::uint32_t>(number >> 28))
      .u32(creation);
  return out;
}

std::optional<std::uint64_t> own_pid(View pid, std::string_view node, std::uint32_t creation) {
  if (tag(pid) != NewPid) return {};
  std::size_t used = 0;
  if (atom_at(pid.subspan(1), &used) != node) return {};
  Reader in(pid.subspan(1 + used));
  const std::uint64_t id = in.u32();
  const std::uint64_t serial = in.u32();
  if (in.u32() != creation || id > 0xfffffff) return {};
  return serial << 28 | id;
}

Bytes make_reference(std::string_view node, std::uint64_t number, std::uint32_t creation) {
  Bytes out;
  Writer writer(out);
  writer.u8(NewerReference).u16(3);
  put_atom(writer, node);
  writer.u32(creation)
      .u32(static_cast<std::uint32_t>(number & 0x3ffff))
      .u32(static_cast<std::uint32_t>(number >> 18));
  writer.u32(0);
  return out;
}

std::optional<std::uint64_t> own_reference(View reference, std::string_view node, std::uint32_t creation) {
  if (tag(reference) != NewerReference) return {};
  Reader in(reference.subspan(1));
  if (in.u16() != 3) return {};
  std::size_t used = 0;
  if (atom_at(in.rest(), &used) != node) return {};
  in.take(used);
  if (in.u32() != creation) return {};
  const std::uint64_t low = in.u32(), high = in.u32();
  if (low > 0x3ffff || in.u32() != 0) return {};
  return high << 18 | low;
}

}  // namespace drey::cnode::raw
