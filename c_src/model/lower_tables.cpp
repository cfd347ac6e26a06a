#include <algorithm>

#include "error.h"
#include "model/lowering.h"

/// Tables: scalars of some loops alone, taken out of the loops between.
namespace drey::model {

std::optional<ValueId> Lowering::tabulated(NodeRef node) {
  if (tabulating_.count(node)) return std::nullopt;
  Shape shape;
  std::uint64_t trips = 1;
  for (std::uint32_t loop : node->loops) {
    const Graph::LoopVariable& variable = checked_.graph.loop(loop);
    if (variable.from->kind != NodeKind::Integer || variable.to->kind != NodeKind::Integer)
      return std::nullopt;
    if (variable.to->integer <= variable.from->integer) return std::nullopt;
    shape.push_back(static_cast<std::uint64_t>(variable.to->integer - variable.from->integer));
    if (shape.back() > max_table || (trips *= shape.back()) > max_table) return std::nullopt;
  }
  auto place_of = [&] {
    Index index;
    for (std::uint32_t loop : node->loops)
      index.push_back(
          a_.value(Op::SubI, {loops_.at(loop), a_.integer(checked_.graph.loop(loop).from->integer)}));
    return flat(shape, index);
  };
  if (node->data_only && !node->literal && node->type == Type::Real) {
    auto found = host_tables_.find(node);
    if (found == host_tables_.end()) found = host_tables_.emplace(node, host_table(node, shape, trips)).first;
    if (found->second == none) return std::nullopt;
    return a_.load(data_memory(found->second), place_of());
  }
  if (node->cost < 10 || node->type != Type::Real || trips > 4096 || node->random) return std::nullopt;
  // The blocks that hold its loops, and the first that needs its variables.
  int outer = 0;
  for (VariableId variable : node->variables) outer = std::max(outer, places_.at(variable).ready);
  int inner = 0, own = 0;
  for (std::uint32_t loop : node->loops) inner = std::max(inner, a_.depth_of(loops_.at(loop)));
  for (std::uint32_t loop : node->loops) own += a_.depth_of(loops_.at(loop)) > outer;
  // A loop between, over which it does not vary.
  if (own != static_cast<int>(node->loops.size()) || inner - outer <= own || a_.conditional(outer))
    return std::nullopt;
  auto found = tables_.find(node);
  if (found == tables_.end() || found->second.second != a_.serial(outer)) {
    Assembler::Outside outside(a_, outer);
    Place table;
    table.local = a_.local(Type::Real, trips, "table");
    table.ready = outer;
    std::vector<ValueId> before;
    for (std::uint32_t loop : node->loops) before.push_back(loops_.at(loop));
    tabulating_.insert(node);
    over(shape, false, [&](const Index& index) {
      for (std::size_t d = 0; d < index.size(); ++d)
        loops_[node->loops[d]] =
            a_.value(Op::AddI, {index[d], a_.integer(checked_.graph.loop(node->loops[d]).from->integer)});
      ValueId place = a_.value(Op::AddI, {table.local.base, flat(shape, index)});
      a_.store(table.local.memory, place, element(node, {}));
    });
    tabulating_.erase(node);
    for (std::size_t d = 0; d < before.size(); ++d) loops_[node->loops[d]] = before[d];
    tables_[node] = {table, a_.serial(outer)};
    found = tables_.find(node);
  }
  const Place& table = found->second.first;
  return a_.load(table.local.memory, a_.value(Op::AddI, {table.local.base, place_of()}), table.ready);
}

std::uint32_t Lowering::host_table(NodeRef node, const Shape& shape, std::uint64_t trips) {
  if ((host_steps_ += trips) > max_host_steps) return none;
  std::vector<double> values(trips);
  try {
    for (std::uint64_t i = 0; i < trips; ++i) {
      std::uint64_t rest = i;
      for (std::size_t d = shape.size(); d-- > 0;) {
        data_.host.set_loop(node->loops[d], checked_.graph.loop(node->loops[d]).from->integer +
                                                static_cast<std::int64_t>(rest % shape[d]));
        rest /= shape[d];
      }
      values[i] = data_.host.element(node, {});
    }
  } catch (const Error&) {
    return none;  // an index leaves its array on a trip that a branch excludes
  }
  return data_.add(std::move(values), {trips}, "derived");
}

}  // namespace drey::model
