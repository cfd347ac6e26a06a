#include <algorithm>
#include <utility>

#include "model/lowering.h"
#include "model/reductions.h"

/// Actions as statements: what is added to the target, declared, stored, and the loops and branches around it.
namespace drey::model {

void Lowering::add_to_target(NodeRef node, double factor, const Shape& shape, NodeRef& varying) {
  const double count = static_cast<double>(elements(shape));
  if (node->kind == NodeKind::Operation && node->op == Op::Call && !kept_.count(node)) {
    const std::string& name = functions()[node->function].name;
    if (name == "+" || name == "-") {
      add_to_target(node->args[0], factor, shape, varying);
      add_to_target(node->args[1], name == "+" ? factor : -factor, shape, varying);
      return;
    }
    if (name == "neg") return add_to_target(node->args[0], -factor, shape, varying);
    if (name == "*")
      for (std::size_t i = 0; i < 2; ++i)
        if (node->args[i]->kind == NodeKind::Real)
          return add_to_target(node->args[1 - i], factor * node->args[i]->number, shape, varying);
  }
  if (node->kind == NodeKind::Fill) return add_to_target(node->args[0], factor, shape, varying);
  if (node->kind == NodeKind::Real) {
    add_constant(factor * count * node->number);
    return;
  }
  Graph& graph = checked_.graph;
  if (node->scalar() || (node->data_only && node->loops.empty())) {
    NodeRef scalar = graph.sum(node);
    add_scalar(element(scalar, {}), node->scalar() ? factor * count : factor);
    return;
  }
  if (NodeRef scalar = separated_sum(graph, data_.host, node, shape))
    return add_to_target(scalar, factor, {}, varying);
  NodeRef term = node;
  if (varying && factor == -1) {
    varying = graph.sub(varying, term);
    return;
  }
  if (factor != 1) term = graph.mul(graph.real(factor), term);
  varying = varying ? graph.add(varying, term) : term;
}

void Lowering::add_constant(double number) {
  if (a_.depth() == 0)
    constant_ += number;
  else
    a_.accumulate(target_, a_.integer(0), a_.real(number));
}

void Lowering::add_scalar(ValueId value, double factor) {
  value = a_.call("*", {as_real(value), a_.real(factor)});
  if (a_.depth() == 0)
    scalars_.push_back(value);
  else
    a_.accumulate(target_, a_.integer(0), value);
}

void Lowering::flush() {
  auto pending = std::move(pending_);
  pending_.clear();
  for (const auto& [shape, terms] : pending)
    over(shape, true, [&](const Index& index) {
      ValueId total = none;
      for (NodeRef term : terms) {
        ValueId value = element(term, index);
        total = total == none ? value : a_.call("+", {total, value});
      }
      a_.accumulate(target_, a_.integer(0), total);
    });
}

void Lowering::stored_in(const Actions& actions, std::set<VariableId>& stored,
                         std::set<VariableId>& declared) {
  for (const Action& action : actions) {
    if (action.kind == Action::Kind::Store || action.kind == Action::Kind::Add)
      stored.insert(action.variable);
    if (action.kind == Action::Kind::Declare) declared.insert(action.variable);
    stored_in(action.body, stored, declared);
    stored_in(action.otherwise, stored, declared);
  }
}

std::set<VariableId> Lowering::stored_outer(const Action& action) {
  std::set<VariableId> stored, declared;
  stored_in(action.body, stored, declared);
  stored_in(action.otherwise, stored, declared);
  for (VariableId variable : declared) stored.erase(variable);
  return stored;
}

void Lowering::block(const Actions& actions) {
  auto outer = std::move(pending_);
  pending_.clear();
  statements(actions);
  flush();
  pending_ = std::move(outer);
}

void Lowering::statements(const Actions& actions) {
  for (const Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::Target: {
        if (action.value->scalar() && a_.depth() > 0) {
          a_.accumulate(target_, a_.integer(0), as_real(element(action.value, {})));
          break;
        }
        NodeRef varying = nullptr;
        add_to_target(action.value, 1, action.value->shape, varying);
        if (varying) pending_[varying->shape].push_back(varying);
        break;
      }
      case Action::Kind::Declare: {
        const Graph::Variable& variable = checked_.graph.variable(action.variable);
        const std::uint64_t size = elements(variable.shape);
        places_[action.variable] = {variable.overwritten ? a_.overwritten(variable.type, size, variable.name)
                                                         : a_.local(variable.type, size, variable.name),
                                    a_.depth()};
        break;
      }
      case Action::Kind::Store:
      case Action::Kind::Add: {
        Index index;
        Place& place = places_.at(action.variable);
        const Graph::Variable& variable = checked_.graph.variable(action.variable);
        for (std::size_t d = 0; d < action.index.size(); ++d)
          index.push_back(inside(action.index[d], element(action.index[d], {}), variable.shape[d]));
        // Index expressions first: they may stand outside, the store stands here.
        ValueId where = a_.value(Op::AddI, {place.local.base, flat(variable.shape, index)});
        ValueId value = element(action.value, {});
        if (variable.type == Type::Real) value = as_real(value);
        if (action.kind == Action::Kind::Add)
          a_.accumulate(place.local.memory, where, value);
        else if (variable.overwritten)
          a_.store(place.local.memory, where, value);
        else
          a_.set(place.local.memory, where, value);
        place.ready = std::max(place.ready, a_.depth());
        break;
      }
      case Action::Kind::For:
        loop(action);
        break;
      case Action::Kind::If: {
        ValueId condition = element(action.value, {});
        std::set<VariableId> outer = stored_outer(action);
        for (VariableId variable : outer) places_.at(variable).ready = a_.depth() + 1;
        a_.begin_if(condition);
        block(action.body);
        a_.begin_else();
        for (VariableId variable : outer) places_.at(variable).ready = a_.depth();
        block(action.otherwise);
        a_.end_if();
        for (VariableId variable : outer) places_.at(variable).ready = a_.depth();
        break;
      }
    }
  }
}

void Lowering::loop(const Action& action) {
  const Graph::LoopVariable& variable = checked_.graph.loop(action.loop);
  const double least = variable.from->lower, most = variable.to->upper;
  if (!(most > least)) return;
  std::set<VariableId> outer = stored_outer(action);
  const bool fixed = variable.from->kind == NodeKind::Integer && variable.to->kind == NodeKind::Integer;
  if (fixed && most - least == 1) {
    loops_[action.loop] = element(variable.from, {});
    return block(action.body);
  }
  ValueId from = element(variable.from, {}), to = element(variable.to, {});
  for (VariableId stored : outer) places_.at(stored).ready = a_.depth() + 1;
  loops_[action.loop] = a_.begin_loop(from, to, static_cast<std::int64_t>(least),
                                      static_cast<std::uint64_t>(most - least), outer.empty());
  block(action.body);
  a_.end_loop();
  for (VariableId stored : outer) places_.at(stored).ready = a_.depth();
}

}  // namespace drey::model
