#include "grad/optimise.h"

#include <algorithm>
#include <optional>
#include <set>

#include "grad/rewrite.h"
#include "grad/unroll.h"

namespace drey::grad {

using namespace model;

namespace {

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
      : source_(source),
        options_(options),
        needed_(source),
        unrolling_(source, options, needed_),
        privacy_(source),
        rewrite_(source, builder_) {}

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
      const std::uint64_t values = unrolling_.operations(s.body);
      const bool kept =
          options_.keep_trips && nesting_ == 0 && old.independent && trips >= options_.keep_trips;
      if (!kept && unrolling_.writes_out(s.loop, trips, values) &&
          (trips <= 1 || affordable((trips - 1) * values))) {
        for (std::int64_t at = *first; at < *last; ++at) copy(s, builder_.integer(at));
        return;
      }
      if (!kept && unrolling_.strips(s, trips, values)) {
        strip(s, *first, *last, old.independent);
        return;
      }
    }
    const LoopId now =
        builder_.begin_for(from, to, old.max_trips, old.independent, rewrite_.memories(live_writes(s.body)));
    trip(s, builder_.index(now));
    builder_.end_for();
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

  const Program& source_;
  const OptimiseOptions& options_;
  Needed needed_;
  Unrolling unrolling_;
  Privacy privacy_;
  Builder builder_;
  Rewriter rewrite_;
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
