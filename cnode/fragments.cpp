#include "cnode/fragments.h"

#include "cnode/buffers.h"

#include <algorithm>
#include <cstring>

namespace drey::cnode {
namespace {
Error bad(const std::string& why) { return Error("bad_fragment", why); }
}  // namespace

void Reassembly::append(Sequence& sequence, View data) {
  if (data.size() > limits_.bytes - bytes_)
    throw bad(fmt::format("more than {} bytes in incomplete fragmented messages", limits_.bytes));
  const std::size_t needed = sequence.size + data.size();
  if (needed > sequence.capacity) {
    const std::size_t capacity = std::max(needed, 2 * sequence.capacity);
    auto grown = make_buffer(capacity);
    std::memcpy(grown.get(), sequence.buffer.get(), sequence.size);
    sequence.buffer = std::move(grown);
    sequence.capacity = capacity;
  }
  std::memcpy(sequence.buffer.get() + sequence.size, data.data(), data.size());
  sequence.size = needed;
  bytes_ += data.size();
}

std::optional<Reassembly::Whole> Reassembly::first(std::uint64_t id, std::uint64_t count, View data) {
  if (count == 0) throw bad("a fragment numbered 0");
  if (open_.contains(id)) throw bad(fmt::format("sequence {} begins twice", id));
  if (count == 1) return Whole{data, nullptr};
  if (open_.size() >= limits_.sequences)
    throw bad(fmt::format("more than {} fragmented messages at once", limits_.sequences));
  Sequence sequence;
  // Fragments but the last are of one size. Uninitialised memory: a count that is only claimed costs nothing.
  const std::uint64_t bound = std::min<std::uint64_t>(
      limits_.bytes, count > limits_.bytes / (data.size() + 1) ? data.size() : count * data.size());
  sequence.capacity = std::max<std::size_t>(static_cast<std::size_t>(bound), data.size());
  sequence.buffer = make_buffer(sequence.capacity);
  sequence.left = count - 1;
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
  bytes_ -= sequence.size;
  Whole whole{{sequence.buffer.get(), sequence.size}, sequence.buffer};
  open_.erase(found);
  return whole;
}

}  // namespace drey::cnode
