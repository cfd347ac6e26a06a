#include "grad/rewrite.h"

#include <algorithm>

#include "error.h"

namespace drey::grad {

using namespace model;

Rewriter::Rewriter(const Program& source, Builder& builder)
    : source_(source),
      builder_(builder),
      values_(source.values.size(), none),
      indices_(source.loops.size(), none),
      memories_(source.memories.size(), none) {}

MemoryId Rewriter::memory(MemoryId old) {
  MemoryId& now = memories_.at(old);
  if (now == none) now = builder_.memory(source_.memories[old]);
  return now;
}

std::vector<MemoryId> Rewriter::memories(const std::vector<MemoryId>& old) {
  std::vector<MemoryId> now;
  now.reserve(old.size());
  for (const MemoryId m : old) now.push_back(memory(m));
  return now;
}

ValueId Rewriter::operator()(ValueId old) {
  const Value& v = source_.values.at(old);
  switch (v.op) {
    case Op::RealConstant:
      return builder_.real(v.number);
    case Op::IntegerConstant:
      return builder_.integer(v.integer);
    case Op::LoopIndex:
      if (indices_[v.loop] == none) throw Error("internal", "the index of a loop that is not open");
      return indices_[v.loop];
    default:
      if (values_[old] == none) throw Error("internal", "a value used before it is defined");
      return values_[old];
  }
}

ValueId Rewriter::let(ValueId old) {
  const Value& v = source_.values.at(old);
  ValueId now = none;
  switch (v.op) {
    case Op::Load:
      now = builder_.load(memory(v.memory), (*this)(v.args[0]));
      break;
    case Op::Random:
      now = builder_.random();
      break;
    default: {
      std::vector<ValueId> args;
      args.reserve(v.args.size());
      for (const ValueId arg : v.args) args.push_back((*this)(arg));
      now =
          v.op == Op::Call ? builder_.call(v.function, std::move(args)) : builder_.op(v.op, std::move(args));
    }
  }
  values_[old] = now;
  return now;
}

Needed::Needed(const Program& program)
    : values(program.values.size()),
      memories(program.memories.size()),
      loops(program.loops.size()),
      program_(program) {
  for (std::size_t m = 0; m < memories.size(); ++m) {
    const Space space = program.memories[m].space;
    memories[m] = space == Space::Target || space == Space::Gradient || space == Space::Output;
  }
  do {
    changed_ = false;
    mark(program.body);
  } while (changed_);
}

void Needed::value(ValueId id) {
  // A list of its own: chains of values may be as long as the program.
  std::vector<ValueId> open = {id};
  while (!open.empty()) {
    const ValueId at = open.back();
    open.pop_back();
    if (values[at]) continue;
    values[at] = true;
    changed_ = true;
    const Value& v = program_.values[at];
    if (v.op == Op::Load) memories[v.memory] = true;
    open.insert(open.end(), v.args.begin(), v.args.end());
  }
}

bool Needed::mark(const Block& body) {
  bool any = false;
  for (auto s = body.rbegin(); s != body.rend(); ++s) {
    switch (s->kind) {
      case StatementKind::Let:
        if (program_.values[s->value].op == Op::Random) value(s->value);
        any = any || values[s->value];
        break;
      case StatementKind::Store:
      case StatementKind::Accumulate:
        if (!memories[s->memory]) break;
        value(s->value), value(s->index);
        any = true;
        break;
      case StatementKind::For:
        if (mark(s->body)) {
          loops[s->loop] = true;
          value(program_.loops[s->loop].from), value(program_.loops[s->loop].to);
          any = true;
        }
        break;
      case StatementKind::If: {
        const bool first = mark(s->body), second = mark(s->otherwise);
        if (first || second) {
          value(s->value);
          any = true;
        }
        break;
      }
    }
  }
  return any;
}

bool Needed::statement(const Statement& s) const {
  switch (s.kind) {
    case StatementKind::Let:
      return values[s.value];
    case StatementKind::Store:
    case StatementKind::Accumulate:
      return memories[s.memory];
    case StatementKind::For:
      return loops[s.loop];
    case StatementKind::If:
      return true;
  }
  return true;
}

Privacy::Privacy(const Program& program) : program_(program), around_(program.memories.size()) {
  std::vector<LoopId> path;
  visit(program.body, path);
}

LoopId Privacy::home(MemoryId memory) const {
  const auto& loops = around_[memory];
  return loops && !loops->empty() ? loops->back() : none;
}

bool Privacy::within(MemoryId memory, LoopId loop) const {
  const auto& loops = around_[memory];
  return loops && std::find(loops->begin(), loops->end(), loop) != loops->end();
}

void Privacy::use(MemoryId memory, const std::vector<LoopId>& path) {
  auto& around = around_[memory];
  if (!around) {
    around = path;
    return;
  }
  std::size_t common = 0;
  while (common < around->size() && common < path.size() && (*around)[common] == path[common]) ++common;
  around->resize(common);
}

void Privacy::visit(const Block& body, std::vector<LoopId>& path) {
  for (const Statement& s : body) {
    if (s.kind == StatementKind::Let && program_.values[s.value].op == Op::Load)
      use(program_.values[s.value].memory, path);
    if (s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate) use(s.memory, path);
    const bool entered = s.kind == StatementKind::For && program_.loops[s.loop].independent;
    if (entered) path.push_back(s.loop);
    visit(s.body, path);
    if (entered) path.pop_back();
    visit(s.otherwise, path);
  }
}

}  // namespace drey::grad
