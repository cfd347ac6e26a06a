#include "model/prune.h"

#include <utility>

namespace drey::model {
namespace {

class Pruner {
 public:
  explicit Pruner(const Program& in) : in_(in), value_(in.values.size()), memory_(in.memories.size()) {
    for (std::size_t m = 0; m < in.memories.size(); ++m) {
      Space space = in.memories[m].space;
      memory_[m] = space == Space::Target || space == Space::Output || space == Space::Gradient;
    }
  }

  Program run() {
    do {
      changed_ = false;
      mark(in_.body);
    } while (changed_);
    new_value_.assign(in_.values.size(), none);
    new_memory_.assign(in_.memories.size(), none);
    new_loop_.assign(in_.loops.size(), none);
    out_.body = copy(in_.body);
    return std::move(out_);
  }

 private:
  void need(ValueId id) {
    if (id == none || value_[id]) return;
    std::vector<ValueId> work{id};
    while (!work.empty()) {
      ValueId now = work.back();
      work.pop_back();
      if (value_[now]) continue;
      value_[now] = changed_ = true;
      const Value& value = in_.values[now];
      if (value.op == Op::Load) memory_[value.memory] = true;
      for (ValueId arg : value.args) work.push_back(arg);
    }
  }

  /// Whether the block does anything that is needed.
  bool mark(const Block& block) {
    bool needed = false;
    for (const Statement& s : block) {
      switch (s.kind) {
        case StatementKind::Let:
          needed |= value_[s.value];
          break;
        case StatementKind::Store:
        case StatementKind::Accumulate:
          if (memory_[s.memory]) {
            needed = true;
            need(s.value);
            need(s.index);
          }
          break;
        case StatementKind::For:
          if (mark(s.body)) {
            needed = true;
            need(in_.loops[s.loop].from);
            need(in_.loops[s.loop].to);
          }
          break;
        case StatementKind::If: {
          bool then = mark(s.body), otherwise = mark(s.otherwise);
          if (then || otherwise) {
            needed = true;
            need(s.value);
          }
          break;
        }
      }
    }
    return needed;
  }

  ValueId value(ValueId id) {
    if (id == none) return none;
    if (new_value_[id] != none) return new_value_[id];
    Value made = in_.values[id];
    for (ValueId& arg : made.args) arg = value(arg);
    if (made.memory != none) made.memory = memory(made.memory);
    if (made.loop != none) made.loop = new_loop_[made.loop];
    out_.values.push_back(std::move(made));
    return new_value_[id] = static_cast<ValueId>(out_.values.size() - 1);
  }
  MemoryId memory(MemoryId id) {
    if (new_memory_[id] != none) return new_memory_[id];
    out_.memories.push_back(in_.memories[id]);
    return new_memory_[id] = static_cast<MemoryId>(out_.memories.size() - 1);
  }

  Block copy(const Block& block) {
    Block made;
    for (const Statement& s : block) {
      Statement copied;
      copied.kind = s.kind;
      switch (s.kind) {
        case StatementKind::Let:
          if (!value_[s.value]) continue;
          copied.value = value(s.value);
          break;
        case StatementKind::Store:
        case StatementKind::Accumulate:
          if (!memory_[s.memory]) continue;
          copied.index = value(s.index);
          copied.value = value(s.value);
          copied.memory = memory(s.memory);
          break;
        case StatementKind::For: {
          Loop loop = in_.loops[s.loop];
          if (!mark(s.body)) continue;
          loop.from = value(loop.from);
          loop.to = value(loop.to);
          out_.loops.push_back(loop);
          copied.loop = new_loop_[s.loop] = static_cast<LoopId>(out_.loops.size() - 1);
          copied.body = copy(s.body);
          break;
        }
        case StatementKind::If:
          if (!mark(s.body) && !mark(s.otherwise)) continue;
          copied.value = value(s.value);
          copied.body = copy(s.body);
          copied.otherwise = copy(s.otherwise);
          break;
      }
      made.push_back(std::move(copied));
    }
    return made;
  }

  const Program& in_;
  Program out_;
  std::vector<bool> value_, memory_;
  std::vector<std::uint32_t> new_value_, new_memory_, new_loop_;
  bool changed_ = false;
};

}  // namespace

Program prune(const Program& program) { return Pruner(program).run(); }

}  // namespace drey::model
