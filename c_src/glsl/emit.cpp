#include "glsl/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "error.h"
#include "glsl/lanes.h"
#include "glsl/layout.h"
#include "glsl/library.h"
#include "grad/optimise.h"
#include "model/functions.h"

namespace drey::glsl {

using namespace model;

namespace {

/// Loops of up to so many trips are written out (within limits on the text), longer ones over data are cut
/// into blocks of four.
constexpr grad::OptimiseOptions optimisation{
    .unroll_trips = 256, .unroll_values = 1024, .strip = 4, .strip_values = 1200};

/// The same for lanes that share a chain: outermost loops are left to be spread.
constexpr grad::OptimiseOptions lane_optimisation{
    .unroll_trips = 256, .unroll_values = 1024, .keep_trips = 4};

/// Statements that a spread loop may come to, written out for every slot.
constexpr std::uint64_t kSpreadStatements = 6000;

/// Truncation as the evaluator does it: 0 for NaN, the nearest integer for what is out of range.
constexpr const char* to_integer = R"(int drey_to_int(real x) {
  if (isnan(x)) return 0;
  if (x <= real(-2147483648.0)) return -2147483647 - 1;
  if (x >= real(2147483647.0)) return 2147483647;
  return int(x);
}
)";

/// Accesses to a memory that the emitted code keeps in variables or a private array.
struct Uses {
  bool constant = true;             ///< every index is a constant
  bool accumulated = false;         ///< or loaded: an output that cannot be handed on at once
  std::set<std::int64_t> elements;  ///< the constants
};

class Emitter {
 public:
  Emitter(const Program& program, const Model& model, const EmitOptions& options)
      : program_(program),
        model_(model),
        options_(options),
        f64_(options.precision == Precision::F64),
        linears_(program),
        layout_(program, linears_, options),
        uses_(program.memories.size()) {
    if (options.chain_lanes) lanes_.emplace(program, linears_, options.chain_lanes);
    find_uses(program.body);
    find_uniform();
    for (const Memory& m : program.memories) {
      has_target_ = has_target_ || m.space == Space::Target;
      has_gradient_ = has_gradient_ || m.space == Space::Gradient;
    }
  }

  Source run() {
    Source source;
    std::string body;
    loads_.emplace_back();
    indent_ = 1;
    begin(source);
    const Count count = block(program_.body);
    end(source);
    body = std::move(text_);
    text_.clear();
    source.trips += count.trips;
    source.operations = count.operations;
    source.shared_loads = count.shared_loads;
    source.gathers = count.gathers;

    if (options_.chain_lanes || body.find("subgroupShuffle(") != std::string::npos)
      text_ += "#extension GL_KHR_shader_subgroup_shuffle : require\n";
    text_ += "#include \"math.glsl\"\n";
    for (std::size_t i = 0; i < layout_.buffers().size(); ++i) {
      const Layout::Buffer& buffer = layout_.buffers()[i];
      const std::uint64_t vectors = std::max<std::uint64_t>(buffer.vectors, 1);
      DataBuffer made;
      made.binding = options_.first_binding + static_cast<std::uint32_t>(i);
      made.uniform = buffer.uniform;
      made.bytes = layout_.bytes(i, program_, model_.data, options_.precision);
      if (made.bytes.empty()) made.bytes.resize(f64_ ? 32 : 16);
      source.data.push_back(std::move(made));
      text_ += fmt::format("layout({}, set = 0, binding = {}) {} DreyData{} {{ {} drey_data{}[{}]; }};\n",
                           buffer.uniform ? "std140" : "std430", options_.first_binding + i,
                           buffer.uniform ? "uniform" : "readonly buffer", i, vector_type(buffer.type), i,
                           vectors);
    }
    const auto held =
        lanes_ ? static_cast<std::uint64_t>(lanes_->slots(model_.dimension)) : model_.dimension;
    text_ += fmt::format("real model_point[{}];\n", std::max<std::uint64_t>(held, 1));
    source.private_bytes += held * real_bytes();
    if (has_gradient_) {
      text_ += fmt::format("real model_gradient[{}];\n", std::max<std::uint64_t>(held, 1));
      source.private_bytes += held * real_bytes();
    }
    if (has_target_) text_ += "real model_target;\n";
    if (body.find("drey_to_int(") != std::string::npos) text_ += to_integer;
    if (lanes_) text_ += prepared_ + "void model_prepare() {\n" + prepare_ + "}\n";
    text_ += "void model_run() {\n" + body + "}\n";
    source.text = std::move(text_);
    return source;
  }

 private:
  struct Count {
    std::uint64_t trips = 0, operations = 0, shared_loads = 0, gathers = 0;
  };

  std::uint64_t real_bytes() const { return f64_ ? 8 : 4; }
  const char* vector_type(Type type) const {
    return type == Type::Integer ? "ivec4" : f64_ ? "dvec4" : "vec4";
  }
  void line(const std::string& code) {
    text_.append(static_cast<std::size_t>(indent_) * 2, ' ');
    text_ += code;
    text_ += '\n';
  }

  // ---- what a memory becomes

  void note(MemoryId memory, ValueId index, bool accumulated) {
    Uses& uses = uses_[memory];
    const Value& v = program_.values[index];
    if (v.op == Op::IntegerConstant)
      uses.elements.insert(v.integer);
    else
      uses.constant = false;
    uses.accumulated = uses.accumulated || accumulated;
  }

  void find_uses(const Block& body) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::Let && program_.values[s.value].op == Op::Load)
        note(program_.values[s.value].memory, program_.values[s.value].args[0], true);
      if (s.kind == StatementKind::Store || s.kind == StatementKind::Accumulate)
        note(s.memory, s.index, s.kind == StatementKind::Accumulate);
      find_uses(s.body), find_uses(s.otherwise);
    }
  }

  bool in_variables(MemoryId m) const {
    const Memory& memory = program_.memories[m];
    return uses_[m].constant && (memory.space == Space::Local || memory.space == Space::Gradient ||
                                 (memory.space == Space::Output && uses_[m].accumulated));
  }
  bool handed_on(MemoryId m) const {
    return program_.memories[m].space == Space::Output && !uses_[m].accumulated;
  }

  /// An element as an assignable expression.
  std::string element(MemoryId m, ValueId index) {
    const Memory& memory = program_.memories[m];
    if (lanes_)
      if (std::string spread = lane_element(m, index); !spread.empty()) return spread;
    if (memory.space == Space::Target) return "target";
    if (in_variables(m)) return fmt::format("m{}_{}", m, program_.values[index].integer);
    if (memory.space == Space::Gradient) return fmt::format("model_gradient[{}]", integer(index));
    return fmt::format("m{}[{}]", m, integer(index));
  }

  void begin(Source& source) {
    if (lanes_ && lanes_->whole_point()) {
      const auto point = std::find_if(program_.memories.begin(), program_.memories.end(),
                                      [](const Memory& m) { return m.space == Space::Point; });
      gather_point(point->size, source);
    }
    for (MemoryId m = 0; m < program_.memories.size(); ++m) {
      const Memory& memory = program_.memories[m];
      if (memory.space == Space::Point || memory.space == Space::Data) continue;
      if (memory.space == Space::Target) {
        line(fmt::format("real target = {};", number(0)));
        if (lanes_) line(fmt::format("real target_part = {};", number(0)));
        continue;
      }
      if (handed_on(m)) continue;
      const char* type = memory.type == Type::Real ? "real" : "int";
      const std::string zero = memory.type == Type::Real ? number(0) : "0";
      const bool clear = memory.space != Space::Local;
      if (lanes_ && lanes_->kind(m) != Lanes::Kind::Plain) {
        begin_lanes(m, source);
        continue;
      }
      if (in_variables(m)) {
        for (const std::int64_t at : uses_[m].elements)
          line(clear ? fmt::format("{} m{}_{} = {};", type, m, at, zero)
                     : fmt::format("{} m{}_{};", type, m, at));
        continue;
      }
      if (memory.space == Space::Gradient) {
        clear_array("model_gradient", lanes_ ? lanes_->slots(memory.size) : memory.size, zero, source);
        continue;
      }
      if (uses_[m].elements.empty() && uses_[m].constant) continue;  // never used
      line(fmt::format("{} m{}[{}];", type, m, std::max<std::uint64_t>(memory.size, 1)));
      source.private_bytes += memory.size * (memory.type == Type::Real ? real_bytes() : 4);
      if (clear) clear_array(fmt::format("m{}", m), memory.size, zero, source);
    }
  }

  void clear_array(const std::string& name, std::uint64_t size, const std::string& zero, Source& source) {
    if (size <= 64) {
      for (std::uint64_t i = 0; i < size; ++i) line(fmt::format("{}[{}] = {};", name, i, zero));
      return;
    }
    line(fmt::format("for (int i = 0; i < {}; ++i) {}[i] = {};", size, name, zero));
    source.trips += size + 1;
  }

  void end(Source& source) {
    for (MemoryId m = 0; m < program_.memories.size(); ++m) {
      const Memory& memory = program_.memories[m];
      if (memory.space == Space::Target)
        line(lanes_ ? "model_target = target + drey_lane_sum(target_part);" : "model_target = target;");
      if (memory.space == Space::Gradient && lanes_) {
        end_lanes(m, source);
        continue;
      }
      if (memory.space == Space::Gradient && in_variables(m)) {
        for (std::uint64_t i = 0; i < memory.size; ++i) {
          const bool set = uses_[m].elements.count(static_cast<std::int64_t>(i)) != 0;
          line(fmt::format("model_gradient[{}] = {};", i, set ? fmt::format("m{}_{}", m, i) : number(0)));
        }
      }
      if (memory.space == Space::Output && !handed_on(m)) {
        if (in_variables(m)) {
          for (const std::int64_t i : uses_[m].elements)
            line(fmt::format("model_output({}u, m{}_{});", i, m, i));
        } else {
          line(fmt::format("for (int i = 0; i < {}; ++i) model_output(uint(i), m{}[i]);", memory.size, m));
          source.trips += memory.size + 1;
        }
      }
    }
  }

  // ---- operands

  std::string number(double x) const {
    if (!f64_ && std::isfinite(x) && std::abs(x) > 3.4028234663852886e38) x = x > 0 ? INFINITY : -INFINITY;
    if (std::isnan(x)) return "DREY_NAN";
    if (std::isinf(x)) return x > 0 ? "DREY_INFINITY" : "(-DREY_INFINITY)";
    std::string text =
        f64_ ? fmt::format("{:.17g}", x) : fmt::format("{:.9g}", static_cast<double>(static_cast<float>(x)));
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    if (f64_) text += "lf";
    return std::signbit(x) ? "(" + text + ")" : text;
  }

  std::string sum(const Linear& l) const {
    const auto fits = [](std::int64_t x) { return x >= -2147483647 && x <= 2147483647; };
    bool all = fits(l.constant);
    for (const auto& [value, factor] : l.factors) all = all && fits(factor);
    if (!all)
      throw Error("out_of_range",
                  "an integer of the model does not fit 32 bits; make it smaller or make it real");
    std::string text;
    for (const auto& [value, factor] : l.factors) {
      const Value& v = program_.values[value];
      std::string name = v.op == Op::LoopIndex ? fmt::format("i{}", v.loop) : fmt::format("v{}", value);
      if (text.empty()) {
        text = factor == 1 ? name : fmt::format("{} * {}", name, factor);
      } else {
        const std::int64_t size = factor < 0 ? -factor : factor;
        text += factor < 0 ? " - " : " + ";
        text += size == 1 ? name : fmt::format("{} * {}", name, size);
      }
    }
    if (text.empty()) return std::to_string(l.constant);
    if (l.constant > 0) text += fmt::format(" + {}", l.constant);
    if (l.constant < 0) text += fmt::format(" - {}", -l.constant);
    return text;
  }

  /// An integer operand, ready to stand in an index or, in brackets, in an expression.
  std::string integer(ValueId id) const { return sum(linears_[id]); }
  std::string whole(ValueId id) const {
    const std::string text = integer(id);
    return text.find(' ') == std::string::npos && text[0] != '-' ? text : "(" + text + ")";
  }
  std::string real(ValueId id) const {
    const Value& v = program_.values[id];
    return v.op == Op::RealConstant ? number(v.number) : fmt::format("v{}", id);
  }

  // ---- statements

  /// A load's vector in the buffer and its component, when that is known.
  struct Aligned {
    std::uint32_t buffer = 0;
    Linear vector;
    std::int64_t component = 0;
  };
  std::optional<Aligned> aligned(const Value& v) const {
    const Linear at = layout_.position(program_, v.memory, linears_[v.args[0]]);
    if (at.constant < 0) return std::nullopt;
    Aligned found;
    for (const auto& [value, factor] : at.factors) {
      if (factor % 4 != 0) return std::nullopt;
      found.vector.factors[value] = factor / 4;
    }
    found.buffer = layout_.place(v.memory).buffer;
    found.vector.constant = at.constant / 4;
    found.component = at.constant % 4;
    return found;
  }

  std::string data_load(const Value& v) {
    if (spread_)
      if (std::string kept = kept_load(v); !kept.empty()) return kept;
    const auto found = aligned(v);
    if (!found) {
      const std::string position = sum(layout_.position(program_, v.memory, linears_[v.args[0]]));
      return fmt::format("drey_data{}[({}) >> 2][({}) & 3]", layout_.place(v.memory).buffer, position,
                         position);
    }
    const std::string key = fmt::format("drey_data{}[{}]", found->buffer, sum(found->vector));
    std::string name;
    for (const auto& scope : loads_)
      if (const auto known = scope.find(key); known != scope.end()) name = known->second;
    if (name.empty()) {
      name = fmt::format("w{}", next_load_++);
      const char* type = vector_type(program_.memories[v.memory].type);
      const std::string code = shared_load(*found, type);
      line(fmt::format("{} {} = {};", type, name, code.empty() ? key : code));
      loads_.back().emplace(key, name);
    }
    return fmt::format("{}.{}", name, "xyzw"[found->component]);
  }

  // ---- loads shared by the lanes of a subgroup

  /// Vectors of one buffer at one moving place, which a body reads at several distances.
  struct Group {
    std::set<std::int64_t> distances;
    std::map<std::int64_t, std::string> chunks;  ///< loaded already, by first distance
  };
  using Groups = std::map<std::string, Group>;

  static Linear without_constant(Linear l) {
    l.constant = 0;
    return l;
  }
  std::string group_key(const Aligned& at) const {
    return fmt::format("{} {}", at.buffer, sum(without_constant(at.vector)));
  }

  /// Notes what a body reads itself (not in bodies inside it).
  void find_groups(const Block& body) {
    groups_.emplace_back();
    if (options_.uniform_lanes < 2 || !uniform_flow_) return;
    for (const Statement& s : body) {
      if (s.kind != StatementKind::Let) continue;
      const Value& v = program_.values[s.value];
      if (v.op != Op::Load || program_.memories[v.memory].space != Space::Data || !uniform(v.args[0]))
        continue;
      const auto at = aligned(v);
      // A place that does not move is cheap to load from.
      if (at && !at->vector.factors.empty())
        groups_.back()[group_key(*at)].distances.insert(at->vector.constant);
    }
  }

  /// The vector as what another lane has loaded; empty when that does not pay.
  std::string shared_load(const Aligned& at, const char* type) {
    const auto found = groups_.back().find(group_key(at));
    if (found == groups_.back().end()) return {};
    Group& group = found->second;
    const auto lanes = static_cast<std::int64_t>(options_.uniform_lanes);
    // Chunks of as many vectors as there are lanes, each begun at the first that the one before leaves out.
    std::int64_t first = *group.distances.begin(), last = first;
    std::size_t members = 0;
    for (const std::int64_t distance : group.distances) {
      if (distance >= first + lanes) {
        if (at.vector.constant < first + lanes) break;
        first = distance;
        members = 0;
      }
      last = distance;
      ++members;
    }
    if (members < 3) return {};
    std::string& chunk = group.chunks[first];
    if (chunk.empty()) {
      chunk = fmt::format("u{}", next_load_++);
      Linear start = at.vector;
      start.constant = first;
      const std::string lane = last - first + 1 < lanes
                                   ? fmt::format("min(int(gl_SubgroupInvocationID), {})", last - first)
                                   : std::string("int(gl_SubgroupInvocationID)");
      line(fmt::format("{} {} = drey_data{}[{} + {}];", type, chunk, at.buffer, sum(start), lane));
    }
    ++shared_loads_;
    return fmt::format("subgroupShuffle({}, {}u)", chunk, at.vector.constant - first);
  }

  /// Whether every chain computes the same integer. Operands stand before what uses them, so this is known
  /// for all values before any text is made.
  bool uniform(ValueId id) const { return uniform_[id]; }

  void find_uniform() {
    uniform_.assign(program_.values.size(), false);
    for (ValueId id = 0; id < program_.values.size(); ++id) {
      const Value& v = program_.values[id];
      const auto operands = [&] {
        return std::all_of(v.args.begin(), v.args.end(), [this](ValueId arg) { return uniform(arg); });
      };
      if (v.type != Type::Integer || v.op == Op::LessR || v.op == Op::EqualR || v.op == Op::ToInteger)
        continue;
      if (v.op == Op::LoopIndex)
        uniform_[id] = uniform(program_.loops[v.loop].from) && uniform(program_.loops[v.loop].to);
      else if (v.op != Op::Load || program_.memories[v.memory].space == Space::Data)
        uniform_[id] = operands();
    }
  }

  std::string load(const Value& v) {
    if (spread_) {
      const auto known = spread_->loaded.find(static_cast<ValueId>(&v - program_.values.data()));
      if (known != spread_->loaded.end()) return known->second;
    }
    switch (program_.memories[v.memory].space) {
      case Space::Point:
        return lanes_ ? element(v.memory, v.args[0]) : fmt::format("model_point[{}]", integer(v.args[0]));
      case Space::Data:
        return data_load(v);
      default:
        return element(v.memory, v.args[0]);
    }
  }

  std::string call(const Value& v) const {
    const std::string& pattern = functions()[v.function].glsl;
    std::string code;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '$' && i + 1 < pattern.size()) {
        code += real(v.args.at(static_cast<std::size_t>(pattern[++i] - '0')));
      } else {
        code += pattern[i];
      }
    }
    return code;
  }

  /// Whether an integer is a variable of its own, not a sum that stands where it is used.
  bool stands_alone(ValueId id) const { return linears_[id].factors.count(id) != 0; }

  /// The right-hand side of a Let; empty for sums of integers, which stand where they are used.
  std::string expression(ValueId id) {
    const Value& v = program_.values[id];
    const auto infix = [&](const char* op) {
      return fmt::format("{} {} {}", whole(v.args[0]), op, whole(v.args[1]));
    };
    switch (v.op) {
      case Op::RealConstant:
      case Op::IntegerConstant:
      case Op::LoopIndex:
        return {};
      case Op::AddI:
        return stands_alone(id) ? infix("+") : "";
      case Op::SubI:
        return stands_alone(id) ? infix("-") : "";
      case Op::MulI:
        return stands_alone(id) ? infix("*") : "";
      case Op::DivI:
        return infix("/");
      case Op::ModI:
        return infix("%");
      case Op::MinI:
        return fmt::format("min({}, {})", integer(v.args[0]), integer(v.args[1]));
      case Op::MaxI:
        return fmt::format("max({}, {})", integer(v.args[0]), integer(v.args[1]));
      case Op::LessI:
        return fmt::format("int({})", infix("<"));
      case Op::EqualI:
        return fmt::format("int({})", infix("=="));
      case Op::NotI:
        return fmt::format("int({} == 0)", whole(v.args[0]));
      case Op::LessR:
        return fmt::format("int({} < {})", real(v.args[0]), real(v.args[1]));
      case Op::EqualR:
        return fmt::format("int({} == {})", real(v.args[0]), real(v.args[1]));
      case Op::ToReal:
        return fmt::format("real({})", integer(v.args[0]));
      case Op::ToInteger:
        return fmt::format("drey_to_int({})", real(v.args[0]));
      case Op::Load:
        return load(v);
      case Op::Call:
        return call(v);
      case Op::Select:
        return fmt::format("({} != 0) ? {} : {}", whole(v.args[0]), real(v.args[1]), real(v.args[2]));
      case Op::StopGradient:
        return real(v.args[0]);
      case Op::Random:
        return "model_random()";
    }
    return {};
  }

  static std::uint64_t weight(const Value& v) {
    if (v.op != Op::Call) return v.op == Op::Load ? 1 : 0;
    const std::string& glsl = functions()[v.function].glsl;
    return glsl.find("drey_") == std::string::npos ? 1 : 12;
  }

  Count block(const Block& body) {
    find_groups(body);
    const Count count = statements(body);
    groups_.pop_back();
    return count;
  }

  Count statements(const Block& body) {
    Count count;
    for (const Statement& s : body) {
      switch (s.kind) {
        case StatementKind::Let: {
          const Value& v = program_.values[s.value];
          const std::uint64_t shared_before = shared_loads_;
          const std::string code = expression(s.value);
          count.shared_loads += shared_loads_ - shared_before;
          if (spread_ && v.op == Op::Load && code.find("drey_data") != std::string::npos) ++count.gathers;
          if (code.empty()) break;
          line(fmt::format("{} v{} = {};", v.type == Type::Real ? "real" : "int", s.value, code));
          count.operations += weight(v);
          count.trips += call_trips(v);
          break;
        }
        case StatementKind::Store:
        case StatementKind::Accumulate: {
          const bool real_value = program_.memories[s.memory].type == Type::Real;
          const std::string value = real_value ? real(s.value) : integer(s.value);
          const std::string guard = lanes_ ? lane_guard(s) : std::string();
          if (handed_on(s.memory))
            line(fmt::format("model_output(uint({}), {});", integer(s.index),
                             real_value ? value : fmt::format("real({})", value)));
          else
            line(fmt::format("{}{} {} {};", guard, lane_target(s),
                             s.kind == StatementKind::Store ? "=" : "+=", value));
          count.operations += 1;
          break;
        }
        case StatementKind::For: {
          const Loop& loop = program_.loops[s.loop];
          if (lanes_ && !spread_ && lanes_->spread(s.loop)) {
            const Count all = spread_loop(s);
            count.trips += all.trips;
            count.operations += all.operations;
            count.gathers += all.gathers;
            break;
          }
          line(fmt::format("for (int i{0} = {1}; i{0} < {2}; ++i{0}) {{", s.loop, integer(loop.from),
                           integer(loop.to)));
          const bool flow = uniform_flow_;
          uniform_flow_ = flow && uniform(loop.from) && uniform(loop.to);
          const Count inner = scope(s.body);
          uniform_flow_ = flow;
          line("}");
          count.trips += loop.max_trips + 1 + loop.max_trips * inner.trips;
          count.operations += loop.max_trips * inner.operations;
          count.shared_loads += loop.max_trips * inner.shared_loads;
          count.gathers += loop.max_trips * inner.gathers;
          break;
        }
        case StatementKind::If: {
          line(fmt::format("if ({} != 0) {{", whole(s.value)));
          const bool flow = uniform_flow_;
          uniform_flow_ = flow && uniform(s.value);
          Count inner = scope(s.body);
          if (!s.otherwise.empty()) {
            line("} else {");
            const Count other = scope(s.otherwise);
            inner.trips = std::max(inner.trips, other.trips);
            inner.operations = std::max(inner.operations, other.operations);
            inner.shared_loads = std::max(inner.shared_loads, other.shared_loads);
            inner.gathers = std::max(inner.gathers, other.gathers);
          }
          uniform_flow_ = flow;
          line("}");
          count.trips += inner.trips;
          count.operations += inner.operations;
          count.shared_loads += inner.shared_loads;
          count.gathers += inner.gathers;
          break;
        }
      }
    }
    return count;
  }

  Count scope(const Block& body) {
    loads_.emplace_back();
    ++indent_;
    const Count count = block(body);
    --indent_;
    loads_.pop_back();
    return count;
  }

  // ---- a chain's work spread over the lanes of its subgroup

  /// The spread loop being written, and its slot: fixed, or the variable `k` between two bounds.
  struct SpreadLoop {
    LoopId loop = none;
    std::int64_t first = 0, last = 0;  ///< slots
    bool fixed = true;
    std::int64_t slot = 0;
    std::map<ValueId, std::string> loaded;  ///< by Let: what another lane holds
    /// What goes to another element than the trip's own, by memory and distance.
    std::map<std::pair<MemoryId, std::int64_t>, std::string> sent;
  };

  std::int64_t elements(MemoryId m) const { return static_cast<std::int64_t>(program_.memories[m].size); }
  std::string slot_array(MemoryId m) const {
    switch (program_.memories[m].space) {
      case Space::Point:
        return "model_point";
      case Space::Gradient:
        return "model_gradient";
      default:
        return fmt::format("m{}", m);
    }
  }
  /// The slot `by` from the loop's own; empty where no lane has one.
  std::string slot(MemoryId m, std::int64_t by, bool clamped) const {
    const std::int64_t count = lanes_->slots(program_.memories[m].size);
    const SpreadLoop& at = *spread_;
    if (at.fixed) {
      const std::int64_t k = at.slot + by;
      return k < 0 || k >= count ? std::string() : fmt::format("{}[{}]", slot_array(m), k);
    }
    const std::string k = by == 0 ? "k" : fmt::format("k + {}", by);
    const bool inside = at.first + by >= 0 && at.last - 1 + by < count;
    return clamped && !inside ? fmt::format("{}[clamp({}, 0, {})]", slot_array(m), k, count - 1)
                              : fmt::format("{}[{}]", slot_array(m), k);
  }
  std::string from_owner(MemoryId m, std::int64_t e) const {
    return fmt::format("subgroupShuffle({}[{}], {}u)", slot_array(m), e / lanes_->lanes(),
                       e % lanes_->lanes());
  }

  void gather_point(std::uint64_t size, Source& source) {
    const std::int64_t slots = lanes_->slots(size), lanes = lanes_->lanes();
    line(fmt::format("real point_whole[{}];", slots * lanes));
    source.private_bytes += static_cast<std::uint64_t>(slots * lanes) * real_bytes();
    const bool loop = slots > 32;
    if (loop) {
      line(fmt::format("for (int k = 0; k < {}; ++k) {{", slots));
      source.trips += static_cast<std::uint64_t>(slots) + 1;
    }
    for (std::int64_t k = 0; k < (loop ? 1 : slots); ++k)
      for (std::int64_t l = 0; l < lanes; ++l)
        line(loop ? fmt::format("point_whole[k * {} + {}] = subgroupShuffle(model_point[k], {}u);", lanes, l, l)
                  : fmt::format("point_whole[{}] = subgroupShuffle(model_point[{}], {}u);", k * lanes + l, k, l));
    if (loop) line("}");
  }

  /// A Spread or Whole memory, cleared: what lanes send one another is added.
  void begin_lanes(MemoryId m, Source& source) {
    const Memory& memory = program_.memories[m];
    const char* type = memory.type == Type::Real ? "real" : "int";
    const std::string zero = memory.type == Type::Real ? number(0) : "0";
    const bool spread = lanes_->kind(m) == Lanes::Kind::Spread;
    const std::uint64_t size = std::max<std::uint64_t>(
        1, spread ? static_cast<std::uint64_t>(lanes_->slots(memory.size)) : memory.size);
    if (!(spread && memory.space == Space::Gradient)) {
      line(fmt::format("{} m{}[{}];", type, m, size));
      source.private_bytes += size * (memory.type == Type::Real ? real_bytes() : 4);
    }
    clear_array(spread ? slot_array(m) : fmt::format("m{}", m), size, zero, source);
    if (!spread && memory.type == Type::Real) {
      line(fmt::format("real a{}[{}];", m, size));
      source.private_bytes += size * real_bytes();
    }
  }

  /// The gradient where the kernel looks for it.
  void end_lanes(MemoryId m, Source& source) {
    const std::int64_t size = elements(m), lanes = lanes_->lanes(), slots = lanes_->slots(program_.memories[m].size);
    if (lanes_->kind(m) == Lanes::Kind::Spread) return;
    if (lanes_->kind(m) == Lanes::Kind::Whole) {
      const auto own = [&](const std::string& k) {
        line(fmt::format("model_gradient[{0}] = m{1}[min({0} * {2} + int(gl_SubgroupInvocationID), {3})];", k, m,
                         lanes, size - 1));
      };
      if (slots <= 64) {
        for (std::int64_t k = 0; k < slots; ++k) own(std::to_string(k));
      } else {
        line(fmt::format("for (int k = 0; k < {}; ++k) {{", slots));
        own("k");
        line("}");
        source.trips += static_cast<std::uint64_t>(slots) + 1;
      }
      line(fmt::format("if ({} + int(gl_SubgroupInvocationID) >= {}) model_gradient[{}] = {};", (slots - 1) * lanes,
                       size, slots - 1, number(0)));
      return;
    }
    for (std::int64_t k = 0; k < slots; ++k) line(fmt::format("model_gradient[{}] = {};", k, number(0)));
    for (const std::int64_t e : uses_[m].elements)
      line(fmt::format("if (gl_SubgroupInvocationID == {}u) model_gradient[{}] = m{}_{};", e % lanes, e / lanes, m,
                       e));
  }

  /// Where an element of a memory that the lanes share is, or goes; empty for all others.
  std::string lane_element(MemoryId m, ValueId index) {
    const Lanes::Kind kind = lanes_->kind(m);
    const auto constant = lanes_->constant(index);
    if (kind == Lanes::Kind::Plain) return {};
    if (kind == Lanes::Kind::Spread) {
      if (spread_)
        if (const auto by = lanes_->distance(index, spread_->loop); by && *by == 0) return slot(m, 0, false);
      if (constant && !spread_) return from_owner(m, *constant);
    }
    if (program_.memories[m].space == Space::Point) return fmt::format("point_whole[{}]", integer(index));
    return fmt::format("m{}[{}]", m, integer(index));
  }

  /// What stands before a write that one lane makes for all.
  std::string lane_guard(const Statement& s) const {
    if (spread_ || lanes_->kind(s.memory) != Lanes::Kind::Spread) return {};
    return fmt::format("if (gl_SubgroupInvocationID == {}u) ", *lanes_->constant(s.index) % lanes_->lanes());
  }

  /// What a statement writes to.
  std::string lane_target(const Statement& s) {
    if (!lanes_) return element(s.memory, s.index);
    const MemoryId m = s.memory;
    const auto constant = lanes_->constant(s.index);
    const Lanes::Kind kind = lanes_->kind(m);
    if (!spread_) {
      if (kind != Lanes::Kind::Spread) return element(m, s.index);
      return fmt::format("{}[{}]", slot_array(m), *constant / lanes_->lanes());
    }
    if (program_.memories[m].space == Space::Target) return "target_part";
    if (!lanes_->written(spread_->loop).count(m)) return element(m, s.index);  // the trip's own
    if (kind == Lanes::Kind::Whole) return fmt::format("a{}[{}]", m, integer(s.index));
    if (constant) return fmt::format("a{}_{}", m, *constant);
    const std::int64_t by = *lanes_->distance(s.index, spread_->loop);
    return by == 0 ? element(m, s.index) : spread_->sent.at({m, by});
  }

  template <typename Visit>
  static void each_statement(const Block& body, const Visit& visit) {
    for (const Statement& s : body) {
      visit(s);
      each_statement(s.body, visit);
      each_statement(s.otherwise, visit);
    }
  }

  Count spread_loop(const Statement& s) {
    const Loop& loop = program_.loops[s.loop];
    const std::int64_t lanes = lanes_->lanes(), anchor = lanes_->anchor(s.loop),
                       from = program_.values[loop.from].integer, to = program_.values[loop.to].integer;
    const auto floor_slot = [&](std::int64_t e) { return (e >= 0 ? e : e - lanes + 1) / lanes; };
    SpreadLoop at;
    at.loop = s.loop;
    at.first = floor_slot(from + anchor);
    at.last = floor_slot(to - 1 + anchor) + 1;
    std::uint64_t statements = 0;
    std::map<MemoryId, std::set<std::int64_t>> parts;  // constant elements that the trips add to
    std::set<MemoryId> whole;
    Count count;
    each_statement(s.body, [&](const Statement& inner) {
      ++statements;
      if (inner.kind == StatementKind::Let) {
        const Value& v = program_.values[inner.value];
        if (v.op != Op::Load || lanes_->kind(v.memory) != Lanes::Kind::Spread) return;
        if (const auto e = lanes_->constant(v.args[0])) {
          at.loaded[inner.value] = fmt::format("s{}", next_load_++);
          line(fmt::format("const real {} = {};", at.loaded[inner.value], from_owner(v.memory, *e)));
        }
      } else if (inner.kind == StatementKind::Store || inner.kind == StatementKind::Accumulate) {
        if (!lanes_->written(s.loop).count(inner.memory)) return;
        const auto e = lanes_->constant(inner.index);
        if (lanes_->kind(inner.memory) == Lanes::Kind::Whole)
          whole.insert(inner.memory);
        else if (e)
          parts[inner.memory].insert(*e);
      }
    });
    for (const auto& [m, es] : parts)
      for (const std::int64_t e : es) line(fmt::format("real a{}_{} = {};", m, e, number(0)));
    Source cleared;
    for (const MemoryId m : whole)
      clear_array(fmt::format("a{}", m), program_.memories[m].size, number(0), cleared);
    count.trips += cleared.trips;

    const auto slots = static_cast<std::uint64_t>(at.last - at.first);
    at.fixed = slots * statements <= kSpreadStatements;
    spread_ = &at;
    Count inner;
    if (at.fixed) {
      for (at.slot = at.first; at.slot < at.last; ++at.slot) inner = spread_slot(s, from, to);
      count.trips += slots * inner.trips;
    } else {
      line(fmt::format("for (int k = {}; k < {}; ++k) {{", at.first, at.last));
      inner = spread_slot(s, from, to);
      line("}");
      count.trips += slots * (1 + inner.trips) + 1;
    }
    count.operations += slots * inner.operations;
    count.gathers += slots * inner.gathers;
    spread_ = nullptr;

    for (const auto& [m, es] : parts)
      for (const std::int64_t e : es) {
        const std::string sum = fmt::format("drey_lane_sum(a{}_{})", m, e);
        if (lanes_->kind(m) == Lanes::Kind::Spread)
          line(fmt::format("{{ const real sum = {}; if (gl_SubgroupInvocationID == {}u) {}[{}] += sum; }}", sum,
                           e % lanes, slot_array(m), e / lanes));
        else
          line(fmt::format("m{}_{} += {};", m, e, sum));
        count.operations += 6;
      }
    for (const MemoryId m : whole) {
      const std::uint64_t size = program_.memories[m].size;
      if (size <= 64) {
        for (std::uint64_t e = 0; e < size; ++e) line(fmt::format("m{0}[{1}] += drey_lane_sum(a{0}[{1}]);", m, e));
      } else {
        line(fmt::format("for (int e = 0; e < {1}; ++e) m{0}[e] += drey_lane_sum(a{0}[e]);", m, size));
        count.trips += size + 1;
      }
      count.operations += 8 * size;
    }
    return count;
  }

  /// The trips of one slot: what they need of other lanes, the body, what they send to other lanes.
  Count spread_slot(const Statement& s, std::int64_t from, std::int64_t to) {
    SpreadLoop& at = *spread_;
    const std::int64_t lanes = lanes_->lanes(), anchor = lanes_->anchor(s.loop);
    const std::map<ValueId, std::string> before = at.loaded;
    at.sent.clear();
    line("{");
    ++indent_;
    // A distance as whole slots and the lanes left over.
    const auto whole_slots = [&](std::int64_t by) { return (by >= 0 ? by : by - lanes + 1) / lanes; };
    std::uint64_t moves = 0;
    each_statement(s.body, [&](const Statement& inner) {
      if (inner.kind == StatementKind::Let) {
        const Value& v = program_.values[inner.value];
        if (v.op != Op::Load || lanes_->kind(v.memory) != Lanes::Kind::Spread || at.loaded.count(inner.value)) return;
        const auto by = lanes_->distance(v.args[0], s.loop);
        if (!by || *by == 0) return;
        const std::int64_t q = whole_slots(*by), r = *by - q * lanes;
        const auto moved = [&](std::int64_t k) {
          const std::string held = slot(v.memory, k, true);
          if (held.empty()) return number(0);
          if (r == 0) return held;
          return fmt::format("subgroupShuffle({}, (gl_SubgroupInvocationID + {}u) & {}u)", held, r, lanes - 1);
        };
        const std::string name = fmt::format("s{}", next_load_++);
        if (r == 0)
          line(fmt::format("const real {} = {};", name, moved(q)));
        else
          line(fmt::format("const real {}a = {}, {}b = {}, {} = gl_SubgroupInvocationID < {}u ? {}a : {}b;", name,
                           moved(q), name, moved(q + 1), name, lanes - r, name, name));
        at.loaded[inner.value] = name;
        moves += 3;
      } else if (inner.kind == StatementKind::Store || inner.kind == StatementKind::Accumulate) {
        if (!lanes_->written(s.loop).count(inner.memory) || lanes_->kind(inner.memory) != Lanes::Kind::Spread) return;
        const auto by = lanes_->distance(inner.index, s.loop);
        if (!by || *by == 0 || at.sent.count({inner.memory, *by})) return;
        const std::string name = fmt::format("c{}", next_load_++);
        line(fmt::format("real {} = {};", name, number(0)));
        at.sent[{inner.memory, *by}] = name;
      }
    });
    line(at.fixed ? fmt::format("const int i{} = int(gl_SubgroupInvocationID) + {};", s.loop, at.slot * lanes - anchor)
                  : fmt::format("const int i{} = int(gl_SubgroupInvocationID) + k * {} + {};", s.loop, lanes, -anchor));
    const std::int64_t first = at.slot * lanes - anchor;
    const bool all = at.fixed && first >= from && first + lanes <= to;
    line(all ? "{" : fmt::format("if (i{0} >= {1} && i{0} < {2}) {{", s.loop, from, to));
    Count count = scope(s.body);
    line("}");
    for (const auto& [to_where, name] : at.sent) {
      const auto& [m, by] = to_where;
      const std::int64_t q = whole_slots(by), r = by - q * lanes;
      const auto give = [&](std::int64_t k, const std::string& what) {
        const std::string held = slot(m, k, false);
        if (held.empty()) return;
        const std::int64_t slots = lanes_->slots(program_.memories[m].size);
        const bool inside = at.fixed || (at.first + k >= 0 && at.last - 1 + k < slots);
        line(fmt::format("{}{} += {};", inside ? "" : fmt::format("if (k + {0} >= 0 && k + {0} < {1}) ", k, slots), held,
                         what));
      };
      moves += 4;
      if (r == 0) {
        give(q, name);
        continue;
      }
      line(fmt::format("const real {0}m = subgroupShuffle({0}, (gl_SubgroupInvocationID + {1}u) & {2}u);", name,
                       lanes - r, lanes - 1));
      give(q, fmt::format("gl_SubgroupInvocationID >= {1}u ? {0}m : {2}", name, r, number(0)));
      give(q + 1, fmt::format("gl_SubgroupInvocationID < {1}u ? {0}m : {2}", name, r, number(0)));
    }
    --indent_;
    line("}");
    at.loaded = before;
    count.operations += moves;
    return count;
  }

  /// A number of the data that a lane's trip of a fixed slot always needs: read once a dispatch. Empty when the
  /// lane has no room, or the place depends on more than the trip.
  std::string kept_load(const Value& v) {
    if (!spread_->fixed || kept_ >= options_.lane_values) return {};
    const Linear& index = linears_[v.args[0]];
    for (const auto& [value, factor] : index.factors) {
      const Value& f = program_.values[value];
      if (f.op != Op::LoopIndex || f.loop != spread_->loop) return {};
    }
    if (index.factors.empty()) return {};
    ++kept_;
    const std::string name = fmt::format("x{}", kept_);
    const bool real_value = program_.memories[v.memory].type == Type::Real;
    const Loop& loop = program_.loops[spread_->loop];
    const std::string position = sum(layout_.position(program_, v.memory, index));
    prepared_ += fmt::format("{} {};\n", real_value ? "real" : "int", name);
    prepare_ += fmt::format(
        "  {{ const int i{0} = clamp(int(gl_SubgroupInvocationID) + {1}, {2}, {3}); {4} = drey_data{5}[({6}) >> 2][({6}) "
        "& 3]; }}\n",
        spread_->loop, spread_->slot * lanes_->lanes() - lanes_->anchor(spread_->loop),
        program_.values[loop.from].integer, program_.values[loop.to].integer - 1, name,
        layout_.place(v.memory).buffer, position);
    return name;
  }

  /// Loop trips inside a function of the shader library.
  static std::uint64_t call_trips(const Value& v) {
    return v.op == Op::Call ? library_trips(functions()[v.function].name) : 0;
  }

  const Program& program_;
  const Model& model_;
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
  std::vector<Groups> groups_;  ///< by open body
  bool uniform_flow_ = true;    ///< all lanes of a subgroup are here
  std::optional<Lanes> lanes_;    ///< where a chain has a subgroup
  SpreadLoop* spread_ = nullptr;  ///< the loop being spread
  std::string prepared_, prepare_;
  std::uint32_t kept_ = 0;  ///< numbers of data held in registers
};

}  // namespace

Source emit(const Program& program, const Model& model, const EmitOptions& options) {
  const Program lean = grad::optimise(program, options.chain_lanes ? lane_optimisation : optimisation);
  return Emitter(lean, model, options).run();
}

}  // namespace drey::glsl
