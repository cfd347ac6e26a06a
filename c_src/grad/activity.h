#pragma once

#include <cstddef>
#include <vector>

#include "model/program.h"

namespace drey::grad {

/// Which values and memories carry a derivative: those that depend on the point (active) and reach the target
/// (useful). differentiate() gathers adjoints of no others. The program must outlive this.
class Activity {
 public:
  explicit Activity(const model::Program& program);

  bool value(model::ValueId id) const { return active_[id] && useful_[id]; }
  bool memory(model::MemoryId id) const { return active_memory_[id] && useful_memory_[id]; }
  bool memory_or_target(model::MemoryId id) const {
    return program_.memories[id].space == model::Space::Target || memory(id);
  }

  /// Whether argument `k` of a value receives a derivative from it at all.
  static bool passes(const model::Value& v, std::size_t k);

 private:
  void set(std::vector<bool>& bits, std::size_t at);
  void forward(const model::Block& body);
  void backward(const model::Block& body);

  const model::Program& program_;
  std::vector<bool> active_, active_memory_, useful_, useful_memory_;
  bool changed_ = false;
};

}  // namespace drey::grad
