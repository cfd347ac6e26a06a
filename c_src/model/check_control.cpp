#include <algorithm>
#include <functional>
#include <span>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"

/// Loops and branches: nodes are pure, so what a body sets again passes from trip to trip in a memory with one
/// version a trip, and out of a branch by a select.
namespace drey::model {

std::vector<std::string> Checker::carried(const syntax::Statements& body) {
  std::vector<std::string> out;
  std::set<std::string> inner;
  std::function<void(const syntax::Statements&)> walk = [&](const syntax::Statements& list) {
    for (const syntax::Statement& s : list) {
      if (s.kind == syntax::Statement::Kind::Declare) inner.insert(s.name);
      if (s.kind == syntax::Statement::Kind::Set) {
        const bool indexed = s.left.kind == syntax::Expression::Kind::Call && !s.left.args.empty();
        const std::string& name = indexed ? s.left.args[0].name : s.left.name;
        Symbol* symbol = find(name);
        const bool value = symbol && symbol->memory && !symbol->overwritten &&
                           (!indexed || (symbol->value && symbol->value != symbol->memory));
        if (value && !inner.count(name) && std::find(out.begin(), out.end(), name) == out.end())
          out.push_back(name);
      }
      walk(s.body);
      walk(s.otherwise);
    }
  };
  walk(body);
  // An element set by one that is also set whole makes it carried too; order of appearance does not matter.
  return out;
}

namespace {

void declared_in(const Actions& actions, std::set<VariableId>& into) {
  for (const Action& action : actions) {
    if (action.kind == Action::Kind::Declare) into.insert(action.variable);
    declared_in(action.body, into);
    declared_in(action.otherwise, into);
  }
}

bool names_any(NodeRef node, const std::set<VariableId>& variables) {
  return node && std::any_of(node->variables.begin(), node->variables.end(),
                             [&](VariableId id) { return variables.count(id) != 0; });
}

std::size_t count_statements(const syntax::Statements& list) {
  std::size_t count = 0;
  for (const syntax::Statement& s : list)
    count += 1 + count_statements(s.body) + count_statements(s.otherwise);
  return count;
}

}  // namespace

void Checker::unrolled(const syntax::Statement& s, BlockKind kind, std::int64_t from, std::int64_t to) {
  for (std::int64_t i = from; i < to; ++i) {
    scopes_.emplace_back();
    Symbol symbol;
    symbol.kind = Symbol::Kind::Loop;
    symbol.value = graph().integer(i + 1);
    define(s.name, symbol, s.where);
    statements(s.body, kind, false);
    scopes_.pop_back();
  }
}

void Checker::for_loop(const syntax::Statement& s, BlockKind kind) {
  NodeRef from = settled(integer(expression(s.left), s.left.where));
  NodeRef to = settled(integer(expression(s.right), s.right.where));
  from = graph().operation(Op::SubI, {from, graph().integer(1)});
  if (!from->data_only || !to->data_only)
    throw Error("wrong_type", "the bounds of a loop are integers of data and outer loop variables", s.where);
  if (to->upper - from->lower > 1e9)
    throw Error("too_large", fmt::format("the loop runs {} times", to->upper - from->lower), s.where);
  const std::vector<std::string> values = carried(s.body);
  const bool literal = from->kind == NodeKind::Integer && to->kind == NodeKind::Integer;
  const double trips = to->upper - from->lower;
  if (trips <= 0) return;
  // Straight-line text where it stays short: values then live in no memory at all.
  if (!values.empty() && literal && trips * static_cast<double>(count_statements(s.body)) <= 64)
    return unrolled(s, kind, from->integer, to->integer);
  // What is carried from trip to trip gets a memory with one version a trip.
  std::map<std::string, NodeRef> versions;
  NodeRef zero = graph().integer(0);
  for (const std::string& name : values) {
    Symbol* symbol = find(name);
    Shape shape = symbol->memory->shape;
    shape.insert(shape.begin(), static_cast<std::uint64_t>(trips) + 1);
    versions[name] = declare(name, symbol->memory->type, shape);
    if (!symbol->value) continue;
    NodeRef initial = symbol->value;
    NodeRef memory = versions[name];
    std::vector<NodeRef> index{zero};
    std::function<void(std::size_t)> level = [&](std::size_t d) {
      if (d == initial->shape.size()) {
        store(memory, index,
              initial->scalar() ? initial : graph().element(initial, std::span(index).subspan(1)));
        return;
      }
      loop("i", initial->shape[d], [&](NodeRef i) {
        index.push_back(i);
        level(d + 1);
        index.pop_back();
      });
    };
    level(0);
  }
  loop(s.name, from, to, [&](NodeRef index) {
    NodeRef trip = graph().operation(Op::SubI, {index, from});
    for (const std::string& name : values)
      if (Symbol* symbol = find(name); symbol->value) symbol->value = graph().element(versions[name], {trip});
    scopes_.emplace_back();
    Symbol symbol;
    symbol.kind = Symbol::Kind::Loop;
    // As the language counts: from 1.
    symbol.value = graph().operation(Op::AddI, {index, graph().integer(1)});
    define(s.name, symbol, s.where);
    statements(s.body, kind, false);
    scopes_.pop_back();
    NodeRef next = graph().operation(Op::AddI, {trip, graph().integer(1)});
    for (const std::string& name : values) {
      NodeRef value = find(name)->value, memory = versions[name];
      if (!value) continue;
      std::vector<NodeRef> at{next};
      std::function<void(std::size_t)> level = [&](std::size_t d) {
        if (d == value->shape.size()) {
          store(memory, at, value->scalar() ? value : graph().element(value, std::span(at).subspan(1)));
          return;
        }
        loop("i", value->shape[d], [&](NodeRef i) {
          at.push_back(i);
          level(d + 1);
          at.pop_back();
        });
      };
      level(0);
    }
  });
  NodeRef last = graph().operation(Op::MaxI, {graph().operation(Op::SubI, {to, from}), zero});
  for (const std::string& name : values)
    if (Symbol* symbol = find(name); symbol->value) symbol->value = graph().element(versions[name], {last});
}

void Checker::data_if(const syntax::Statement& s, BlockKind kind) {
  NodeRef chosen = settled(condition(expression(s.left), s.left.where));
  if (!chosen->data_only)
    throw Error(
        "wrong_type",
        "the condition of `if` is of data and loop variables; for a choice that depends on parameters write "
        "{if_else, Condition, A, B}",
        s.left.where);
  auto branch = [&](const syntax::Statements& list, Actions& into) {
    actions_.push_back(&into);
    scopes_.emplace_back();
    statements(list, kind, false);
    scopes_.pop_back();
    actions_.pop_back();
  };
  if (chosen->loops.empty()) {
    branch(host_.element(chosen, {}) != 0 ? s.body : s.otherwise, here());
    return;
  }
  Action action;
  action.kind = Action::Kind::If;
  action.value = chosen;
  std::vector<std::string> values = carried(s.body);
  for (const std::string& name : carried(s.otherwise))
    if (std::find(values.begin(), values.end(), name) == values.end()) values.push_back(name);
  std::map<std::string, NodeRef> before, then;
  for (const std::string& name : values) before[name] = find(name)->value;
  branch(s.body, action.body);
  for (const std::string& name : values) {
    then[name] = find(name)->value;
    find(name)->value = before[name];
  }
  branch(s.otherwise, action.otherwise);
  std::set<VariableId> made;
  declared_in(action.body, made);
  declared_in(action.otherwise, made);
  if (!action.body.empty() || !action.otherwise.empty()) here().push_back(std::move(action));
  for (const std::string& name : values) {
    Symbol* symbol = find(name);
    if (then[name] == symbol->value) continue;
    // A value that takes statements cannot leave their branch: it is set there, in a memory.
    if (names_any(then[name], made) || names_any(symbol->value, made))
      overwritten_.insert(declared_at_.at(symbol->memory->id));
    symbol->value = then[name] && symbol->value ? graph().select(chosen, then[name], symbol->value) : nullptr;
  }
}

}  // namespace drey::model
