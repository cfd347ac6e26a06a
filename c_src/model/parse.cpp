#include "model/parse.h"

#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/nearest.h"

namespace drey::model {
namespace {

using syntax::Expression;
using syntax::Statement;
using syntax::Statements;
using term::Term;

[[noreturn]] void invalid(const std::string& message, const std::string& where) {
  throw Error("invalid_model", message, where);
}

bool is_name(const std::string& name) {
  if (name.empty() || name.size() > 255) return false;
  for (char c : name) {
    auto u = static_cast<unsigned char>(c);
    if (!(std::isalnum(u) || c == '_' || c == '@' || u >= 0x80)) return false;
  }
  return !std::isdigit(static_cast<unsigned char>(name[0]));
}

std::string name_of(const Term& term, const char* what, const std::string& where) {
  const auto* atom = term.as<term::Atom>();
  if (!atom || !is_name(atom->name))
    invalid(
        fmt::format("{} must be an atom of letters, digits and _, found {}", what, term::to_string(term, 40)),
        where);
  return atom->name;
}

class Parser {
 public:
  syntax::Model model(const Term& term) {
    const auto* map = term.as<term::Map>();
    if (!map) {
      invalid(fmt::format("a model is a map #{{data, parameters, transformed, model, generated}}, found {}",
                          term::to_string(term, 60)),
              "");
    }
    static const std::vector<std::string> keys = {
        "data", "functions", "transformed_data", "parameters", "transformed", "model", "generated"};
    for (const auto& [key, value] : map->pairs) {
      const auto* atom = key.as<term::Atom>();
      if (!atom || std::find(keys.begin(), keys.end(), atom->name) == keys.end())
        invalid(fmt::format("a model has no key {}{}", term::to_string(key, 40),
                            atom ? did_you_mean(atom->name, keys) : ""),
                "");
    }
    syntax::Model out;
    if (const Term* data = term.find("data"))
      pairs(*data, "data", [&](const Term& key, const Term& value) {
        std::string name = name_of(key, "the name of data", "data");
        try {
          out.data.push_back(parse_data(name, value));
        } catch (const Error& error) {
          throw error.within("data");
        }
      });
    if (const Term* functions = term.find("functions"))
      pairs(*functions, "functions",
            [&](const Term& key, const Term& value) { out.functions.push_back(function(key, value)); });
    if (const Term* declarations = term.find("parameters")) {
      const auto* list = declarations->as<term::List>();
      if (!list || list->tail)
        invalid(fmt::format("parameters are a list of {{Name, Type}}, found {}",
                            term::to_string(*declarations, 40)),
                "parameters");
      for (std::size_t i = 0; i < list->elements.size(); ++i)
        out.parameters.push_back(parameter(list->elements[i], fmt::format("parameters[{}]", i + 1)));
    }
    block(term, "transformed_data", out.transformed_data, true);
    block(term, "transformed", out.transformed, true);
    block(term, "model", out.model, false);
    block(term, "generated", out.generated, true);
    return out;
  }

 private:
  /// Calls `each` with the pairs of a map or of a property list.
  template <typename Each>
  void pairs(const Term& term, const std::string& where, Each each) {
    if (const auto* map = term.as<term::Map>()) {
      for (const auto& [key, value] : map->pairs) each(key, value);
      return;
    }
    const auto* list = term.as<term::List>();
    if (!list || list->tail)
      invalid(
          fmt::format("{} is a map or a list of {{Name, Value}}, found {}", where, term::to_string(term, 40)),
          where);
    for (const Term& element : list->elements) {
      const auto* pair = element.as<term::Tuple>();
      if (!pair || pair->elements.size() != 2)
        invalid(fmt::format("{} is a map or a list of {{Name, Value}}, found the element {}", where,
                            term::to_string(element, 40)),
                where);
      each(pair->elements[0], pair->elements[1]);
    }
  }

  void block(const Term& model, const char* key, Statements& out, bool names) {
    const Term* term = model.find(key);
    if (!term) return;
    if (names && term->as<term::Map>())
      invalid(fmt::format("{} is a list (its order matters), found a map", key), key);
    out = statements(*term, key, names, 0);
  }

  Statements statements(const Term& term, const std::string& where, bool names, int depth) {
    const auto* list = term.as<term::List>();
    if (!list || list->tail)
      invalid(fmt::format("a list of statements was expected, found {}", term::to_string(term, 60)), where);
    Statements out;
    out.reserve(list->elements.size());
    for (std::size_t i = 0; i < list->elements.size(); ++i)
      out.push_back(statement(list->elements[i], fmt::format("{}[{}]", where, i + 1), names, depth + 1));
    return out;
  }

  Statement statement(const Term& term, const std::string& where, bool names, int depth) {
    deep(depth, where);
    const auto* tuple = term.as<term::Tuple>();
    const auto* tag = tuple && !tuple->elements.empty() ? tuple->elements[0].as<term::Atom>() : nullptr;
    if (!tag)
      invalid(fmt::format(
                  "a statement was expected, such as {{'~', Y, Dist}}, {{target, E}}, {{'let', X, E}}, found "
                  "{}",
                  term::to_string(term, 60)),
              where);
    const auto& e = tuple->elements;
    Statement out;
    out.where = where;
    auto arity = [&](std::size_t n, const char* form) {
      if (e.size() != n)
        invalid(fmt::format("`{}` is written {}, found {} elements", tag->name, form, e.size()), where);
    };
    const std::string& t = tag->name;
    if (t == "~") {
      arity(3, "{'~', Outcome, Distribution}");
      out.kind = Statement::Kind::Tilde;
      out.left = expression(e[1], where + ": '~' left", depth);
      out.right = expression(e[2], where + ": '~' " + brief(out.left), depth);
    } else if (t == "target") {
      arity(2, "{target, Expression}");
      out.kind = Statement::Kind::Target;
      out.right = expression(e[1], where + ": target", depth);
    } else if (t == "let") {
      arity(3, "{'let', Name, Expression}");
      out.kind = Statement::Kind::Let;
      out.name = name_of(e[1], "the name of a let", where);
      out.right = expression(e[2], where + ": " + out.name, depth);
    } else if (t == "declare") {
      arity(3, "{declare, Name, Type}");
      out.kind = Statement::Kind::Declare;
      out.name = name_of(e[1], "a declared name", where);
      out.left = expression(e[2], where + ": " + out.name, depth);
    } else if (t == "set") {
      arity(3, "{set, {at, Name, I...} or Name, Expression}");
      out.kind = Statement::Kind::Set;
      out.left = expression(e[1], where + ": set", depth);
      out.right = expression(e[2], where + ": set " + brief(out.left), depth);
    } else if (t == "for") {
      arity(5, "{for, Variable, From, To, [Statement]}");
      out.kind = Statement::Kind::For;
      out.name = name_of(e[1], "a loop variable", where);
      out.left = expression(e[2], where + ": from", depth);
      out.right = expression(e[3], where + ": to", depth);
      out.body = statements(e[4], where + ": for " + out.name, false, depth);
    } else if (t == "if") {
      if (e.size() != 3) arity(4, "{'if', Condition, [Statement], [Statement]}");
      out.kind = Statement::Kind::If;
      out.left = expression(e[1], where + ": condition", depth);
      out.body = statements(e[2], where + ": then", false, depth);
      if (e.size() == 4) out.otherwise = statements(e[3], where + ": else", false, depth);
    } else if (t == "return") {
      arity(2, "{return, Expression}");
      out.kind = Statement::Kind::Return;
      out.right = expression(e[1], where + ": return", depth);
    } else if (names && e.size() == 2) {
      out.kind = Statement::Kind::Let;
      out.name = name_of(e[0], "a name", where);
      out.right = expression(e[1], where + ": " + out.name, depth);
    } else {
      static const std::vector<std::string> forms = {"~",   "target", "let", "declare",
                                                     "set", "for",    "if",  "return"};
      // `{x, {normal, 0, 1}}` is no misspelt `~`.
      std::string hint =
          t.size() > 1 || !std::isalpha(static_cast<unsigned char>(t[0])) ? did_you_mean(t, forms) : "";
      if (hint.empty())
        hint =
            "; statements begin with '~', target, let, declare, set, for or if, and a distribution stands behind its "
            "outcome: {'~', Y, {normal, ...}}";
      invalid(fmt::format("there is no statement `{}`{}", t.substr(0, 60), hint), where);
    }
    return out;
  }

  static std::string brief(const Expression& e) {
    if (e.kind == Expression::Kind::Name) return e.name;
    if (e.kind == Expression::Kind::Call && e.name == "at" && !e.args.empty()) return brief(e.args[0]);
    return "left";
  }

  void deep(int depth, const std::string& where) {
    if (depth > max_nesting)
      throw Error(
          "too_deep",
          fmt::format("expressions nest more than {} deep here; name a part with {{'let', Name, Expression}}",
                      max_nesting),
          where.substr(0, 120));
    if (++count_ > max_expressions)
      throw Error("too_large",
                  fmt::format("the model has more than {} expressions; put numbers into data and use loops",
                              max_expressions),
                  where.substr(0, 120));
  }

  Expression expression(const Term& term, const std::string& where, int depth) {
    deep(depth, where);
    Expression out;
    out.where = where;
    if (const auto* integer = term.as<std::int64_t>()) {
      out.kind = Expression::Kind::Integer;
      out.integer = *integer;
    } else if (const auto* real = term.as<double>()) {
      if (!std::isfinite(*real)) throw Error("not_finite", "a number in the model is not finite", where);
      out.real = *real;
    } else if (const auto* atom = term.as<term::Atom>()) {
      out.kind = Expression::Kind::Name;
      out.name = atom->name;
    } else if (const auto* list = term.as<term::List>()) {
      if (list->tail) invalid("an improper list is no expression", where);
      out.kind = Expression::Kind::List;
      arguments(list->elements, 0, out, where, depth);
    } else if (const auto* tuple = term.as<term::Tuple>()) {
      const auto* tag = tuple->elements.empty() ? nullptr : tuple->elements[0].as<term::Atom>();
      if (!tag)
        invalid(fmt::format("an expression is a number, a name or {{Operation, Arguments...}}, found {}",
                            term::to_string(term, 60)),
                where);
      out.kind = Expression::Kind::Call;
      out.name = tag->name;
      arguments(tuple->elements, 1, out, where, depth);
    } else {
      invalid(fmt::format("an expression is a number, a name or {{Operation, Arguments...}}, found {}",
                          term::to_string(term, 60)),
              where);
    }
    return out;
  }

  void arguments(const std::vector<Term>& terms, std::size_t from, Expression& out, const std::string& where,
                 int depth) {
    out.args.reserve(terms.size() - from);
    for (std::size_t i = from; i < terms.size(); ++i) {
      // Positions stay short however deep the term nests.
      std::string inner = where.size() > 240 ? where
                          : out.kind == Expression::Kind::List
                              ? fmt::format("{}: [{}]", where, i + 1)
                              : fmt::format("{}: {} arg {}", where, out.name.substr(0, 40), i);
      out.args.push_back(expression(terms[i], inner, depth + 1));
    }
  }

  syntax::ParameterDeclaration parameter(const Term& term, const std::string& where) {
    const auto* tuple = term.as<term::Tuple>();
    if (!tuple || tuple->elements.size() < 2 || tuple->elements.size() > 3)
      invalid(fmt::format("a parameter is {{Name, Type}} or {{Name, Type, Constraints}}, found {}",
                          term::to_string(term, 60)),
              where);
    syntax::ParameterDeclaration out;
    out.name = name_of(tuple->elements[0], "a parameter's name", where);
    out.where = where + ": " + out.name;
    out.type = expression(tuple->elements[1], out.where, 0);
    if (tuple->elements.size() == 3) {
      static const std::vector<std::string> known = {"lower", "upper", "offset", "multiplier"};
      pairs(tuple->elements[2], out.where, [&](const Term& key, const Term& value) {
        std::string name = name_of(key, "a constraint", out.where);
        if (std::find(known.begin(), known.end(), name) == known.end())
          invalid(fmt::format("there is no constraint `{}`{}; there are lower, upper, offset, multiplier",
                              name, did_you_mean(name, known)),
                  out.where);
        for (const auto& [other, ignored] : out.modifiers)
          if (other == name) invalid(fmt::format("`{}` is given twice", name), out.where);
        out.modifiers.emplace_back(name, expression(value, out.where + ": " + name, 0));
      });
    }
    return out;
  }

  syntax::FunctionDefinition function(const Term& key, const Term& value) {
    syntax::FunctionDefinition out;
    out.name = name_of(key, "a function's name", "functions");
    out.where = "functions: " + out.name;
    const auto* tuple = value.as<term::Tuple>();
    const auto* arguments =
        tuple && tuple->elements.size() == 2 ? tuple->elements[0].as<term::List>() : nullptr;
    if (!arguments || arguments->tail)
      invalid(fmt::format("a function is {{[Argument...], Body}}, found {}", term::to_string(value, 60)),
              out.where);
    std::set<std::string> seen;
    for (const Term& argument : arguments->elements) {
      out.arguments.push_back(name_of(argument, "an argument", out.where));
      if (!seen.insert(out.arguments.back()).second)
        invalid(fmt::format("the argument `{}` is named twice", out.arguments.back()), out.where);
    }
    const Term& body = tuple->elements[1];
    const auto* list = body.as<term::List>();
    bool is_block = list && !list->elements.empty();
    if (is_block) {
      const auto* last = list->elements.back().as<term::Tuple>();
      is_block = last && !last->elements.empty() && last->elements[0].is_atom("return");
    }
    if (is_block) {
      out.body = statements(body, out.where, false, 0);
    } else {
      Statement only;
      only.kind = Statement::Kind::Return;
      only.where = out.where;
      only.right = expression(body, out.where, 0);
      out.body.push_back(std::move(only));
    }
    return out;
  }

  std::size_t count_ = 0;
};

}  // namespace

syntax::Model parse(const Term& model) { return Parser().model(model); }

}  // namespace drey::model
