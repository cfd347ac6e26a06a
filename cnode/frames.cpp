#include "cnode/frames.h"

#include "cnode/buffers.h"

#include <algorithm>
#include <cstring>

namespace drey::cnode {

FrameReader::FrameReader(std::size_t max_packet)
    : max_packet_(max_packet), ring_(std::make_unique_for_overwrite<std::uint8_t[]>(ring_size)) {}

std::span<std::uint8_t> FrameReader::space() {
  if (big_ != nullptr) return {big_.get() + big_filled_, big_size_ - big_filled_};
  if (rest_filled_ < rest_.size()) return rest_.subspan(rest_filled_);
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (ring_size - begin_ < large + 4 || end_ == ring_size) {
    std::memmove(ring_.get(), ring_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {ring_.get() + end_, ring_size - end_};
}

std::span<std::uint8_t> FrameReader::behind() {
  if (rest_filled_ == rest_.size()) return {};
  return {ring_.get() + end_, std::min(peek, ring_size - end_)};
}

void FrameReader::received(std::size_t count) {
  if (big_ != nullptr) {
    big_filled_ += count;
    return;
  }
  const std::size_t diverted = std::min(count, rest_.size() - rest_filled_);
  rest_filled_ += diverted;
  end_ += count - diverted;
}

std::optional<FrameReader::Frame> FrameReader::next() {
  if (big_ != nullptr) {
    if (big_filled_ < big_size_) return {};
    Frame frame{{big_.get(), big_size_}, big_, 0};
    big_.reset();
    return frame;
  }
  if (!rest_.empty()) {
    if (rest_filled_ < rest_.size()) return {};
    Frame frame{{ring_.get() + begin_ + 4, head_}, nullptr, rest_.size()};
    begin_ += 4 + head_;
    rest_ = {};
    rest_filled_ = 0;
    return frame;
  }
  const std::size_t held = end_ - begin_;
  if (held < 4) return {};
  const std::size_t length = Reader({ring_.get() + begin_, 4}).u32();
  if (length > max_packet_)
    throw Error("bad_frame", fmt::format("a packet of {} bytes, at most {} are taken", length, max_packet_));
  if (held - 4 >= length) {
    Frame frame{{ring_.get() + begin_ + 4, length}, nullptr, 0};
    begin_ += 4 + length;
    return frame;
  }
  if (length >= large) {
    big_ = make_buffer(length);
    big_size_ = length;
    big_filled_ = held - 4;
    std::memcpy(big_.get(), ring_.get() + begin_ + 4, big_filled_);
    begin_ = end_ = 0;
  }
  return {};
}

std::optional<FrameReader::Partial> FrameReader::partial() const {
  const std::size_t held = end_ - begin_;
  if (big_ != nullptr || !rest_.empty() || held < 4) return {};
  return Partial{{ring_.get() + begin_ + 4, held - 4}, Reader({ring_.get() + begin_, 4}).u32()};
}

void FrameReader::divert(std::size_t head, std::span<std::uint8_t> rest) {
  // The ring holds nothing behind a packet that is not whole.
  rest_filled_ = end_ - begin_ - 4 - head;
  std::memcpy(rest.data(), ring_.get() + begin_ + 4 + head, rest_filled_);
  end_ = begin_ + 4 + head;
  head_ = head;
  rest_ = rest;
}

}  // namespace drey::cnode
