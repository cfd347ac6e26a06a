#include "cnode/frames.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/cnode/hex.h"

namespace drey::cnode {
namespace {

Bytes packet(std::size_t length, std::uint8_t fill) {
  Bytes out;
  Writer(out).u32(static_cast<std::uint32_t>(length));
  out.resize(out.size() + length, fill);
  return out;
}

/// Feeds the stream in steps of at most `step` bytes and collects what comes out.
std::vector<Bytes> feed(FrameReader& reader, const Bytes& stream, std::size_t step) {
  std::vector<Bytes> packets;
  for (std::size_t at = 0; at < stream.size();) {
    const auto space = reader.space();
    EXPECT_FALSE(space.empty());
    const std::size_t count = std::min({step, space.size(), stream.size() - at});
    std::memcpy(space.data(), stream.data() + at, count);
    reader.received(count);
    at += count;
    while (const auto frame = reader.next()) packets.push_back(copy(frame->bytes));
  }
  return packets;
}

TEST(Frames, CutsTheSamePacketsHoweverTheyArrive) {
  Bytes stream;
  std::vector<std::size_t> lengths = {0,      1,      3, 65555, 98303, 98304, 98305, 0,
                                      262144, 700000, 5, 90000, 90000, 90000, 2};
  for (std::size_t i = 0; i < lengths.size(); ++i)
    stream = stream + packet(lengths[i], static_cast<std::uint8_t>(i));
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{100000}, stream.size()}) {
    FrameReader reader(1 << 20);
    const auto packets = feed(reader, stream, step);
    ASSERT_EQ(packets.size(), lengths.size()) << step;
    for (std::size_t i = 0; i < lengths.size(); ++i)
      EXPECT_EQ(packets[i], Bytes(lengths[i], static_cast<std::uint8_t>(i))) << step;
  }
}

TEST(Frames, DivertsTheRestOfAPacket) {
  Bytes body(60000);
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(i * 7);
  Bytes one;
  Writer(one).u32(static_cast<std::uint32_t>(body.size())).raw(body);
  const Bytes stream = packet(3, 1) + one + one + packet(5, 2) + one + packet(0, 0) + packet(200000, 3);
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, stream.size()}) {
    FrameReader reader(1 << 20);
    Bytes elsewhere;
    std::vector<Bytes> packets;
    std::size_t diverted = 0;
    for (std::size_t at = 0; at < stream.size();) {
      const auto space = reader.space(), behind = reader.behind();
      const std::size_t count = std::min({step, space.size() + behind.size(), stream.size() - at});
      const std::size_t first = std::min(count, space.size());
      std::memcpy(space.data(), stream.data() + at, first);
      if (count > first) std::memcpy(behind.data(), stream.data() + at + first, count - first);
      reader.received(count);
      at += count;
      while (const auto frame = reader.next()) {
        packets.push_back(copy(frame->bytes));
        if (frame->diverted == 0) continue;
        ASSERT_EQ(frame->bytes.size(), 18u);
        ASSERT_EQ(frame->diverted, elsewhere.size());
        packets.back() = packets.back() + elsewhere;
        ++diverted;
      }
      const auto partial = reader.partial();
      if (!partial || partial->length != body.size() || partial->bytes.size() < 18) continue;
      elsewhere.assign(body.size() - 18, 0);
      reader.divert(18, elsewhere);
    }
    ASSERT_EQ(packets.size(), 7u) << step;
    EXPECT_EQ(packets[0], Bytes(3, 1));
    for (const std::size_t i : {1u, 2u, 4u}) EXPECT_EQ(packets[i], body) << step << " " << i;
    EXPECT_EQ(packets[3], Bytes(5, 2));
    EXPECT_EQ(packets[5], Bytes());
    EXPECT_EQ(packets[6], Bytes(200000, 3));
    if (step < body.size()) {
      EXPECT_EQ(diverted, 3u) << step;
    }
  }
}

TEST(Frames, ALargePacketOutlivesTheReader) {
  std::shared_ptr<const void> owner;
  View bytes;
  {
    FrameReader reader(1 << 20);
    const Bytes stream = packet(200000, 9);
    for (std::size_t at = 0; at < stream.size();) {
      const auto space = reader.space();
      const std::size_t count = std::min({space.size(), stream.size() - at, std::size_t{50000}});
      std::memcpy(space.data(), stream.data() + at, count);
      reader.received(count);
      at += count;
      if (const auto frame = reader.next()) {
        owner = frame->owner;
        bytes = frame->bytes;
      }
    }
  }
  ASSERT_NE(owner, nullptr);
  EXPECT_EQ(copy(bytes), Bytes(200000, 9));
}

TEST(Frames, LengthsBeyondTheLimitAreRefusedFromTheHeaderAlone) {
  for (const std::uint32_t length : {1000001u, 0x7fffffffu, 0xffffffffu}) {
    FrameReader reader(1000000);
    Bytes header;
    Writer(header).u32(length);
    const auto space = reader.space();
    std::memcpy(space.data(), header.data(), 4);
    reader.received(4);
    EXPECT_THROW(reader.next(), Error);
  }
}

}  // namespace
}  // namespace drey::cnode
