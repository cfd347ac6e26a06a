#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The lowered program: what the model compiler works on after names and shapes are gone.
///
/// One mechanism for plates, recursions, mixtures, hidden Markov models, Cholesky factors and ODE steps:
/// scalars in single assignment, flat memories, structured loops. The front end lowers a model to it, `grad`
/// turns a density program into one that also computes its gradient, `glsl` prints it, the evaluator runs it.
/// It knows nothing of Erlang, GLSL or devices.
namespace drey::model {

using ValueId = std::uint32_t;
using MemoryId = std::uint32_t;
using LoopId = std::uint32_t;
using FunctionId = std::uint16_t;  ///< an index into the table of functions.h

inline constexpr std::uint32_t none = 0xffffffff;

enum class Type : std::uint8_t { Real, Integer };

/// Where a memory lives and who may write it.
enum class Space : std::uint8_t {
  Point,     ///< input: the unconstrained position, Real; read only
  Target,    ///< output: one Real, the log density; accumulate only
  Gradient,  ///< output: dimension Reals, d target / d point; written by differentiated programs only
  Output,    ///< output: what a draw records (constrained parameters, transformed, generated)
  Local,     ///< scratch, per chain
  Data,      ///< input: Real or Integer constants, the same for every chain; see Model::data
};

struct Memory {
  Space space = Space::Local;
  Type type = Type::Real;
  std::uint64_t size = 0;     ///< elements
  std::string name;           ///< for people reading a listing; no part of the program's identity
  std::uint32_t data = none;  ///< Space::Data: which array of Model::data
  /// Length of the contiguous rows that inner loops walk (a matrix's columns, row-major); 1 for none.
  /// A hint: emitters may pad rows to their vector width.
  std::uint64_t row = 1;
  /// Local: elements may be stored any number of times, and a Load sees the latest store. Differentiation then keeps
  /// what each Load read on a tape of its own.
  bool overwritten = false;
};

enum class Op : std::uint8_t {
  RealConstant,     ///< `number`
  IntegerConstant,  ///< `integer`
  LoopIndex,        ///< the current value of the loop `loop`, from `from` to `to - 1`; Integer
  AddI,
  SubI,
  MulI,
  DivI,
  ModI,
  MinI,
  MaxI,  ///< Integer, two arguments; DivI truncates
  LessI,
  EqualI,
  NotI,  ///< Integer 0 or 1 (NotI: one argument)
  LessR,
  EqualR,     ///< Real arguments, Integer 0 or 1; no derivative
  ToReal,     ///< Integer to Real
  ToInteger,  ///< Real to Integer, truncating; no derivative (generated quantities)
  Load,       ///< memory[args[0]], the memory's type
  Call,       ///< functions[function] applied to Real args; Real
  Select,     ///< args[0] (Integer) != 0 ? args[1] : args[2]; both Reals are evaluated, only the chosen one
              ///< matters
  StopGradient,  ///< args[0], with derivative 0 (the maximum in a log-sum-exp)
  Random,        ///< the next uniform of the draw's generator, Real in (0, 1); only in output programs
};

/// A scalar. Its operands are values defined earlier in the same block or in an enclosing one.
struct Value {
  Op op = Op::RealConstant;
  Type type = Type::Real;
  FunctionId function = 0;
  MemoryId memory = none;
  LoopId loop = none;
  double number = 0;
  std::int64_t integer = 0;
  std::vector<ValueId> args;
};

enum class StatementKind : std::uint8_t {
  Let,    ///< evaluates `value` here (a Load sees the stores before it). Constants and LoopIndex need no Let.
  Store,  ///< memory[index] = value
  Accumulate,  ///< memory[index] += value
  For,         ///< for loop in from .. to-1 { body }
  If,          ///< if value (Integer) != 0 { body } else { otherwise }
};

struct Statement;
using Block = std::vector<Statement>;

struct Statement {
  StatementKind kind = StatementKind::Let;
  ValueId value = none;
  MemoryId memory = none;
  ValueId index = none;
  LoopId loop = none;
  Block body;
  Block otherwise;
};

struct Loop {
  ValueId from = none;  ///< Integer
  ValueId to = none;    ///< Integer, exclusive
  /// The most trips any execution makes: the emitter counts them against the device's limit.
  std::uint64_t max_trips = 0;
  /// No trip reads what another stores, and none stores what is read outside; it accumulates only. (Locals
  /// private to a trip it may store.) Such a loop may run its trips in any order, be differentiated without a
  /// tape, and be spread over lanes.
  bool independent = false;
};

/// A whole program. Invariants (checked by validate()):
/// - every Value that is not a constant or LoopIndex is named by exactly one Let, before its uses, in the
/// same
///   block or an enclosing one; LoopIndex only inside its loop;
/// - indices stay inside their memory for every execution;
/// - a Local is read only after it was stored on every path (Accumulate reads);
/// - in a program to be differentiated, an element of a Local that is not `overwritten` is stored at most once a
///   run, and is not read between its first and last Accumulate. The one exception: a
///   Local whose every use lies in the body of one independent loop is private to a trip (the accumulator of
///   an inner dot product); each trip stores it anew before any use. The rule then holds for every trip;
/// - a loop that is independent stores to no `overwritten` Local but those private to its trips.
struct Program {
  std::vector<Value> values;
  std::vector<Memory> memories;
  std::vector<Loop> loops;
  Block body;
};

/// Checks the invariants that can be seen without running. \throws Error{internal} naming the first broken
/// one.
void validate(const Program& program);

/// A listing a person can read, for tests and bug reports.
std::string to_string(const Program& program);

/// The program's identity: equal for programs that compile to the same kernel. Covers shapes, never data
/// values, never names.
std::string canonical_bytes(const Program& program);

}  // namespace drey::model
