// A peer that knows the cookie: its bytes through packets, fragments, control messages and payloads.
#include "cnode/frames.h"

#include <algorithm>
#include <cstring>

#include "cnode/control.h"
#include "cnode/fragments.h"
#include "term/codec.h"

using namespace drey;
using namespace drey::cnode;

namespace {

void message(View bytes, const std::shared_ptr<const void>& owner) {
  const control::Parsed parsed = control::parse(bytes);
  if (parsed.payload) (void)term::to_string(term::decode(bytes.subspan(parsed.used), nullptr, owner));
}

void packet(const FrameReader::Frame& frame, Reassembly& reassembly) {
  if (frame.bytes.empty()) return;
  Reader in(frame.bytes);
  if (in.u8() != 131) throw Error("bad_frame", "");
  const std::uint8_t kind = in.u8();
  if (kind == 68 && in.u8() == 0) return message(in.rest(), frame.owner);
  const std::uint64_t id = in.u64(), number = in.u64();
  const auto whole =
      kind == 69 ? reassembly.first(id, number, in.rest()) : reassembly.more(id, number, in.rest());
  if (whole) message(whole->bytes, whole->owner ? whole->owner : frame.owner);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FrameReader reader(1 << 20);
  Reassembly reassembly({8, 1 << 20});
  try {
    for (std::size_t at = 0; at < size;) {
      const auto space = reader.space();
      const std::size_t count = std::min({space.size(), size - at, std::size_t{1} + data[0]});
      std::memcpy(space.data(), data + at, count);
      reader.received(count);
      at += count;
      while (const auto frame = reader.next()) packet(*frame, reassembly);
    }
  } catch (const Error&) {
  }
  return 0;
}
