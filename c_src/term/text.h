#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "term/term.h"

/// Erlang's own notation for terms, as in files that file:consult/1 reads.
namespace drey::term {

struct TextLimits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t depth = 64;
  bool short_floats = false;  ///< reads 1e-3 too, for which Erlang wants 1.0e-3
};

/// Reads one term of UTF-8 text, which may end with a full stop: integers (`16#ff`, `1_000`, `$a`), floats, atoms,
/// strings (lists of code points, as Erlang has them; adjacent ones are one), binaries of bytes and strings, tuples,
/// lists, maps, comments. Nothing is evaluated: no variables, no funs.
/// \throws Error{bad_term} with the line and column of the first thing that it does not know
Term parse_text(std::string_view text, const TextLimits& limits = {});

/// A term that is text: a string, a binary or an atom; `false` where it is none.
bool as_text(const Term& term, std::string& text);

}  // namespace drey::term
