#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/formula.h"
#include "model/program.h"

namespace drey::model {

/// Writes a Program from its first statement to its last, keeping it small as it goes:
/// - equal values are one value (hash-consing), constants are folded, neutral operations dropped;
/// - a value is defined in the outermost loop body where its operands are known, so invariants leave loops by
///   themselves. Nothing leaves an `if`, and no load leaves a loop that may make no trip;
/// - a division by a value known outside the current loop becomes a product with its reciprocal there;
/// - a load from a Local element whose value is known (stored in the same straight line) is that value.
///
/// Real and Integer operands must be right: the builder checks types, and throws Error{internal}.
/// Values of a body that was closed must not be used again.
class Builder {
 public:
  Builder();

  // Memories and constants.
  MemoryId memory(Memory memory);
  MemoryId local(std::uint64_t size, std::string name = {}, std::uint64_t row = 1);
  ValueId real(double number);
  ValueId integer(std::int64_t integer);

  // Values. Arithmetic on reals:
  ValueId add(ValueId a, ValueId b);
  ValueId sub(ValueId a, ValueId b);
  ValueId mul(ValueId a, ValueId b);
  ValueId div(ValueId a, ValueId b);
  ValueId neg(ValueId a);
  ValueId call(FunctionId function, std::vector<ValueId> args);
  ValueId call(std::string_view function, std::vector<ValueId> args);
  /// Every other operation of Op that has operands only: integer arithmetic, comparisons, conversions,
  /// Select, StopGradient.
  ValueId op(Op op, std::vector<ValueId> args);
  ValueId add_i(ValueId a, ValueId b) { return op(Op::AddI, {a, b}); }
  ValueId mul_i(ValueId a, ValueId b) { return op(Op::MulI, {a, b}); }
  ValueId sub_i(ValueId a, ValueId b) { return op(Op::SubI, {a, b}); }
  ValueId select(ValueId condition, ValueId yes, ValueId no) { return op(Op::Select, {condition, yes, no}); }
  ValueId to_real(ValueId a) { return op(Op::ToReal, {a}); }
  ValueId random();
  ValueId load(MemoryId memory, ValueId index);
  /// A table's formula with its names bound. Calls name functions of functions.h; "<", "<=", "==" compare
  /// reals,
  /// "?:" selects. \throws Error{internal} for an unbound name
  ValueId formula(const Formula& formula, const std::map<std::string, ValueId, std::less<>>& names);

  // Statements.
  void store(MemoryId memory, ValueId index, ValueId value);
  void accumulate(MemoryId memory, ValueId index, ValueId value);
  /// Target += value; the program's one Target is made on first use.
  void add_to_target(ValueId value);
  MemoryId target();

  /// Opens `for loop in from .. to-1`. \param writes the Locals its body will store or accumulate to, when
  /// known: loads of other Locals may then leave it
  LoopId begin_for(ValueId from, ValueId to, std::uint64_t max_trips, bool independent,
                   std::optional<std::vector<MemoryId>> writes = std::nullopt);
  /// The same for constant bounds.
  LoopId begin_for(std::int64_t from, std::int64_t to, bool independent,
                   std::optional<std::vector<MemoryId>> writes = std::nullopt);
  ValueId index(LoopId loop);
  void end_for();
  /// Opens the first branch; begin_else the second. \param writes as for begin_for; unknown: all
  void begin_if(ValueId condition, std::optional<std::vector<MemoryId>> writes = std::nullopt);
  void begin_else();
  void end_if();

  /// As store(memory, index, value), but before the loops and branches open deeper than `depth`. The operands
  /// must be known there.
  void store_at(std::size_t depth, MemoryId memory, ValueId index, ValueId value);
  /// How many bodies are open: 0 at the top.
  std::size_t depth() const { return frames_.size() - 1; }
  /// The depth of the body in which `value` is defined.
  std::size_t depth_of(ValueId value) const { return depth_[value]; }

  const Program& program() const { return program_; }
  const Value& value(ValueId id) const { return program_.values[id]; }
  bool is_real_constant(ValueId id, double number) const;

  /// The program. The builder is spent.
  Program finish();

 private:
  struct Key {
    Value value;
    std::uint64_t generation = 0;  // of the memory a Load reads
    bool operator==(const Key& other) const;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Frame {
    StatementKind kind = StatementKind::For;
    Block statements;
    Block first;  // of an If whose second branch is open
    bool in_else = false;
    ValueId condition = none;
    LoopId loop = none;
    bool certain = true;  // a For that surely makes a trip
    bool known_writes = false;
    std::vector<MemoryId> writes;
    MemoryId first_new = 0;  // memories made since it was opened are its own
    bool may_write(MemoryId memory) const;
    std::unordered_map<Key, ValueId, Hash> values;
  };
  struct Cell {
    ValueId value = none;
    std::size_t depth = 0;
  };

  /// \throws Error{internal}: a caller broke the builder's contract
  [[noreturn]] static void broken(const std::string& what);
  ValueId add_value(Value value, std::size_t depth, std::uint64_t generation = 0, bool share = true);
  std::size_t pure_depth(const Value& value) const;
  std::optional<double> constant(ValueId id) const;
  std::optional<std::int64_t> constant_i(ValueId id) const;
  /// An index as a value (none: 0) and what is added to it.
  std::pair<ValueId, std::int64_t> base_and_shift(ValueId index) const;
  void check(ValueId id, Type type) const;
  void forget(MemoryId memory);
  void forget_written(const Frame& frame);
  void wrote(MemoryId memory, ValueId index, ValueId value);

  Program program_;
  std::vector<Frame> frames_;
  std::vector<std::size_t> depth_;         // by value
  std::vector<std::uint64_t> generation_;  // by memory: counts what may have changed it
  std::uint64_t generations_ = 0;
  std::vector<std::map<ValueId, Cell>> cells_;  // by memory: elements whose value is known
  std::unordered_map<Key, ValueId, Hash> constants_;
  MemoryId target_ = none;
};

}  // namespace drey::model
