#include "grad/differentiate.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "error.h"
#include "grad/activity.h"
#include "grad/optimise.h"
#include "grad/rewrite.h"
#include "model/builder.h"
#include "model/functions.h"

namespace drey::grad {

using namespace model;

namespace {

/// Elements of one tape a chain may have; devices refuse far earlier, this bounds the compiler.
constexpr std::uint64_t kMostTape = std::uint64_t{1} << 26;

class Reverse {
 public:
  Reverse(const Program& program, std::uint64_t dimension)
      : program_(program),
        activity_(program),
        privacy_(program),
        rewrite_(program, builder_),
        adjoint_(program.values.size()),
        adjoint_memory_(program.memories.size(), none),
        masked_memory_(program.memories.size()),
        fused_(program.loops.size()) {
    for (MemoryId m = 0; m < program.memories.size(); ++m) rewrite_.memory(m);
    Memory gradient;
    gradient.space = Space::Gradient;
    gradient.size = dimension;
    gradient.name = "gradient";
    gradient_ = builder_.memory(gradient);
    one_ = builder_.real(1);
  }

  Program run() {
    zero_adjoints(none);
    forward(program_.body, Mode::Whole);
    reverse(program_.body);
    return builder_.finish();
  }

 private:
  enum class Mode {
    Whole,      ///< the program's own pass: all statements, loops that can be are reversed in place
    Recompute,  ///< scalars again, in a reversed body: lets, and what is private to the trip
  };

  /// The derivative of the target with respect to a value, as far as it is gathered: a value of the new
  /// program, plus a Local of one element that inner bodies add to.
  struct Adjoint {
    ValueId sum = none;
    MemoryId memory = none;
    bool masked = false;  ///< may be 0 because a branch was not taken: then it wins over infinite derivatives
  };

  bool private_to_open_trip(MemoryId m) const {
    const LoopId home = privacy_.home(m);
    return home != none && open_.count(home) != 0;
  }

  // ---- forward

  void forward(const Block& body, Mode mode) {
    for (const Statement& s : body) {
      switch (s.kind) {
        case StatementKind::Let:
          if (reads_overwritten(s))
            taped(s.value, mode);
          else
            rewrite_.let(s.value);
          break;
        case StatementKind::Store:
        case StatementKind::Accumulate:
          if (mode == Mode::Recompute && !private_to_open_trip(s.memory)) break;
          if (s.kind == StatementKind::Store)
            builder_.store(rewrite_.memory(s.memory), rewrite_(s.index), rewrite_(s.value));
          else
            builder_.accumulate(rewrite_.memory(s.memory), rewrite_(s.index), rewrite_(s.value));
          break;
        case StatementKind::For:
          if (mode == Mode::Recompute && !writes_private(s.body)) break;
          // A fused loop adds to the target: only the whole pass may run it forwards.
          forward_loop(s, mode);
          break;
        case StatementKind::If:
          if (mode == Mode::Recompute && !writes_private(s.body) && !writes_private(s.otherwise)) break;
          builder_.begin_if(rewrite_(s.value));
          forward_plain(s.body, mode);
          builder_.begin_else();
          forward_plain(s.otherwise, mode);
          builder_.end_if();
          break;
      }
    }
  }

  bool reads_overwritten(const Statement& s) const {
    const Value& v = program_.values[s.value];
    return s.kind == StatementKind::Let && v.op == Op::Load && program_.memories[v.memory].overwritten;
  }

  /// A load of a Local that may be stored again before the load is reversed. Where the memory is as the program left
  /// it here, it is read, and what was read is kept, one element a trip of the loops around; later it is read there.
  void taped(ValueId old, Mode mode) {
    const Value& v = program_.values[old];
    const bool live = mode == Mode::Whole || private_to_open_trip(v.memory);
    if (live) rewrite_.let(old);
    if (live && plain_ == 0) return;  // reversed where it stands
    const LoopId home = privacy_.home(v.memory);
    auto first = std::find(path_.begin(), path_.end(), home);
    first = first == path_.end() ? path_.begin() : first + 1;
    ValueId place = builder_.integer(0);
    std::uint64_t size = 1;
    for (auto loop = first; loop != path_.end(); ++loop) {
      const std::uint64_t trips = std::max<std::uint64_t>(program_.loops[*loop].max_trips, 1);
      if (size > kMostTape / trips)
        throw Error("too_large",
                    "`" + program_.memories[v.memory].name +
                        "` is set and read so often that a gradient needs more scratch a chain than Drey "
                        "takes; use fewer steps, or add to elements as in {set, X, {'+', X, E}}");
      size *= trips;
      const ValueId trip = builder_.sub_i(rewrite_.index(*loop), rewrite_(program_.loops[*loop].from));
      place = builder_.add_i(builder_.mul_i(place, builder_.integer(static_cast<std::int64_t>(trips))), trip);
    }
    MemoryId& tape = tapes_.try_emplace(old, none).first->second;
    if (tape == none) {
      Memory made;
      made.type = v.type;
      made.size = size;
      made.name = "tape of " + program_.memories[v.memory].name;
      tape = builder_.memory(made);
    }
    if (live)
      builder_.store(tape, place, rewrite_(old));
    else
      rewrite_.bind(old, builder_.load(tape, place));
  }

  /// A branch's body: its loops are not reversed in place, since the branch itself is reversed later.
  void forward_plain(const Block& body, Mode mode) {
    ++plain_;
    forward(body, mode);
    --plain_;
  }

  /// The scalars of a body that is being reversed, and what its trip of `loop` keeps to itself. Locals of
  /// enclosing trips hold their final values already.
  void recompute(const Block& body, LoopId loop) {
    std::set<LoopId> around;
    if (loop != none) around.insert(loop);
    std::swap(open_, around);
    forward_plain(body, Mode::Recompute);
    std::swap(open_, around);
  }

  void forward_loop(const Statement& s, Mode mode) {
    const Loop& loop = program_.loops[s.loop];
    const bool fuse = mode == Mode::Whole && plain_ == 0 && can_fuse(s);
    const LoopId now =
        builder_.begin_for(rewrite_(loop.from), rewrite_(loop.to), loop.max_trips, loop.independent || fuse);
    rewrite_.bind_index(s.loop, builder_.index(now));
    path_.push_back(s.loop);
    const bool opens = loop.independent && open_.insert(s.loop).second;
    if (fuse) {
      fused_[s.loop] = true;
      zero_adjoints(s.loop);
      settle(s.body);
      forward(s.body, mode);
      reverse(s.body);
    } else {
      forward_plain(s.body, mode);
    }
    if (opens) open_.erase(s.loop);
    path_.pop_back();
    builder_.end_for();
  }

  bool writes_private(const Block& body) const {
    for (const MemoryId m : written_locals(program_, body))
      if (private_to_open_trip(m)) return true;
    return false;
  }

  /// A loop whose trips can each be run forwards and backwards at once: it adds to the target and otherwise
  /// keeps what it stores to itself.
  bool can_fuse(const Statement& s) const {
    // A read of what others store must be reversed in its turn.
    if (reads_shared(s.body, s.loop)) return false;
    const std::vector<MemoryId> written = written_locals(program_, s.body);
    if (written.empty()) return true;
    if (!program_.loops[s.loop].independent) return false;
    for (const MemoryId m : written)
      if (!privacy_.within(m, s.loop)) return false;
    return true;
  }

  /// Whether a body of `loop` reads an overwritten Local that is not private to its trips.
  bool reads_shared(const Block& body, LoopId loop) const {
    return std::any_of(body.begin(), body.end(), [&](const Statement& s) {
      if (reads_overwritten(s)) return !privacy_.within(program_.values[s.value].memory, loop);
      return reads_shared(s.body, loop) || reads_shared(s.otherwise, loop);
    });
  }

  // ---- adjoints

  /// Clears the adjoints of the Locals whose home is `loop` (`none`: the whole program), those of one size in
  /// one loop.
  void zero_adjoints(LoopId loop) {
    std::map<std::uint64_t, std::vector<MemoryId>> sizes;
    for (MemoryId m = 0; m < program_.memories.size(); ++m) {
      const Memory& memory = program_.memories[m];
      if (memory.space != Space::Local || !activity_.memory(m) || privacy_.home(m) != loop) continue;
      MemoryId& adjoint = adjoint_memory_[m];
      if (adjoint == none) adjoint = adjoint_of(memory);
      sizes[memory.size].push_back(adjoint);
    }
    for (const auto& [size, adjoints] : sizes) {
      const LoopId each = builder_.begin_for(0, static_cast<std::int64_t>(size), true);
      for (const MemoryId adjoint : adjoints) builder_.store(adjoint, builder_.index(each), builder_.real(0));
      builder_.end_for();
    }
  }

  MemoryId adjoint_of(const Memory& memory) {
    Memory made;
    made.size = memory.size;
    made.name = "adjoint of " + memory.name;
    made.row = memory.row;
    made.overwritten = memory.overwritten;
    return builder_.memory(made);
  }

  void add_adjoint(ValueId old, ValueId contribution, bool masked) {
    if (!activity_.value(old) || builder_.is_real_constant(contribution, 0)) return;
    Adjoint& a = adjoint_[old];
    a.masked = a.masked || masked;
    // `home`: the body of the new program in which this value's adjoint is gathered.
    const std::size_t home = home_depth(old);
    if (home == builder_.depth()) {
      a.sum = a.sum == none ? contribution : builder_.add(a.sum, contribution);
      return;
    }
    if (a.memory == none) {
      a.memory = builder_.local(1, "adjoint");
      builder_.store_at(home, a.memory, builder_.integer(0), builder_.real(0));
    }
    builder_.accumulate(a.memory, builder_.integer(0), contribution);
  }

  /// The gathered adjoint; none when nothing reached the value. It is spent.
  std::optional<std::pair<ValueId, bool>> take_adjoint(ValueId old) {
    Adjoint a = adjoint_[old];
    adjoint_[old] = {};
    ValueId sum = a.sum;
    if (a.memory != none) {
      const ValueId inner = builder_.load(a.memory, builder_.integer(0));
      sum = sum == none ? inner : builder_.add(sum, inner);
    }
    if (sum == none || builder_.is_real_constant(sum, 0)) return std::nullopt;
    return std::pair{sum, a.masked};
  }

  std::size_t home_depth(ValueId old) const {
    const auto found = home_.find(old);
    return found == home_.end() ? 0 : found->second;
  }

  // ---- reverse

  /// The adjoints of a body's values are gathered in the body of the new program that is open now.
  void settle(const Block& body) {
    for (const Statement& s : body)
      if (s.kind == StatementKind::Let) home_[s.value] = builder_.depth();
  }

  void reverse(const Block& body) {
    settle(body);
    for (auto s = body.rbegin(); s != body.rend(); ++s) reverse(*s);
  }

  void reverse(const Statement& s) {
    switch (s.kind) {
      case StatementKind::Let:
        reverse_let(s.value);
        break;
      case StatementKind::Store:
      case StatementKind::Accumulate:
        if (ends_version(s)) {
          // What was read of the element since is of this store; what was there before has its own readers.
          const MemoryId adjoint = adjoint_memory_.at(s.memory);
          const ValueId index = rewrite_(s.index);
          if (activity_.value(s.value))
            add_adjoint(s.value, builder_.load(adjoint, index), masked_memory_[s.memory]);
          builder_.store(adjoint, index, builder_.real(0));
          break;
        }
        if (!activity_.value(s.value) || !activity_.memory_or_target(s.memory)) break;
        if (program_.memories[s.memory].space == Space::Target)
          add_adjoint(s.value, one_, false);
        else
          add_adjoint(s.value, builder_.load(adjoint_memory_.at(s.memory), rewrite_(s.index)),
                      masked_memory_[s.memory]);
        break;
      case StatementKind::For:
        if (fused_[s.loop] || !carries(s.body)) break;
        reverse_loop(s);
        break;
      case StatementKind::If:
        if (!carries(s.body) && !carries(s.otherwise)) break;
        builder_.begin_if(rewrite_(s.value));
        recompute(s.body, none);
        reverse(s.body);
        builder_.begin_else();
        recompute(s.otherwise, none);
        reverse(s.otherwise);
        builder_.end_if();
        break;
    }
  }

  bool ends_version(const Statement& s) const {
    return s.kind == StatementKind::Store && program_.memories[s.memory].overwritten &&
           activity_.memory(s.memory);
  }

  /// Whether anything in a body passes a derivative on.
  bool carries(const Block& body) const {
    for (const Statement& s : body) {
      if (ends_version(s)) return true;
      if (s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate) {
        if (activity_.value(s.value) && activity_.memory_or_target(s.memory)) return true;
      }
      if (carries(s.body) || carries(s.otherwise)) return true;
    }
    return false;
  }

  void reverse_loop(const Statement& s) {
    const Loop& loop = program_.loops[s.loop];
    const ValueId from = rewrite_(loop.from), to = rewrite_(loop.to);
    const LoopId now = builder_.begin_for(from, to, loop.max_trips, loop.independent);
    ValueId index = builder_.index(now);
    if (!loop.independent && carries_state(s.body))  // from the last trip to the first
      index = builder_.sub_i(builder_.sub_i(builder_.add_i(from, to), builder_.integer(1)), index);
    rewrite_.bind_index(s.loop, index);
    path_.push_back(s.loop);
    zero_adjoints(s.loop);
    recompute(s.body, loop.independent ? s.loop : none);
    reverse(s.body);
    path_.pop_back();
    builder_.end_for();
  }

  /// Whether a body reads a Local that it writes: then a trip may need what an earlier one left. Sums do not. What is
  /// overwritten is reversed in order, read or not.
  bool carries_state(const Block& body) const {
    const std::vector<MemoryId> written = written_locals(program_, body);
    for (const MemoryId m : written)
      if (program_.memories[m].overwritten) return true;
    return reads_any(body, written);
  }
  bool reads_any(const Block& body, const std::vector<MemoryId>& memories) const {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::Let) {
        const Value& v = program_.values[s.value];
        if (v.op == Op::Load && std::binary_search(memories.begin(), memories.end(), v.memory)) return true;
      }
      if (reads_any(s.body, memories) || reads_any(s.otherwise, memories)) return true;
    }
    return false;
  }

  void reverse_let(ValueId old) {
    if (!activity_.value(old)) return;
    const auto adjoint = take_adjoint(old);
    if (!adjoint) return;
    const auto [a, masked] = *adjoint;
    const Value& v = program_.values[old];
    switch (v.op) {
      case Op::Load: {
        const ValueId index = rewrite_(v.args[0]);
        if (program_.memories[v.memory].space == Space::Point)
          builder_.accumulate(gradient_, index, a);
        else
          builder_.accumulate(adjoint_memory_.at(v.memory), index, a);
        if (masked) masked_memory_[v.memory] = true;
        break;
      }
      case Op::Select: {
        const ValueId condition = rewrite_(v.args[0]), zero = builder_.real(0);
        add_adjoint(v.args[1], builder_.select(condition, a, zero), true);
        add_adjoint(v.args[2], builder_.select(condition, zero, a), true);
        break;
      }
      case Op::Call: {
        const Function& f = functions()[v.function];
        std::map<std::string, ValueId, std::less<>> names;
        for (std::size_t k = 0; k < v.args.size(); ++k)
          names.emplace(std::string(1, static_cast<char>('a' + k)), rewrite_(v.args[k]));
        names.emplace("r", rewrite_(old));
        for (std::size_t k = 0; k < v.args.size(); ++k) {
          if (!activity_.value(v.args[k]) || !Activity::passes(v, k)) continue;
          const ValueId d = builder_.formula(f.derivative[k], names);
          ValueId product = builder_.mul(a, d);
          // 0 from a branch not taken stays 0, even times an infinite derivative.
          const bool finite = builder_.value(d).op == Op::RealConstant;
          if (masked && !finite)
            product =
                builder_.select(builder_.op(Op::EqualR, {a, builder_.real(0)}), builder_.real(0), product);
          add_adjoint(v.args[k], product, masked);
        }
        break;
      }
      default:
        break;
    }
  }

  const Program& program_;
  const Activity activity_;
  const Privacy privacy_;
  Builder builder_;
  Rewriter rewrite_;
  std::vector<Adjoint> adjoint_;
  std::vector<MemoryId> adjoint_memory_;
  std::vector<bool> masked_memory_, fused_;
  std::map<ValueId, std::size_t> home_;
  std::set<LoopId> open_;  ///< while recomputing: the independent loops whose own Locals are recomputed too
  std::map<ValueId, MemoryId> tapes_;  ///< of loads of overwritten Locals
  std::vector<LoopId> path_;           ///< loops of the source around what is being written
  int plain_ = 0;
  MemoryId gradient_ = none;
  ValueId one_ = none;
};

}  // namespace

Program differentiate(const Program& density, std::uint64_t dimension) {
  // Short loops are written out first: what passes between their trips then needs no memory, and no tape.
  const Program lean = optimise(density, {.unroll_trips = 256, .unroll_values = 1024});
  return optimise(Reverse(lean, dimension).run());
}

}  // namespace drey::grad
