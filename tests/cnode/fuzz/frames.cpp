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
  const auto whole = kind == 69            ? reassembly.first(id, number, in.rest())
                     : frame.diverted != 0 ? reassembly.placed(id, number, frame.diverted)
                                           : reassembly.more(id, number, in.rest());
  if (whole) message(whole->bytes, whole->owner ? whole->owner : frame.owner);
}

void divert(FrameReader& reader, Reassembly& reassembly) {
  const auto partial = reader.partial();
  if (!partial || partial->bytes.size() < 18) return;
  Reader in(partial->bytes);
  if (in.u8() != 131 || in.u8() != 70) return;
  const std::uint64_t id = in.u64(), number = in.u64();
  const auto place = reassembly.place(id, number, partial->length - 18);
  if (!place.empty()) reader.divert(18, place);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FrameReader reader(1 << 20);
  Reassembly reassembly({8, 1 << 20});
  try {
    for (std::size_t at = 0; at < size;) {
      const auto space = reader.space(), behind = reader.behind();
      const std::size_t count = std::min({space.size() + behind.size(), size - at, std::size_t{1} + data[0]});
      const std::size_t first = std::min(count, space.size());
      std::memcpy(space.data(), data + at, first);
      if (count > first) std::memcpy(behind.data(), data + at + first, count - first);
      reader.received(count);
      at += count;
      while (const auto frame = reader.next()) packet(*frame, reassembly);
      divert(reader, reassembly);
    }
  } catch (const Error&) {
  }
  return 0;
}
