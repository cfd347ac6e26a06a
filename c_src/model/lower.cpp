#include "model/lower.h"

#include "model/lowering.h"
#include "model/materialise.h"

namespace drey::model {

std::uint32_t SharedData::place(NodeRef node) {
  if (node->kind == NodeKind::Data) {
    auto [at, fresh] = of_array.try_emplace(node->id, 0);
    if (fresh) {
      const Graph::DataArray& array = graph.array(node->id);
      at->second = add(array.values, array.shape, array.name);
    }
    return at->second;
  }
  auto [at, fresh] = of_node.try_emplace(node, 0);
  if (fresh) {
    const std::vector<double>& values = host.all(node);
    if (node->type == Type::Integer)
      at->second = add(std::vector<std::int64_t>(values.begin(), values.end()), node->shape, "derived");
    else
      at->second = add(values, node->shape, "derived");
  }
  return at->second;
}

Program Lowering::density() {
  point_ = a_.memory(Space::Point, Type::Real, checked_.dimension, "point");
  target_ = a_.memory(Space::Target, Type::Real, 1, "target");
  // One list: neighbouring statements of one shape share their loop, whichever block they are of.
  for (const Actions* actions :
       {&checked_.constraints, &checked_.jacobians, &checked_.transformed, &checked_.model})
    statements(*actions);
  flush();
  ValueId total = a_.real(constant_);
  for (ValueId scalar : scalars_) total = a_.call("+", {scalar, total});
  a_.accumulate(target_, a_.integer(0), total);
  return a_.finish();
}

Program Lowering::draws(std::vector<Output>& outputs, std::uint64_t& size) {
  point_ = a_.memory(Space::Point, Type::Real, checked_.dimension, "point");
  for (const auto& named : checked_.outputs) {
    Output output{named.name,         named.kind, named.value->type,
                  named.value->shape, size,       elements(named.value->shape)};
    size += output.size;
    outputs.push_back(std::move(output));
  }
  MemoryId output = a_.memory(Space::Output, Type::Real, size, "output");
  for (const Actions* actions : {&checked_.constraints, &checked_.transformed, &checked_.generated})
    statements(*actions);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    NodeRef value = checked_.outputs[i].value;
    over(value->shape, false, [&](const Index& index) {
      ValueId place = a_.value(
          Op::AddI, {a_.integer(static_cast<std::int64_t>(outputs[i].offset)), flat(value->shape, index)});
      a_.store(output, place, as_real(element(value, index)));
    });
  }
  return a_.finish();
}

void lower(Checked& checked, Model& model) {
  SharedData data(checked.graph);
  model.density = Lowering(checked, data, dear_nodes(checked, false)).density();
  model.draws = Lowering(checked, data, dear_nodes(checked, true)).draws(model.outputs, model.output_size);
  if (data.scalar_array != none) {
    for (Program* program : {&model.density, &model.draws})
      for (Memory& memory : program->memories)
        if (memory.data == data.scalar_array) memory.size = data.scalars.size();
    data.arrays[data.scalar_array] = std::move(data.scalars);
  }
  model.data = std::move(data.arrays);
}

}  // namespace drey::model
