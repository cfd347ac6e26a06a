// A peer before it has proved anything: every message of it, to either side of the handshake.
#include "cnode/handshake.h"

#include <algorithm>

#include "cnode/flags.h"

using namespace drey;
using namespace drey::cnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const handshake::Local local{"b@h", "cookie", flags::Ours, 7};
  handshake::Acceptor acceptor(
      local, [&](const handshake::Peer&) { return static_cast<handshake::Admission>(data[0] % 5); }, 42);
  handshake::Initiator initiator(local, "a@h", 42);
  Reader in(View(data, size).subspan(1));
  try {
    while (in.left() > 0) {
      const View message = in.take(std::min<std::size_t>(in.u8(), in.left()));
      if ((data[0] & 128) != 0)
        (void)initiator.receive(message);
      else
        (void)acceptor.receive(message);
    }
  } catch (const Error&) {
  }
  return 0;
}
