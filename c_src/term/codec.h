#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "term/term.h"

/// The external term format (https://www.erlang.org/doc/apps/erts/erl_ext_dist.html).
namespace drey::term {

/// What a decoder accepts. A peer controls every byte, so each is bounded.
struct Limits {
  std::size_t bytes = std::size_t{1} << 28;
  std::size_t depth = 256;
  std::size_t elements = std::size_t{1} << 24;  ///< of lists, tuples and maps in all
};

/// Checks that one well-formed term (no leading 131) begins at `bytes` and returns its length in bytes.
/// Iterative, one pass, allocates nothing that grows with a claimed length. Rejects atom-cache references,
/// compressed terms and non-finite floats, as a BEAM does.
/// \throws Error{bad_term}
std::size_t validate(std::span<const std::uint8_t> bytes, const Limits& limits = {});

/// Decodes one term (no leading 131). Binaries longer than 64 bytes are views into `bytes`, kept alive by
/// `owner` when it is given, and copied otherwise. `*used` receives the length.
/// \throws Error{bad_term}
Term decode(std::span<const std::uint8_t> bytes, std::size_t* used = nullptr,
            std::shared_ptr<const void> owner = nullptr, const Limits& limits = {});

/// An encoded term as pieces in order: small parts that were written, and large binaries by reference, ready
/// for one gather write. No piece is empty.
struct Encoded {
  struct Piece {
    std::vector<std::uint8_t> written;  ///< used when `shared` is empty
    Binary shared;
    std::span<const std::uint8_t> bytes() const { return written.empty() ? shared.bytes() : written; }
  };
  std::vector<Piece> pieces;
  std::size_t size = 0;
  std::vector<std::uint8_t> flatten() const;
};

/// Encodes without the leading 131. Integers in their shortest form; binaries of at least `share_from` bytes
/// by reference. A non-finite double is a programming error upstream.
/// \throws Error{not_finite}
Encoded encode(const Term& term, std::size_t share_from = 4096);

}  // namespace drey::term
