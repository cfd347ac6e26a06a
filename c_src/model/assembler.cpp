#include "model/assembler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "error.h"
#include "model/functions.h"
#include "model/integers.h"
#include "model/prune.h"

namespace drey::model {
namespace {

/// Elements of scratch a chain may have; devices refuse far earlier, this bounds the compiler.
constexpr std::uint64_t max_local = std::uint64_t{1} << 26;

std::string key_of(const Value& value) {
  std::string key;
  auto put = [&key](const auto& field) {
    char bytes[sizeof field];
    std::memcpy(bytes, &field, sizeof field);
    key.append(bytes, sizeof field);
  };
  put(value.op);
  put(value.type);
  put(value.function);
  put(value.memory);
  put(value.loop);
  put(value.number);
  put(value.integer);
  for (ValueId arg : value.args) put(arg);
  return key;
}

}  // namespace

Assembler::Assembler() { open({}); }

void Assembler::open(Scope scope) {
  scope.serial = ++serials_;
  scopes_.push_back(std::move(scope));
}

MemoryId Assembler::memory(Space space, Type type, std::uint64_t size, std::string name, std::uint32_t data,
                           std::uint64_t row) {
  if (space == Space::Local && size > max_local)
    throw Error("too_large", "`" + name + "` needs " + std::to_string(size) +
                                 " numbers of scratch a chain; use fewer steps or smaller arrays");
  program_.memories.push_back({space, type, size, std::move(name), data, row});
  return static_cast<MemoryId>(program_.memories.size() - 1);
}

Assembler::Local Assembler::local(Type type, std::uint64_t size, std::string name) {
  std::size_t from = scopes_.size();
  while (from > 1) {
    const Scope& scope = scopes_[from - 1];
    if (scope.loop != none && program_.loops[scope.loop].independent) break;
    --from;
  }
  ValueId version = integer(0);
  std::uint64_t copies = 1;
  for (std::size_t i = from; i < scopes_.size(); ++i) {
    const Scope& scope = scopes_[i];
    if (scope.loop == none) continue;
    const Loop& loop = program_.loops[scope.loop];
    std::uint64_t trips = std::max<std::uint64_t>(loop.max_trips, 1);
    if (copies > max_local / trips) copies = max_local;
    copies *= trips;
    ValueId trip = value(Op::SubI, {scope.value, integer(scope.least)});
    version = value(Op::AddI, {value(Op::MulI, {version, integer(static_cast<std::int64_t>(trips))}), trip});
  }
  if (copies > 1 && size > max_local / copies) size = max_local, copies = 2;
  Local out;
  out.memory = memory(Space::Local, type, size * copies, std::move(name));
  out.base = value(Op::MulI, {version, integer(static_cast<std::int64_t>(size))});
  return out;
}

Assembler::Local Assembler::overwritten(Type type, std::uint64_t size, std::string name) {
  Local out;
  out.memory = memory(Space::Local, type, size, std::move(name));
  program_.memories.back().overwritten = true;
  out.base = integer(0);
  return out;
}

ValueId Assembler::intern(Value made, int min_depth, bool share) {
  int at = min_depth;
  for (ValueId arg : made.args) at = std::max(at, value_depth_[arg]);
  std::string key;
  if (share) {
    key = key_of(made);
    auto found = table_.find(key);
    if (found != table_.end()) {
      const Shared& known = found->second;
      if (known.depth <= depth() && serial(known.depth) == known.serial) return known.value;
    }
  }
  if (at > depth()) throw Error("internal", "a value is used outside the block it stands in");
  auto id = static_cast<ValueId>(program_.values.size());
  bool needs_let = made.op != Op::RealConstant && made.op != Op::IntegerConstant && made.op != Op::LoopIndex;
  program_.values.push_back(std::move(made));
  value_depth_.push_back(at);
  if (needs_let) {
    Statement let;
    let.value = id;
    scopes_[static_cast<std::size_t>(at)].block.push_back(std::move(let));
  }
  if (share) table_[std::move(key)] = {id, at, serial(at)};
  return id;
}

ValueId Assembler::real(double number) {
  Value value;
  value.number = number;
  return intern(std::move(value), 0);
}

ValueId Assembler::integer(std::int64_t number) {
  Value value;
  value.op = Op::IntegerConstant;
  value.type = Type::Integer;
  value.integer = number;
  return intern(std::move(value), 0);
}

ValueId Assembler::value(Op op, std::vector<ValueId> args, int min_depth) {
  Value made;
  made.op = op;
  made.type = Type::Integer;
  if (op == Op::ToReal || op == Op::StopGradient || (op == Op::Select && type_of(args[1]) == Type::Real))
    made.type = Type::Real;
  auto constant = [&](std::size_t i, std::int64_t number) {
    const Value& v = program_.values[args[i]];
    return v.op == Op::IntegerConstant && v.integer == number;
  };
  bool folded = made.type == Type::Integer && !args.empty();
  for (ValueId arg : args) folded &= program_.values[arg].op == Op::IntegerConstant;
  if (folded) {
    std::int64_t a = program_.values[args[0]].integer,
                 b = args.size() > 1 ? program_.values[args[1]].integer : 0;
    if (const auto result = fold_integers(op, a, b)) return integer(*result);
  }
  // x - c is x + -c, and (x + c) + d is x + (c + d): equal indices are equal values.
  if (op == Op::SubI && program_.values[args[1]].op == Op::IntegerConstant) {
    const std::int64_t c = program_.values[args[1]].integer;
    return value(Op::AddI, {args[0], integer(-c)}, min_depth);
  }
  if (op == Op::AddI && program_.values[args[1]].op == Op::IntegerConstant) {
    const Value& x = program_.values[args[0]];
    const std::int64_t d = program_.values[args[1]].integer;
    if (x.op == Op::AddI && program_.values[x.args[1]].op == Op::IntegerConstant) {
      const ValueId base = x.args[0];
      const std::int64_t c = program_.values[x.args[1]].integer;
      return value(Op::AddI, {base, integer(c + d)}, min_depth);
    }
  }
  if ((op == Op::AddI || op == Op::SubI) && constant(1, 0)) return args[0];
  if (op == Op::AddI && constant(0, 0)) return args[1];
  if (op == Op::MulI && (constant(0, 0) || constant(1, 0))) return integer(0);
  if (op == Op::MulI && constant(1, 1)) return args[0];
  if (op == Op::MulI && constant(0, 1)) return args[1];
  if (op == Op::ToReal && program_.values[args[0]].op == Op::IntegerConstant)
    return real(static_cast<double>(program_.values[args[0]].integer));
  if (op == Op::Select && program_.values[args[0]].op == Op::IntegerConstant)
    return program_.values[args[0]].integer ? args[1] : args[2];
  if (op == Op::Select && made.type == Type::Integer) {
    // A program's Select is of Reals: between integers it is their sum, one of them times 0.
    ValueId no = value(Op::NotI, {args[0]}, min_depth), yes = value(Op::NotI, {no}, min_depth);
    return value(Op::AddI,
                 {value(Op::MulI, {yes, args[1]}, min_depth), value(Op::MulI, {no, args[2]}, min_depth)},
                 min_depth);
  }
  made.op = op;
  made.args = std::move(args);
  return intern(std::move(made), min_depth);
}

ValueId Assembler::call(std::string_view function, std::vector<ValueId> args) {
  const FunctionId id = function_id(function, static_cast<int>(args.size()));
  return call(id, std::move(args));
}

ValueId Assembler::call(FunctionId function, std::vector<ValueId> args) {
  const Function& f = functions()[function];
  auto is = [&](std::size_t i, double number) {
    const Value& v = program_.values[args[i]];
    return v.op == Op::RealConstant && v.number == number;
  };
  bool constant = true;
  std::vector<double> numbers;
  for (ValueId arg : args) {
    constant &= program_.values[arg].op == Op::RealConstant;
    numbers.push_back(program_.values[arg].number);
  }
  if (constant) return real(f.value(numbers.data()));
  if (f.name == "+") {
    if (is(0, 0)) return args[1];
    if (is(1, 0)) return args[0];
  } else if (f.name == "-") {
    if (is(1, 0)) return args[0];
    if (is(0, 0)) return call("neg", {args[1]});
  } else if (f.name == "*") {
    if (is(0, 1)) return args[1];
    if (is(1, 1)) return args[0];
    if (is(0, -1)) return call("neg", {args[1]});
    if (is(1, -1)) return call("neg", {args[0]});
  } else if (f.name == "log" || f.name == "log1m" || f.name == "multiply_log") {
    // Logarithms of constrained parameters have closed forms, cheaper and exact in the tails.
    const Value& inner = program_.values[args.back()];
    const std::string& of = inner.op == Op::Call ? functions()[inner.function].name : f.name;
    const Value& factor = program_.values[args[0]];
    if (f.name == "multiply_log") {
      if (factor.op == Op::RealConstant && factor.number != 0) {
        const double number = factor.number;
        return call("*", {call("log", {args[1]}), real(number)});
      }
    } else if (of == "exp" && f.name == "log") {
      return inner.args[0];
    } else if (of == "inv_logit") {
      const ValueId x = inner.args[0];
      return call(f.name == "log" ? "log_inv_logit" : "log1m_inv_logit", {x});
    }
  } else if (f.name == "/") {
    // Divisions are dear: where the divisor does not vary, its inverse is taken once.
    const Value& divisor = program_.values[args[1]];
    if (divisor.op == Op::RealConstant && divisor.number != 0 && std::isfinite(1 / divisor.number))
      return call("*", {args[0], real(1 / divisor.number)});
    if (program_.values[args[0]].op != Op::RealConstant && depth_of(args[1]) < depth_of(args[0]))
      return call("*", {args[0], call("inv", {args[1]})});
    if (is(0, 1)) return call("inv", {args[1]});
  }
  Value made;
  made.op = Op::Call;
  made.function = function;
  made.args = std::move(args);
  return intern(std::move(made), 0);
}

ValueId Assembler::load(MemoryId memory, ValueId index, int min_depth) {
  Value made;
  made.op = Op::Load;
  made.type = program_.memories[memory].type;
  made.memory = memory;
  made.args = {index};
  return intern(std::move(made), min_depth);
}

ValueId Assembler::read(MemoryId memory, ValueId index) {
  Value value;
  value.op = Op::Load;
  value.type = program_.memories[memory].type;
  value.memory = memory;
  value.args = {index};
  return intern(std::move(value), depth(), false);
}

ValueId Assembler::random() {
  Value made;
  made.op = Op::Random;
  return intern(std::move(made), depth(), false);
}

void Assembler::store(MemoryId memory, ValueId index, ValueId value) {
  Statement statement;
  statement.kind = StatementKind::Store;
  statement.memory = memory;
  statement.index = index;
  statement.value = value;
  scopes_.back().block.push_back(std::move(statement));
}

void Assembler::set(MemoryId memory, ValueId index, ValueId value) {
  store(memory, index, value);
  Value loaded;
  loaded.op = Op::Load;
  loaded.type = program_.memories[memory].type;
  loaded.memory = memory;
  loaded.args = {index};
  table_[key_of(loaded)] = {value, depth(), serial(depth())};
}

void Assembler::accumulate(MemoryId memory, ValueId index, ValueId value) {
  store(memory, index, value);
  scopes_.back().block.back().kind = StatementKind::Accumulate;
}

ValueId Assembler::begin_loop(ValueId from, ValueId to, std::int64_t least, std::uint64_t max_trips,
                              bool independent) {
  program_.loops.push_back({from, to, max_trips, independent});
  Scope scope;
  scope.loop = static_cast<LoopId>(program_.loops.size() - 1);
  scope.least = least;
  open(std::move(scope));
  Value index;
  index.op = Op::LoopIndex;
  index.type = Type::Integer;
  index.loop = scopes_.back().loop;
  scopes_.back().value = intern(std::move(index), depth());
  return scopes_.back().value;
}

void Assembler::end_loop() {
  Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  Statement statement;
  statement.kind = StatementKind::For;
  statement.loop = scope.loop;
  statement.body = std::move(scope.block);
  scopes_.back().block.push_back(std::move(statement));
}

bool Assembler::conditional(int outer) const {
  for (std::size_t i = static_cast<std::size_t>(outer) + 1; i < scopes_.size(); ++i)
    if (scopes_[i].kind == StatementKind::If) return true;
  return false;
}

void Assembler::begin_if(ValueId condition) {
  Scope scope;
  scope.kind = StatementKind::If;
  scope.value = condition;
  open(std::move(scope));
}

void Assembler::begin_else() {
  Scope& scope = scopes_.back();
  scope.first = std::move(scope.block);
  scope.block.clear();
  scope.serial = ++serials_;
}

void Assembler::end_if() {
  Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  Statement statement;
  statement.kind = StatementKind::If;
  statement.value = scope.value;
  statement.body = std::move(scope.first);
  statement.otherwise = std::move(scope.block);
  scopes_.back().block.push_back(std::move(statement));
}

Assembler::Outside::Outside(Assembler& assembler, int depth) : assembler_(assembler) {
  auto keep = static_cast<std::size_t>(depth) + 1;
  kept_ = assembler.scopes_.size() - keep;
  for (std::size_t i = 0; i < kept_; ++i) {
    assembler.aside_.push_back(std::move(assembler.scopes_.back()));
    assembler.scopes_.pop_back();
  }
}

Assembler::Outside::~Outside() {
  for (std::size_t i = 0; i < kept_; ++i) {
    assembler_.scopes_.push_back(std::move(assembler_.aside_.back()));
    assembler_.aside_.pop_back();
  }
}

Program Assembler::finish() {
  program_.body = std::move(scopes_.front().block);
  return prune(program_);
}

}  // namespace drey::model
