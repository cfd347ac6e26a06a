// A caller's model: any term that decodes, through the parser.
#include "error.h"
#include "model/parse.h"
#include "term/codec.h"

using namespace drey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)model::parse(term::decode(std::span<const std::uint8_t>(data, size)));
  } catch (const Error&) {
  }
  return 0;
}
