#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cnode/bytes.h"

/// Terms as the bytes they travel in (external term format, no leading 131). Pids and references are never
/// taken apart but by `pid_node`; they are compared and echoed as bytes. The bytes given to these functions
/// must have passed term::validate.
namespace drey::cnode::raw {

inline constexpr std::size_t max_arity = 8;

/// The elements of a tuple of at most `max_arity`, as slices of the bytes.
struct TupleView {
  std::array<View, max_arity> element{};
  std::size_t arity = 0;
};

/// Splits the tuple at the front of `bytes`, each element checked, and sets `*used` to its length.
/// \throws Error{bad_term} for no tuple, one of more than max_arity, or malformed elements
TupleView split_tuple(View bytes, std::size_t* used = nullptr);

bool is_pid(View term);
bool is_reference(View term);
bool is_atom(View term);
bool is_list(View term);
/// Whether the term is that atom, in any of an atom's encodings.
bool is_atom(View term, std::string_view name);
/// An atom's name (UTF-8, or Latin-1 for the old tags); empty for anything else.
std::string_view atom_name(View term);
/// A non-negative integer below 2^64.
std::optional<std::uint64_t> unsigned_integer(View term);
/// The name of the node that a pid belongs to; empty for anything else.
std::string_view pid_node(View pid);

void put_atom(Writer& out, std::string_view name);
void put_integer(Writer& out, std::uint64_t value);
inline void put_tuple(Writer& out, std::size_t arity) { out.u8(104).u8(static_cast<std::uint8_t>(arity)); }
Bytes make_atom(std::string_view name);
/// NEW_PID_EXT
Bytes make_pid(std::string_view node, std::uint64_t number, std::uint32_t creation);
/// The number of a pid that make_pid would make for this node and creation; nothing for any other.
std::optional<std::uint64_t> own_pid(View pid, std::string_view node, std::uint32_t creation);
/// NEWER_REFERENCE_EXT of three words; 50 bits of the number are kept
Bytes make_reference(std::string_view node, std::uint64_t number, std::uint32_t creation);
/// The number of a reference that make_reference would make for this node and creation; nothing for any other.
std::optional<std::uint64_t> own_reference(View reference, std::string_view node, std::uint32_t creation);

}  // namespace drey::cnode::raw
