#include "glsl/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "error.h"
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

    if (body.find("subgroupShuffle(") != std::string::npos)
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
    text_ += fmt::format("real model_point[{}];\n", std::max<std::uint64_t>(model_.dimension, 1));
    source.private_bytes += model_.dimension * real_bytes();
    if (has_gradient_) {
      text_ += fmt::format("real model_gradient[{}];\n", std::max<std::uint64_t>(model_.dimension, 1));
      source.private_bytes += model_.dimension * real_bytes();
    }
    if (has_target_) text_ += "real model_target;\n";
    if (body.find("drey_to_int(") != std::string::npos) text_ += to_integer;
    text_ += "void model_run() {\n" + body + "}\n";
    source.text = std::move(text_);
    return source;
  }

 private:
  struct Count {
    std::uint64_t trips = 0, operations = 0, shared_loads = 0;
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
    if (memory.space == Space::Target) return "target";
    if (in_variables(m)) return fmt::format("m{}_{}", m, program_.values[index].integer);
    if (memory.space == Space::Gradient) return fmt::format("model_gradient[{}]", integer(index));
    return fmt::format("m{}[{}]", m, integer(index));
  }

  void begin(Source& source) {
    for (MemoryId m = 0; m < program_.memories.size(); ++m) {
      const Memory& memory = program_.memories[m];
      if (memory.space == Space::Point || memory.space == Space::Data) continue;
      if (memory.space == Space::Target) {
        line(fmt::format("real target = {};", number(0)));
        continue;
      }
      if (handed_on(m)) continue;
      const char* type = memory.type == Type::Real ? "real" : "int";
      const std::string zero = memory.type == Type::Real ? number(0) : "0";
      const bool clear = memory.space != Space::Local;
      if (in_variables(m)) {
        for (const std::int64_t at : uses_[m].elements)
          line(clear ? fmt::format("{} m{}_{} = {};", type, m, at, zero)
                     : fmt::format("{} m{}_{};", type, m, at));
        continue;
      }
      if (memory.space == Space::Gradient) {
        clear_array("model_gradient", memory.size, zero, source);
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
      if (memory.space == Space::Target) line("model_target = target;");
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
    switch (program_.memories[v.memory].space) {
      case Space::Point:
        return fmt::format("model_point[{}]", integer(v.args[0]));
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
          if (handed_on(s.memory))
            line(fmt::format("model_output(uint({}), {});", integer(s.index),
                             real_value ? value : fmt::format("real({})", value)));
          else
            line(fmt::format("{} {} {};", element(s.memory, s.index),
                             s.kind == StatementKind::Store ? "=" : "+=", value));
          count.operations += 1;
          break;
        }
        case StatementKind::For: {
          const Loop& loop = program_.loops[s.loop];
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
          }
          uniform_flow_ = flow;
          line("}");
          count.trips += inner.trips;
          count.operations += inner.operations;
          count.shared_loads += inner.shared_loads;
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
};

}  // namespace

Source emit(const Program& program, const Model& model, const EmitOptions& options) {
  const Program lean = grad::optimise(program, optimisation);
  return Emitter(lean, model, options).run();
}

}  // namespace drey::glsl
