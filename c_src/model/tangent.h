#pragma once

#include <cstddef>
#include <map>

#include "model/checker.h"

/// Directional derivatives of checked expressions: what an implicit ODE solver needs of the system it solves.
/// The derivative is an expression like any other, so it is differentiated again where the model's gradient is.
namespace drey::model {

class Tangent {
 public:
  explicit Tangent(Checker& checker) : checker_(checker) {}

  /// The derivative of `variable` itself; of variables that are not named it is 0.
  /// \pre `derivative` has the variable's shape
  void seed(NodeRef variable, NodeRef derivative) { variables_[variable->id] = derivative; }

  /// The derivative of `node` along the seeds, of the node's shape; null where it is 0 whatever the values.
  NodeRef of(NodeRef node);

  /// Gives every real variable that the open block declares from its action `from` on a variable with its
  /// derivative: what is read of them later has the right one.
  void follow(std::size_t from);

 private:
  NodeRef derive(NodeRef node);
  NodeRef derive_operation(NodeRef node);
  Actions follow(Actions actions);

  Checker& checker_;
  std::map<VariableId, NodeRef> variables_;
  std::map<NodeRef, NodeRef> known_;
};

}  // namespace drey::model
