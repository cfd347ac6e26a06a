#include <algorithm>
#include <iterator>
#include <limits>
#include <variant>

#include "model/data.h"
#include "model/graph.h"
#include "model/intervals.h"

/// What is known of a node once it is made: what it depends on, what an element costs, where its values lie.
namespace drey::model {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

void merge(std::vector<std::uint32_t>& into, const std::vector<std::uint32_t>& from) {
  if (from.empty()) return;
  std::vector<std::uint32_t> out;
  std::set_union(into.begin(), into.end(), from.begin(), from.end(), std::back_inserter(out));
  into.swap(out);
}

}  // namespace

void Graph::derive(Node& node) const {
  auto below = [&](NodeRef arg) {
    node.literal &= arg->literal;
    node.data_only &= arg->data_only;
    node.random |= arg->random;
    merge(node.loops, arg->loops);
    merge(node.variables, arg->variables);
  };
  for (NodeRef arg : node.args) below(arg);
  for (const Axis& axis : node.axes)
    if (axis.index) below(axis.index);
  switch (node.kind) {
    case NodeKind::Real:
      node.lower = node.upper = node.number;
      break;
    case NodeKind::Integer:
      node.lower = node.upper = static_cast<double>(node.integer);
      break;
    case NodeKind::Data: {
      node.literal = false;
      double lower = inf, upper = -inf;
      std::visit(
          [&](const auto& values) {
            for (auto value : values) {
              lower = std::min(lower, static_cast<double>(value));
              upper = std::max(upper, static_cast<double>(value));
            }
          },
          arrays_[node.id].values);
      if (lower <= upper) node.lower = lower, node.upper = upper;
      break;
    }
    case NodeKind::Point:
      node.literal = node.data_only = false;
      break;
    case NodeKind::Variable:
      node.literal = node.data_only = false;
      node.variables = {node.id};
      break;
    case NodeKind::Random:
      node.literal = node.data_only = false;
      node.random = true;
      node.lower = 0, node.upper = 1;
      break;
    case NodeKind::Loop: {
      node.literal = false;
      const LoopVariable& loop = loops_[node.id];
      node.loops = {node.id};
      merge(node.loops, loop.from->loops);
      merge(node.loops, loop.to->loops);
      node.lower = loop.from->lower;
      node.upper = std::max(loop.to->upper - 1, node.lower);
      break;
    }
    case NodeKind::Operation:
      for (NodeRef arg : node.args) node.cost += arg->cost;
      node.cost += node.op == Op::Call ? function_cost(functions()[node.function].name) : 1;
      bounds(node);
      break;
    case NodeKind::Sum:
      node.cost = static_cast<double>(elements(node.args[0]->shape)) * (1 + node.args[0]->cost);
      break;
    case NodeKind::SumOver: {
      const LoopVariable& loop = loops_[node.id];
      node.loops.erase(std::remove(node.loops.begin(), node.loops.end(), node.id), node.loops.end());
      merge(node.loops, loop.from->loops);
      merge(node.loops, loop.to->loops);
      node.literal = false;
      node.data_only &= loop.from->data_only && loop.to->data_only;
      node.cost = std::max(1.0, loop.to->upper - loop.from->lower) * (1 + node.args[0]->cost);
      break;
    }
    case NodeKind::Contract:
      node.cost =
          static_cast<double>(node.args[0]->shape.back()) * (2 + node.args[0]->cost + node.args[1]->cost);
      break;
    case NodeKind::Count:
      node.lower = static_cast<double>(node.integer);
      node.upper = node.lower + static_cast<double>(node.shape[0]) - 1;
      break;
    case NodeKind::At:
    case NodeKind::Transpose:
    case NodeKind::Reshape:
    case NodeKind::Fill:
    case NodeKind::Read:
      node.cost = node.args[0]->cost;
      node.lower = node.args[0]->lower, node.upper = node.args[0]->upper;
      break;
    case NodeKind::Pack:
      node.lower = inf, node.upper = -inf;
      for (NodeRef arg : node.args) {
        node.cost = std::max(node.cost, arg->cost);
        node.lower = std::min(node.lower, arg->lower), node.upper = std::max(node.upper, arg->upper);
      }
      break;
  }
}

}  // namespace drey::model
