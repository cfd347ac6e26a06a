#include "model/builder.h"

#include <algorithm>
#include <bit>

#include "error.h"

namespace drey::model {

void Builder::broken(const std::string& what) { throw Error("internal", "program builder: " + what); }

bool Builder::Key::operator==(const Key& o) const {
  return value.op == o.value.op && value.type == o.value.type && value.function == o.value.function &&
         value.memory == o.value.memory && value.loop == o.value.loop &&
         std::bit_cast<std::uint64_t>(value.number) == std::bit_cast<std::uint64_t>(o.value.number) &&
         value.integer == o.value.integer && generation == o.generation && value.args == o.value.args;
}

std::size_t Builder::Hash::operator()(const Key& key) const {
  std::uint64_t h = 0x9e3779b97f4a7c15ULL;
  const auto mix = [&h](std::uint64_t x) { h = (h ^ x) * 0xff51afd7ed558ccdULL, h ^= h >> 32; };
  mix(static_cast<std::uint64_t>(key.value.op));
  mix(key.value.function), mix(key.value.memory), mix(key.value.loop);
  mix(std::bit_cast<std::uint64_t>(key.value.number));
  mix(static_cast<std::uint64_t>(key.value.integer)), mix(key.generation);
  for (const ValueId arg : key.value.args) mix(arg);
  return h;
}

Builder::Builder() { frames_.emplace_back(); }

MemoryId Builder::memory(Memory memory) {
  program_.memories.push_back(std::move(memory));
  generation_.push_back(0);
  cells_.emplace_back();
  const auto id = static_cast<MemoryId>(program_.memories.size() - 1);
  if (program_.memories[id].space == Space::Target) target_ = id;
  return id;
}

MemoryId Builder::local(std::uint64_t size, std::string name, std::uint64_t row) {
  Memory made;
  made.size = size;
  made.name = std::move(name);
  made.row = row;
  return memory(std::move(made));
}

MemoryId Builder::target() {
  if (target_ == none) {
    Memory made;
    made.space = Space::Target;
    made.size = 1;
    made.name = "target";
    memory(std::move(made));
  }
  return target_;
}

std::optional<double> Builder::constant(ValueId id) const {
  const Value& v = program_.values[id];
  if (v.op == Op::RealConstant) return v.number;
  return std::nullopt;
}

std::optional<std::int64_t> Builder::constant_i(ValueId id) const {
  const Value& v = program_.values[id];
  if (v.op == Op::IntegerConstant) return v.integer;
  return std::nullopt;
}

bool Builder::is_real_constant(ValueId id, double number) const { return constant(id) == number; }

void Builder::check(ValueId id, Type type) const {
  if (id >= program_.values.size()) broken("an operand that does not exist");
  if (program_.values[id].type != type) broken("an operand of the wrong type");
  if (depth_[id] >= frames_.size()) broken("an operand of a closed body");
}

std::size_t Builder::pure_depth(const Value& value) const {
  std::size_t deepest = 0;
  for (const ValueId arg : value.args) deepest = std::max(deepest, depth_[arg]);
  // Out of loops as far as the operands allow, but never out of a branch.
  std::size_t at = frames_.size() - 1;
  while (at > deepest && frames_[at].kind == StatementKind::For) --at;
  return at;
}

ValueId Builder::add_value(Value value, std::size_t depth, std::uint64_t generation, bool share) {
  Key key{std::move(value), generation};
  const bool immediate = key.value.op == Op::RealConstant || key.value.op == Op::IntegerConstant ||
                         key.value.op == Op::LoopIndex;
  if (share) {
    if (immediate) {
      if (const auto found = constants_.find(key); found != constants_.end()) return found->second;
    } else {
      for (std::size_t at = frames_.size(); at-- > 0;)
        if (const auto found = frames_[at].values.find(key); found != frames_[at].values.end())
          return found->second;
    }
  }
  const auto id = static_cast<ValueId>(program_.values.size());
  program_.values.push_back(key.value);
  depth_.push_back(depth);
  if (immediate) {
    constants_.emplace(std::move(key), id);
  } else {
    Statement let;
    let.value = id;
    frames_[depth].statements.push_back(std::move(let));
    if (share) frames_[depth].values.emplace(std::move(key), id);
  }
  return id;
}

ValueId Builder::real(double number) {
  Value v;
  v.number = number;
  return add_value(std::move(v), 0);
}

ValueId Builder::integer(std::int64_t integer) {
  Value v;
  v.op = Op::IntegerConstant;
  v.type = Type::Integer;
  v.integer = integer;
  return add_value(std::move(v), 0);
}

ValueId Builder::random() {
  Value v;
  v.op = Op::Random;
  return add_value(std::move(v), frames_.size() - 1, 0, false);
}

ValueId Builder::load(MemoryId memory, ValueId index) {
  check(index, Type::Integer);
  const Memory& m = program_.memories.at(memory);
  Value v;
  v.op = Op::Load;
  v.type = m.type;
  v.memory = memory;
  v.args = {index};
  const bool constant_memory = m.space == Space::Point || m.space == Space::Data;
  if (!constant_memory) {
    if (const auto cell = cells_[memory].find(index); cell != cells_[memory].end()) return cell->second.value;
  }
  // A load leaves loops that surely run, and (from a Local) that surely leave the memory alone.
  std::size_t at = frames_.size() - 1;
  while (at > depth_[index] && frames_[at].kind == StatementKind::For && frames_[at].certain) {
    if (!constant_memory) {
      const Frame& frame = frames_[at];
      if (frame.may_write(memory)) break;
    }
    --at;
  }
  return add_value(std::move(v), at, constant_memory ? 0 : generation_[memory]);
}

ValueId Builder::formula(const Formula& f, const std::map<std::string, ValueId, std::less<>>& names) {
  switch (f.kind) {
    case Formula::Kind::Number:
      return real(f.number);
    case Formula::Kind::Name: {
      const auto found = names.find(f.name);
      if (found == names.end()) broken("a formula's name `" + f.name + "` is not bound");
      return found->second;
    }
    case Formula::Kind::Call:
      break;
  }
  std::vector<ValueId> args;
  args.reserve(f.args.size());
  for (const Formula& arg : f.args) args.push_back(formula(arg, names));
  if (f.name == "<") return op(Op::LessR, args);
  if (f.name == "<=") return op(Op::NotI, {op(Op::LessR, {args[1], args[0]})});
  if (f.name == "==") return op(Op::EqualR, args);
  if (f.name == "?:") return op(Op::Select, args);
  return call(f.name, std::move(args));
}

std::pair<ValueId, std::int64_t> Builder::base_and_shift(ValueId index) const {
  if (const auto c = constant_i(index)) return {none, *c};
  const Value& v = program_.values[index];
  if (v.op == Op::AddI)
    if (const auto c = constant_i(v.args[1])) return {v.args[0], *c};
  return {index, 0};
}

bool Builder::Frame::may_write(MemoryId memory) const {
  return !known_writes || memory >= first_new ||
         std::find(writes.begin(), writes.end(), memory) != writes.end();
}

void Builder::forget(MemoryId memory) {
  cells_[memory].clear();
  generation_[memory] = ++generations_;
}

void Builder::forget_written(const Frame& frame) {
  for (MemoryId m = 0; m < program_.memories.size(); ++m)
    if (frame.may_write(m)) forget(m);
}

void Builder::wrote(MemoryId memory, ValueId index, ValueId value) {
  if (program_.memories[memory].space == Space::Local)
    for (std::size_t at = 1; at < frames_.size(); ++at)
      if (!frames_[at].may_write(memory)) broken("a body writes a Local that it did not announce");
  // Other elements keep their known values only where their indices are surely different: by a constant.
  std::map<ValueId, Cell> kept = std::move(cells_[memory]);
  const auto [base, shift] = base_and_shift(index);
  for (auto cell = kept.begin(); cell != kept.end();) {
    const auto [other, other_shift] = base_and_shift(cell->first);
    cell = base == other && shift != other_shift ? std::next(cell) : kept.erase(cell);
  }
  forget(memory);
  cells_[memory] = std::move(kept);
  if (value != none) cells_[memory][index] = {value, frames_.size() - 1};
}

void Builder::store(MemoryId memory, ValueId index, ValueId value) {
  check(index, Type::Integer);
  check(value, program_.memories.at(memory).type);
  Statement s;
  s.kind = StatementKind::Store;
  s.memory = memory, s.index = index, s.value = value;
  frames_.back().statements.push_back(std::move(s));
  wrote(memory, index, value);
}

void Builder::store_at(std::size_t depth, MemoryId memory, ValueId index, ValueId value) {
  Statement s;
  s.kind = StatementKind::Store;
  s.memory = memory, s.index = index, s.value = value;
  frames_.at(depth).statements.push_back(std::move(s));
  forget(memory);
}

void Builder::accumulate(MemoryId memory, ValueId index, ValueId value) {
  check(index, Type::Integer);
  check(value, Type::Real);
  if (constant(value) == 0.0) return;
  Statement s;
  s.kind = StatementKind::Accumulate;
  s.memory = memory, s.index = index, s.value = value;
  ValueId known = none;
  if (const auto cell = cells_[memory].find(index); cell != cells_[memory].end())
    known = add(cell->second.value, value);
  // Where the sum is known whoever loads it need not. It stays an accumulation: an element is stored once.
  frames_.back().statements.push_back(std::move(s));
  wrote(memory, index, known);
}

void Builder::add_to_target(ValueId value) { accumulate(target(), integer(0), value); }

LoopId Builder::begin_for(ValueId from, ValueId to, std::uint64_t max_trips, bool independent,
                          std::optional<std::vector<MemoryId>> writes) {
  check(from, Type::Integer), check(to, Type::Integer);
  const auto loop = static_cast<LoopId>(program_.loops.size());
  program_.loops.push_back({from, to, max_trips, independent});
  Frame frame;
  frame.loop = loop;
  frame.certain = constant_i(from) && constant_i(to) && *constant_i(from) < *constant_i(to);
  frame.known_writes = writes.has_value();
  if (writes) frame.writes = std::move(*writes);
  frame.first_new = static_cast<MemoryId>(program_.memories.size());
  forget_written(frame);
  frames_.push_back(std::move(frame));
  return loop;
}

LoopId Builder::begin_for(std::int64_t from, std::int64_t to, bool independent,
                          std::optional<std::vector<MemoryId>> writes) {
  return begin_for(integer(from), integer(to), to > from ? static_cast<std::uint64_t>(to - from) : 0,
                   independent, std::move(writes));
}

ValueId Builder::index(LoopId loop) {
  std::size_t at = frames_.size();
  while (at-- > 0)
    if (frames_[at].loop == loop) break;
  if (at >= frames_.size()) broken("the index of a loop that is not open");
  Value v;
  v.op = Op::LoopIndex;
  v.type = Type::Integer;
  v.loop = loop;
  return add_value(std::move(v), at);
}

void Builder::end_for() {
  Frame frame = std::move(frames_.back());
  if (frames_.size() < 2 || frame.kind != StatementKind::For) broken("end_for() without begin_for()");
  frames_.pop_back();
  forget_written(frame);
  if (frame.statements.empty()) return;
  Statement s;
  s.kind = StatementKind::For;
  s.loop = frame.loop;
  s.body = std::move(frame.statements);
  frames_.back().statements.push_back(std::move(s));
}

void Builder::begin_if(ValueId condition, std::optional<std::vector<MemoryId>> writes) {
  check(condition, Type::Integer);
  Frame frame;
  frame.kind = StatementKind::If;
  frame.condition = condition;
  frame.known_writes = writes.has_value();
  if (writes) frame.writes = std::move(*writes);
  frame.first_new = static_cast<MemoryId>(program_.memories.size());
  forget_written(frame);
  frames_.push_back(std::move(frame));
}

void Builder::begin_else() {
  Frame& frame = frames_.back();
  if (frames_.size() < 2 || frame.kind != StatementKind::If) broken("begin_else() without begin_if()");
  if (frame.in_else) broken("a second begin_else()");
  frame.in_else = true;
  frame.first = std::move(frame.statements);
  frame.statements.clear();
  frame.values.clear();
  forget_written(frame);
}

void Builder::end_if() {
  Frame frame = std::move(frames_.back());
  if (frames_.size() < 2 || frame.kind != StatementKind::If) broken("end_if() without begin_if()");
  frames_.pop_back();
  forget_written(frame);
  Statement s;
  s.kind = StatementKind::If;
  s.value = frame.condition;
  s.body = frame.in_else ? std::move(frame.first) : std::move(frame.statements);
  if (frame.in_else) s.otherwise = std::move(frame.statements);
  if (s.body.empty() && s.otherwise.empty()) return;
  frames_.back().statements.push_back(std::move(s));
}

Program Builder::finish() {
  if (frames_.size() != 1) broken("finish() with an open body");
  program_.body = std::move(frames_.back().statements);
  return std::move(program_);
}

}  // namespace drey::model
