#pragma once

#include <optional>
#include <vector>

#include "model/builder.h"
#include "model/program.h"

namespace drey::grad {

/// Carries values of one program over to another that is being built: the common part of every pass.
class Rewriter {
 public:
  Rewriter(const model::Program& source, model::Builder& builder);

  /// The new value for one whose Let was carried over, a constant, or the index of an open loop.
  model::ValueId operator()(model::ValueId old);
  /// Carries a Let over: its operation on the new operands.
  model::ValueId let(model::ValueId old);
  /// Says what a value is from now on.
  void bind(model::ValueId old, model::ValueId now) { values_[old] = now; }
  void bind_index(model::LoopId loop, model::ValueId now) { indices_[loop] = now; }
  /// The index of an open loop, as bound.
  model::ValueId index(model::LoopId loop) const { return indices_[loop]; }
  model::MemoryId memory(model::MemoryId old);
  /// Gives a memory a fresh copy from now on.
  void renew(model::MemoryId old) { memories_[old] = none_memory; }
  std::vector<model::MemoryId> memories(const std::vector<model::MemoryId>& old);

 private:
  static constexpr model::MemoryId none_memory = model::none;
  const model::Program& source_;
  model::Builder& builder_;
  std::vector<model::ValueId> values_, indices_;
  std::vector<model::MemoryId> memories_;
};

/// What must be kept for the memories a caller can see (Target, Gradient, Output).
struct Needed {
  explicit Needed(const model::Program& program);
  bool statement(const model::Statement& s) const;

  std::vector<bool> values, memories, loops;

 private:
  bool mark(const model::Block& body);
  void value(model::ValueId id);
  bool changed_ = false;
  const model::Program& program_;
};

/// Where each Local lives: the innermost independent loop whose trips it is private to.
class Privacy {
 public:
  explicit Privacy(const model::Program& program);
  /// The independent loop every trip of which has a copy of its own, or `none`.
  model::LoopId home(model::MemoryId memory) const;
  /// Whether every use lies in one trip of `loop`, an independent one.
  bool within(model::MemoryId memory, model::LoopId loop) const;

 private:
  void use(model::MemoryId memory, const std::vector<model::LoopId>& path);
  void visit(const model::Block& body, std::vector<model::LoopId>& path);

  const model::Program& program_;
  /// By memory: the independent loops around all of its uses, outermost first.
  std::vector<std::optional<std::vector<model::LoopId>>> around_;
};

}  // namespace drey::grad
