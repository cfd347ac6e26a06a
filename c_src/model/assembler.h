#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/program.h"

/// Puts a Program together, statement by statement. Pure values are shared (equal operation, equal operands)
/// and each stands in the outermost block where its operands exist, so loop invariants leave their loops by
/// construction.
namespace drey::model {

class Assembler {
 public:
  Assembler();

  MemoryId memory(Space space, Type type, std::uint64_t size, std::string name, std::uint32_t data = none,
                  std::uint64_t row = 1);
  /// A Local of `size` elements for the block being built: one copy a trip of the loops that carry state
  /// around it, up to the innermost independent loop, to whose trips it is private. `base` is the offset of
  /// this trip's copy.
  struct Local {
    MemoryId memory = none;
    ValueId base = none;
  };
  Local local(Type type, std::uint64_t size, std::string name);
  /// A Local whose elements may be stored any number of times; one copy, whatever loops are around.
  Local overwritten(Type type, std::uint64_t size, std::string name);

  ValueId real(double number);
  ValueId integer(std::int64_t number);
  /// \param min_depth the outermost block the value may stand in
  ValueId value(Op op, std::vector<ValueId> args, int min_depth = 0);
  ValueId call(FunctionId function, std::vector<ValueId> args);
  ValueId call(std::string_view function, std::vector<ValueId> args);
  ValueId load(MemoryId memory, ValueId index, int min_depth = 0);
  /// What an element of an overwritten Local holds here: a load that stays where it stands and is shared with none.
  ValueId read(MemoryId memory, ValueId index);
  ValueId random();
  void store(MemoryId memory, ValueId index, ValueId value);
  /// A store of an element that is stored once a run and never accumulated to: loads of it in this block are
  /// `value`.
  void set(MemoryId memory, ValueId index, ValueId value);
  void accumulate(MemoryId memory, ValueId index, ValueId value);

  /// Opens a loop and returns its index. \param least a lower bound of `from` over all executions
  ValueId begin_loop(ValueId from, ValueId to, std::int64_t least, std::uint64_t max_trips, bool independent);
  void end_loop();
  void begin_if(ValueId condition);
  void begin_else();
  void end_if();

  /// Blocks open around the next statement; the program's own body is depth 0.
  int depth() const { return static_cast<int>(scopes_.size()) - 1; }
  /// Whether a branch is open inside the block at `depth`.
  bool conditional(int depth) const;
  /// The depth of the block where a value stands.
  int depth_of(ValueId value) const { return value_depth_[value]; }
  Type type_of(ValueId value) const { return program_.values[value].type; }
  const Value& operator[](ValueId value) const { return program_.values[value]; }
  /// Tells apart blocks that were open at one depth at different times; a value is in scope where the serial
  /// of the block at its depth is the one it was made in.
  std::uint64_t serial(int depth) const { return scopes_[static_cast<std::size_t>(depth)].serial; }

  /// While alive, statements go to the end of the open block at `depth`, before the loops being built inside
  /// it.
  class Outside {
   public:
    Outside(Assembler& assembler, int depth);
    ~Outside();
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;

   private:
    Assembler& assembler_;
    std::size_t kept_ = 0;
  };

  /// The program without what nothing needs, values numbered in the order they stand.
  Program finish();

 private:
  struct Scope {
    Block block;
    Block first;  ///< an If's body, while its else is built
    StatementKind kind = StatementKind::For;
    LoopId loop = none;
    ValueId value = none;  ///< For: the loop's index; If: the condition
    std::int64_t least = 0;
    std::uint64_t serial = 0;
  };
  struct Shared {
    ValueId value = none;
    int depth = 0;
    std::uint64_t serial = 0;
  };
  friend class Outside;

  ValueId intern(Value value, int min_depth, bool share = true);
  void open(Scope scope);

  Program program_;
  std::vector<int> value_depth_;
  std::vector<Scope> scopes_;
  std::vector<Scope> aside_;
  std::unordered_map<std::string, Shared> table_;
  std::uint64_t serials_ = 0;
};

}  // namespace drey::model
