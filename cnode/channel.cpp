#include "cnode/channel.h"

#include "cnode/buffers.h"

#include <algorithm>

namespace drey::cnode {
namespace {

constexpr std::uint8_t version = 131, pass_through = 112;
constexpr std::uint8_t header = 68, first_fragment = 69, later_fragment = 70;
constexpr std::size_t later_head = 18;  // version, kind, sequence, number
constexpr std::size_t fragments_a_gather = 4;

}  // namespace

Channel::Channel(asio::io_context& io, std::shared_ptr<Stream> stream, bool fragments, ChannelLimits limits)
    : io_(io),
      stream_(std::move(stream)),
      fragments_(fragments),
      limits_(limits),
      frames_(limits.packet),
      reassembly_(limits.fragments),
      pace_(limits.pace),
      tick_timer_(io),
      finish_timer_(io),
      pace_timer_(io),
      last_in_(std::chrono::steady_clock::now()),
      last_out_(last_in_) {}

void Channel::start(OnMessage on_message, OnClosed on_closed, View received_already) {
  on_message_ = std::move(on_message);
  on_closed_ = std::move(on_closed);
  arm_tick();
  if (!received_already.empty()) {
    const auto space = frames_.space();  // larger than any handshake's buffer
    std::copy(received_already.begin(), received_already.end(), space.begin());
    asio::post(io_,
               [self = shared_from_this(), count = received_already.size()] { self->on_read({}, count); });
  } else {
    read();
  }
}

void Channel::read() {
  const auto space = frames_.space(), behind = frames_.behind();
  auto handler = [self = shared_from_this()](const error_code& error, std::size_t count) {
    self->on_read(error, count);
  };
  if (behind.empty())
    stream_->async_read_some(asio::buffer(space.data(), space.size()), std::move(handler));
  else
    stream_->async_read_two(asio::buffer(space.data(), space.size()),
                            asio::buffer(behind.data(), behind.size()), std::move(handler));
}

void Channel::on_read(const error_code& error, std::size_t count) {
  if (closed_) return;
  if (error) return close(error == asio::error::eof ? "the peer closed the connection" : error.message());
  last_in_ = std::chrono::steady_clock::now();
  bytes_in_ += count;
  frames_.received(count);
  drain();
  if (!closed_) read();
}

void Channel::drain() {
  const auto self = shared_from_this();
  corked_ = true;
  try {
    while (!closed_) {
      const auto frame = frames_.next();
      if (!frame) {
        divert();
        break;
      }
      if (frame->bytes.empty())
        tick_back();
      else
        packet(*frame);
    }
  } catch (const Error& error) {
    close(error.message());
  } catch (const std::bad_alloc&) {
    close("there is no memory for what the peer sends");
  }
  corked_ = false;
  if (closed_) on_message_ = nullptr, on_cut_ = nullptr;
  flush();
}

/// Where a fragment is coming in whose place in its message is known, lets the rest of it come there.
void Channel::divert() {
  const auto partial = fragments_ ? frames_.partial() : std::nullopt;
  if (!partial || partial->bytes.size() < later_head) return;
  Reader in(partial->bytes);
  if (in.u8() != version || in.u8() != later_fragment) return;
  const std::uint64_t sequence = in.u64();
  const std::uint64_t number = in.u64();
  const auto place = reassembly_.place(sequence, number, partial->length - later_head);
  if (!place.empty()) frames_.divert(later_head, place);
}

void Channel::packet(const FrameReader::Frame& frame) {
  const auto& owner = frame.owner;
  Reader in(frame.bytes);
  if (!fragments_) {
    if (in.u8() != pass_through || in.u8() != version)
      throw Error("bad_frame", "a packet that does not begin with 112, 131");
    return on_message_(in.rest(), owner);
  }
  if (in.u8() != version) throw Error("bad_frame", "a packet that does not begin with 131");
  const std::uint8_t kind = in.u8();
  std::optional<Reassembly::Whole> whole;
  if (kind == header) {
    if (in.u8() != 0) throw Error("bad_frame", "atom cache references, which were not negotiated");
    return on_message_(in.rest(), owner);
  }
  if (kind != first_fragment && kind != later_fragment)
    throw Error("bad_frame", fmt::format("a distribution header of kind {}", kind));
  const std::uint64_t sequence = in.u64();
  const std::uint64_t number = in.u64();
  if (kind == first_fragment) {
    if (in.u8() != 0) throw Error("bad_frame", "atom cache references, which were not negotiated");
    whole = reassembly_.first(sequence, number, in.rest());
  } else if (frame.diverted > 0) {
    whole = reassembly_.placed(sequence, number, frame.diverted);
  } else {
    whole = reassembly_.more(sequence, number, in.rest());
  }
  if (whole && !whole->cut.empty()) {
    if (!on_cut_) throw Error("bad_fragment", "a fragmented message for which there is no room");
    return on_cut_(whole->bytes, whole->cut);
  }
  if (whole) on_message_(whole->bytes, whole->owner != nullptr ? whole->owner : owner);
}

void Channel::send(View control, const term::Encoded& payload, bool has_payload, std::uint64_t sender) {
  if (!is_bulk(control.size() + payload.size, sender))
    return send_small(control, payload, has_payload, sender);
  send_bulk(control, payload, has_payload, sender);
}

void Channel::send(View control, term::Encoded&& payload, bool has_payload, std::uint64_t sender) {
  if (!is_bulk(control.size() + payload.size, sender))
    return send_small(control, payload, has_payload, sender);
  send_bulk(control, std::move(payload), has_payload, sender);
}

/// The bulk of that sender which waits already; null: none.
Channel::BulkStream* Channel::waiting(std::uint64_t sender) {
  if (sender != 0)
    for (BulkStream& stream : bulk_)
      if (stream.sender == sender) return &stream;
  return nullptr;
}

bool Channel::is_bulk(std::size_t size, std::uint64_t sender) {
  return size >= bulk_from || (!bulk_.empty() && waiting(sender) != nullptr);
}

bool Channel::has_room(std::size_t size) {
  if (closed_) return false;
  if (queued_ == 0 || size <= limits_.queued - std::min(queued_, limits_.queued)) return true;
  close(fmt::format("the peer does not read: {} bytes are waiting", queued_));
  return false;
}

std::size_t Channel::fragment_size(std::size_t message) const {
  const bool hurry = message >= long_message || std::chrono::steady_clock::now() - last_small_ < speaks;
  if (hurry) return short_fragment;
  return message <= middle_message ? middle_fragment : long_fragment;
}

void Channel::send_small(View control, const term::Encoded& payload, bool has_payload, std::uint64_t sender) {
  const std::size_t size = control.size() + payload.size;
  if (!has_room(size)) return;
  const std::size_t before = small_.size();
  Writer out(small_);
  if (fragments_)
    out.u32(static_cast<std::uint32_t>(3 + size)).u8(version).u8(header).u8(0).raw(control);
  else
    out.u32(static_cast<std::uint32_t>(2 + size + (has_payload ? 1 : 0)))
        .u8(pass_through)
        .u8(version)
        .raw(control);
  if (has_payload && !fragments_) out.u8(version);
  for (const auto& piece : payload.pieces) out.raw(piece.bytes());
  if (sender != 0) last_small_ = std::chrono::steady_clock::now();
  if (probe_ && !bulk_.empty()) put_probe(small_, pace_.hurried(std::chrono::steady_clock::now()));
  queued_ += small_.size() - before;
  flush();
}

void Channel::send_bulk(View control, term::Encoded payload, bool has_payload, std::uint64_t sender) {
  const std::size_t size = control.size() + payload.size;
  if (!has_room(size)) return;
  Bulk bulk;
  bulk.left = payload.size;
  bulk.payload = std::move(payload);
  Writer out(bulk.head);
  if (fragments_) {
    bulk.fragment = fragment_size(size);
    // The control term must be whole in the first fragment.
    const std::size_t first = std::min(bulk.left, bulk.fragment);
    bulk.fragments = std::max<std::size_t>(1, (bulk.left + bulk.fragment - 1) / bulk.fragment);
    if (bulk.fragments == 1) {
      out.u32(static_cast<std::uint32_t>(3 + control.size() + first)).u8(version).u8(header).u8(0);
    } else {
      bulk.sequence = next_sequence_++;
      out.u32(static_cast<std::uint32_t>(19 + control.size() + first)).u8(version).u8(first_fragment);
      out.u64(bulk.sequence).u64(bulk.fragments).u8(0);
    }
    out.raw(control);
  } else {
    if (size > 0xfffffff0) return close("a message of 4 GiB for a peer that takes no fragments");
    bulk.fragment = bulk.left;
    out.u32(static_cast<std::uint32_t>(2 + size + (has_payload ? 1 : 0)))
        .u8(pass_through)
        .u8(version)
        .raw(control);
    if (has_payload) out.u8(version);
  }
  bulk.next = bulk.fragments;
  queued_ += bulk.head.size() + bulk.left;
  BulkStream* stream = waiting(sender);
  if (stream == nullptr) stream = &bulk_.emplace_back(BulkStream{sender, {}});
  stream->messages.push_back(std::move(bulk));
  flush();
}

void Channel::flush() {
  if (!corked_ && !writing_ && !closed_) write();
}

/// Takes the next fragment of the stream whose turn it is.
void Channel::gather_bulk() {
  BulkStream stream = std::move(bulk_.front());
  bulk_.pop_front();
  Bulk& bulk = stream.messages.front();
  const std::size_t size = std::min(bulk.left, bulk.fragment);
  if (bulk.next == bulk.fragments) {
    Bytes& head = front_heads_.emplace_back(std::move(bulk.head));
    gather_.emplace_back(head.data(), head.size());
  } else {
    Bytes& head = front_heads_.emplace_back();
    Writer(head)
        .u32(static_cast<std::uint32_t>(18 + size))
        .u8(version)
        .u8(later_fragment)
        .u64(bulk.sequence)
        .u64(bulk.next);
    gather_.emplace_back(head.data(), head.size());
    queued_ += head.size();
  }
  gathered_ += gather_.back().size();
  gathered_ += size;
  const std::uint64_t probe = probe_ ? pace_.wrote(size, std::chrono::steady_clock::now()) : 0;
  bulk.left -= size;
  for (std::size_t data = size; data > 0;) {
    const View piece = bulk.payload.pieces[bulk.piece].bytes();
    const std::size_t part = std::min(data, piece.size() - bulk.offset);
    gather_.emplace_back(piece.data() + bulk.offset, part);
    data -= part;
    bulk.offset += part;
    if (bulk.offset == piece.size()) {
      ++bulk.piece;
      bulk.offset = 0;
    }
  }
  if (probe != 0) {
    Bytes& message = front_heads_.emplace_back();
    put_probe(message, probe);
    gather_.emplace_back(message.data(), message.size());
    gathered_ += message.size();
    queued_ += message.size();
  }
  if (--bulk.next == 0) {
    front_payloads_.push_back(std::move(bulk.payload));
    stream.messages.pop_front();
  }
  if (!stream.messages.empty()) bulk_.push_back(std::move(stream));
}

/// Whether there is a fragment to write and the pace allows it. If it does not, looks again in time.
bool Channel::bulk_may_go() {
  if (bulk_.empty()) return false;
  if (!probe_ || pace_.open(std::chrono::steady_clock::now())) return true;
  if (std::exchange(pace_armed_, true)) return false;
  pace_timer_.expires_at(pace_.deadline());
  pace_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    self->pace_armed_ = false;
    if (std::chrono::steady_clock::now() >= self->pace_.deadline()) self->pace_.expired();
    self->flush();
  });
  return false;
}

void Channel::put_probe(Bytes& out, std::uint64_t number) {
  if (number == 0) return;
  const std::size_t start = out.size();
  Writer writer(out);
  writer.u32(0).u8(version).u8(header).u8(0);
  probe_(writer, number);
  const std::size_t length = out.size() - start - 4;
  for (std::size_t i = 0; i < 4; ++i) out[start + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
}

void Channel::answered(std::uint64_t number) {
  pace_.answered(number, std::chrono::steady_clock::now());
  flush();
}

void Channel::gather() {
  front_.clear();
  front_heads_.clear();
  front_payloads_.clear();
  gather_.clear();
  gathered_ = 0;
  if (!small_.empty()) {
    std::swap(front_, small_);
    gather_.emplace_back(front_.data(), front_.size());
    gathered_ = front_.size();
  }
  for (std::size_t i = 0; i < fragments_a_gather && bulk_may_go(); ++i) gather_bulk();
}

void Channel::written(std::size_t count) {
  bytes_out_ += count;
  queued_ -= std::min(queued_, count);
  gathered_ -= count;
  auto buffer = gather_.begin();
  while (buffer != gather_.end() && count >= buffer->size()) count -= (buffer++)->size();
  gather_.erase(gather_.begin(), buffer);
  if (count > 0) gather_.front() += count;
}

void Channel::write() {
  while (!closed_) {
    if (gathered_ == 0) {
      if (small_.empty() && !bulk_may_go()) {
        if (finishing_ && bulk_.empty()) close(finish_why_);
        return;
      }
      gather();
    }
    error_code error;
    const std::size_t count = stream_->try_write(gather_, error);
    if (error) return close(error.message());
    if (count > 0) {
      last_out_ = std::chrono::steady_clock::now();
      written(count);
      if (gathered_ == 0) continue;
    }
    writing_ = true;
    return stream_->async_write_some(gather_,
                                     [self = shared_from_this()](const error_code& failed, std::size_t sent) {
                                       self->writing_ = false;
                                       if (self->closed_) return;
                                       if (failed) return self->close(failed.message());
                                       self->last_out_ = std::chrono::steady_clock::now();
                                       self->written(sent);
                                       self->write();
                                     });
  }
}

/// Answers a tick where nothing else has told the peer lately that this node lives: its ticktime may be
/// shorter than ours. Not always, or two nodes that both do it would never stop.
void Channel::tick_back() {
  if (std::chrono::steady_clock::now() - last_out_ > std::chrono::milliseconds(500)) tick();
}

void Channel::tick() {
  if (gathered_ > 0 || !small_.empty() || !bulk_.empty()) return;  // what is queued will say it
  small_.insert(small_.end(), 4, 0);
  queued_ += 4;
  flush();
}

void Channel::arm_tick() {
  tick_timer_.expires_after(limits_.tick_time / 4);
  tick_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - self->last_in_ > self->limits_.tick_time)
      return self->close(fmt::format("nothing was heard for {} ms", self->limits_.tick_time.count()));
    if (now - self->last_out_ >= self->limits_.tick_time / 4) self->tick();
    drop_idle_buffers(std::chrono::seconds(10));
    self->arm_tick();
  });
}

void Channel::close(const std::string& why) {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();
  tick_timer_.cancel();
  finish_timer_.cancel();
  pace_timer_.cancel();
  stream_->close();
  if (!writing_) gather_.clear();
  small_.clear();
  bulk_.clear();
  if (!corked_) on_message_ = nullptr, on_cut_ = nullptr;  // else one of them may be what called
  if (OnClosed on_closed = std::exchange(on_closed_, nullptr)) on_closed(why);
}

void Channel::close_after_writing(const std::string& why, std::chrono::milliseconds grace) {
  if (closed_) return;
  finishing_ = true;
  finish_why_ = why;
  finish_timer_.expires_after(grace);
  finish_timer_.async_wait([weak = weak_from_this(), why](const error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->close(why);
  });
  flush();
}

}  // namespace drey::cnode
