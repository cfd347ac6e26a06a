#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "glsl/emit.h"
#include "glsl/lanes.h"
#include "glsl/layout.h"
#include "model/model.h"

/// The writer behind emit(), one object a program. Seen by the emit*.cpp only.
namespace drey::glsl {

/// Accesses to a memory that the emitted code keeps in variables or a private array.
struct Uses {
  bool constant = true;             ///< every index is a constant
  bool accumulated = false;         ///< or loaded: an output that cannot be handed on at once
  std::set<std::int64_t> elements;  ///< the constants
};

/// Writes the body of model_run() front to back into one text, then what stands before it, which depends on what the
/// body turned out to need. Its parts write by line() and report what they wrote costs as a Count.
///
/// Names in the text: v3 a value, i2 a loop's index, m1 a memory (m1_4 its element 4, where each is a variable), a1 the
/// lanes' own parts of a sum into it, w u s c x vectors and numbers loaded, shared, moved between lanes, or kept.
///
/// The program is optimised already. Program, model and options outlive the writer.
class Emitter {
 public:
  Emitter(const model::Program& program, const model::Model& model, const EmitOptions& options);
  /// Once.
  /// \throws Error{out_of_range} for an integer beyond 32 bits
  Source run();

 private:
  /// What statements cost, of one model_run(): as in Source.
  struct Count {
    std::uint64_t trips = 0, operations = 0, shared_loads = 0, gathers = 0;
  };

  std::uint64_t real_bytes() const { return f64_ ? 8 : 4; }
  const char* vector_type(model::Type type) const {
    return type == model::Type::Integer ? "ivec4" : f64_ ? "dvec4" : "vec4";
  }
  void line(const std::string& code) {
    text_.append(static_cast<std::size_t>(indent_) * 2, ' ');
    text_ += code;
    text_ += '\n';
  }

  // ---- What a memory becomes: emit_memories.cpp.

  /// One access of the program to a memory.
  void note(model::MemoryId memory, model::ValueId index, bool accumulated);
  void find_uses(const model::Block& body);
  /// Whether each element is a variable of its own.
  bool in_variables(model::MemoryId m) const;
  /// Whether an output goes to the kernel as it is stored.
  bool handed_on(model::MemoryId m) const;
  /// An element as an assignable expression.
  std::string element(model::MemoryId m, model::ValueId index);
  void clear_array(const std::string& name, std::uint64_t size, const std::string& zero, Source& source);
  /// Declares and clears the memories; hands the results on.
  void begin(Source& source);
  void end(Source& source);

  // ---- Operands and right-hand sides: emit_values.cpp.

  /// Fills uniform_.
  void find_uniform();
  /// Whether every chain computes the same integer. Operands stand before what uses them, so this is known
  /// for all values before any text is made.
  bool uniform(model::ValueId id) const { return uniform_[id]; }
  /// A literal of the kernel's `real`.
  std::string number(double x) const;
  /// \throws Error{out_of_range}
  std::string sum(const Linear& l) const;
  /// An integer operand, ready to stand in an index or, in brackets, in an expression.
  std::string integer(model::ValueId id) const { return sum(linears_[id]); }
  std::string whole(model::ValueId id) const;
  std::string real(model::ValueId id) const;
  std::string load(const model::Value& v);
  std::string call(const model::Value& v) const;
  /// Whether an integer is a variable of its own, not a sum that stands where it is used.
  bool stands_alone(model::ValueId id) const { return linears_[id].factors.count(id) != 0; }
  /// The right-hand side of a Let; empty for sums of integers, which stand where they are used.
  std::string expression(model::ValueId id);

  // ---- Data, and loads that the lanes of a subgroup share: emit_data.cpp.

  /// A load's vector in the buffer and its component, when that is known.
  struct Aligned {
    std::uint32_t buffer = 0;
    Linear vector;
    std::int64_t component = 0;
  };
  std::optional<Aligned> aligned(const model::Value& v) const;
  /// The variable that holds this vector through a dispatch; empty: none does.
  std::string near(const Aligned& at, const std::string& key, const char* type);
  std::string data_load(const model::Value& v);
  /// Vectors of one buffer at one moving place, which a body reads at several distances.
  struct Group {
    std::set<std::int64_t> distances;
    std::map<std::int64_t, std::string> chunks;  ///< loaded already, by first distance
  };
  using Groups = std::map<std::string, Group>;
  static Linear without_constant(Linear l);
  std::string group_key(const Aligned& at) const;
  /// Notes what a body reads itself (not in bodies inside it).
  void find_groups(const model::Block& body);
  /// The vector as what another lane has loaded; empty when that does not pay.
  std::string shared_load(const Aligned& at, const char* type);

  // ---- Statements: emit_statements.cpp.

  /// Operations of one value, roughly.
  static std::uint64_t weight(const model::Value& v);
  /// Loop trips inside a function of the shader library.
  static std::uint64_t call_trips(const model::Value& v);
  Count block(const model::Block& body);
  Count statements(const model::Block& body);
  /// A block in braces of its own.
  Count scope(const model::Block& body);

  // ---- A chain's lanes: emit_lanes.cpp.

  /// The spread loop being written, and its slot: fixed, or the variable `k` between two bounds.
  struct SpreadLoop {
    model::LoopId loop = model::none;
    std::int64_t first = 0, last = 0;  ///< slots
    bool fixed = true;
    std::int64_t slot = 0;
    std::map<model::ValueId, std::string> loaded;  ///< by Let: what another lane holds
    /// What goes to another element than the trip's own, by memory and distance.
    std::map<std::pair<model::MemoryId, std::int64_t>, std::string> sent;
  };
  std::int64_t elements(model::MemoryId m) const {
    return static_cast<std::int64_t>(program_.memories[m].size);
  }
  std::string slot_array(model::MemoryId m) const;
  /// The slot `by` from the loop's own; empty where no lane has one.
  std::string slot(model::MemoryId m, std::int64_t by, bool clamped) const;
  /// Another lane's element, in uniform flow.
  std::string from_owner(model::MemoryId m, std::int64_t e) const;
  /// The whole point in every lane.
  void gather_point(std::uint64_t size, Source& source);
  /// A Spread or Whole memory, cleared: what lanes send one another is added.
  void begin_lanes(model::MemoryId m, Source& source);
  /// The gradient where the kernel looks for it.
  void end_lanes(model::MemoryId m, Source& source);
  /// Where an element of a memory that the lanes share is, or goes; empty for all others.
  std::string lane_element(model::MemoryId m, model::ValueId index);
  /// What stands before a write that one lane makes for all.
  std::string lane_guard(const model::Statement& s) const;
  /// What a statement writes to.
  std::string lane_target(const model::Statement& s);

  // ---- A loop spread over them: emit_spread.cpp.

  /// In uniform flow.
  Count spread_loop(const model::Statement& s);
  /// The trips of one slot: what they need of other lanes, the body, what they send to other lanes.
  Count spread_slot(const model::Statement& s, std::int64_t from, std::int64_t to);
  /// A number of the data that a lane's trip of a fixed slot always needs: read once a dispatch. Empty when the
  /// lane has no room, or the place depends on more than the trip.
  std::string kept_load(const model::Value& v);

  const model::Program& program_;
  const model::Model& model_;
  const EmitOptions& options_;
  bool f64_;
  Linears linears_;
  Layout layout_;
  std::vector<Uses> uses_;
  std::vector<bool> uniform_;  ///< by value
  bool has_target_ = false, has_gradient_ = false;
  std::string text_;
  int indent_ = 0;
  std::vector<std::map<std::string, std::string>> loads_;  ///< vectors already loaded, by open body
  std::uint64_t next_load_ = 0, shared_loads_ = 0;
  std::vector<Groups> groups_;    ///< by open body
  bool uniform_flow_ = true;      ///< all lanes of a subgroup are here
  std::optional<Lanes> lanes_;    ///< where a chain has a subgroup
  SpreadLoop* spread_ = nullptr;  ///< the loop being spread
  std::map<std::string, std::string>
      near_;  ///< variables that hold vectors through a dispatch, by the vector
  std::string prepared_, prepare_;
  std::uint32_t kept_ = 0;  ///< numbers of data held in registers
};

}  // namespace drey::glsl
