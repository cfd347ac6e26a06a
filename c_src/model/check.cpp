#include "model/check.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"
#include "model/nearest.h"
#include "model/simplify.h"
#include "model/walk.h"

namespace drey::model {

Checked check(syntax::Model model) { return Checker(std::move(model)).run(); }

Checker::Checker(syntax::Model model) : model_(std::move(model)), host_(checked_.graph) {}

Checked Checker::run() {
  scopes_.emplace_back();
  for (auto& entry : model_.data) {
    Symbol symbol;
    symbol.kind = Symbol::Kind::Data;
    symbol.value = graph().add_data(entry.name, entry.shape, std::move(entry.values));
    define(entry.name, symbol, "data");
  }
  for (const auto& function : model_.functions) {
    if (!functions_.emplace(function.name, &function).second)
      throw Error("invalid_model", fmt::format("the function `{}` is defined twice", function.name),
                  "functions");
  }
  transformed_data();
  actions_.push_back(&checked_.constraints);
  parameters();
  block_ = BlockKind::Transformed;
  actions_.back() = &checked_.transformed;
  statements(model_.transformed, BlockKind::Transformed, true);
  record(BlockKind::Transformed);
  block_ = BlockKind::Model;
  actions_.back() = &checked_.model;
  scopes_.emplace_back();
  statements(model_.model, BlockKind::Model, true);
  scopes_.pop_back();
  block_ = BlockKind::Generated;
  actions_.back() = &checked_.generated;
  statements(model_.generated, BlockKind::Generated, true);
  record(BlockKind::Generated);
  if (checked_.dimension == 0)
    throw Error("invalid_model",
                "the model has no parameters; give at least one {Name, Type} under parameters", "parameters");
  walk(checked_);
  simplify(checked_);
  return std::move(checked_);
}

void Checker::unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known,
                      const std::string& where, const std::string& reason) const {
  std::string hint = did_you_mean(name, known);
  if (hint.empty() && reason == "unknown_name") {
    hint = known.empty() ? "; nothing is defined here yet: give it under data or parameters"
                         : "; give it under data or parameters";
    if (!known.empty() && known.size() <= 12) hint += fmt::format(" (there are {})", fmt::join(known, ", "));
  }
  throw Error(reason, fmt::format("there is no {} `{}`{}", what, name.substr(0, 80), hint), where);
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
  if (!symbol->value)
    throw Error("invalid_model", fmt::format("`{}` is read before anything was set in it", name), where);
  return *symbol;
}

void Checker::define(const std::string& name, Symbol symbol, const std::string& where) {
  if (find(name))
    throw Error("invalid_model", fmt::format("`{}` is already defined; choose another name", name), where);
  scopes_.back().emplace(name, symbol);
}

void Checker::output(const std::string& name, OutputKind kind, NodeRef value) {
  checked_.outputs.push_back({name, kind, value});
}

// ---- statements

void Checker::statements(const syntax::Statements& list, BlockKind kind, bool outermost) {
  for (const syntax::Statement& s : list) {
    where_ = s.where;
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
  const OutputKind recorded_as =
      kind == BlockKind::Generated ? OutputKind::Generated : OutputKind::Transformed;
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
        throw Error(
            "invalid_model",
            fmt::format("`{}` is a parameter's type; declare real, int, vector, matrix or array", t.base),
            s.where);
      Symbol symbol;
      symbol.kind = Symbol::Kind::Variable;
      symbol.memory = declare(s.name, t.base == "int" ? Type::Integer : Type::Real, t.shape());
      define(s.name, symbol, s.where);
      if (recorded) {
        // What it holds is known at the block's end.
        output(s.name, recorded_as, nullptr);
        recorded_.push_back(s.name);
      }
      return;
    }
    case syntax::Statement::Kind::Set:
      return set(s);
    case syntax::Statement::Kind::For:
      return for_loop(s, kind);
    case syntax::Statement::Kind::If:
      return data_if(s, kind);
    case syntax::Statement::Kind::Return:
      throw Error("invalid_model", "`return` stands last in a function's body and nowhere else", s.where);
  }
}

void Checker::set(const syntax::Statement& s) {
  const syntax::Expression& left = s.left;
  const bool indexed =
      left.kind == syntax::Expression::Kind::Call && left.name == "at" && left.args.size() >= 2;
  const syntax::Expression& base = indexed ? left.args[0] : left;
  if (base.kind != syntax::Expression::Kind::Name)
    throw Error("invalid_model", "set is written {set, {at, Name, I...}, E} or {set, Name, E}", left.where);
  Symbol* symbol = find(base.name);
  if (!symbol) unknown("declared name", base.name, names(), left.where);
  if (symbol->kind != Symbol::Kind::Variable)
    throw Error("invalid_model",
                fmt::format("`{}` was not declared; only {{declare, Name, Type}} makes a name that "
                            "can be set",
                            base.name),
                left.where);
  NodeRef variable = symbol->memory;
  NodeRef value = expression(s.right);
  if (variable->type == Type::Integer && value->type != Type::Integer)
    throw Error("wrong_type", fmt::format("`{}` holds integers", base.name), s.right.where);
  if (variable->type == Type::Real) value = graph().to_real(value);
  // A random number is drawn once, here.
  if (value->random) value = keep(value, base.name);
  std::vector<NodeRef> index;
  if (indexed) {
    if (left.args.size() - 1 > variable->shape.size())
      throw Error("wrong_shape",
                  fmt::format("`{}` has {} dimensions, found {} indices", base.name, variable->shape.size(),
                              left.args.size() - 1),
                  left.where);
    for (std::size_t i = 1; i < left.args.size(); ++i) {
      const syntax::Expression& at = left.args[i];
      NodeRef place = expression(at);
      if (!place->scalar()) throw Error("wrong_shape", "an element is set at integer indices", at.where);
      index.push_back(zero_based(place, variable->shape[i - 1], at.where));
    }
  }
  Shape rest(variable->shape.begin() + static_cast<std::ptrdiff_t>(index.size()), variable->shape.end());
  if (!value->scalar() && value->shape != rest)
    throw Error(
        "wrong_shape",
        fmt::format("`{}` takes {} here, found {}", base.name, shape_text(rest), shape_text(value->shape)),
        s.right.where);
  symbol = find(base.name);
  if (index.empty()) {
    symbol->value = graph().fill(value, value->scalar() ? variable->shape : Shape());
    if (!value->scalar()) symbol->value = value;
    return;
  }
  const bool by_element = !symbol->value || symbol->value == variable;
  NodeRef before = symbol->value;
  NodeRef into = by_element ? variable : declare(base.name, variable->type, variable->shape);
  std::vector<NodeRef> all;
  // By element: only what is set. Otherwise a new value, which is the old one but for what is set.
  std::function<void(std::size_t)> level = [&](std::size_t d) {
    if (d == variable->shape.size()) {
      std::span<const NodeRef> inner(all.data() + index.size(), rest.size());
      NodeRef element = value->scalar() ? value : graph().element(value, inner);
      if (!by_element) {
        NodeRef here = graph().integer(1);
        for (std::size_t i = 0; i < index.size(); ++i)
          here = graph().operation(Op::MinI, {here, graph().operation(Op::EqualI, {all[i], index[i]})});
        element = graph().select(here, element, graph().element(before, all));
      }
      store(into, all, element);
      return;
    }
    auto one = [&](NodeRef i) {
      all.push_back(i);
      level(d + 1);
      all.pop_back();
    };
    if (by_element && d < index.size())
      one(index[d]);
    else
      loop("i", variable->shape[d], one);
  };
  level(0);
  symbol->value = into;
}

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
        const bool value =
            symbol && symbol->memory && (!indexed || (symbol->value && symbol->value != symbol->memory));
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
  if (!action.body.empty() || !action.otherwise.empty()) here().push_back(std::move(action));
  for (const std::string& name : values) {
    Symbol* symbol = find(name);
    if (then[name] == symbol->value) continue;
    symbol->value = then[name] && symbol->value ? graph().select(chosen, then[name], symbol->value) : nullptr;
  }
}

void Checker::record(BlockKind kind) {
  const OutputKind as = kind == BlockKind::Generated ? OutputKind::Generated : OutputKind::Transformed;
  for (auto& named : checked_.outputs)
    if (!named.value && named.kind == as)
      named.value = lookup(named.name, kind == BlockKind::Generated ? "generated" : "transformed").value;
}

void Checker::transformed_data() {
  Actions actions;
  actions_.push_back(&actions);
  scopes_.emplace_back();
  block_ = BlockKind::TransformedData;
  statements(model_.transformed_data, BlockKind::TransformedData, true);
  actions_.pop_back();
  host_.run(actions);
  Scope computed = std::move(scopes_.back());
  scopes_.pop_back();
  for (auto& [name, symbol] : computed) {
    Symbol made;
    made.kind = Symbol::Kind::Data;
    if (!symbol.value)
      throw Error("invalid_model", fmt::format("nothing was set in `{}`", name), "transformed_data");
    std::vector<double> values = host_.all(symbol.value);
    const Shape& shape = symbol.value->shape;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        throw Error("not_finite", fmt::format("{} is {}", element_name(name, shape, i), values[i]),
                    "transformed_data: " + name);
    if (symbol.value->type == Type::Integer) {
      std::vector<std::int64_t> whole(values.begin(), values.end());
      made.value = graph().add_data(name, shape, std::move(whole));
    } else {
      made.value = graph().add_data(name, shape, std::move(values));
    }
    define(name, made, "transformed_data");
  }
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
