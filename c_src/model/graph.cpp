#include "model/graph.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"

namespace drey::model {
namespace {

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

}  // namespace

bool is_number(NodeRef node, double value) {
  return (node->kind == NodeKind::Real && node->number == value) ||
         (node->kind == NodeKind::Integer && static_cast<double>(node->integer) == value);
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

NodeRef Graph::add_variable(std::string name, Type type, Shape shape, bool overwritten) {
  Node node;
  node.kind = NodeKind::Variable;
  node.type = type;
  node.shape = shape;
  node.id = static_cast<std::uint32_t>(variables_.size());
  variables_.push_back({std::move(name), type, std::move(shape), overwritten});
  return intern(std::move(node));
}

NodeRef Graph::random() {
  Node node;
  node.kind = NodeKind::Random;
  node.id = randoms_++;
  return intern(std::move(node));
}

NodeRef Graph::read(NodeRef element) {
  Node node;
  node.kind = NodeKind::Read;
  node.type = element->type;
  node.id = reads_++;
  node.args = {element};
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
