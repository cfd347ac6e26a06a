#include "model/materialise.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "model/data.h"

namespace drey::model {
namespace {

class Counter {
 public:
  explicit Counter(const Graph& graph) : graph_(graph) {}

  void actions(const Actions& actions, double trips) {
    for (const Action& action : actions) {
      statement_.clear();
      for (NodeRef index : action.index) visit(index, trips);
      if (action.value) visit(action.value, trips * size(action.value));
      double inner = trips;
      if (action.kind == Action::Kind::For) inner *= loop_trips(action.loop);
      // Statements inside are statements of their own.
      actions_inside(action, inner);
    }
  }
  void value(NodeRef node) {
    statement_.clear();
    visit(node, size(node));
  }

  std::set<NodeRef> dear() const {
    std::set<NodeRef> out;
    for (const auto& [node, evaluations] : evaluations_) {
      if (node->scalar() || node->kind == NodeKind::At) continue;
      double distinct = size(node);
      for (std::uint32_t loop : node->loops) distinct *= loop_trips(loop);
      const double cost = node->cost;
      if (distinct > 0 && evaluations * cost > distinct * cost + 2 * evaluations + 4 * distinct)
        out.insert(node);
    }
    return out;
  }

 private:
  void actions_inside(const Action& action, double trips) {
    actions(action.body, trips);
    actions(action.otherwise, trips);
  }
  static double size(NodeRef node) { return static_cast<double>(elements(node->shape)); }
  double loop_trips(std::uint32_t loop) const {
    const Graph::LoopVariable& variable = graph_.loop(loop);
    return std::max(1.0, variable.to->upper - variable.from->lower);
  }

  /// `times`: how often elements of the node are asked for. Within one statement an expression that stands
  /// twice is computed once an element, so only a count above the last one adds.
  void visit(NodeRef node, double times) {
    if (node->data_only) return;
    double& before = statement_[node];
    if (times <= before) return;
    const double more = times - before;
    before = times;
    evaluations_[node] += more;
    switch (node->kind) {
      case NodeKind::Sum:
        visit(node->args[0], times > 0 ? size(node->args[0]) * repeats(node, times) : 0);
        break;
      case NodeKind::SumOver:
        visit(node->args[0], times * loop_trips(node->id));
        break;
      case NodeKind::Contract:
        for (NodeRef arg : node->args) visit(arg, times * static_cast<double>(node->args[0]->shape.back()));
        break;
      case NodeKind::Operation:
        // A scalar operand is computed as often as its own loops ask.
        for (NodeRef arg : node->args) visit(arg, arg->scalar() ? repeats(arg, times) : times);
        break;
      default:
        for (NodeRef arg : node->args) visit(arg, arg->scalar() ? repeats(arg, times) : times);
        for (const Axis& axis : node->axes)
          if (axis.index) visit(axis.index, times);
    }
  }
  /// Invariants are hoisted: a scalar is computed once a trip of the loops it names.
  double repeats(NodeRef node, double times) const {
    double trips = 1;
    for (std::uint32_t loop : node->loops) trips *= loop_trips(loop);
    return std::min(times, trips);
  }

  const Graph& graph_;
  std::unordered_map<NodeRef, double> statement_;
  std::map<NodeRef, double> evaluations_;
};

}  // namespace

std::set<NodeRef> dear_nodes(const Checked& checked, bool draws) {
  Counter counter(checked.graph);
  counter.actions(checked.constraints, 1);
  counter.actions(checked.transformed, 1);
  if (draws) {
    counter.actions(checked.generated, 1);
    for (const auto& output : checked.outputs) counter.value(output.value);
  } else {
    counter.actions(checked.jacobians, 1);
    counter.actions(checked.model, 1);
  }
  return counter.dear();
}

}  // namespace drey::model
