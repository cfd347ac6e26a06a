#include <algorithm>

#include "glsl/emitter.h"

// What a memory becomes: variables, a private array, slots of the lanes, or a call of the kernel.
namespace drey::glsl {

using namespace model;

void Emitter::note(MemoryId memory, ValueId index, bool accumulated) {
  Uses& uses = uses_[memory];
  const Value& v = program_.values[index];
  if (v.op == Op::IntegerConstant)
    uses.elements.insert(v.integer);
  else
    uses.constant = false;
  uses.accumulated = uses.accumulated || accumulated;
}

void Emitter::find_uses(const Block& body) {
  for (const Statement& s : body) {
    if (s.kind == StatementKind::Let && program_.values[s.value].op == Op::Load)
      note(program_.values[s.value].memory, program_.values[s.value].args[0], true);
    if (s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate)
      note(s.memory, s.index, s.kind == StatementKind::Accumulate);
    find_uses(s.body), find_uses(s.otherwise);
  }
}

bool Emitter::in_variables(MemoryId m) const {
  const Memory& memory = program_.memories[m];
  return uses_[m].constant && (memory.space == Space::Local || memory.space == Space::Gradient ||
                               (memory.space == Space::Output && uses_[m].accumulated));
}

bool Emitter::handed_on(MemoryId m) const {
  return program_.memories[m].space == Space::Output && !uses_[m].accumulated;
}

std::string Emitter::element(MemoryId m, ValueId index) {
  const Memory& memory = program_.memories[m];
  if (lanes_)
    if (std::string spread = lane_element(m, index); !spread.empty()) return spread;
  if (memory.space == Space::Target) return "target";
  if (in_variables(m)) return fmt::format("m{}_{}", m, program_.values[index].integer);
  if (memory.space == Space::Gradient) return fmt::format("model_gradient[{}]", integer(index));
  return fmt::format("m{}[{}]", m, integer(index));
}

void Emitter::begin(Source& source) {
  if (lanes_ && lanes_->whole_point()) {
    const auto point = std::find_if(program_.memories.begin(), program_.memories.end(),
                                    [](const Memory& m) { return m.space == Space::Point; });
    gather_point(point->size, source);
  }
  for (MemoryId m = 0; m < program_.memories.size(); ++m) {
    const Memory& memory = program_.memories[m];
    if (memory.space == Space::Point || memory.space == Space::Data) continue;
    if (memory.space == Space::Target) {
      line(fmt::format("real target = {};", number(0)));
      if (lanes_) line(fmt::format("real target_part = {};", number(0)));
      continue;
    }
    if (handed_on(m)) continue;
    const char* type = memory.type == Type::Real ? "real" : "int";
    const std::string zero = memory.type == Type::Real ? number(0) : "0";
    const bool clear = memory.space != Space::Local;
    if (lanes_ && lanes_->kind(m) != Lanes::Kind::Plain) {
      begin_lanes(m, source);
      continue;
    }
    if (in_variables(m)) {
      for (const std::int64_t at : uses_[m].elements)
        line(clear ? fmt::format("{} m{}_{} = {};", type, m, at, zero)
                   : fmt::format("{} m{}_{};", type, m, at));
      continue;
    }
    if (memory.space == Space::Gradient) {
      clear_array("model_gradient", lanes_ ? lanes_->slots(memory.size) : memory.size, zero, source);
      continue;
    }
    if (uses_[m].elements.empty() && uses_[m].constant) continue;  // never used
    line(fmt::format("{} m{}[{}];", type, m, std::max<std::uint64_t>(memory.size, 1)));
    source.private_bytes += memory.size * (memory.type == Type::Real ? real_bytes() : 4);
    if (clear) clear_array(fmt::format("m{}", m), memory.size, zero, source);
  }
}

void Emitter::clear_array(const std::string& name, std::uint64_t size, const std::string& zero,
                          Source& source) {
  if (size <= 64) {
    for (std::uint64_t i = 0; i < size; ++i) line(fmt::format("{}[{}] = {};", name, i, zero));
    return;
  }
  line(fmt::format("for (int i = 0; i < {}; ++i) {}[i] = {};", size, name, zero));
  source.trips += size + 1;
}

void Emitter::end(Source& source) {
  for (MemoryId m = 0; m < program_.memories.size(); ++m) {
    const Memory& memory = program_.memories[m];
    if (memory.space == Space::Target)
      line(lanes_ ? "model_target = target + drey_lane_sum(target_part);" : "model_target = target;");
    if (memory.space == Space::Gradient && lanes_) {
      end_lanes(m, source);
      continue;
    }
    if (memory.space == Space::Gradient && in_variables(m)) {
      for (std::uint64_t i = 0; i < memory.size; ++i) {
        const bool set = uses_[m].elements.count(static_cast<std::int64_t>(i)) != 0;
        line(fmt::format("model_gradient[{}] = {};", i, set ? fmt::format("m{}_{}", m, i) : number(0)));
      }
    }
    if (memory.space == Space::Output && !handed_on(m)) {
      if (in_variables(m)) {
        for (const std::int64_t i : uses_[m].elements)
          line(fmt::format("model_output({}u, m{}_{});", i, m, i));
      } else {
        line(fmt::format("for (int i = 0; i < {}; ++i) model_output(uint(i), m{}[i]);", memory.size, m));
        source.trips += memory.size + 1;
      }
    }
  }
}

}  // namespace drey::glsl
