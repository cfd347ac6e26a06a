#include "model/lower.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "error.h"
#include "model/assembler.h"
#include "model/data.h"
#include "model/materialise.h"
#include "model/reductions.h"

namespace drey::model {
namespace {

using Index = std::vector<ValueId>;

/// What both programs share: the arrays, and where each came from.
struct SharedData {
  explicit SharedData(const Graph& source) : graph(source), host(source) {}

  const Graph& graph;
  HostValues host;
  std::vector<Array> arrays;
  std::vector<Shape> shapes;
  std::vector<std::string> names;
  std::map<std::uint32_t, std::uint32_t> of_array;  ///< Graph array -> arrays
  std::map<NodeRef, std::uint32_t> of_node;         ///< derived of data -> arrays
  std::map<NodeRef, std::uint64_t> slot;            ///< derived scalars -> place in `scalars`
  std::vector<double> scalars;
  std::uint32_t scalar_array = none;

  std::uint32_t add(Array values, Shape shape, std::string name) {
    arrays.push_back(std::move(values));
    shapes.push_back(std::move(shape));
    names.push_back(std::move(name));
    return static_cast<std::uint32_t>(arrays.size() - 1);
  }
  std::uint32_t place(NodeRef node) {
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
};

class Lowering {
 public:
  Lowering(Checked& checked, SharedData& data, std::set<NodeRef> kept)
      : checked_(checked), data_(data), kept_(std::move(kept)) {}

  Program density() {
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
    return finish();
  }

  Program draws(std::vector<Output>& outputs, std::uint64_t& size) {
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
    return finish();
  }

 private:
  struct Place {
    Assembler::Local local;
    int ready = 0;  ///< the outermost depth that may read it
  };
  struct Known {
    ValueId value = none;
    std::uint64_t serial = 0;
  };

  ValueId as_real(ValueId value) {
    return a_.type_of(value) == Type::Integer ? a_.value(Op::ToReal, {value}) : value;
  }

  Program finish() {
    Program program = a_.finish();
    return program;
  }

  // ---- memories

  MemoryId data_memory(std::uint32_t array) {
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

  ValueId derived_scalar(NodeRef node) {
    if (node->type == Type::Integer) return a_.load(data_memory(data_.place(node)), a_.integer(0));
    auto [at, fresh] = data_.slot.try_emplace(node, data_.scalars.size());
    if (fresh) data_.scalars.push_back(data_.host.element(node, {}));
    if (data_.scalar_array == none)
      data_.scalar_array = data_.add(std::vector<double>(), {0}, "derived scalars");
    return a_.load(data_memory(data_.scalar_array), a_.integer(static_cast<std::int64_t>(at->second)));
  }

  ValueId flat(const Shape& shape, const Index& index) {
    ValueId at = a_.integer(0);
    for (std::size_t d = 0; d < shape.size(); ++d)
      at = a_.value(Op::AddI,
                    {a_.value(Op::MulI, {at, a_.integer(static_cast<std::int64_t>(shape[d]))}), index[d]});
    return at;
  }

  Index unflat(const Shape& shape, ValueId at) {
    Index index(shape.size());
    for (std::size_t d = shape.size(); d-- > 0;) {
      ValueId size = a_.integer(static_cast<std::int64_t>(shape[d]));
      index[d] = d == 0 ? at : a_.value(Op::ModI, {at, size});
      if (d > 0) at = a_.value(Op::DivI, {at, size});
    }
    return index;
  }

  /// A loop a dimension around body(index).
  template <typename Body>
  void over(const Shape& shape, bool independent, Body body) {
    if (elements(shape) == 0) return;
    Index index;
    std::size_t opened = 0;
    for (std::uint64_t size : shape) {
      if (size == 1) {
        index.push_back(a_.integer(0));
        continue;
      }
      index.push_back(
          a_.begin_loop(a_.integer(0), a_.integer(static_cast<std::int64_t>(size)), 0, size, independent));
      ++opened;
    }
    body(index);
    while (opened-- > 0) a_.end_loop();
  }

  // ---- values

  /// The outermost block in which the node can be computed, given the indices.
  int depth_of(NodeRef node, const Index& index) {
    int depth = 0;
    for (std::uint32_t loop : node->loops) depth = std::max(depth, a_.depth_of(loops_.at(loop)));
    for (VariableId variable : node->variables) depth = std::max(depth, places_.at(variable).ready);
    for (ValueId at : index) depth = std::max(depth, a_.depth_of(at));
    return depth;
  }

  ValueId element(NodeRef node, const Index& index) {
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

  ValueId compute(NodeRef node, const Index& index) {
    const bool folds = node->data_only && !node->literal && node->loops.empty();
    if (node->kind == NodeKind::Data && node->scalar() && node->type == Type::Real)
      return derived_scalar(node);
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

  ValueId at(NodeRef node, const Index& index) {
    NodeRef x = node->args[0];
    Index inner;
    std::size_t next = 0;
    for (std::size_t d = 0; d < node->axes.size(); ++d) {
      const Axis& axis = node->axes[d];
      if (axis.kind == Axis::Kind::Range) {
        inner.push_back(
            a_.value(Op::AddI, {index[next++], a_.integer(static_cast<std::int64_t>(axis.from))}));
        continue;
      }
      ValueId place =
          axis.kind == Axis::Kind::Scalar ? element(axis.index, {}) : element(axis.index, {index[next++]});
      const double size = static_cast<double>(x->shape[d]);
      if (axis.index->lower < 0 || axis.index->upper >= size) {
        // Not proved by intervals: the checker walked the trips; what a branch guards must stay harmless
        // outside it.
        place = a_.value(Op::MaxI, {place, a_.integer(0)});
        place = a_.value(Op::MinI, {place, a_.integer(static_cast<std::int64_t>(x->shape[d]) - 1)});
      }
      inner.push_back(place);
    }
    return element(x, inner);
  }

  ValueId packed(NodeRef node, const Index& index) {
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

  /// A sum of term(index) over the shape, in a local of one element.
  template <typename Term>
  ValueId reduction(int depth, const Shape& shape, Term term) {
    Assembler::Outside outside(a_, depth);
    if (elements(shape) == 1) return term(Index(shape.size(), a_.integer(0)));
    Assembler::Local sum = a_.local(Type::Real, 1, "sum");
    a_.store(sum.memory, sum.base, a_.real(0));
    over(shape, true, [&](const Index& index) { a_.accumulate(sum.memory, sum.base, as_real(term(index))); });
    return a_.load(sum.memory, sum.base, depth);
  }

  /// The local that holds every element of the node, computed where its inputs are first complete.
  const Place& keep(NodeRef node) {
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

  /// A scalar that other loops around it would compute again and again, from a table over its own loops: made
  /// on the host where it is of data, else before those loops.
  std::optional<ValueId> tabulated(NodeRef node) {
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
      if (found == host_tables_.end())
        found = host_tables_.emplace(node, host_table(node, shape, trips)).first;
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

  std::uint32_t host_table(NodeRef node, const Shape& shape, std::uint64_t trips) {
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

  // ---- actions

  /// Adds `factor` times the sum of all elements to the target: what does not vary over the elements leaves
  /// the sum, what is data alone becomes a number.
  void add_to_target(NodeRef node, double factor, const Shape& shape, NodeRef& varying) {
    const double count = static_cast<double>(elements(shape));
    if (node->kind == NodeKind::Operation && node->op == Op::Call && !kept_.count(node)) {
      const std::string& name = functions()[node->function].name;
      if (name == "+" || name == "-") {
        add_to_target(node->args[0], factor, shape, varying);
        add_to_target(node->args[1], name == "+" ? factor : -factor, shape, varying);
        return;
      }
      if (name == "neg") return add_to_target(node->args[0], -factor, shape, varying);
      if (name == "*")
        for (std::size_t i = 0; i < 2; ++i)
          if (node->args[i]->kind == NodeKind::Real)
            return add_to_target(node->args[1 - i], factor * node->args[i]->number, shape, varying);
    }
    if (node->kind == NodeKind::Fill) return add_to_target(node->args[0], factor, shape, varying);
    if (node->kind == NodeKind::Real) {
      add_constant(factor * count * node->number);
      return;
    }
    Graph& graph = checked_.graph;
    if (node->scalar() || (node->data_only && node->loops.empty())) {
      NodeRef scalar = graph.sum(node);
      add_scalar(element(scalar, {}), node->scalar() ? factor * count : factor);
      return;
    }
    if (NodeRef scalar = separated_sum(graph, data_.host, node, shape))
      return add_to_target(scalar, factor, {}, varying);
    NodeRef term = node;
    if (varying && factor == -1) {
      varying = graph.sub(varying, term);
      return;
    }
    if (factor != 1) term = graph.mul(graph.real(factor), term);
    varying = varying ? graph.add(varying, term) : term;
  }

  void add_constant(double number) {
    if (a_.depth() == 0)
      constant_ += number;
    else
      a_.accumulate(target_, a_.integer(0), a_.real(number));
  }

  void add_scalar(ValueId value, double factor) {
    value = a_.call("*", {as_real(value), a_.real(factor)});
    if (a_.depth() == 0)
      scalars_.push_back(value);
    else
      a_.accumulate(target_, a_.integer(0), value);
  }

  /// Emits the vectors added to the target since the last flush: one loop a shape.
  void flush() {
    auto pending = std::move(pending_);
    pending_.clear();
    for (const auto& [shape, terms] : pending)
      over(shape, true, [&](const Index& index) {
        ValueId total = none;
        for (NodeRef term : terms) {
          ValueId value = element(term, index);
          total = total == none ? value : a_.call("+", {total, value});
        }
        a_.accumulate(target_, a_.integer(0), total);
      });
  }

  static void stored_in(const Actions& actions, std::set<VariableId>& stored,
                        std::set<VariableId>& declared) {
    for (const Action& action : actions) {
      if (action.kind == Action::Kind::Store) stored.insert(action.variable);
      if (action.kind == Action::Kind::Declare) declared.insert(action.variable);
      stored_in(action.body, stored, declared);
      stored_in(action.otherwise, stored, declared);
    }
  }
  static std::set<VariableId> stored_outer(const Action& action) {
    std::set<VariableId> stored, declared;
    stored_in(action.body, stored, declared);
    stored_in(action.otherwise, stored, declared);
    for (VariableId variable : declared) stored.erase(variable);
    return stored;
  }

  void block(const Actions& actions) {
    auto outer = std::move(pending_);
    pending_.clear();
    statements(actions);
    flush();
    pending_ = std::move(outer);
  }

  void statements(const Actions& actions) {
    for (const Action& action : actions) {
      switch (action.kind) {
        case Action::Kind::Target: {
          if (action.value->scalar() && a_.depth() > 0) {
            a_.accumulate(target_, a_.integer(0), as_real(element(action.value, {})));
            break;
          }
          NodeRef varying = nullptr;
          add_to_target(action.value, 1, action.value->shape, varying);
          if (varying) pending_[varying->shape].push_back(varying);
          break;
        }
        case Action::Kind::Declare: {
          const Graph::Variable& variable = checked_.graph.variable(action.variable);
          places_[action.variable] = {a_.local(variable.type, elements(variable.shape), variable.name),
                                      a_.depth()};
          break;
        }
        case Action::Kind::Store: {
          Index index;
          for (NodeRef at : action.index) index.push_back(element(at, {}));
          Place& place = places_.at(action.variable);
          const Graph::Variable& variable = checked_.graph.variable(action.variable);
          // Index expressions first: they may stand outside, the store stands here.
          ValueId where = a_.value(Op::AddI, {place.local.base, flat(variable.shape, index)});
          ValueId value = element(action.value, {});
          if (variable.type == Type::Real) value = as_real(value);
          a_.set(place.local.memory, where, value);
          place.ready = std::max(place.ready, a_.depth());
          break;
        }
        case Action::Kind::For:
          loop(action);
          break;
        case Action::Kind::If: {
          ValueId condition = element(action.value, {});
          std::set<VariableId> outer = stored_outer(action);
          for (VariableId variable : outer) places_.at(variable).ready = a_.depth() + 1;
          a_.begin_if(condition);
          block(action.body);
          a_.begin_else();
          for (VariableId variable : outer) places_.at(variable).ready = a_.depth();
          block(action.otherwise);
          a_.end_if();
          for (VariableId variable : outer) places_.at(variable).ready = a_.depth();
          break;
        }
      }
    }
  }

  void loop(const Action& action) {
    const Graph::LoopVariable& variable = checked_.graph.loop(action.loop);
    const double least = variable.from->lower, most = variable.to->upper;
    if (!(most > least)) return;
    std::set<VariableId> outer = stored_outer(action);
    const bool fixed = variable.from->kind == NodeKind::Integer && variable.to->kind == NodeKind::Integer;
    if (fixed && most - least == 1) {
      loops_[action.loop] = element(variable.from, {});
      return block(action.body);
    }
    ValueId from = element(variable.from, {}), to = element(variable.to, {});
    for (VariableId stored : outer) places_.at(stored).ready = a_.depth() + 1;
    loops_[action.loop] = a_.begin_loop(from, to, static_cast<std::int64_t>(least),
                                        static_cast<std::uint64_t>(most - least), outer.empty());
    block(action.body);
    a_.end_loop();
    for (VariableId stored : outer) places_.at(stored).ready = a_.depth();
  }

  static constexpr std::uint64_t max_table = std::uint64_t{1} << 20;
  static constexpr std::uint64_t max_host_steps = 20000000;
  static constexpr std::uint64_t max_folded = std::uint64_t{1} << 24;

  Checked& checked_;
  SharedData& data_;
  std::set<NodeRef> kept_;
  Assembler a_;
  MemoryId point_ = none, target_ = none;
  std::map<std::uint32_t, MemoryId> data_memories_;
  std::map<VariableId, Place> places_;
  std::map<std::uint32_t, ValueId> loops_;
  std::map<std::pair<NodeRef, Index>, Known> memo_;
  std::map<NodeRef, std::pair<Place, std::uint64_t>> locals_;
  std::map<NodeRef, std::pair<Place, std::uint64_t>> tables_;
  std::map<NodeRef, std::uint32_t> host_tables_;
  std::set<NodeRef> tabulating_;
  std::map<Shape, std::vector<NodeRef>> pending_;
  std::vector<ValueId> scalars_;
  std::uint64_t host_steps_ = 0;
  double constant_ = 0;
};

}  // namespace

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
