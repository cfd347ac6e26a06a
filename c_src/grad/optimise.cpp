#include "grad/optimise.h"

#include <algorithm>
#include <optional>
#include <set>

#include "grad/rewrite.h"
#include "model/functions.h"

namespace drey::grad {

using namespace model;

namespace {

/// Drivers write loops of up to so many trips out themselves.
constexpr std::uint64_t driver_trips = 33;

void collect_written(const Program& program, const Block& body, std::set<MemoryId>& written) {
  for (const Statement& s : body) {
    if ((s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate) &&
        program.memories[s.memory].space == Space::Local)
      written.insert(s.memory);
    collect_written(program, s.body, written);
    collect_written(program, s.otherwise, written);
  }
}

class Pass {
 public:
  Pass(const Program& source, const OptimiseOptions& options)
      : source_(source), options_(options), needed_(source), privacy_(source), rewrite_(source, builder_) {
    indexed_.resize(source.memories.size());
    if (options.unroll_trips > 0) find_indexed(source.body, {});
  }

  Program run() {
    // The visible memories first, in the source's order, whatever the statements do.
    for (MemoryId m = 0; m < source_.memories.size(); ++m)
      if (source_.memories[m].space != Space::Local || needed_.memories[m]) rewrite_.memory(m);
    block(source_.body);
    return builder_.finish();
  }

 private:
  std::optional<std::int64_t> constant(ValueId now) const {
    const Value& v = builder_.value(now);
    if (v.op == Op::IntegerConstant) return v.integer;
    return std::nullopt;
  }

  void block(const Block& body) {
    for (const Statement& s : body)
      if (needed_.statement(s)) statement(s);
  }

  void statement(const Statement& s) {
    switch (s.kind) {
      case StatementKind::Let:
        rewrite_.let(s.value);
        break;
      case StatementKind::Store:
        builder_.store(rewrite_.memory(s.memory), rewrite_(s.index), rewrite_(s.value));
        break;
      case StatementKind::Accumulate:
        builder_.accumulate(rewrite_.memory(s.memory), rewrite_(s.index), rewrite_(s.value));
        break;
      case StatementKind::For:
        loop(s);
        break;
      case StatementKind::If: {
        const ValueId condition = rewrite_(s.value);
        if (const auto known = constant(condition)) {
          block(*known != 0 ? s.body : s.otherwise);
          break;
        }
        Block both = s.body;
        both.insert(both.end(), s.otherwise.begin(), s.otherwise.end());
        builder_.begin_if(condition, rewrite_.memories(live_writes(both)));
        ++nesting_;
        block(s.body);
        builder_.begin_else();
        block(s.otherwise);
        --nesting_;
        builder_.end_if();
        break;
      }
    }
  }

  std::vector<MemoryId> live_writes(const Block& body) const {
    std::vector<MemoryId> all = written_locals(source_, body), live;
    for (const MemoryId m : all)
      if (needed_.memories[m]) live.push_back(m);
    return live;
  }

  /// Values that a body comes to once its own loops are written out where they will be.
  std::uint64_t written_out(const Block& body) const {
    std::uint64_t total = 0;
    for (const Statement& s : body) {
      if (!needed_.statement(s)) continue;
      total += weight(s);
      if (s.kind == StatementKind::For) {
        const std::uint64_t inner = written_out(s.body);
        const auto trips = constant_trips(s.loop);
        total += trips && unrolls(*trips, inner) ? *trips * inner : inner;
      }
      total += written_out(s.kind == StatementKind::If ? s.body : Block{}) + written_out(s.otherwise);
      if (total > 1'000'000) return total;
    }
    return total;
  }

  std::optional<std::uint64_t> constant_trips(LoopId id) const {
    const Value& from = source_.values[source_.loops[id].from];
    const Value& to = source_.values[source_.loops[id].to];
    if (from.op != Op::IntegerConstant || to.op != Op::IntegerConstant) return std::nullopt;
    return to.integer > from.integer ? static_cast<std::uint64_t>(to.integer - from.integer) : 0;
  }

  bool unrolls(std::uint64_t trips, std::uint64_t values) const {
    if (trips <= 1) return true;
    return trips <= options_.unroll_trips && trips * values <= options_.unroll_values;
  }

  /// Instructions a statement comes to, roughly: a function of the shader library is many.
  std::uint64_t weight(const Statement& s) const {
    if (s.kind != StatementKind::Let) return 1;
    const Value& v = source_.values[s.value];
    if (v.type == Type::Integer) return 0;
    if (v.op != Op::Call) return 1;
    return functions()[v.function].glsl.find("drey_") == std::string::npos ? 1 : 12;
  }

  /// Takes `values` from what may still be written out.
  bool affordable(std::uint64_t values) {
    if (grown_ + values > options_.growth) return false;
    grown_ += values;
    return true;
  }

  void loop(const Statement& s) {
    const Loop& old = source_.loops[s.loop];
    const ValueId from = rewrite_(old.from), to = rewrite_(old.to);
    const auto first = constant(from), last = constant(to);
    if (first && last) {
      const std::uint64_t trips = *last > *first ? static_cast<std::uint64_t>(*last - *first) : 0;
      const std::uint64_t values = written_out(s.body);
      const bool clearing = trips > driver_trips && clears(s);
      const bool kept = options_.keep_trips && nesting_ == 0 && old.independent && trips >= options_.keep_trips;
      if (!kept && !clearing && unrolls(trips, values) && (trips <= 1 || affordable((trips - 1) * values))) {
        for (std::int64_t at = *first; at < *last; ++at) copy(s, builder_.integer(at));
        return;
      }
      if (!kept && options_.strip > 1 && trips >= (clearing ? driver_trips : 2) * options_.strip &&
          options_.strip * values <= options_.strip_values && !keeps_loops(s.body) &&
          walks_elements(s.body, s.loop)) {
        strip(s, *first, *last, old.independent);
        return;
      }
    }
    const LoopId now =
        builder_.begin_for(from, to, old.max_trips, old.independent, rewrite_.memories(live_writes(s.body)));
    trip(s, builder_.index(now));
    builder_.end_for();
  }

  /// Memories that some loop indexes which stays a loop, or an index that is data: arrays, whatever else is done.
  void find_indexed(const Block& body, std::set<LoopId> kept) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::Let && source_.values[s.value].op == Op::Load)
        note_index(source_.values[s.value].memory, source_.values[s.value].args[0], kept);
      if (s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate)
        note_index(s.memory, s.index, kept);
      if (s.kind == StatementKind::For) {
        const auto trips = constant_trips(s.loop);
        if (clears_elements(s)) continue;
        std::set<LoopId> inside = kept;
        if (!trips || !unrolls(*trips, written_out(s.body))) inside.insert(s.loop);
        find_indexed(s.body, std::move(inside));
      } else {
        find_indexed(s.body, kept);
        find_indexed(s.otherwise, kept);
      }
    }
  }
  void note_index(MemoryId m, ValueId index, const std::set<LoopId>& kept) {
    int budget = 50;
    if (!indexed_[m] && varies(index, kept, budget)) indexed_[m] = true;
  }
  bool varies(ValueId id, const std::set<LoopId>& kept, int& budget) const {
    const Value& v = source_.values[id];
    if (--budget < 0 || v.op == Op::Load) return true;
    if (v.op == Op::LoopIndex) return kept.count(v.loop) != 0;
    return std::any_of(v.args.begin(), v.args.end(), [&](ValueId arg) { return varies(arg, kept, budget); });
  }

  /// Whether a loop does nothing but store constants, one element of each Local a trip.
  bool clears_elements(const Statement& s) const {
    return std::all_of(s.body.begin(), s.body.end(), [&](const Statement& inner) {
      if (inner.kind == StatementKind::Let) return source_.values[inner.value].type == Type::Integer;
      return inner.kind == StatementKind::Store && source_.memories[inner.memory].space == Space::Local &&
             source_.values[inner.value].op == Op::RealConstant && step(inner.index, s.loop) == 1;
    });
  }
  /// Such a loop, of Locals that stay arrays: written out it would be text for nothing, and drivers spend time
  /// that grows with the square of an array's accesses.
  bool clears(const Statement& s) const {
    return clears_elements(s) && std::any_of(s.body.begin(), s.body.end(), [&](const Statement& inner) {
             return inner.kind == StatementKind::Store && indexed_[inner.memory];
           });
  }

  void trip(const Statement& s, ValueId index) {
    rewrite_.bind_index(s.loop, index);
    ++nesting_;
    block(s.body);
    --nesting_;
  }

  /// One of several trips in one body: what is private to a trip is this one's own, and what is private to trips of a
  /// loop inside it is the own of that loop's copy.
  void copy(const Statement& s, ValueId index) {
    const bool independent = source_.loops[s.loop].independent;
    std::vector<LoopId> inside;
    loops_of(s.body, inside);
    for (const MemoryId m : written_locals(source_, s.body)) {
      const LoopId home = privacy_.home(m);
      if ((independent && privacy_.within(m, s.loop)) ||
          (home != none && std::find(inside.begin(), inside.end(), home) != inside.end()))
        rewrite_.renew(m);
    }
    trip(s, index);
  }

  static void loops_of(const Block& body, std::vector<LoopId>& loops) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::For) loops.push_back(s.loop);
      loops_of(s.body, loops);
      loops_of(s.otherwise, loops);
    }
  }

  void strip(const Statement& s, std::int64_t first, std::int64_t last, bool independent) {
    const auto width = static_cast<std::int64_t>(options_.strip);
    const std::int64_t blocks = (last - first) / width;
    std::vector<MemoryId> shared;
    for (const MemoryId m : live_writes(s.body))
      if (!independent || !privacy_.within(m, s.loop)) shared.push_back(m);
    const LoopId outer = builder_.begin_for(0, blocks, independent, rewrite_.memories(shared));
    const ValueId base = builder_.add_i(builder_.mul_i(builder_.index(outer), builder_.integer(width)),
                                        builder_.integer(first));
    for (std::int64_t at = 0; at < width; ++at) copy(s, builder_.add_i(base, builder_.integer(at)));
    builder_.end_for();
    for (std::int64_t at = first + blocks * width; at < last; ++at) copy(s, builder_.integer(at));
  }

  /// Whether the body reads real data, or a Local, one element a trip of `loop`.
  bool walks_elements(const Block& body, LoopId loop) const {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::Let) {
        const Value& v = source_.values[s.value];
        if (v.op == Op::Load && step(v.args[0], loop) == 1) return true;
      }
      if ((s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate) && step(s.index, loop) == 1)
        return true;
      if (s.kind == StatementKind::For && walks_elements(s.body, loop)) return true;
      if (s.kind == StatementKind::If && (walks_elements(s.body, loop) || walks_elements(s.otherwise, loop)))
        return true;
    }
    return false;
  }

  /// Whether a body has loops of its own that stay loops.
  bool keeps_loops(const Block& body) const {
    for (const Statement& s : body) {
      if (!needed_.statement(s)) continue;
      if (s.kind == StatementKind::For) {
        const auto trips = constant_trips(s.loop);
        if (!trips || !unrolls(*trips, written_out(s.body)) || keeps_loops(s.body)) return true;
      }
      if (s.kind == StatementKind::If && (keeps_loops(s.body) || keeps_loops(s.otherwise))) return true;
    }
    return false;
  }

  /// How far an index moves a trip; none when that is not a constant (or the index is very long).
  std::optional<std::int64_t> step(ValueId id, LoopId loop) const {
    int budget = 200;
    return step(id, loop, budget);
  }
  std::optional<std::int64_t> step(ValueId id, LoopId loop, int& budget) const {
    if (--budget < 0) return std::nullopt;
    const Value& v = source_.values[id];
    switch (v.op) {
      case Op::LoopIndex:
        return v.loop == loop ? 1 : 0;
      case Op::IntegerConstant:
        return 0;
      case Op::AddI:
      case Op::SubI: {
        const auto a = step(v.args[0], loop, budget), b = step(v.args[1], loop, budget);
        if (!a || !b) return std::nullopt;
        return v.op == Op::AddI ? *a + *b : *a - *b;
      }
      case Op::MulI: {
        const auto a = step(v.args[0], loop, budget), b = step(v.args[1], loop, budget);
        if (!a || !b) return std::nullopt;
        const Value& x = source_.values[v.args[0]];
        const Value& y = source_.values[v.args[1]];
        constexpr std::int64_t most = 1 << 30;  // no product below overflows
        if (std::max({std::abs(*a), std::abs(*b), std::abs(x.integer), std::abs(y.integer)}) > most)
          return std::nullopt;
        if (x.op == Op::IntegerConstant) return x.integer * *b;
        if (y.op == Op::IntegerConstant) return y.integer * *a;
        return *a == 0 && *b == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
      }
      default:
        return std::nullopt;
    }
  }

  const Program& source_;
  const OptimiseOptions& options_;
  Needed needed_;
  Privacy privacy_;
  Builder builder_;
  Rewriter rewrite_;
  std::vector<bool> indexed_;  ///< by memory of the source
  std::uint64_t grown_ = 0;
  int nesting_ = 0;  ///< loops and branches around what is being written
};

}  // namespace

std::vector<MemoryId> written_locals(const Program& program, const Block& body) {
  std::set<MemoryId> written;
  collect_written(program, body, written);
  return {written.begin(), written.end()};
}

Program optimise(const Program& program, const OptimiseOptions& options) {
  Program better = Pass(program, options).run();
  // Forwarding and folding leave dead code behind; the second time nothing is left to unroll.
  return Pass(better, OptimiseOptions{}).run();
}

}  // namespace drey::grad
