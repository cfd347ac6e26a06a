#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/functions.h"
#include "model/model.h"

/// Checked expressions: typed, shaped, shared. Structurally equal expressions are one node, so comparing
/// expressions is comparing pointers, and a DAG stays a DAG. Nodes are pure: what an expression means does
/// not depend on where it stands, except through the loop variables and the single-assignment variables it
/// names.
namespace drey::model {

struct Node;
using NodeRef = const Node*;
using VariableId = std::uint32_t;

enum class NodeKind : std::uint8_t {
  Real,       ///< a literal
  Integer,    ///< a literal
  Data,       ///< array `id` of Graph::arrays
  Point,      ///< elements `integer`, `integer` + 1, ... of the unconstrained point
  Loop,       ///< loop variable `id`, 0-based
  Variable,   ///< array variable `id`
  Operation,  ///< `op` (and `function`) elementwise; scalar arguments broadcast
  At,         ///< args[0] indexed by `axes`
  Sum,        ///< all elements of args[0]
  SumOver,    ///< the sum of args[0], a scalar, over the trips of loop `id`
  Contract,   ///< sum over the last axis of args[0] and the first of args[1]
  Pack,       ///< args, all of one shape, along a new first axis
  Transpose,  ///< of a matrix
  Reshape,    ///< the same elements in row-major order
  Fill,       ///< the scalar args[0] in every element
  Count,      ///< the integers `integer`, `integer` + 1, ... (a vector)
  Random,     ///< the uniform number `id` of a draw; only as the value of a store
  Read,  ///< what args[0], an element of an overwritten variable, holds now; only as the value of a store
};

struct Axis {
  enum class Kind : std::uint8_t { Scalar, Gather, Range };
  Kind kind = Kind::Range;
  NodeRef index = nullptr;  ///< Scalar: a 0-based integer; Gather: a vector of them
  std::uint64_t from = 0;   ///< Range: 0-based first
  std::uint64_t count = 0;  ///< Range
  bool operator==(const Axis&) const = default;
};

struct Node {
  NodeKind kind = NodeKind::Real;
  Type type = Type::Real;
  Op op = Op::RealConstant;
  FunctionId function = 0;
  std::uint32_t id = none;
  double number = 0;
  std::int64_t integer = 0;
  Shape shape;
  std::vector<NodeRef> args;
  std::vector<Axis> axes;

  // Derived when the node is made.
  bool literal = true;    ///< no data, point, loops or variables below
  bool data_only = true;  ///< nothing below but data and literals (and loop variables)
  bool random = false;
  std::vector<std::uint32_t> loops;                         ///< loop variables below, sorted
  std::vector<VariableId> variables;                        ///< variables below, sorted
  double cost = 0;                                          ///< rough operations an element
  double lower = -std::numeric_limits<double>::infinity();  ///< every element lies in [lower, upper]
  double upper = std::numeric_limits<double>::infinity();

  bool scalar() const { return shape.empty(); }
};

/// Owns nodes, data arrays, and what is known of loop variables and variables.
class Graph {
 public:
  struct DataArray {
    std::string name;
    Shape shape;
    Array values;
  };
  struct LoopVariable {
    std::string name;
    NodeRef from = nullptr;  ///< 0-based, inclusive
    NodeRef to = nullptr;    ///< exclusive
  };
  struct Variable {
    std::string name;
    Type type = Type::Real;
    Shape shape;
    /// Its elements may be stored any number of times: only a Read, which stands where it is made, may name it.
    bool overwritten = false;
  };

  NodeRef real(double value);
  NodeRef integer(std::int64_t value);
  NodeRef data(std::uint32_t array);
  NodeRef add_data(std::string name, Shape shape, Array values);
  NodeRef point(std::uint64_t offset, Shape shape);
  /// A loop over from .. to - 1 (0-based integers).
  NodeRef add_loop(std::string name, NodeRef from, NodeRef to);
  NodeRef add_variable(std::string name, Type type, Shape shape, bool overwritten = false);
  NodeRef random();
  /// The value of an element of an overwritten variable at this place of the program: no two are one node.
  NodeRef read(NodeRef element);

  /// Elementwise. Integer arguments become real. \throws Error{wrong_shape} when shapes do not broadcast.
  NodeRef call(std::string_view function, std::vector<NodeRef> args);
  NodeRef call(FunctionId function, std::vector<NodeRef> args);
  /// Integer operations, comparisons, Select, StopGradient.
  NodeRef operation(Op op, std::vector<NodeRef> args);
  /// i + c
  NodeRef shift(NodeRef i, std::int64_t c) { return operation(Op::AddI, {i, integer(c)}); }
  NodeRef select(NodeRef condition, NodeRef yes, NodeRef no) {
    return operation(Op::Select, {condition, yes, no});
  }
  NodeRef to_real(NodeRef x);
  /// One axis a dimension of x. \throws Error{out_of_range} when an index is known to leave its dimension
  NodeRef at(NodeRef x, std::vector<Axis> axes);
  /// x at scalar 0-based indices; axes not given are kept whole.
  NodeRef element(NodeRef x, std::span<const NodeRef> index);
  NodeRef element(NodeRef x, std::initializer_list<NodeRef> index) {
    return element(x, std::span<const NodeRef>(index.begin(), index.size()));
  }
  NodeRef sum(NodeRef x);
  /// `loop` is a node of add_loop; its bounds may depend on loops outside.
  NodeRef sum_over(NodeRef loop, NodeRef term);
  NodeRef contract(NodeRef a, NodeRef b);
  NodeRef pack(std::vector<NodeRef> parts);
  NodeRef transpose(NodeRef x);
  NodeRef reshape(NodeRef x, Shape shape);
  NodeRef fill(NodeRef scalar, Shape shape);
  NodeRef count(std::int64_t from, std::uint64_t size);

  // Shorthand for code that builds expressions.
  NodeRef add(NodeRef a, NodeRef b) { return call("+", {a, b}); }
  NodeRef sub(NodeRef a, NodeRef b) { return call("-", {a, b}); }
  NodeRef mul(NodeRef a, NodeRef b) { return call("*", {a, b}); }
  NodeRef div(NodeRef a, NodeRef b) { return call("/", {a, b}); }
  NodeRef neg(NodeRef a) { return call("neg", {a}); }

  const DataArray& array(std::uint32_t id) const { return arrays_[id]; }
  std::size_t array_count() const { return arrays_.size(); }
  const LoopVariable& loop(std::uint32_t id) const { return loops_[id]; }
  /// The shape of one value a trip of a loop with literal bounds.
  Shape count_of(std::uint32_t loop) const {
    return {static_cast<std::uint64_t>(loops_[loop].to->integer - loops_[loop].from->integer)};
  }
  const Variable& variable(VariableId id) const { return variables_[id]; }
  std::size_t variable_count() const { return variables_.size(); }

 private:
  NodeRef intern(Node node);
  void derive(Node& node) const;

  std::deque<Node> nodes_;
  std::unordered_map<std::string, NodeRef> table_;
  std::vector<DataArray> arrays_;
  std::vector<LoopVariable> loops_;
  std::vector<Variable> variables_;
  std::uint32_t randoms_ = 0, reads_ = 0;
  std::uint64_t largest_ = 0;  ///< elements of the largest data array
};

/// Whether the node is the literal number `value`.
bool is_number(NodeRef node, double value);

}  // namespace drey::model
