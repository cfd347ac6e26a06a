#include "grad/activity.h"

#include "model/functions.h"

namespace drey::grad {

using namespace model;

Activity::Activity(const Program& program)
    : program_(program),
      active_(program.values.size()),
      active_memory_(program.memories.size()),
      useful_(program.values.size()),
      useful_memory_(program.memories.size()) {
  for (std::size_t m = 0; m < program.memories.size(); ++m) {
    active_memory_[m] = program.memories[m].space == Space::Point;
    useful_memory_[m] = program.memories[m].space == Space::Target;
  }
  do {
    changed_ = false;
    forward(program.body);
  } while (changed_);
  do {
    changed_ = false;
    backward(program.body);
  } while (changed_);
}

bool Activity::passes(const Value& v, std::size_t k) {
  switch (v.op) {
    case Op::Call: {
      const Function& f = functions()[v.function];
      return !(f.derivative[k].kind == Formula::Kind::Number && f.derivative[k].number == 0);
    }
    case Op::Select:
      return k > 0;
    default:
      return false;
  }
}

void Activity::set(std::vector<bool>& bits, std::size_t at) {
  if (bits[at]) return;
  bits[at] = true;
  changed_ = true;
}

void Activity::forward(const Block& body) {
  for (const Statement& s : body) {
    switch (s.kind) {
      case StatementKind::Let: {
        const Value& v = program_.values[s.value];
        if (v.op == Op::Load) {
          if (v.type == Type::Real && active_memory_[v.memory]) set(active_, s.value);
        } else {
          for (std::size_t k = 0; k < v.args.size(); ++k)
            if (passes(v, k) && active_[v.args[k]]) set(active_, s.value);
        }
        break;
      }
      case StatementKind::Store:
      case StatementKind::Accumulate:
        if (active_[s.value]) set(active_memory_, s.memory);
        break;
      default:
        forward(s.body), forward(s.otherwise);
    }
  }
}

void Activity::backward(const Block& body) {
  for (auto s = body.rbegin(); s != body.rend(); ++s) {
    switch (s->kind) {
      case StatementKind::Let: {
        if (!useful_[s->value]) break;
        const Value& v = program_.values[s->value];
        if (v.op == Op::Load) {
          if (v.type == Type::Real) set(useful_memory_, v.memory);
        } else {
          for (std::size_t k = 0; k < v.args.size(); ++k)
            if (passes(v, k)) set(useful_, v.args[k]);
        }
        break;
      }
      case StatementKind::Store:
      case StatementKind::Accumulate:
        if (useful_memory_[s->memory]) set(useful_, s->value);
        break;
      default:
        backward(s->otherwise), backward(s->body);
    }
  }
}

}  // namespace drey::grad
