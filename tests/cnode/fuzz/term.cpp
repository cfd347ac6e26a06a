// What passes the validator is decoded within its bounds, has the length that the validator said, and comes
// back.
#include <cstdlib>

#include "error.h"
#include "term/codec.h"

using namespace drey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  std::size_t length = 0;
  try {
    length = term::validate(bytes);
  } catch (const Error&) {
    return 0;
  }
  std::size_t used = 0;
  const term::Term decoded = term::decode(bytes, &used);
  if (used != length || length > size) std::abort();
  const auto again = term::encode(decoded).flatten();
  if (!(term::decode(again) == decoded)) std::abort();
  (void)term::to_string(decoded);
  return 0;
}
