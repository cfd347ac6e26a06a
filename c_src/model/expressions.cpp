#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/data.h"
#include "model/library.h"
#include "model/nearest.h"
#include "model/vector_distributions.h"

namespace drey::model {

using syntax::Expression;

std::vector<std::string> Checker::function_names() const {
  std::vector<std::string> all;
  for (const Function& f : functions()) all.push_back(f.name);
  for (const Form& form : forms()) all.push_back(form.name);
  for (const auto& [name, ignored] : functions_) all.push_back(name);
  for (const std::string& name : distribution_names()) {
    for (const char* suffix : {"_lpdf", "_lpmf", "_rng", "_lcdf", "_lccdf"}) all.push_back(name + suffix);
  }
  return all;
}

std::int64_t Checker::constant_integer(const Expression& e, const char* what) {
  NodeRef node = expression(e);
  if (node->type == Type::Integer && node->scalar() && node->data_only && node->loops.empty())
    return static_cast<std::int64_t>(host_.element(node, {}));
  throw Error(
      "wrong_type",
      fmt::format("{} is an integer that is known when data is attached, found {}", what,
                  !node->scalar()               ? shape_text(node->shape)
                  : node->type != Type::Integer ? "a real number; integer data is given without decimals"
                  : node->data_only             ? "one that changes from trip to trip"
                                                : "one that depends on parameters"),
      e.where);
}

std::uint64_t Checker::size(const Expression& e, const char* what) {
  std::int64_t value = constant_integer(e, what);
  if (value < 0 || value > 100000000)
    throw Error("wrong_shape", fmt::format("{} is {}", what, value), e.where);
  return static_cast<std::uint64_t>(value);
}

NodeRef Checker::integer(NodeRef node, const std::string& where) {
  if (node->type != Type::Integer || !node->scalar())
    throw Error("wrong_type",
                fmt::format("an integer was expected, found {}",
                            node->scalar() ? "a real number" : shape_text(node->shape)),
                where);
  return node;
}

NodeRef Checker::settled(NodeRef node) {
  if (node->type != Type::Integer || !node->scalar() || node->kind == NodeKind::Integer) return node;
  if (node->data_only && node->loops.empty())
    return graph().integer(static_cast<std::int64_t>(host_.element(node, {})));
  if (node->kind != NodeKind::Operation || node->op == Op::LessR || node->op == Op::EqualR ||
      node->op == Op::ToInteger)
    return node;
  std::vector<NodeRef> args;
  for (NodeRef arg : node->args) args.push_back(settled(arg));
  return args == node->args ? node : graph().operation(node->op, std::move(args));
}

NodeRef Checker::condition(NodeRef node, const std::string& where) {
  if (node->type != Type::Integer || !node->scalar())
    throw Error("wrong_type", "a condition was expected, such as {'<', A, B}", where);
  return node;
}

void Checker::arity(const Expression& e, std::size_t least, std::size_t most) {
  if (e.args.size() >= least && e.args.size() <= most) return;
  throw Error("wrong_arity",
              fmt::format("`{}` takes {} argument{}, found {}", e.name,
                          least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most),
                          most == 1 ? "" : "s", e.args.size()),
              e.where);
}

NodeRef Checker::expression(const Expression& e) {
  try {
    switch (e.kind) {
      case Expression::Kind::Real:
        return graph().real(e.real);
      case Expression::Kind::Integer:
        return graph().integer(e.integer);
      case Expression::Kind::Name: {
        if (find(e.name)) return value_of(e.name, e.where);
        if (e.name == "pi") return graph().real(M_PI);
        if (e.name == "e") return graph().real(M_E);
        if (e.name == "infinity") return graph().real(std::numeric_limits<double>::infinity());
        if (e.name == "true") return graph().integer(1);
        if (e.name == "false") return graph().integer(0);
        return value_of(e.name, e.where);
      }
      case Expression::Kind::List: {
        std::vector<NodeRef> parts;
        bool numbers = !e.args.empty();
        for (const Expression& arg : e.args) {
          parts.push_back(expression(arg));
          numbers &= parts.back()->literal && parts.back()->scalar();
        }
        if (numbers && parts.size() > 4) {
          // A long list of numbers is data, not program.
          bool whole =
              std::all_of(parts.begin(), parts.end(), [](NodeRef n) { return n->type == Type::Integer; });
          if (whole) {
            std::vector<std::int64_t> values;
            for (NodeRef part : parts) values.push_back(part->integer);
            return graph().add_data("list", {values.size()}, values);
          }
          std::vector<double> values;
          for (NodeRef part : parts) values.push_back(host_.element(part, {}));
          return graph().add_data("list", {values.size()}, values);
        }
        return graph().pack(std::move(parts));
      }
      case Expression::Kind::Call:
        return call(e);
    }
  } catch (const Error& error) {
    if (!error.where().empty()) throw;
    throw error.within(e.where);
  }
  throw Error("internal", "an expression of unknown kind", e.where);
}

NodeRef Checker::arithmetic(const std::string& op, NodeRef a, NodeRef b) {
  if (a->type == Type::Integer && b->type == Type::Integer) {
    if (op == "+") return graph().operation(Op::AddI, {a, b});
    if (op == "-") return graph().operation(Op::SubI, {a, b});
    if (op == "*") return graph().operation(Op::MulI, {a, b});
  }
  return graph().call(op, {a, b});
}

NodeRef Checker::call(const Expression& e) {
  const std::string& name = e.name;
  if (name == "at") return at(e);
  if (auto found = functions_.find(name); found != functions_.end()) {
    std::vector<NodeRef> values;
    for (const Expression& arg : e.args) values.push_back(expression(arg));
    return user_function(*found->second, std::move(values), e.where);
  }
  if (const Form* form = find_form(name)) {
    arity(e, form->least, form->most);
    return form->build(*this, e);
  }
  if (NodeRef value = distribution_call(e)) return value;
  std::vector<NodeRef> args;
  // The name before its arguments: theirs mean little where it is not known.
  if (std::any_of(functions().begin(), functions().end(), [&](const Function& f) { return f.name == name; }))
    for (const Expression& arg : e.args) args.push_back(expression(arg));
  if (auto id = find_function(name, static_cast<int>(args.size()))) return graph().call(*id, std::move(args));
  for (const Function& f : functions())
    if (f.name == name) arity(e, static_cast<std::size_t>(f.arity), static_cast<std::size_t>(f.arity));
  if (name.size() > 4 && name.ends_with("_rng"))
    unknown("generator", name, function_names(), e.where, "unknown_function");
  if (find_distribution(name) || find_vector_distribution(name))
    throw Error(
        "unknown_function",
        fmt::format(
            "`{0}` is a distribution, no function: {{{0}_rng, ...}} draws from it, {{{0}_{1}, Y, ...}} is "
            "its log density at Y, {{'~', Y, {{{0}, ...}}}} adds that to the model",
            name,
            find_distribution(name) && find_distribution(name)->outcome != Domain::Real ? "lpmf" : "lpdf"),
        e.where);
  unknown("function", name, function_names(), e.where, "unknown_function");
}

NodeRef Checker::apply(const std::string& function, std::vector<NodeRef> args, const std::string& where) {
  auto found = functions_.find(function);
  if (found == functions_.end()) {
    std::vector<std::string> known;
    for (const auto& [name, ignored] : functions_) known.push_back(name);
    if (known.empty())
      throw Error(
          "unknown_function",
          fmt::format("there is no function of the model `{0}`; give it under functions, as in functions => "
                      "#{{{0} => {{[Argument...], Body}}}}",
                      function.substr(0, 80)),
          where);
    unknown("function of the model", function, known, where, "unknown_function");
  }
  return user_function(*found->second, std::move(args), where);
}

NodeRef Checker::user_function(const syntax::FunctionDefinition& f, std::vector<NodeRef> args,
                               const std::string& where) {
  if (args.size() != f.arguments.size())
    throw Error("wrong_arity",
                fmt::format("`{}` takes {} arguments, found {}", f.name, f.arguments.size(), args.size()),
                where);
  if (std::find(calls_.begin(), calls_.end(), f.name) != calls_.end())
    throw Error("invalid_model",
                fmt::format("the function `{}` calls itself; functions are not recursive", f.name), where);
  if (calls_.size() > 32) throw Error("too_deep", "functions call functions more than 32 deep", where);
  if (++expansions_ > 200000)
    throw Error("too_large", "the model expands to more function calls than Drey takes", where);
  Scope arguments;
  for (std::size_t i = 0; i < args.size(); ++i) {
    Symbol symbol;
    symbol.value = args[i];
    arguments.emplace(f.arguments[i], symbol);
  }
  // A function sees its arguments and nothing else.
  std::vector<Scope> outer;
  outer.swap(scopes_);
  scopes_.push_back(std::move(arguments));
  calls_.push_back(f.name);
  NodeRef result = nullptr;
  try {
    for (const syntax::Statement& s : f.body) {
      if (s.kind == syntax::Statement::Kind::Return) {
        result = expression(s.right);
        break;
      }
      statement(s, BlockKind::Function, false);
    }
  } catch (const Error& error) {
    throw error.within(where);
  }
  calls_.pop_back();
  scopes_.swap(outer);
  if (!result) throw Error("invalid_model", "a function ends with {return, Expression}", f.where);
  return result;
}

// ---- indexing

NodeRef Checker::zero_based(NodeRef index, std::uint64_t size, const std::string& where) {
  if (index->type != Type::Integer)
    throw Error("wrong_type",
                "an index is an integer, found a real number; integer data is given without decimals", where);
  const bool fixed = index->data_only && index->loops.empty();
  if (fixed) {
    std::uint64_t count = elements(index->shape);
    for (std::uint64_t i = 0; i < count; ++i) {
      double value = index->scalar() ? host_.element(index, {}) : host_.all(index)[i];
      if (value >= 1 && value <= static_cast<double>(size)) continue;
      std::string who = index->kind == NodeKind::Data
                            ? element_name(graph().array(index->id).name, index->shape, i) + " is "
                            : "index ";
      throw Error(
          "out_of_range",
          fmt::format("{}{}, outside 1..{}{}", who, value, size, value == 0 ? "; indices count from 1" : ""),
          where);
    }
    if (index->scalar()) return graph().integer(static_cast<std::int64_t>(host_.element(index, {})) - 1);
  }
  return graph().operation(Op::SubI, {settled(index), graph().integer(1)});
}

Axis Checker::axis(const Expression& e, NodeRef x, std::size_t dimension) {
  const std::uint64_t size = x->shape[dimension];
  if (e.kind == Expression::Kind::Name && (e.name == "all" || e.name == "_") && !find(e.name))
    return {Axis::Kind::Range, nullptr, 0, size};
  if (e.kind == Expression::Kind::Call && (e.name == "range" || e.name == "slice")) {
    arity(e, 2, 2);
    std::int64_t from = constant_integer(e.args[0], "the first index of a slice");
    std::int64_t to = constant_integer(e.args[1], "the last index of a slice");
    if (from < 1 || to > static_cast<std::int64_t>(size) || to < from - 1)
      throw Error("out_of_range", fmt::format("the slice {}..{} leaves 1..{}", from, to, size), e.where);
    return {Axis::Kind::Range, nullptr, static_cast<std::uint64_t>(from - 1),
            static_cast<std::uint64_t>(to - from + 1)};
  }
  NodeRef index = expression(e);
  if (index->shape.size() > 1)
    throw Error("wrong_shape",
                fmt::format("an index is an integer or a list of them, found {}", shape_text(index->shape)),
                e.where);
  NodeRef zero = zero_based(index, size, e.where);
  if (zero->scalar()) return {Axis::Kind::Scalar, zero, 0, 0};
  return {Axis::Kind::Gather, zero, 0, 0};
}

NodeRef Checker::at(const Expression& e) {
  if (e.args.size() < 2) throw Error("wrong_arity", "`at` is written {at, X, I} or {at, X, I, J}", e.where);
  const Symbol* symbol = e.args[0].kind == Expression::Kind::Name ? find(e.args[0].name) : nullptr;
  const bool overwritten = symbol && symbol->overwritten;
  NodeRef x = overwritten ? lookup(e.args[0].name, e.args[0].where).memory : expression(e.args[0]);
  if (e.args.size() - 1 > x->shape.size())
    throw Error(
        "wrong_shape",
        fmt::format("{} has {} dimensions, found {} indices",
                    e.args[0].kind == Expression::Kind::Name ? "`" + e.args[0].name + "`" : "the expression",
                    x->shape.size(), e.args.size() - 1),
        e.where);
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < x->shape.size(); ++d) {
    if (d + 1 < e.args.size())
      axes.push_back(axis(e.args[d + 1], x, d));
    else
      axes.push_back({Axis::Kind::Range, nullptr, 0, x->shape[d]});
  }
  if (overwritten) return read(x, e.args[0].name, axes);
  return graph().at(x, std::move(axes));
}

}  // namespace drey::model
