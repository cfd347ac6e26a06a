#include <algorithm>

#include "error.h"
#include "model/lowering.h"

/// Elements of nodes as values: each computed in the outermost block that knows what it needs, what is of data
/// alone on the host, what is kept in a local.
namespace drey::model {

ValueId Lowering::as_real(ValueId value) {
  return a_.type_of(value) == Type::Integer ? a_.value(Op::ToReal, {value}) : value;
}

MemoryId Lowering::data_memory(std::uint32_t array) {
  auto [at, fresh] = data_memories_.try_emplace(array, none);
  if (fresh) {
    const Array& values = data_.arrays[array];
    bool real = std::holds_alternative<std::vector<double>>(values);
    std::uint64_t size = elements(data_.shapes[array]);
    std::uint64_t row = data_.shapes[array].size() > 1 ? data_.shapes[array].back() : 1;
    at->second =
        a_.memory(Space::Data, real ? Type::Real : Type::Integer, size, data_.names[array], array, row);
  }
  return at->second;
}

ValueId Lowering::derived_scalar(NodeRef node) {
  if (node->type == Type::Integer) return a_.load(data_memory(data_.place(node)), a_.integer(0));
  auto [at, fresh] = data_.slot.try_emplace(node, data_.scalars.size());
  if (fresh) data_.scalars.push_back(data_.host.element(node, {}));
  if (data_.scalar_array == none)
    data_.scalar_array = data_.add(std::vector<double>(), {0}, "derived scalars");
  return a_.load(data_memory(data_.scalar_array), a_.integer(static_cast<std::int64_t>(at->second)));
}

ValueId Lowering::flat(const Shape& shape, const Index& index) {
  ValueId at = a_.integer(0);
  for (std::size_t d = 0; d < shape.size(); ++d)
    at = a_.value(Op::AddI,
                  {a_.value(Op::MulI, {at, a_.integer(static_cast<std::int64_t>(shape[d]))}), index[d]});
  return at;
}

Lowering::Index Lowering::unflat(const Shape& shape, ValueId at) {
  Index index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    ValueId size = a_.integer(static_cast<std::int64_t>(shape[d]));
    index[d] = d == 0 ? at : a_.value(Op::ModI, {at, size});
    if (d > 0) at = a_.value(Op::DivI, {at, size});
  }
  return index;
}

int Lowering::depth_of(NodeRef node, const Index& index) {
  int depth = 0;
  for (std::uint32_t loop : node->loops) depth = std::max(depth, a_.depth_of(loops_.at(loop)));
  for (VariableId variable : node->variables) depth = std::max(depth, places_.at(variable).ready);
  for (ValueId at : index) depth = std::max(depth, a_.depth_of(at));
  return depth;
}

ValueId Lowering::element(NodeRef node, const Index& index) {
  if (reads_overwritten(node)) return compute(node, index);
  auto key = std::make_pair(node, index);
  auto found = memo_.find(key);
  if (found != memo_.end()) {
    int depth = a_.depth_of(found->second.value);
    if (depth <= a_.depth() && a_.serial(depth) == found->second.serial) return found->second.value;
  }
  ValueId value = compute(node, index);
  memo_[std::move(key)] = {value, a_.serial(a_.depth_of(value))};
  return value;
}

/// What holds good only where it stands. Other nodes name the variables such reads are stored in.
bool Lowering::reads_overwritten(NodeRef node) const {
  return std::any_of(node->variables.begin(), node->variables.end(),
                     [this](VariableId id) { return checked_.graph.variable(id).overwritten; });
}

ValueId Lowering::compute(NodeRef node, const Index& index) {
  const bool folds = node->data_only && !node->literal && node->loops.empty();
  if (node->kind == NodeKind::Data && node->scalar() && node->type == Type::Real) return derived_scalar(node);
  if (node->kind == NodeKind::Data || (folds && !node->scalar() && elements(node->shape) <= max_folded))
    return a_.load(data_memory(data_.place(node)), flat(node->shape, index));
  if (folds && node->scalar()) return derived_scalar(node);
  if (node->scalar() && !node->loops.empty() && node->cost >= 4 && node->kind != NodeKind::SumOver) {
    if (auto value = tabulated(node)) return *value;
  }
  if (kept_.count(node)) {
    const Place& place = keep(node);
    return a_.load(place.local.memory, a_.value(Op::AddI, {place.local.base, flat(node->shape, index)}),
                   place.ready);
  }
  switch (node->kind) {
    case NodeKind::Real:
      return a_.real(node->number);
    case NodeKind::Integer:
      return a_.integer(node->integer);
    case NodeKind::Loop:
      return loops_.at(node->id);
    case NodeKind::Point:
      return a_.load(point_, a_.value(Op::AddI, {a_.integer(node->integer), flat(node->shape, index)}));
    case NodeKind::Variable: {
      const Place& place = places_.at(node->id);
      if (checked_.graph.variable(node->id).overwritten)
        return a_.read(place.local.memory, a_.value(Op::AddI, {place.local.base, flat(node->shape, index)}));
      return a_.load(place.local.memory, a_.value(Op::AddI, {place.local.base, flat(node->shape, index)}),
                     place.ready);
    }
    case NodeKind::Operation: {
      std::vector<ValueId> args;
      for (NodeRef arg : node->args) args.push_back(element(arg, arg->scalar() ? Index() : index));
      return node->op == Op::Call ? a_.call(node->function, std::move(args))
                                  : a_.value(node->op, std::move(args));
    }
    case NodeKind::At:
      return at(node, index);
    case NodeKind::Sum: {
      NodeRef arg = node->args[0];
      return reduction(depth_of(node, {}), arg->shape,
                       [&](const Index& inner) { return element(arg, inner); });
    }
    case NodeKind::SumOver: {
      const Graph::LoopVariable& variable = checked_.graph.loop(node->id);
      const int depth = depth_of(node, {});
      Assembler::Outside outside(a_, depth);
      Assembler::Local sum = a_.local(Type::Real, 1, "sum");
      a_.store(sum.memory, sum.base, a_.real(0));
      ValueId from = element(variable.from, {}), to = element(variable.to, {});
      loops_[node->id] =
          a_.begin_loop(from, to, static_cast<std::int64_t>(variable.from->lower),
                        static_cast<std::uint64_t>(variable.to->upper - variable.from->lower), true);
      a_.accumulate(sum.memory, sum.base, element(node->args[0], {}));
      a_.end_loop();
      return a_.load(sum.memory, sum.base, depth);
    }
    case NodeKind::Contract: {
      NodeRef left = node->args[0], right = node->args[1];
      Index row, column;
      if (left->shape.size() == 2) row.push_back(index[0]);
      if (right->shape.size() == 2) column.push_back(index.back());
      return reduction(depth_of(node, index), {left->shape.back()}, [&](const Index& k) {
        Index l = row, r = k;
        l.push_back(k[0]);
        r.insert(r.end(), column.begin(), column.end());
        return a_.call("*", {element(left, l), element(right, r)});
      });
    }
    case NodeKind::Pack:
      return packed(node, index);
    case NodeKind::Transpose:
      return element(node->args[0], {index[1], index[0]});
    case NodeKind::Reshape:
      return element(node->args[0], unflat(node->args[0]->shape, flat(node->shape, index)));
    case NodeKind::Fill:
    case NodeKind::Read:
      return element(node->args[0], {});
    case NodeKind::Count:
      return a_.value(Op::AddI, {index[0], a_.integer(node->integer)});
    case NodeKind::Random:
      return a_.random();
    case NodeKind::Data:
      break;
  }
  throw Error("internal", "a node of unknown kind");
}

ValueId Lowering::inside(NodeRef index, ValueId place, std::uint64_t size) {
  if (index->lower >= 0 && index->upper < static_cast<double>(size)) return place;
  // Not proved by intervals: the checker walked the trips; what a branch guards must stay harmless outside it.
  place = a_.value(Op::MaxI, {place, a_.integer(0)});
  return a_.value(Op::MinI, {place, a_.integer(static_cast<std::int64_t>(size) - 1)});
}

ValueId Lowering::at(NodeRef node, const Index& index) {
  NodeRef x = node->args[0];
  Index inner;
  std::size_t next = 0;
  for (std::size_t d = 0; d < node->axes.size(); ++d) {
    const Axis& axis = node->axes[d];
    if (axis.kind == Axis::Kind::Range) {
      inner.push_back(a_.value(Op::AddI, {index[next++], a_.integer(static_cast<std::int64_t>(axis.from))}));
      continue;
    }
    ValueId place =
        axis.kind == Axis::Kind::Scalar ? element(axis.index, {}) : element(axis.index, {index[next++]});
    inner.push_back(inside(axis.index, place, x->shape[d]));
  }
  return element(x, inner);
}

ValueId Lowering::packed(NodeRef node, const Index& index) {
  const Value& first = a_[index[0]];
  Index rest(index.begin() + 1, index.end());
  if (first.op == Op::IntegerConstant)
    return element(node->args[static_cast<std::size_t>(first.integer)], rest);
  if (node->args.size() <= 4) {
    ValueId chosen = element(node->args.back(), rest);
    for (std::size_t i = node->args.size() - 1; i-- > 0;)
      chosen =
          a_.value(Op::Select, {a_.value(Op::EqualI, {index[0], a_.integer(static_cast<std::int64_t>(i))}),
                                element(node->args[i], rest), chosen});
    return chosen;
  }
  const Place& place = keep(node);
  return a_.load(place.local.memory, a_.value(Op::AddI, {place.local.base, flat(node->shape, index)}),
                 place.ready);
}

const Lowering::Place& Lowering::keep(NodeRef node) {
  int depth = depth_of(node, {});
  auto found = locals_.find(node);
  if (found != locals_.end() && found->second.second == a_.serial(depth)) return found->second.first;
  Place place;
  {
    Assembler::Outside outside(a_, depth);
    place.local = a_.local(node->type, elements(node->shape), "kept");
    place.ready = depth;
    if (node->kind == NodeKind::Pack) {
      Shape inner(node->shape.begin() + 1, node->shape.end());
      for (std::size_t i = 0; i < node->args.size(); ++i)
        over(inner, false, [&](const Index& rest) {
          Index index{a_.integer(static_cast<std::int64_t>(i))};
          index.insert(index.end(), rest.begin(), rest.end());
          a_.store(place.local.memory, a_.value(Op::AddI, {place.local.base, flat(node->shape, index)}),
                   element(node->args[i], rest));
        });
    } else {
      kept_.erase(node);
      over(node->shape, false, [&](const Index& index) {
        a_.store(place.local.memory, a_.value(Op::AddI, {place.local.base, flat(node->shape, index)}),
                 compute(node, index));
      });
      kept_.insert(node);
    }
  }
  auto& entry = locals_[node];
  entry = {place, a_.serial(depth)};
  return entry.first;
}

}  // namespace drey::model
