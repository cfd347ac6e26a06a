#pragma once

#include <string_view>

#include "term/text.h"

/// Erlang's own notation for terms, so that tests can write models as a user types them:
///     term::Term model = test::erlang("#{data => #{y => [1, 2.5]}, model => [{'~', y, {normal, mu, 1}}]}");
/// and numbers as C++ prints them (1e-05).
namespace drey::test {

inline term::Term erlang(std::string_view text) {
  return term::parse_text(text, {.bytes = std::size_t{1} << 28, .depth = 1000, .short_floats = true});
}

}  // namespace drey::test
