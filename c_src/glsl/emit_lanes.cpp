#include <algorithm>

#include "glsl/emitter.h"

// A chain's lanes: where the elements lie that they share, and how one reaches those of another.
namespace drey::glsl {

using namespace model;

std::string Emitter::slot_array(MemoryId m) const {
  switch (program_.memories[m].space) {
    case Space::Point:
      return "model_point";
    case Space::Gradient:
      return "model_gradient";
    default:
      return fmt::format("m{}", m);
  }
}

std::string Emitter::slot(MemoryId m, std::int64_t by, bool clamped) const {
  const std::int64_t count = lanes_->slots(program_.memories[m].size);
  const SpreadLoop& at = *spread_;
  if (at.fixed) {
    const std::int64_t k = at.slot + by;
    return k < 0 || k >= count ? std::string() : fmt::format("{}[{}]", slot_array(m), k);
  }
  const std::string k = by == 0 ? "k" : fmt::format("k + {}", by);
  const bool inside = at.first + by >= 0 && at.last - 1 + by < count;
  return clamped && !inside ? fmt::format("{}[clamp({}, 0, {})]", slot_array(m), k, count - 1)
                            : fmt::format("{}[{}]", slot_array(m), k);
}

std::string Emitter::from_owner(MemoryId m, std::int64_t e) const {
  return fmt::format("subgroupShuffle({}[{}], {}u)", slot_array(m), e / lanes_->lanes(), e % lanes_->lanes());
}

void Emitter::gather_point(std::uint64_t size, Source& source) {
  const std::int64_t slots = lanes_->slots(size), lanes = lanes_->lanes();
  line(fmt::format("real point_whole[{}];", slots * lanes));
  source.private_bytes += static_cast<std::uint64_t>(slots * lanes) * real_bytes();
  const bool loop = slots > 32;
  if (loop) {
    line(fmt::format("for (int k = 0; k < {}; ++k) {{", slots));
    source.trips += static_cast<std::uint64_t>(slots) + 1;
  }
  for (std::int64_t k = 0; k < (loop ? 1 : slots); ++k)
    for (std::int64_t l = 0; l < lanes; ++l)
      line(loop ? fmt::format("point_whole[k * {} + {}] = subgroupShuffle(model_point[k], {}u);", lanes, l, l)
                : fmt::format("point_whole[{}] = subgroupShuffle(model_point[{}], {}u);", k * lanes + l, k,
                              l));
  if (loop) line("}");
}

void Emitter::begin_lanes(MemoryId m, Source& source) {
  const Memory& memory = program_.memories[m];
  const char* type = memory.type == Type::Real ? "real" : "int";
  const std::string zero = memory.type == Type::Real ? number(0) : "0";
  const bool spread = lanes_->kind(m) == Lanes::Kind::Spread;
  const std::uint64_t size = std::max<std::uint64_t>(
      1, spread ? static_cast<std::uint64_t>(lanes_->slots(memory.size)) : memory.size);
  if (!(spread && memory.space == Space::Gradient)) {
    line(fmt::format("{} m{}[{}];", type, m, size));
    source.private_bytes += size * (memory.type == Type::Real ? real_bytes() : 4);
  }
  clear_array(spread ? slot_array(m) : fmt::format("m{}", m), size, zero, source);
  if (!spread && memory.type == Type::Real) {
    line(fmt::format("real a{}[{}];", m, size));
    source.private_bytes += size * real_bytes();
  }
}

void Emitter::end_lanes(MemoryId m, Source& source) {
  const std::int64_t size = elements(m), lanes = lanes_->lanes(),
                     slots = lanes_->slots(program_.memories[m].size);
  if (lanes_->kind(m) == Lanes::Kind::Spread) return;
  if (lanes_->kind(m) == Lanes::Kind::Whole) {
    const auto own = [&](const std::string& k) {
      line(fmt::format("model_gradient[{0}] = m{1}[min({0} * {2} + int(gl_SubgroupInvocationID), {3})];", k,
                       m, lanes, size - 1));
    };
    if (slots <= 64) {
      for (std::int64_t k = 0; k < slots; ++k) own(std::to_string(k));
    } else {
      line(fmt::format("for (int k = 0; k < {}; ++k) {{", slots));
      own("k");
      line("}");
      source.trips += static_cast<std::uint64_t>(slots) + 1;
    }
    line(fmt::format("if ({} + int(gl_SubgroupInvocationID) >= {}) model_gradient[{}] = {};",
                     (slots - 1) * lanes, size, slots - 1, number(0)));
    return;
  }
  for (std::int64_t k = 0; k < slots; ++k) line(fmt::format("model_gradient[{}] = {};", k, number(0)));
  for (const std::int64_t e : uses_[m].elements)
    line(fmt::format("if (gl_SubgroupInvocationID == {}u) model_gradient[{}] = m{}_{};", e % lanes, e / lanes,
                     m, e));
}

std::string Emitter::lane_element(MemoryId m, ValueId index) {
  const Lanes::Kind kind = lanes_->kind(m);
  const auto constant = lanes_->constant(index);
  if (kind == Lanes::Kind::Plain) return {};
  if (kind == Lanes::Kind::Spread) {
    if (spread_)
      if (const auto by = lanes_->distance(index, spread_->loop); by && *by == 0) return slot(m, 0, false);
    if (constant && !spread_) return from_owner(m, *constant);
  }
  if (program_.memories[m].space == Space::Point) return fmt::format("point_whole[{}]", integer(index));
  return fmt::format("m{}[{}]", m, integer(index));
}

std::string Emitter::lane_guard(const Statement& s) const {
  if (spread_ || lanes_->kind(s.memory) != Lanes::Kind::Spread) return {};
  return fmt::format("if (gl_SubgroupInvocationID == {}u) ", *lanes_->constant(s.index) % lanes_->lanes());
}

std::string Emitter::lane_target(const Statement& s) {
  if (!lanes_) return element(s.memory, s.index);
  const MemoryId m = s.memory;
  const auto constant = lanes_->constant(s.index);
  const Lanes::Kind kind = lanes_->kind(m);
  if (!spread_) {
    if (kind != Lanes::Kind::Spread) return element(m, s.index);
    return fmt::format("{}[{}]", slot_array(m), *constant / lanes_->lanes());
  }
  if (program_.memories[m].space == Space::Target) return "target_part";
  if (!lanes_->written(spread_->loop).count(m)) return element(m, s.index);  // the trip's own
  if (kind == Lanes::Kind::Whole) return fmt::format("a{}[{}]", m, integer(s.index));
  if (constant) return fmt::format("a{}_{}", m, *constant);
  const std::int64_t by = *lanes_->distance(s.index, spread_->loop);
  return by == 0 ? element(m, s.index) : spread_->sent.at({m, by});
}

}  // namespace drey::glsl
