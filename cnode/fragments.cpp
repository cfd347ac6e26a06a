#include "cnode/fragments.h"

#include "cnode/buffers.h"

#include <algorithm>
#include <cstring>

namespace drey::cnode {
namespace {
/// Of a sequence that is given up: more than any control term.
constexpr std::size_t head = 64 * 1024;

Error bad(const std::string& why) { return Error("bad_fragment", why); }
}  // namespace

/// Gives up a sequence for which there is no room, and keeps its head.
void Reassembly::cut(Sequence& sequence, std::size_t more) {
  sequence.cut = sequence.size + more > limits_.bytes ? "too_large" : "busy";
  const std::size_t kept = std::min({sequence.size, sequence.first, head});
  auto small = make_buffer(std::max<std::size_t>(kept, 1));
  if (kept > 0) std::memcpy(small.get(), sequence.buffer.get(), kept);
  capacity_ -= sequence.capacity;
  bytes_ -= sequence.size;
  sequence.buffer = std::move(small);
  sequence.capacity = 0;
  sequence.size = kept;
}

void Reassembly::append(Sequence& sequence, View data) {
  if (!sequence.cut.empty()) return;
  if (data.size() > limits_.bytes - bytes_) return cut(sequence, data.size());
  const std::size_t needed = sequence.size + data.size();
  if (needed > sequence.capacity) {
    const std::size_t capacity = std::max(needed, std::min(2 * sequence.capacity, limits_.bytes));
    auto grown = make_buffer(capacity);
    if (sequence.size > 0) std::memcpy(grown.get(), sequence.buffer.get(), sequence.size);
    sequence.buffer = std::move(grown);
    capacity_ += capacity - sequence.capacity;
    sequence.capacity = capacity;
  }
  if (data.data() != sequence.buffer.get() + sequence.size)  // else it has been written there
    std::memcpy(sequence.buffer.get() + sequence.size, data.data(), data.size());
  sequence.size = needed;
  bytes_ += data.size();
}

std::optional<Reassembly::Whole> Reassembly::first(std::uint64_t id, std::uint64_t count, View data) {
  if (count == 0) throw bad("a fragment numbered 0");
  if (open_.contains(id)) throw bad(fmt::format("sequence {} begins twice", id));
  if (count == 1) return Whole{data, nullptr, {}};
  if (open_.size() >= limits_.sequences)
    throw bad(fmt::format("more than {} fragmented messages at once", limits_.sequences));
  Sequence sequence;
  // Fragments but the last are of one size. Uninitialised memory: a count that is only claimed costs nothing.
  sequence.first = data.size();
  sequence.left = count - 1;
  const bool believable = count <= limits_.bytes / (data.size() + 1);
  const std::size_t whole = believable ? static_cast<std::size_t>(count) * data.size() : data.size();
  if (data.size() <= limits_.bytes - bytes_ && whole <= limits_.bytes - std::min(capacity_, limits_.bytes)) {
    sequence.capacity = whole;
    sequence.buffer = make_buffer(std::max<std::size_t>(whole, 1));
    capacity_ += whole;
  }
  if (data.size() > limits_.bytes - bytes_) {  // its head is all that is kept
    sequence.buffer = make_buffer(std::min(data.size(), head));
    sequence.size = std::min(data.size(), head);
    std::memcpy(sequence.buffer.get(), data.data(), sequence.size);
    sequence.cut = data.size() > limits_.bytes ? "too_large" : "busy";
  }
  append(sequence, data);
  open_.emplace(id, std::move(sequence));
  return {};
}

std::optional<Reassembly::Whole> Reassembly::more(std::uint64_t id, std::uint64_t left, View data) {
  const auto found = open_.find(id);
  if (found == open_.end()) throw bad(fmt::format("a fragment of sequence {}, which did not begin", id));
  Sequence& sequence = found->second;
  if (left == 0 || left != sequence.left)
    throw bad(fmt::format("fragment {} of sequence {} where {} was due", left, id, sequence.left));
  append(sequence, data);
  if (--sequence.left > 0) return {};
  if (sequence.cut.empty()) bytes_ -= sequence.size;
  capacity_ -= sequence.capacity;
  Whole whole{{sequence.buffer.get(), sequence.size}, sequence.buffer, sequence.cut};
  open_.erase(found);
  return whole;
}

std::span<std::uint8_t> Reassembly::place(std::uint64_t id, std::uint64_t left, std::size_t size) {
  const auto found = open_.find(id);
  if (found == open_.end()) return {};
  const Sequence& sequence = found->second;
  if (left == 0 || left != sequence.left || !sequence.cut.empty() || size > limits_.bytes - bytes_ ||
      size > sequence.capacity - sequence.size)
    return {};
  return {sequence.buffer.get() + sequence.size, size};
}

std::optional<Reassembly::Whole> Reassembly::placed(std::uint64_t id, std::uint64_t left, std::size_t size) {
  const auto data = place(id, left, size);
  if (data.size() != size) throw bad(fmt::format("fragment {} of sequence {} has lost its place", left, id));
  return more(id, left, data);
}

}  // namespace drey::cnode
