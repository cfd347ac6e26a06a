
#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"

/// What each statement of a block means: a let, a declaration, an assignment; who may say `~` where.
namespace drey::model {

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
      symbol.block = block_;
      symbol.overwritten = overwritten_.count(s.where) != 0;
      symbol.memory =
          declare(s.name, t.base == "int" ? Type::Integer : Type::Real, t.shape(), symbol.overwritten);
      declared_at_[symbol.memory->id] = s.where;
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
  if (symbol->block != block_)
    throw Error(
        "invalid_model",
        fmt::format(
            "`{}` is of another block and keeps there what it was set to; declare a name in this block "
            "for what changes",
            base.name),
        left.where);
  NodeRef variable = symbol->memory;
  const syntax::Expression* addend = symbol->overwritten && variable->type == Type::Real ? added(s) : nullptr;
  NodeRef value = expression(addend ? *addend : s.right);
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
  if (symbol->overwritten) return overwrite(s, *symbol, index, value);
  if (index.empty()) {
    symbol->value = graph().fill(value, value->scalar() ? variable->shape : Shape());
    if (!value->scalar()) symbol->value = value;
    return;
  }
  if (symbol->value && symbol->value != variable) {
    // Set whole before: its elements have a value already. Checked again with that known.
    overwritten_.insert(declared_at_.at(variable->id));
    return;
  }
  store_all(variable, value, index);
  symbol->value = variable;
}

}  // namespace drey::model
