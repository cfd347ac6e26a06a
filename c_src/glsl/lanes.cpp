#include "glsl/lanes.h"

#include "grad/rewrite.h"

namespace drey::glsl {

using namespace model;

namespace {

/// Loops of fewer trips are not worth spreading.
constexpr std::int64_t kLeastTrips = 4;

}  // namespace

Lanes::Lanes(const Program& program, const Linears& linears, std::uint32_t lanes)
    : program_(program), linears_(linears), lanes_(lanes), kinds_(program.memories.size(), Kind::Plain) {
  find_candidates();
  for (const Statement& s : program.body) {
    const bool candidate = s.kind == StatementKind::For && candidates_.count(s.loop);
    if (candidate)
      find_accesses(s.body, s.loop);
    else
      find_accesses({s}, none);
  }
  reject();
  for (const LoopId loop : candidates_) written_[loop];
  for (const Access& a : accesses_)
    if (a.writes && a.loop != none && candidates_.count(a.loop)) written_[a.loop].insert(a.memory);
  anchor_loops();
  classify();
}

void Lanes::find_candidates() {
  for (const Statement& s : program_.body) {
    if (s.kind != StatementKind::For) continue;
    const Loop& loop = program_.loops[s.loop];
    const Value& from = program_.values[loop.from];
    const Value& to = program_.values[loop.to];
    if (loop.independent && from.op == Op::IntegerConstant && to.op == Op::IntegerConstant &&
        to.integer - from.integer >= kLeastTrips)
      candidates_.insert(s.loop);
  }
}

void Lanes::find_accesses(const Block& body, LoopId loop) {
  const grad::Privacy privacy(program_);
  const auto note = [&](MemoryId memory, ValueId index, bool writes) {
    const Space space = program_.memories[memory].space;
    if (space == Space::Data || space == Space::Target) return;
    if (loop != none && space == Space::Local && privacy.within(memory, loop)) return;
    accesses_.push_back({memory, index, loop, writes});
  };
  const auto walk = [&](const auto& self, const Block& block) -> void {
    for (const Statement& s : block) {
      if (s.kind == StatementKind::Let && program_.values[s.value].op == Op::Load)
        note(program_.values[s.value].memory, program_.values[s.value].args[0], false);
      if (s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate)
        note(s.memory, s.index, true);
      self(self, s.body);
      self(self, s.otherwise);
    }
  };
  walk(walk, body);
}

void Lanes::reject() {
  std::set<LoopId> refused;
  std::set<std::pair<LoopId, MemoryId>> reads, writes;
  for (const Access& a : accesses_) {
    if (a.loop == none) continue;
    if (a.writes && program_.memories[a.memory].type != Type::Real) refused.insert(a.loop);
    (a.writes ? writes : reads).insert({a.loop, a.memory});
  }
  // What a loop both writes and reads must be the trip's own element, which then stays in its lane.
  for (const Access& a : accesses_) {
    if (a.loop == none || !reads.count({a.loop, a.memory}) || !writes.count({a.loop, a.memory})) continue;
    const auto at = offset(a.index, a.loop);
    if (!at || !pins_.emplace(a.loop, *at).second) {
      if (!at || pins_[a.loop] != *at) refused.insert(a.loop);
    }
  }
  for (const LoopId loop : refused) candidates_.erase(loop);
  for (Access& a : accesses_)
    if (refused.count(a.loop)) a.loop = none;
}

void Lanes::anchor_loops() {
  for (const LoopId loop : candidates_) {
    std::map<std::int64_t, int> votes;
    for (const Access& a : accesses_)
      if (a.loop == loop)
        if (const auto at = offset(a.index, loop)) ++votes[*at];
    std::int64_t anchor = -program_.values[program_.loops[loop].from].integer;
    int most = 0;
    for (const auto& [at, count] : votes)
      if (count > most) anchor = at, most = count;
    if (const auto pin = pins_.find(loop); pin != pins_.end()) anchor = pin->second;
    anchors_[loop] = anchor;
  }
}

void Lanes::classify() {
  std::vector<bool> used(kinds_.size()), varies(kinds_.size()), whole(kinds_.size());
  std::set<std::pair<LoopId, MemoryId>> reads, writes;
  for (const Access& a : accesses_)
    if (a.loop != none) (a.writes ? writes : reads).insert({a.loop, a.memory});
  for (const Access& a : accesses_) {
    used[a.memory] = true;
    if (constant(a.index)) continue;
    varies[a.memory] = true;
    if (a.loop == none || !distance(a.index, a.loop)) whole[a.memory] = true;
  }
  for (MemoryId m = 0; m < kinds_.size(); ++m) {
    if (!used[m]) continue;
    const Space space = program_.memories[m].space;
    if (space == Space::Point) {
      kinds_[m] = Kind::Spread;
      whole_point_ = whole_point_ || whole[m];
    } else if (varies[m]) {
      kinds_[m] = whole[m] ? Kind::Whole : Kind::Spread;
    }
  }
  // A Whole memory that a spread loop reads and writes would be read from one place and written to another.
  for (const auto& [loop, m] : writes)
    if (reads.count({loop, m}) && kinds_[m] != Kind::Spread) {
      candidates_.erase(loop);
      anchors_.erase(loop);
      for (Access& a : accesses_)
        if (a.loop == loop) a.loop = none;
      std::fill(kinds_.begin(), kinds_.end(), Kind::Plain);
      whole_point_ = false;
      return classify();
    }
}

std::optional<std::int64_t> Lanes::constant(ValueId index) const {
  const Linear& l = linears_[index];
  return l.factors.empty() ? std::optional(l.constant) : std::nullopt;
}

std::optional<std::int64_t> Lanes::offset(ValueId index, LoopId loop) const {
  const Linear& l = linears_[index];
  if (l.factors.size() != 1 || l.factors.begin()->second != 1) return std::nullopt;
  const Value& v = program_.values[l.factors.begin()->first];
  if (v.op != Op::LoopIndex || v.loop != loop) return std::nullopt;
  return l.constant;
}

std::optional<std::int64_t> Lanes::distance(ValueId index, LoopId loop) const {
  const auto at = offset(index, loop);
  return at ? std::optional(*at - anchors_.at(loop)) : std::nullopt;
}

}  // namespace drey::glsl
