#include <algorithm>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/graph.h"
#include "model/integers.h"

/// Elementwise operations: shapes broadcast, literals fold, and identities that hold for every finite value are
/// taken before a node is made.
namespace drey::model {
namespace {

Shape broadcast(const std::vector<NodeRef>& args, const std::string& what) {
  Shape shape;
  for (NodeRef arg : args) {
    if (arg->scalar()) continue;
    if (shape.empty()) {
      shape = arg->shape;
    } else if (shape != arg->shape) {
      const bool product = what == "*" && shape.size() + arg->shape.size() > 2;
      throw Error("wrong_shape",
                  fmt::format("`{}` takes arguments of one shape or scalars, found {} and {}{}", what,
                              shape_text(shape), shape_text(arg->shape),
                              product ? "; a matrix product is {matmul, A, B}" : ""));
    }
  }
  return shape;
}

}  // namespace

NodeRef Graph::call(std::string_view function, std::vector<NodeRef> args) {
  const FunctionId id = function_id(function, static_cast<int>(args.size()));
  return call(id, std::move(args));
}

NodeRef Graph::call(FunctionId function, std::vector<NodeRef> args) {
  const Function& f = functions()[function];
  for (NodeRef& arg : args) arg = to_real(arg);
  bool literal = std::all_of(args.begin(), args.end(), [](NodeRef a) { return a->kind == NodeKind::Real; });
  if (literal) {
    std::vector<double> values;
    for (NodeRef arg : args) values.push_back(arg->number);
    return real(f.value(values.data()));
  }
  // Identities that hold for every finite value.
  const std::string& n = f.name;
  if (args.size() == 2) {
    NodeRef a = args[0], b = args[1];
    Shape shape = broadcast(args, n);
    if ((n == "+" || n == "-") && is_number(b, 0) && a->shape == shape) return a;
    if (n == "+" && is_number(a, 0) && b->shape == shape) return b;
    if (n == "-" && is_number(a, 0)) return call("neg", {b});
    if ((n == "*" || n == "/") && is_number(b, 1) && a->shape == shape) return a;
    if (n == "*" && is_number(a, 1) && b->shape == shape) return b;
    if (n == "*" && is_number(a, -1)) return call("neg", {b});
    // Powers of small whole exponents, and the square root: pow is dear everywhere.
    if (n == "^" && b->kind == NodeKind::Real) {
      if (b->number == 1) return a;
      if (b->number == 2) return call("square", {a});
      if (b->number == 3) return call("*", {a, call("square", {a})});
      if (b->number == 4) return call("square", {call("square", {a})});
      if (b->number == 0.5) return call("sqrt", {a});
      if (b->number == -1) return call("inv", {a});
      if (b->number == -2) return call("inv", {call("square", {a})});
    }
  }
  if (n == "log" && args[0]->kind == NodeKind::Operation && args[0]->op == Op::Call &&
      functions()[args[0]->function].name == "exp")
    return args[0]->args[0];
  // A quotient by data becomes a product with the inverse, which the host takes once.
  if (n == "/" && args[1]->data_only && !args[1]->literal && args[1]->loops.empty() && !args[0]->data_only)
    return call("*", {args[0], call("inv", {args[1]})});
  if (n == "neg" && args[0]->kind == NodeKind::Operation && args[0]->op == Op::Call &&
      args[0]->function == function)
    return args[0]->args[0];
  Node node;
  node.kind = NodeKind::Operation;
  node.op = Op::Call;
  node.function = function;
  node.shape = broadcast(args, n);
  node.args = std::move(args);
  return intern(std::move(node));
}

NodeRef Graph::operation(Op op, std::vector<NodeRef> args) {
  if (op == Op::ToReal) return to_real(args[0]);
  Node node;
  node.kind = NodeKind::Operation;
  node.op = op;
  if (op == Op::Select) {
    if (args[0]->kind == NodeKind::Integer) return args[0]->integer ? args[1] : args[2];
    if (args[1]->type != args[2]->type) args[1] = to_real(args[1]), args[2] = to_real(args[2]);
    if (args[1] == args[2] && args[0]->scalar()) return args[1];
    node.type = args[1]->type;
  } else if (op == Op::LessR || op == Op::EqualR || op == Op::ToInteger) {
    for (NodeRef& arg : args) arg = to_real(arg);
    node.type = Type::Integer;
  } else if (op == Op::StopGradient) {
    node.type = Type::Real;
  } else {
    node.type = Type::Integer;
    bool literal =
        std::all_of(args.begin(), args.end(), [](NodeRef a) { return a->kind == NodeKind::Integer; });
    if (literal) {
      const std::int64_t a = args[0]->integer, b = args.size() > 1 ? args[1]->integer : 0;
      if (const auto result = fold_integers(op, a, b)) return integer(*result);
      throw Error("out_of_range", fmt::format("an integer expression of {} and {} has no value", a, b));
    }
    // (x + c) + d = x + (c + d), so that indices stay simple.
    if ((op == Op::AddI || op == Op::SubI) && args[1]->kind == NodeKind::Integer) {
      std::int64_t c = op == Op::AddI ? args[1]->integer : -args[1]->integer;
      NodeRef x = args[0];
      if (x->kind == NodeKind::Operation && x->op == Op::AddI && x->args[1]->kind == NodeKind::Integer) {
        c += x->args[1]->integer;
        x = x->args[0];
      }
      if (c == 0) return x;
      node.op = Op::AddI;
      args = {x, integer(c)};
    }
  }
  node.shape = broadcast(args, "operation");
  node.args = std::move(args);
  return intern(std::move(node));
}

NodeRef Graph::to_real(NodeRef x) {
  if (x->type == Type::Real) return x;
  if (x->kind == NodeKind::Integer) return real(static_cast<double>(x->integer));
  if (x->kind == NodeKind::At) {
    // Inside the index, so that a whole integer array becomes a real one, once, on the host.
    Node node = *x;
    return at(to_real(x->args[0]), node.axes);
  }
  if (x->kind == NodeKind::Fill) return fill(to_real(x->args[0]), x->shape);
  if (x->kind == NodeKind::Pack) {
    std::vector<NodeRef> parts = x->args;
    for (NodeRef& part : parts) part = to_real(part);
    return pack(std::move(parts));
  }
  Node node;
  node.kind = NodeKind::Operation;
  node.op = Op::ToReal;
  node.shape = x->shape;
  node.args = {x};
  return intern(std::move(node));
}

}  // namespace drey::model
