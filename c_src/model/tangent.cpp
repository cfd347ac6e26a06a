#include "model/tangent.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "error.h"
#include "model/functions.h"

namespace drey::model {

NodeRef Tangent::of(NodeRef node) {
  if (node->type != Type::Real || node->data_only || node->variables.empty()) return nullptr;
  auto found = known_.find(node);
  if (found != known_.end()) return found->second;
  NodeRef made = derive(node);
  if (made && made->scalar() && !node->scalar()) made = checker_.graph().fill(made, node->shape);
  return known_[node] = made;
}

NodeRef Tangent::derive_operation(NodeRef node) {
  Graph& g = checker_.graph();
  if (node->op == Op::Select) {
    NodeRef yes = of(node->args[1]), no = of(node->args[2]);
    if (!yes && !no) return nullptr;
    NodeRef zero = g.real(0);
    return g.select(node->args[0], yes ? yes : zero, no ? no : zero);
  }
  if (node->op != Op::Call) return nullptr;  // comparisons, conversions, what stops a gradient
  const Function& f = functions()[node->function];
  NodeRef total = nullptr;
  for (std::size_t i = 0; i < node->args.size(); ++i) {
    const Formula& formula = f.derivative[i];
    NodeRef inner = of(node->args[i]);
    if (!inner || (formula.kind == Formula::Kind::Number && formula.number == 0)) continue;
    std::map<std::string, NodeRef> names{{"r", node}};
    for (std::size_t k = 0; k < node->args.size(); ++k)
      names[std::string(1, static_cast<char>('a' + k))] = node->args[k];
    NodeRef slope = checker_.instantiate(formula, names);
    NodeRef term = is_number(slope, 1) ? inner : g.mul(slope, inner);
    total = total ? g.add(total, term) : term;
  }
  return total;
}

NodeRef Tangent::derive(NodeRef node) {
  Graph& g = checker_.graph();
  auto zero = [&](NodeRef like) { return g.fill(g.real(0), like->shape); };
  switch (node->kind) {
    case NodeKind::Variable: {
      auto found = variables_.find(node->id);
      return found == variables_.end() ? nullptr : found->second;
    }
    case NodeKind::Operation:
      return derive_operation(node);
    case NodeKind::At: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.at(inner, node->axes) : nullptr;
    }
    case NodeKind::Sum: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.sum(inner) : nullptr;
    }
    case NodeKind::SumOver: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.sum_over(node, inner) : nullptr;
    }
    case NodeKind::Contract: {
      NodeRef a = of(node->args[0]), b = of(node->args[1]);
      NodeRef left = a ? g.contract(a, node->args[1]) : nullptr;
      NodeRef right = b ? g.contract(node->args[0], b) : nullptr;
      return left && right ? g.add(left, right) : left ? left : right;
    }
    case NodeKind::Pack: {
      std::vector<NodeRef> parts;
      bool any = false;
      for (NodeRef arg : node->args) {
        NodeRef part = of(arg);
        any |= part != nullptr;
        parts.push_back(part ? part : zero(arg));
      }
      return any ? g.pack(std::move(parts)) : nullptr;
    }
    case NodeKind::Transpose: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.transpose(inner) : nullptr;
    }
    case NodeKind::Reshape: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.reshape(inner, node->shape) : nullptr;
    }
    case NodeKind::Fill: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.fill(inner, node->shape) : nullptr;
    }
    case NodeKind::Read: {
      NodeRef inner = of(node->args[0]);
      return inner ? g.read(inner) : nullptr;
    }
    case NodeKind::Random:
      throw Error("invalid_model", "a system of differential equations draws no random numbers");
    case NodeKind::Real:
    case NodeKind::Integer:
    case NodeKind::Data:
    case NodeKind::Point:
    case NodeKind::Loop:
    case NodeKind::Count:
      return nullptr;
  }
  return nullptr;
}

Actions Tangent::follow(Actions actions) {
  Graph& g = checker_.graph();
  Actions out;
  for (Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::Declare: {
        const Graph::Variable variable = g.variable(action.variable);
        out.push_back(std::move(action));
        if (variable.type != Type::Real) break;
        NodeRef derivative =
            g.add_variable("slope of " + variable.name, Type::Real, variable.shape, variable.overwritten);
        variables_[out.back().variable] = derivative;
        Action declare;
        declare.kind = Action::Kind::Declare;
        declare.variable = derivative->id;
        out.push_back(std::move(declare));
        break;
      }
      case Action::Kind::Store:
      case Action::Kind::Add: {
        auto into = variables_.find(action.variable);
        Action derivative = action;
        out.push_back(std::move(action));
        if (into == variables_.end()) break;
        NodeRef value = of(derivative.value);
        derivative.variable = into->second->id;
        derivative.value = value ? value : g.real(0);
        out.push_back(std::move(derivative));
        break;
      }
      case Action::Kind::For:
      case Action::Kind::If:
        action.body = follow(std::move(action.body));
        action.otherwise = follow(std::move(action.otherwise));
        out.push_back(std::move(action));
        break;
      case Action::Kind::Target:
        out.push_back(std::move(action));
        break;
    }
  }
  return out;
}

void Tangent::follow(std::size_t from) {
  Actions& all = checker_.here();
  auto first = all.begin() + static_cast<std::ptrdiff_t>(from);
  Actions fresh(std::make_move_iterator(first), std::make_move_iterator(all.end()));
  all.erase(first, all.end());
  for (Action& action : follow(std::move(fresh))) all.push_back(std::move(action));
}

}  // namespace drey::model
