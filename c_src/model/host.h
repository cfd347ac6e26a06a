#pragma once

#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "model/checked.h"
#include "model/graph.h"

/// Values of nodes that depend on data and literals alone, in f64, at compile time: what a model computes of
/// its data is computed once, not once a gradient.
namespace drey::model {

class HostValues {
 public:
  explicit HostValues(const Graph& graph) : graph_(graph) {}

  /// Every element, row-major. \pre data_only and no loop variables
  const std::vector<double>& all(NodeRef node);
  /// One element. Loop variables take their values from `loops`.
  double element(NodeRef node, std::span<const std::uint64_t> index);

  /// Carries out declarations, stores, loops and choices over data; afterwards the variables have values.
  /// \throws Error{too_large} when the loops run too long
  void run(const Actions& actions);

  /// Variables not meant to be overwritten, an element of which run() stored again.
  const std::set<VariableId>& stored_again() const { return stored_again_; }

  /// The current value of a loop variable, for nodes that name it.
  void set_loop(std::uint32_t loop, std::int64_t value) { loops_[loop] = value; }

 private:
  const std::vector<double>& all_contract(NodeRef node);

  const Graph& graph_;
  std::unordered_map<NodeRef, std::vector<double>> cache_;
  std::unordered_map<std::uint32_t, std::int64_t> loops_;
  std::unordered_map<VariableId, std::vector<double>> variables_;
  std::unordered_map<VariableId, std::vector<bool>> stored_;
  std::set<VariableId> stored_again_;
  std::uint64_t steps_ = 0;
  std::uint64_t computed_ = 0;  ///< elements of all results
};

}  // namespace drey::model
