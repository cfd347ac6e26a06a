#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/graph.h"

/// A checked model: names, shapes and types are settled; what is left are pure nodes and the few things that
/// happen in order. The checker makes it, the reductions rewrite it, lowering turns it into programs.
namespace drey::model {

struct Action;
using Actions = std::vector<Action>;

struct Action {
  enum class Kind : std::uint8_t {
    Target,   ///< adds every element of `value` to the target
    Declare,  ///< `variable` begins to exist, here: one instance a trip of the loops around
    Store,    ///< variable[index] = value, a scalar; every element once, but for overwritten variables
    Add,      ///< variable[index] += value, a scalar; the variable is an overwritten one
    For,      ///< `loop` runs over its range
    If,       ///< `value`, an integer scalar of data and loop variables, chooses
  };
  Kind kind = Kind::Target;
  NodeRef value = nullptr;
  VariableId variable = none;
  std::vector<NodeRef> index;
  std::uint32_t loop = none;
  Actions body;
  Actions otherwise;
  /// Target: set where `value` is the normal log density of data y about mu; a loop of these may be reduced.
  NodeRef y = nullptr, mu = nullptr, sigma = nullptr;
  std::string where;  ///< position in the term
};

struct Checked {
  struct NamedValue {
    std::string name;
    OutputKind kind = OutputKind::Parameter;
    NodeRef value = nullptr;
  };

  Graph graph;
  std::uint64_t dimension = 0;
  std::vector<Parameter> parameters;
  Actions constraints;  ///< what computing the constrained parameters takes
  Actions jacobians;    ///< their log Jacobians, added to the target
  Actions transformed;
  Actions model;
  Actions generated;
  std::vector<NamedValue> outputs;
  std::vector<std::string> warnings;
};

}  // namespace drey::model
