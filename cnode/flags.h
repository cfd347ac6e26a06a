#pragma once

#include <cstdint>

/// Capabilities that two nodes tell each other in the handshake
/// (https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html, distribution flags).
namespace drey::cnode::flags {

inline constexpr std::uint64_t Published = 0x1;
inline constexpr std::uint64_t AtomCache = 0x2;
inline constexpr std::uint64_t ExtendedReferences = 0x4;
inline constexpr std::uint64_t DistMonitor = 0x8;
inline constexpr std::uint64_t FunTags = 0x10;
inline constexpr std::uint64_t DistMonitorName = 0x20;
inline constexpr std::uint64_t NewFunTags = 0x80;
inline constexpr std::uint64_t ExtendedPidsPorts = 0x100;
inline constexpr std::uint64_t ExportPtrTag = 0x200;
inline constexpr std::uint64_t BitBinaries = 0x400;
inline constexpr std::uint64_t NewFloats = 0x800;
inline constexpr std::uint64_t UnicodeIo = 0x1000;
inline constexpr std::uint64_t DistHdrAtomCache = 0x2000;
inline constexpr std::uint64_t SmallAtomTags = 0x4000;
inline constexpr std::uint64_t Utf8Atoms = 0x10000;
inline constexpr std::uint64_t MapTag = 0x20000;
inline constexpr std::uint64_t BigCreation = 0x40000;
inline constexpr std::uint64_t SendSender = 0x80000;
inline constexpr std::uint64_t BigSeqtraceLabels = 0x100000;
inline constexpr std::uint64_t ExitPayload = 0x400000;
inline constexpr std::uint64_t Fragments = 0x800000;
inline constexpr std::uint64_t Handshake23 = 0x1000000;
inline constexpr std::uint64_t UnlinkId = 0x2000000;
inline constexpr std::uint64_t Mandatory25Digest = 0x4000000;
inline constexpr std::uint64_t Spawn = std::uint64_t{1} << 32;
inline constexpr std::uint64_t NameMe = std::uint64_t{1} << 33;
inline constexpr std::uint64_t V4Nc = std::uint64_t{1} << 34;
inline constexpr std::uint64_t Alias = std::uint64_t{1} << 35;

/// What Mandatory25Digest stands for.
inline constexpr std::uint64_t Mandatory25 = ExtendedReferences | FunTags | NewFunTags | ExtendedPidsPorts |
                                             ExportPtrTag | BitBinaries | NewFloats | Utf8Atoms | MapTag |
                                             BigCreation | Handshake23;

/// What this node does: all of OTP 27's defaults but the atom cache, and hidden.
inline constexpr std::uint64_t Ours = Mandatory25 | DistMonitor | DistMonitorName | UnicodeIo |
                                      SmallAtomTags | SendSender | BigSeqtraceLabels | ExitPayload |
                                      Fragments | UnlinkId | Mandatory25Digest | Spawn | V4Nc | Alias;
static_assert(Ours == 0xD07DF5FBC);

/// Peers without these are refused (`not_allowed`): every OTP from 25 on has them.
inline constexpr std::uint64_t Required = Mandatory25 | UnlinkId | V4Nc;

/// A peer's flags with the shorthand spelt out.
constexpr std::uint64_t expand(std::uint64_t flags) {
  return (flags & Mandatory25Digest) != 0 ? flags | Mandatory25 : flags;
}

}  // namespace drey::cnode::flags
