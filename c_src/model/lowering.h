#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/assembler.h"
#include "model/checked.h"
#include "model/data.h"
#include "model/host.h"
#include "model/model.h"

/// The lowering's own workings, shared by the files that make it up: lower.cpp (programs), lower_values.cpp,
/// lower_tables.cpp, lower_actions.cpp. Nobody else includes this; callers use lower().
namespace drey::model {

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
  /// The array that holds the node, which is of data alone: evaluated on the host when it is derived.
  std::uint32_t place(NodeRef node);
};

/// Writes one program of a checked model: its density, or its draws. Spent once it has.
class Lowering {
 public:
  /// One integer a dimension, 0-based.
  using Index = std::vector<ValueId>;

  Lowering(Checked& checked, SharedData& data, std::set<NodeRef> kept)
      : checked_(checked), data_(data), kept_(std::move(kept)) {}

  /// The log density on the unconstrained scale, Jacobians included, in Target.
  Program density();
  /// Fills `outputs`, and `size` with the elements of one draw.
  Program draws(std::vector<Output>& outputs, std::uint64_t& size);

 private:
  struct Place {
    Assembler::Local local;
    int ready = 0;  ///< the outermost depth that may read it
  };
  /// A value computed before: good while the block it stands in (`serial`) is open.
  struct Known {
    ValueId value = none;
    std::uint64_t serial = 0;
  };

  // ---- lower_values.cpp
  ValueId as_real(ValueId value);
  MemoryId data_memory(std::uint32_t array);
  /// A scalar of data alone, from the one array that holds them all.
  ValueId derived_scalar(NodeRef node);
  /// Row-major place of an element, and back.
  ValueId flat(const Shape& shape, const Index& index);
  Index unflat(const Shape& shape, ValueId at);
  /// The outermost block in which the node can be computed, given the indices.
  int depth_of(NodeRef node, const Index& index);
  /// The node's element at `index`: computed once a block.
  ValueId element(NodeRef node, const Index& index);
  ValueId compute(NodeRef node, const Index& index);
  bool reads_overwritten(NodeRef node) const;
  ValueId at(NodeRef node, const Index& index);
  /// An index's value, kept inside a dimension of `size` where it is not known to be.
  ValueId inside(NodeRef index, ValueId place, std::uint64_t size);
  ValueId packed(NodeRef node, const Index& index);
  /// The local that holds every element of the node, computed where its inputs are first complete.
  const Place& keep(NodeRef node);

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

  // ---- lower_tables.cpp
  /// A scalar that other loops around it would compute again and again, from a table over its own loops: made
  /// on the host where it is of data, else before those loops.
  std::optional<ValueId> tabulated(NodeRef node);
  /// The table's array; none when it takes too long or an index leaves its array.
  std::uint32_t host_table(NodeRef node, const Shape& shape, std::uint64_t trips);

  // ---- lower_actions.cpp
  /// Adds `factor` times the sum of all elements to the target: what does not vary over the elements leaves
  /// the sum, what is data alone becomes a number.
  void add_to_target(NodeRef node, double factor, const Shape& shape, NodeRef& varying);
  void add_constant(double number);
  void add_scalar(ValueId value, double factor);
  /// Emits the vectors added to the target since the last flush: one loop a shape.
  void flush();
  static void stored_in(const Actions& actions, std::set<VariableId>& stored, std::set<VariableId>& declared);
  /// What a loop or branch stores to of the variables declared outside it.
  static std::set<VariableId> stored_outer(const Action& action);
  /// A body: what it adds to the target is emitted inside it.
  void block(const Actions& actions);
  void statements(const Actions& actions);
  void loop(const Action& action);

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

}  // namespace drey::model
