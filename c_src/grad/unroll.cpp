#include "grad/unroll.h"

#include <algorithm>

#include "model/functions.h"

namespace drey::grad {

using namespace model;

namespace {

/// Drivers write loops of up to so many trips out themselves.
constexpr std::uint64_t kDriverTrips = 32;
constexpr std::uint64_t kMostOperations = 1'000'000;

bool is_access(const Statement& s, const Program& program, MemoryId& memory, ValueId& index) {
  if (s.kind == StatementKind::Let && program.values[s.value].op == Op::Load) {
    memory = program.values[s.value].memory;
    index = program.values[s.value].args[0];
    return true;
  }
  if (s.kind != StatementKind::Store && s.kind != StatementKind::Accumulate) return false;
  memory = s.memory;
  index = s.index;
  return true;
}

}  // namespace

Unrolling::Unrolling(const Program& source, const OptimiseOptions& options, const Needed& needed)
    : source_(source),
      options_(options),
      needed_(needed),
      kept_(source.memories.size(), false),
      walk_(source.loops.size(), false) {
  if (options_.unroll_trips <= kDriverTrips) return;
  // A loop that stays makes the arrays it walks stay, and these the other loops that walk along them.
  do {
    find_varying();
    mark_kept(source_.body);
  } while (mark_walks(source_.body));
}

bool Unrolling::writes_out(LoopId loop, std::uint64_t trips, std::uint64_t operations) const {
  if (trips <= 1) return true;
  if (trips > kDriverTrips && walk_[loop]) return false;
  return trips <= options_.unroll_trips && trips * operations <= options_.unroll_values;
}

std::uint64_t Unrolling::operations(const Block& body) const {
  std::uint64_t total = 0;
  for (const Statement& s : body) {
    if (!needed_.statement(s)) continue;
    total += weight(s);
    if (s.kind == StatementKind::For) {
      const std::uint64_t inner = operations(s.body);
      const auto trips = constant_trips(s.loop);
      total += trips && writes_out(s.loop, *trips, inner) ? *trips * inner : inner;
    }
    total += operations(s.kind == StatementKind::If ? s.body : Block{}) + operations(s.otherwise);
    if (total > kMostOperations) return total;
  }
  return total;
}

bool Unrolling::keeps_loops(const Block& body) const {
  for (const Statement& s : body) {
    if (!needed_.statement(s)) continue;
    if (s.kind == StatementKind::For) {
      const auto trips = constant_trips(s.loop);
      if (!trips || !writes_out(s.loop, *trips, operations(s.body)) || keeps_loops(s.body)) return true;
    }
    if (s.kind == StatementKind::If && (keeps_loops(s.body) || keeps_loops(s.otherwise))) return true;
  }
  return false;
}

bool Unrolling::strips(const Statement& loop, std::uint64_t trips, std::uint64_t operations) const {
  if (options_.strip < 2 || trips < 2 * options_.strip || options_.strip * operations > options_.strip_values)
    return false;
  // What is left of a strip must not be so short that the driver writes it out after all.
  if (walk_[loop.loop] && trips / options_.strip <= kDriverTrips && !reads_data(loop.body)) return false;
  return !keeps_loops(loop.body) && walks_elements(loop.body, loop.loop);
}

bool Unrolling::reads_data(const Block& body) const {
  return std::any_of(body.begin(), body.end(), [this](const Statement& s) {
    if (s.kind == StatementKind::Let && source_.values[s.value].op == Op::Load)
      return source_.memories[source_.values[s.value].memory].space == Space::Data;
    return reads_data(s.body) || reads_data(s.otherwise);
  });
}

bool Unrolling::walks_elements(const Block& body, LoopId loop) const {
  for (const Statement& s : body) {
    MemoryId memory = none;
    ValueId index = none;
    if (is_access(s, source_, memory, index) && step(index, loop) == 1) return true;
    if (s.kind == StatementKind::For && walks_elements(s.body, loop)) return true;
    if (s.kind == StatementKind::If && (walks_elements(s.body, loop) || walks_elements(s.otherwise, loop)))
      return true;
  }
  return false;
}

std::optional<std::uint64_t> Unrolling::constant_trips(LoopId id) const {
  const Value& from = source_.values[source_.loops[id].from];
  const Value& to = source_.values[source_.loops[id].to];
  if (from.op != Op::IntegerConstant || to.op != Op::IntegerConstant) return std::nullopt;
  return to.integer > from.integer ? static_cast<std::uint64_t>(to.integer - from.integer) : 0;
}

/// Instructions a statement comes to, roughly: a function of the shader library is many.
std::uint64_t Unrolling::weight(const Statement& s) const {
  if (s.kind != StatementKind::Let) return 1;
  const Value& v = source_.values[s.value];
  if (v.type == Type::Integer) return 0;
  if (v.op != Op::Call) return 1;
  const Function& f = functions()[v.function];
  // What a driver takes to compile a call, over that of an exponential.
  for (const char* name :
       {"gamma_p", "gamma_q", "gamma_q_da", "log_gamma_p", "log_gamma_q", "log_gamma_p_da", "log_gamma_q_da",
        "log_gamma_p_dx", "log_gamma_q_dx", "inc_beta", "inc_beta_da", "owens_t"})
    if (f.name == name) return 300;
  for (const char* name : {"lbeta", "lchoose"})
    if (f.name == name) return 100;
  for (const char* name : {"lgamma", "digamma", "trigamma", "tetragamma"})
    if (f.name == name) return 25;
  return f.glsl.find("drey_") == std::string::npos ? 1 : 12;
}

// ---- arrays that stay

/// Operands stand before what uses them, so one walk over the values does.
void Unrolling::find_varying() {
  std::vector<bool> stays(source_.loops.size(), true);
  const auto visit = [&](const auto& self, const Block& body) -> void {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::For) {
        // Where the trips depend on an outer index, they are known once that loop is written out.
        const auto trips = constant_trips(s.loop);
        stays[s.loop] = trips ? !writes_out(s.loop, *trips, operations(s.body)) : false;
      }
      self(self, s.body);
      self(self, s.otherwise);
    }
  };
  visit(visit, source_.body);
  varying_.assign(source_.values.size(), false);
  for (ValueId id = 0; id < source_.values.size(); ++id) {
    const Value& v = source_.values[id];
    if (v.type != Type::Integer) continue;
    if (v.op == Op::LoopIndex) {
      const Loop& loop = source_.loops[v.loop];
      varying_[id] = stays[v.loop] || varying_[loop.from] || varying_[loop.to];
    } else {
      varying_[id] = v.op == Op::Load || v.op == Op::ToInteger || v.op == Op::LessR || v.op == Op::EqualR ||
                     std::any_of(v.args.begin(), v.args.end(), [this](ValueId arg) { return varying_[arg]; });
    }
  }
}

void Unrolling::mark_kept(const Block& body) {
  for (const Statement& s : body) {
    if (!needed_.statement(s)) continue;
    MemoryId memory = none;
    ValueId index = none;
    if (is_access(s, source_, memory, index) && source_.memories[memory].space == Space::Local &&
        varying_[index])
      kept_[memory] = true;
    mark_kept(s.body);
    mark_kept(s.otherwise);
  }
}

bool Unrolling::walks_kept(const Block& body, LoopId loop) const {
  for (const Statement& s : body) {
    MemoryId memory = none;
    ValueId index = none;
    if (is_access(s, source_, memory, index) && kept_[memory] && step(index, loop) != 0) return true;
    if (walks_kept(s.body, loop) || walks_kept(s.otherwise, loop)) return true;
  }
  return false;
}

/// \returns whether a loop was found that was not known to walk along a kept array
bool Unrolling::mark_walks(const Block& body) {
  bool found = false;
  for (const Statement& s : body) {
    if (s.kind == StatementKind::For && !walk_[s.loop] && walks_kept(s.body, s.loop)) {
      walk_[s.loop] = true;
      found = true;
    }
    if (mark_walks(s.body)) found = true;
    if (mark_walks(s.otherwise)) found = true;
  }
  return found;
}

/// How far an index moves a trip; none when that is not a constant (or the index is very long).
std::optional<std::int64_t> Unrolling::step(ValueId id, LoopId loop) const {
  int budget = 200;
  return step(id, loop, budget);
}
std::optional<std::int64_t> Unrolling::step(ValueId id, LoopId loop, int& budget) const {
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

}  // namespace drey::grad
