#include "glsl/emitter.h"

// A loop spread over a chain's lanes.
namespace drey::glsl {

using namespace model;

namespace {

/// Statements that a spread loop may come to, written out for every slot; and slots: a chain's arrays of more are not in
/// registers (nuts/kernel_source.cpp).
constexpr std::uint64_t kSpreadStatements = 6000, kSpreadSlots = 64;

template <typename Visit>
static void each_statement(const Block& body, const Visit& visit) {
  for (const Statement& s : body) {
    visit(s);
    each_statement(s.body, visit);
    each_statement(s.otherwise, visit);
  }
}

}  // namespace

Emitter::Count Emitter::spread_loop(const Statement& s) {
  const Loop& loop = program_.loops[s.loop];
  const std::int64_t lanes = lanes_->lanes(), anchor = lanes_->anchor(s.loop),
                     from = program_.values[loop.from].integer, to = program_.values[loop.to].integer;
  const auto floor_slot = [&](std::int64_t e) { return (e >= 0 ? e : e - lanes + 1) / lanes; };
  SpreadLoop at;
  at.loop = s.loop;
  at.first = floor_slot(from + anchor);
  at.last = floor_slot(to - 1 + anchor) + 1;
  std::uint64_t statements = 0;
  std::map<MemoryId, std::set<std::int64_t>> parts;  // constant elements that the trips add to
  std::set<MemoryId> whole;
  Count count;
  each_statement(s.body, [&](const Statement& inner) {
    ++statements;
    if (inner.kind == StatementKind::Let) {
      const Value& v = program_.values[inner.value];
      if (v.op != Op::Load || lanes_->kind(v.memory) != Lanes::Kind::Spread) return;
      if (const auto e = lanes_->constant(v.args[0])) {
        at.loaded[inner.value] = fmt::format("s{}", next_load_++);
        line(fmt::format("const real {} = {};", at.loaded[inner.value], from_owner(v.memory, *e)));
      }
    } else if (inner.kind == StatementKind::Store || inner.kind == StatementKind::Accumulate) {
      if (!lanes_->written(s.loop).count(inner.memory)) return;
      const auto e = lanes_->constant(inner.index);
      if (lanes_->kind(inner.memory) == Lanes::Kind::Whole)
        whole.insert(inner.memory);
      else if (e)
        parts[inner.memory].insert(*e);
    }
  });
  for (const auto& [m, es] : parts)
    for (const std::int64_t e : es) line(fmt::format("real a{}_{} = {};", m, e, number(0)));
  Source cleared;
  for (const MemoryId m : whole)
    clear_array(fmt::format("a{}", m), program_.memories[m].size, number(0), cleared);
  count.trips += cleared.trips;

  const auto slots = static_cast<std::uint64_t>(at.last - at.first);
  at.fixed = slots <= kSpreadSlots && slots * statements <= kSpreadStatements;
  spread_ = &at;
  Count inner;
  if (at.fixed) {
    for (at.slot = at.first; at.slot < at.last; ++at.slot) inner = spread_slot(s, from, to);
    count.trips += slots * inner.trips;
  } else {
    line(fmt::format("for (int k = {}; k < {}; ++k) {{", at.first, at.last));
    inner = spread_slot(s, from, to);
    line("}");
    count.trips += slots * (1 + inner.trips) + 1;
  }
  count.operations += slots * inner.operations;
  count.gathers += slots * inner.gathers;
  spread_ = nullptr;

  for (const auto& [m, es] : parts)
    for (const std::int64_t e : es) {
      const std::string sum = fmt::format("drey_lane_sum(a{}_{})", m, e);
      if (lanes_->kind(m) == Lanes::Kind::Spread)
        line(fmt::format("{{ const real sum = {}; if (gl_SubgroupInvocationID == {}u) {}[{}] += sum; }}", sum,
                         e % lanes, slot_array(m), e / lanes));
      else
        line(fmt::format("m{}_{} += {};", m, e, sum));
      count.operations += 6;
    }
  for (const MemoryId m : whole) {
    const std::uint64_t size = program_.memories[m].size;
    if (size <= 64) {
      for (std::uint64_t e = 0; e < size; ++e)
        line(fmt::format("m{0}[{1}] += drey_lane_sum(a{0}[{1}]);", m, e));
    } else {
      line(fmt::format("for (int e = 0; e < {1}; ++e) m{0}[e] += drey_lane_sum(a{0}[e]);", m, size));
      count.trips += size + 1;
    }
    count.operations += 8 * size;
  }
  return count;
}

Emitter::Count Emitter::spread_slot(const Statement& s, std::int64_t from, std::int64_t to) {
  SpreadLoop& at = *spread_;
  const std::int64_t lanes = lanes_->lanes(), anchor = lanes_->anchor(s.loop);
  const std::map<ValueId, std::string> before = at.loaded;
  at.sent.clear();
  line("{");
  ++indent_;
  // A distance as whole slots and the lanes left over.
  const auto whole_slots = [&](std::int64_t by) { return (by >= 0 ? by : by - lanes + 1) / lanes; };
  std::uint64_t moves = 0;
  each_statement(s.body, [&](const Statement& inner) {
    if (inner.kind == StatementKind::Let) {
      const Value& v = program_.values[inner.value];
      if (v.op != Op::Load || lanes_->kind(v.memory) != Lanes::Kind::Spread || at.loaded.count(inner.value))
        return;
      const auto by = lanes_->distance(v.args[0], s.loop);
      if (!by || *by == 0) return;
      const std::int64_t q = whole_slots(*by), r = *by - q * lanes;
      const auto moved = [&](std::int64_t k) {
        const std::string held = slot(v.memory, k, true);
        if (held.empty()) return number(0);
        if (r == 0) return held;
        return fmt::format("subgroupShuffle({}, (gl_SubgroupInvocationID + {}u) & {}u)", held, r, lanes - 1);
      };
      const std::string name = fmt::format("s{}", next_load_++);
      if (r == 0)
        line(fmt::format("const real {} = {};", name, moved(q)));
      else
        line(fmt::format("const real {}a = {}, {}b = {}, {} = gl_SubgroupInvocationID < {}u ? {}a : {}b;",
                         name, moved(q), name, moved(q + 1), name, lanes - r, name, name));
      at.loaded[inner.value] = name;
      moves += 3;
    } else if (inner.kind == StatementKind::Store || inner.kind == StatementKind::Accumulate) {
      if (!lanes_->written(s.loop).count(inner.memory) || lanes_->kind(inner.memory) != Lanes::Kind::Spread)
        return;
      const auto by = lanes_->distance(inner.index, s.loop);
      if (!by || *by == 0 || at.sent.count({inner.memory, *by})) return;
      const std::string name = fmt::format("c{}", next_load_++);
      line(fmt::format("real {} = {};", name, number(0)));
      at.sent[{inner.memory, *by}] = name;
    }
  });
  line(at.fixed ? fmt::format("const int i{} = int(gl_SubgroupInvocationID) + {};", s.loop,
                              at.slot * lanes - anchor)
                : fmt::format("const int i{} = int(gl_SubgroupInvocationID) + k * {} + {};", s.loop, lanes,
                              -anchor));
  const std::int64_t first = at.slot * lanes - anchor;
  const bool all = at.fixed && first >= from && first + lanes <= to;
  line(all ? "{" : fmt::format("if (i{0} >= {1} && i{0} < {2}) {{", s.loop, from, to));
  Count count = scope(s.body);
  line("}");
  for (const auto& [to_where, name] : at.sent) {
    const auto& [m, by] = to_where;
    const std::int64_t q = whole_slots(by), r = by - q * lanes;
    const auto give = [&](std::int64_t k, const std::string& what) {
      const std::string held = slot(m, k, false);
      if (held.empty()) return;
      const std::int64_t slots = lanes_->slots(program_.memories[m].size);
      const bool inside = at.fixed || (at.first + k >= 0 && at.last - 1 + k < slots);
      line(fmt::format("{}{} += {};",
                       inside ? "" : fmt::format("if (k + {0} >= 0 && k + {0} < {1}) ", k, slots), held,
                       what));
    };
    moves += 4;
    if (r == 0) {
      give(q, name);
      continue;
    }
    line(fmt::format("const real {0}m = subgroupShuffle({0}, (gl_SubgroupInvocationID + {1}u) & {2}u);", name,
                     lanes - r, lanes - 1));
    give(q, fmt::format("gl_SubgroupInvocationID >= {1}u ? {0}m : {2}", name, r, number(0)));
    give(q + 1, fmt::format("gl_SubgroupInvocationID < {1}u ? {0}m : {2}", name, r, number(0)));
  }
  --indent_;
  line("}");
  at.loaded = before;
  count.operations += moves;
  return count;
}

std::string Emitter::kept_load(const Value& v) {
  if (!spread_->fixed || kept_ >= options_.lane_values) return {};
  const Linear& index = linears_[v.args[0]];
  for (const auto& [value, factor] : index.factors) {
    const Value& f = program_.values[value];
    if (f.op != Op::LoopIndex || f.loop != spread_->loop) return {};
  }
  if (index.factors.empty()) return {};
  ++kept_;
  const std::string name = fmt::format("x{}", kept_);
  const bool real_value = program_.memories[v.memory].type == Type::Real;
  const Loop& loop = program_.loops[spread_->loop];
  const std::string position = sum(layout_.position(program_, v.memory, index));
  prepared_ += fmt::format("{} {};\n", real_value ? "real" : "int", name);
  prepare_ += fmt::format(
      "  {{ const int i{0} = clamp(int(gl_SubgroupInvocationID) + {1}, {2}, {3}); {4} = drey_data{5}[({6}) >> 2][({6}) "
      "& 3]; }}\n",
      spread_->loop, spread_->slot * lanes_->lanes() - lanes_->anchor(spread_->loop),
      program_.values[loop.from].integer, program_.values[loop.to].integer - 1, name,
      layout_.place(v.memory).buffer, position);
  return name;
}

}  // namespace drey::glsl
