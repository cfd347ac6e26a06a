#include "model/graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"
#include "model/integers.h"
#include "model/intervals.h"

namespace drey::model {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
/// Nodes one model may have: bounds the memory a small term can ask for (nested functions multiply).
constexpr std::size_t max_nodes = 2000000;
constexpr std::uint64_t max_elements = std::uint64_t{1} << 22;

template <typename T>
void put(std::string& key, const T& value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  key.append(bytes, sizeof(T));
}

std::string key_of(const Node& node) {
  std::string key;
  key.reserve(48 + 8 * node.args.size() + 32 * node.axes.size() + 8 * node.shape.size());
  put(key, node.kind);
  put(key, node.type);
  put(key, node.op);
  put(key, node.function);
  put(key, node.id);
  put(key, node.number);
  put(key, node.integer);
  put(key, node.shape.size());
  for (std::uint64_t size : node.shape) put(key, size);
  for (NodeRef arg : node.args) put(key, arg);
  for (const Axis& axis : node.axes) {
    put(key, axis.kind);
    put(key, axis.index);
    put(key, axis.from);
    put(key, axis.count);
  }
  return key;
}

void merge(std::vector<std::uint32_t>& into, const std::vector<std::uint32_t>& from) {
  if (from.empty()) return;
  std::vector<std::uint32_t> out;
  std::set_union(into.begin(), into.end(), from.begin(), from.end(), std::back_inserter(out));
  into.swap(out);
}

}  // namespace

bool is_number(NodeRef node, double value) {
  return (node->kind == NodeKind::Real && node->number == value) ||
         (node->kind == NodeKind::Integer && static_cast<double>(node->integer) == value);
}

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

NodeRef Graph::intern(Node node) {
  std::string key = key_of(node);
  auto found = table_.find(key);
  if (found != table_.end()) return found->second;
  if (nodes_.size() >= max_nodes)
    throw Error("too_large", "the model expands to more than two million expressions; use loops over data");
  // No expression is larger than the data, or than four million elements: a few words must not fill the
  // memory.
  double size = 1;
  for (std::uint64_t n : node.shape) size *= static_cast<double>(n);
  if (size > static_cast<double>(std::max(largest_, max_elements)))
    throw Error("too_large",
                fmt::format("an expression of shape {} is larger than the data and than {} elements",
                            shape_text(node.shape), max_elements));
  derive(node);
  nodes_.push_back(std::move(node));
  NodeRef made = &nodes_.back();
  table_.emplace(std::move(key), made);
  return made;
}

NodeRef Graph::real(double value) {
  Node node;
  node.number = value;
  return intern(std::move(node));
}

NodeRef Graph::integer(std::int64_t value) {
  Node node;
  node.kind = NodeKind::Integer;
  node.type = Type::Integer;
  node.integer = value;
  return intern(std::move(node));
}

NodeRef Graph::data(std::uint32_t array) {
  Node node;
  node.kind = NodeKind::Data;
  node.id = array;
  node.shape = arrays_[array].shape;
  node.type = std::holds_alternative<std::vector<double>>(arrays_[array].values) ? Type::Real : Type::Integer;
  return intern(std::move(node));
}

NodeRef Graph::add_data(std::string name, Shape shape, Array values) {
  largest_ = std::max(largest_, elements(shape));
  arrays_.push_back({std::move(name), std::move(shape), std::move(values)});
  return data(static_cast<std::uint32_t>(arrays_.size() - 1));
}

NodeRef Graph::point(std::uint64_t offset, Shape shape) {
  Node node;
  node.kind = NodeKind::Point;
  node.integer = static_cast<std::int64_t>(offset);
  node.shape = std::move(shape);
  return intern(std::move(node));
}

NodeRef Graph::add_loop(std::string name, NodeRef from, NodeRef to) {
  loops_.push_back({std::move(name), from, to});
  Node node;
  node.kind = NodeKind::Loop;
  node.type = Type::Integer;
  node.id = static_cast<std::uint32_t>(loops_.size() - 1);
  return intern(std::move(node));
}

NodeRef Graph::add_variable(std::string name, Type type, Shape shape) {
  Node node;
  node.kind = NodeKind::Variable;
  node.type = type;
  node.shape = shape;
  node.id = static_cast<std::uint32_t>(variables_.size());
  variables_.push_back({std::move(name), type, std::move(shape)});
  return intern(std::move(node));
}

NodeRef Graph::random() {
  Node node;
  node.kind = NodeKind::Random;
  node.id = randoms_++;
  return intern(std::move(node));
}

namespace {

Shape broadcast(const std::vector<NodeRef>& args, const std::string& what) {
  Shape shape;
  for (NodeRef arg : args) {
    if (arg->scalar()) continue;
    if (shape.empty()) {
      shape = arg->shape;
    } else if (shape != arg->shape) {
      const bool product = what == "*" && shape.size() + arg->shape.size() > 2;
      throw Error("wrong_shape", fmt::format("`{}` takes arguments of one shape or scalars, found {} and {}{}",
                                             what, shape_text(shape), shape_text(arg->shape),
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

NodeRef Graph::at(NodeRef x, std::vector<Axis> axes) {
  Node node;
  node.kind = NodeKind::At;
  node.type = x->type;
  bool whole = true;
  for (std::size_t d = 0; d < axes.size(); ++d) {
    const Axis& axis = axes[d];
    double size = static_cast<double>(x->shape[d]);
    if (axis.kind == Axis::Kind::Range) {
      if (axis.from + axis.count > x->shape[d])
        throw Error("out_of_range", fmt::format("the slice {}..{} leaves dimension {} of {}", axis.from + 1,
                                                axis.from + axis.count, d + 1, shape_text(x->shape)));
      whole &= axis.from == 0 && axis.count == x->shape[d];
      node.shape.push_back(axis.count);
      continue;
    }
    whole = false;
    if (axis.kind == Axis::Kind::Gather) node.shape.push_back(axis.index->shape[0]);
    // Known to be wrong whatever the loops do: a literal, or data.
    const bool fixed = axis.index->data_only && axis.index->loops.empty();
    if (fixed && (axis.index->lower < 0 || axis.index->upper >= size) &&
        axis.index->kind != NodeKind::Operation)
      throw Error(
          "out_of_range",
          fmt::format(
              "index {} is outside 1..{}",
              static_cast<std::int64_t>(axis.index->lower < 0 ? axis.index->lower : axis.index->upper) + 1,
              x->shape[d]));
  }
  if (whole) return x;
  if (x->kind == NodeKind::Pack && axes[0].kind == Axis::Kind::Scalar &&
      axes[0].index->kind == NodeKind::Integer) {
    std::vector<Axis> rest(axes.begin() + 1, axes.end());
    return at(x->args[static_cast<std::size_t>(axes[0].index->integer)], std::move(rest));
  }
  if (x->kind == NodeKind::Fill) return fill(x->args[0], node.shape);
  node.args = {x};
  node.axes = std::move(axes);
  return intern(std::move(node));
}

NodeRef Graph::element(NodeRef x, std::span<const NodeRef> index) {
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < x->shape.size(); ++d) {
    if (d < index.size())
      axes.push_back({Axis::Kind::Scalar, index[d], 0, 0});
    else
      axes.push_back({Axis::Kind::Range, nullptr, 0, x->shape[d]});
  }
  return at(x, std::move(axes));
}

NodeRef Graph::sum(NodeRef x) {
  x = to_real(x);
  if (x->scalar()) return x;
  if (elements(x->shape) == 0) return real(0);
  if (x->kind == NodeKind::Fill) return mul(real(static_cast<double>(elements(x->shape))), x->args[0]);
  Node node;
  node.kind = NodeKind::Sum;
  node.args = {x};
  return intern(std::move(node));
}

NodeRef Graph::sum_over(NodeRef loop, NodeRef term) {
  const LoopVariable& bounds = loops_[loop->id];
  if (bounds.to->upper <= bounds.from->lower) return real(0);
  Node node;
  node.kind = NodeKind::SumOver;
  node.id = loop->id;
  node.args = {to_real(term)};
  return intern(std::move(node));
}

NodeRef Graph::contract(NodeRef a, NodeRef b) {
  a = to_real(a), b = to_real(b);
  if (a->scalar() || b->scalar()) return mul(a, b);
  if (a->shape.size() > 2 || b->shape.size() > 2 || a->shape.back() != b->shape.front())
    throw Error(
        "wrong_shape",
        fmt::format("cannot multiply {} by {}: the last size of the first must equal the first of the second",
                    shape_text(a->shape), shape_text(b->shape)));
  Node node;
  node.kind = NodeKind::Contract;
  if (a->shape.size() == 2) node.shape.push_back(a->shape[0]);
  if (b->shape.size() == 2) node.shape.push_back(b->shape[1]);
  if (a->shape.back() == 0) return fill(real(0), node.shape);
  node.args = {a, b};
  return intern(std::move(node));
}

NodeRef Graph::pack(std::vector<NodeRef> parts) {
  Node node;
  node.kind = NodeKind::Pack;
  bool integers = true;
  for (NodeRef part : parts) {
    if (part->shape != parts[0]->shape)
      throw Error("wrong_shape", fmt::format("the elements of a list have the shapes {} and {}",
                                             shape_text(parts[0]->shape), shape_text(part->shape)));
    integers &= part->type == Type::Integer;
  }
  if (!integers || parts.empty())
    for (NodeRef& part : parts) part = to_real(part);
  node.type = integers && !parts.empty() ? Type::Integer : Type::Real;
  node.shape.push_back(parts.size());
  if (!parts.empty()) node.shape.insert(node.shape.end(), parts[0]->shape.begin(), parts[0]->shape.end());
  node.args = std::move(parts);
  return intern(std::move(node));
}

NodeRef Graph::transpose(NodeRef x) {
  if (x->shape.size() != 2)
    throw Error("wrong_shape", fmt::format("transpose takes a matrix, found {}", shape_text(x->shape)));
  if (x->kind == NodeKind::Transpose) return x->args[0];
  Node node;
  node.kind = NodeKind::Transpose;
  node.type = x->type;
  node.shape = {x->shape[1], x->shape[0]};
  node.args = {x};
  return intern(std::move(node));
}

NodeRef Graph::reshape(NodeRef x, Shape shape) {
  if (x->shape == shape) return x;
  if (x->kind == NodeKind::Fill) return fill(x->args[0], std::move(shape));
  if (x->kind == NodeKind::Point) return point(static_cast<std::uint64_t>(x->integer), std::move(shape));
  Node node;
  node.kind = NodeKind::Reshape;
  node.type = x->type;
  node.shape = std::move(shape);
  node.args = {x};
  return intern(std::move(node));
}

NodeRef Graph::fill(NodeRef scalar, Shape shape) {
  if (shape.empty()) return scalar;
  Node node;
  node.kind = NodeKind::Fill;
  node.type = scalar->type;
  node.shape = std::move(shape);
  node.args = {scalar};
  return intern(std::move(node));
}

NodeRef Graph::count(std::int64_t from, std::uint64_t size) {
  Node node;
  node.kind = NodeKind::Count;
  node.type = Type::Integer;
  node.integer = from;
  node.shape = {size};
  return intern(std::move(node));
}

}  // namespace drey::model
