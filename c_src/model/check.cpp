#include "model/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"
#include "model/nearest.h"
#include "model/reductions.h"

namespace drey::model {



namespace {

/// What one compile may expand to; a small term with loops of functions must not keep a node busy for hours.
constexpr std::size_t max_actions = 200000;

}  // namespace

Checked check(syntax::Model model) { return Checker(std::move(model)).run(); }

Checker::Checker(syntax::Model model) : model_(std::move(model)), host_(checked_.graph) {}

Checked Checker::run() {
  scopes_.emplace_back();
  for (auto& entry : model_.data) {
    Symbol symbol;
    symbol.kind = Symbol::Kind::Data;
    const bool literal_size = entry.shape.empty() && entry.type == Type::Integer;
    if (literal_size)
      // Sizes and loop bounds are part of the program, so whole numbers are too.
      symbol.value = graph().integer(std::get<std::vector<std::int64_t>>(entry.values).at(0));
    else
      symbol.value = graph().add_data(entry.name, entry.shape, std::move(entry.values));
    define(entry.name, symbol, "data");
  }
  for (const auto& function : model_.functions) {
    if (!functions_.emplace(function.name, &function).second)
      throw Error("invalid_model", fmt::format("the function `{}` is defined twice", function.name), "functions");
  }
  Actions ignored;
  actions_.push_back(&ignored);
  block_ = BlockKind::TransformedData;
  statements(model_.transformed_data, BlockKind::TransformedData, true);
  if (!ignored.empty())
    throw Error("invalid_model",
                "transformed_data defines names by expressions of data; loops that set elements belong in transformed",
                "transformed_data");
  parameters();
  block_ = BlockKind::Transformed;
  actions_.back() = &checked_.transformed;
  statements(model_.transformed, BlockKind::Transformed, true);
  block_ = BlockKind::Model;
  actions_.back() = &checked_.model;
  scopes_.emplace_back();
  statements(model_.model, BlockKind::Model, true);
  scopes_.pop_back();
  block_ = BlockKind::Generated;
  actions_.back() = &checked_.generated;
  statements(model_.generated, BlockKind::Generated, true);
  if (checked_.dimension == 0)
    throw Error("invalid_model", "the model has no parameters; give at least one {Name, Type} under parameters",
                "parameters");
  return std::move(checked_);
}

void Checker::unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known,
                      const std::string& where, const std::string& reason) const {
  throw Error(reason, fmt::format("there is no {} `{}`{}", what, name.substr(0, 80), did_you_mean(name, known)), where);
}

std::vector<std::string> Checker::names() const {
  std::vector<std::string> all;
  for (const Scope& scope : scopes_)
    for (const auto& [name, symbol] : scope) all.push_back(name);
  return all;
}

Checker::Symbol* Checker::find(const std::string& name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    auto found = scope->find(name);
    if (found != scope->end()) return &found->second;
  }
  return nullptr;
}

const Checker::Symbol& Checker::lookup(const std::string& name, const std::string& where) {
  const Symbol* symbol = find(name);
  if (!symbol) unknown("name", name, names(), where);
  if (symbol->kind == Symbol::Kind::Variable && !symbol->stored)
    throw Error("invalid_model", fmt::format("`{}` is read before anything was set in it", name), where);
  return *symbol;
}

void Checker::define(const std::string& name, Symbol symbol, const std::string& where) {
  if (find(name)) throw Error("invalid_model", fmt::format("`{}` is already defined; choose another name", name), where);
  symbol.loop_depth = loop_depth_;
  scopes_.back().emplace(name, symbol);
}

void Checker::output(const std::string& name, OutputKind kind, NodeRef value) {
  checked_.outputs.push_back({name, kind, value});
}

// ---- actions

void Checker::target(NodeRef value) {
  Action action;
  action.value = graph().to_real(value);
  here().push_back(std::move(action));
}

NodeRef Checker::declare(const std::string& name, Type type, Shape shape) {
  NodeRef variable = graph().add_variable(name, type, std::move(shape));
  Action action;
  action.kind = Action::Kind::Declare;
  action.variable = variable->id;
  here().push_back(std::move(action));
  return variable;
}

void Checker::store(NodeRef variable, std::vector<NodeRef> index, NodeRef value) {
  Action action;
  action.kind = Action::Kind::Store;
  action.variable = variable->id;
  action.index = std::move(index);
  action.value = value;
  here().push_back(std::move(action));
}

void Checker::store_all(NodeRef variable, NodeRef value) {
  std::vector<NodeRef> index;
  std::function<void(std::size_t)> level = [&](std::size_t d) {
    if (d == variable->shape.size()) {
      store(variable, index, value->scalar() ? value : graph().element(value, index));
      return;
    }
    loop("i", variable->shape[d], [&](NodeRef i) {
      index.push_back(i);
      level(d + 1);
      index.pop_back();
    });
  };
  level(0);
}

void Checker::loop(const std::string& name, NodeRef from, NodeRef to, const std::function<void(NodeRef)>& body) {
  if (to->upper <= from->lower) return;
  if (++expansions_ > max_actions)
    throw Error("too_large", "the model expands to more loops than Drey takes; simplify its functions");
  NodeRef index = graph().add_loop(name, from, to);
  Action action;
  action.kind = Action::Kind::For;
  action.loop = index->id;
  Actions inside;
  actions_.push_back(&inside);
  ++loop_depth_;
  body(index);
  --loop_depth_;
  actions_.pop_back();
  action.body = std::move(inside);
  if (vectorised(action)) return;
  here().push_back(std::move(action));
}

/// A loop that only adds to the target, one element a trip, becomes vectors added to the target: they are fused,
/// folded and reduced like those written as vectors.
bool Checker::vectorised(const Action& action) {
  std::vector<NodeRef> values;
  for (const Action& inner : action.body) {
    if (inner.kind != Action::Kind::Target || !inner.value->scalar()) return false;
    NodeRef value = over_trips(graph(), inner.value, action.loop);
    if (!value) return false;
    if (value->scalar()) value = graph().fill(value, graph().count_of(action.loop));
    values.push_back(value);
  }
  for (NodeRef value : values) target(value);
  return true;
}

void Checker::loop(const std::string& name, std::uint64_t trips, const std::function<void(NodeRef)>& body) {
  loop(name, graph().integer(0), graph().integer(static_cast<std::int64_t>(trips)), body);
}

NodeRef Checker::keep(NodeRef value, const std::string& name) {
  NodeRef variable = declare(name, value->type, value->shape);
  store_all(variable, value);
  return variable;
}

// ---- statements

void Checker::statements(const syntax::Statements& list, BlockKind kind, bool outermost) {
  for (const syntax::Statement& s : list) {
    try {
      statement(s, kind, outermost);
    } catch (const Error& error) {
      if (!error.where().empty()) throw;
      throw error.within(s.where);
    }
  }
}

void Checker::statement(const syntax::Statement& s, BlockKind kind, bool outermost) {
  const bool recorded = outermost && (kind == BlockKind::Transformed || kind == BlockKind::Generated);
  const OutputKind recorded_as = kind == BlockKind::Generated ? OutputKind::Generated : OutputKind::Transformed;
  switch (s.kind) {
    case syntax::Statement::Kind::Tilde:
    case syntax::Statement::Kind::Target:
      if (kind != BlockKind::Model)
        throw Error("invalid_model", "`~` and `target` belong in the model block", s.where);
      if (s.kind == syntax::Statement::Kind::Tilde)
        tilde(s);
      else
        target(expression(s.right));
      return;
    case syntax::Statement::Kind::Let: {
      Symbol symbol;
      symbol.value = expression(s.right);
      if (symbol.value->random) symbol.value = keep(symbol.value, s.name);
      define(s.name, symbol, s.where);
      if (recorded) output(s.name, recorded_as, symbol.value);
      return;
    }
    case syntax::Statement::Kind::Declare: {
      ParsedType t = type(s.left);
      if (t.base != "real" && t.base != "vector" && t.base != "matrix" && t.base != "int")
        throw Error("invalid_model",
                    fmt::format("`{}` is a parameter's type; declare real, int, vector, matrix or array", t.base),
                    s.where);
      Symbol symbol;
      symbol.kind = Symbol::Kind::Variable;
      symbol.value = declare(s.name, t.base == "int" ? Type::Integer : Type::Real, t.shape());
      define(s.name, symbol, s.where);
      if (recorded) output(s.name, recorded_as, symbol.value);
      return;
    }
    case syntax::Statement::Kind::Set: return set(s);
    case syntax::Statement::Kind::For: return for_loop(s, kind);
    case syntax::Statement::Kind::If: return data_if(s, kind);
    case syntax::Statement::Kind::Return:
      throw Error("invalid_model", "`return` stands last in a function's body and nowhere else", s.where);
  }
}

void Checker::set(const syntax::Statement& s) {
  const syntax::Expression& left = s.left;
  const bool indexed = left.kind == syntax::Expression::Kind::Call && left.name == "at" && left.args.size() >= 2;
  const syntax::Expression& base = indexed ? left.args[0] : left;
  if (base.kind != syntax::Expression::Kind::Name)
    throw Error("invalid_model", "set is written {set, {at, Name, I...}, E} or {set, Name, E}", left.where);
  Symbol* symbol = find(base.name);
  if (!symbol) unknown("declared name", base.name, names(), left.where);
  if (symbol->kind != Symbol::Kind::Variable)
    throw Error("invalid_model", fmt::format("`{}` was not declared; only {{declare, Name, Type}} makes a name that "
                                             "can be set",
                                             base.name),
                left.where);
  NodeRef variable = symbol->value;
  NodeRef value = expression(s.right);
  symbol = find(base.name);
  if (variable->type == Type::Integer && value->type != Type::Integer)
    throw Error("wrong_type", fmt::format("`{}` holds integers", base.name), s.right.where);
  if (variable->type == Type::Real) value = graph().to_real(value);
  std::vector<NodeRef> index;
  if (indexed) {
    if (left.args.size() - 1 > variable->shape.size())
      throw Error("wrong_shape", fmt::format("`{}` has {} dimensions, found {} indices", base.name,
                                             variable->shape.size(), left.args.size() - 1),
                  left.where);
    for (std::size_t i = 1; i < left.args.size(); ++i) {
      NodeRef at = expression(left.args[i]);
      if (!at->scalar())
        throw Error("wrong_shape", "an element is set at integer indices", left.args[i].where);
      index.push_back(zero_based(at, variable->shape[i - 1], left.args[i].where));
    }
  }
  Shape rest(variable->shape.begin() + static_cast<std::ptrdiff_t>(index.size()), variable->shape.end());
  if (!value->scalar() && value->shape != rest)
    throw Error("wrong_shape", fmt::format("`{}` takes {} here, found {}", base.name, shape_text(rest),
                                           shape_text(value->shape)),
                s.right.where);
  symbol->stored = true;
  std::function<void(std::size_t)> level = [&](std::size_t d) {
    if (d == rest.size()) {
      std::vector<NodeRef> inner(index.end() - static_cast<std::ptrdiff_t>(rest.size()), index.end());
      store(variable, index, value->scalar() ? value : graph().element(value, inner));
      return;
    }
    loop("i", rest[d], [&](NodeRef i) {
      index.push_back(i);
      level(d + 1);
      index.pop_back();
    });
  };
  level(0);
}

void Checker::for_loop(const syntax::Statement& s, BlockKind kind) {
  NodeRef from = integer(expression(s.left), s.left.where);
  NodeRef to = integer(expression(s.right), s.right.where);
  from = graph().operation(Op::SubI, {from, graph().integer(1)});
  if (!from->data_only || !to->data_only)
    throw Error("wrong_type", "the bounds of a loop are integers of data and outer loop variables", s.where);
  if (to->upper - from->lower > 1e9)
    throw Error("too_large", fmt::format("the loop runs {} times", to->upper - from->lower), s.where);
  loop(s.name, from, to, [&](NodeRef index) {
    scopes_.emplace_back();
    Symbol symbol;
    symbol.kind = Symbol::Kind::Loop;
    // As the language counts: from 1.
    symbol.value = graph().operation(Op::AddI, {index, graph().integer(1)});
    define(s.name, symbol, s.where);
    statements(s.body, kind, false);
    scopes_.pop_back();
  });
}

void Checker::data_if(const syntax::Statement& s, BlockKind kind) {
  NodeRef chosen = condition(expression(s.left), s.left.where);
  if (!chosen->data_only)
    throw Error("wrong_type",
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
  branch(s.body, action.body);
  branch(s.otherwise, action.otherwise);
  here().push_back(std::move(action));
}

void Checker::parameters() {
  block_ = BlockKind::Parameters;
  for (const auto& p : model_.parameters) {
    try {
      NodeRef value = parameter(p);
      Symbol symbol;
      symbol.kind = Symbol::Kind::Parameter;
      symbol.value = value;
      define(p.name, symbol, p.where);
      output(p.name, OutputKind::Parameter, value);
    } catch (const Error& error) {
      if (!error.where().empty()) throw;
      throw error.within(p.where);
    }
  }
}

}  // namespace drey::model
