#include <algorithm>

#include "glsl/emitter.h"
#include "glsl/library.h"
#include "model/functions.h"

// Statements, and what they cost.
namespace drey::glsl {

using namespace model;

std::uint64_t Emitter::weight(const Value& v) {
  if (v.op != Op::Call) return v.op == Op::Load ? 1 : 0;
  const std::string& glsl = functions()[v.function].glsl;
  return glsl.find("drey_") == std::string::npos ? 1 : 12;
}

std::uint64_t Emitter::call_trips(const Value& v) {
  return v.op == Op::Call ? library_trips(functions()[v.function].name) : 0;
}

Emitter::Count Emitter::block(const Block& body) {
  find_groups(body);
  const Count count = statements(body);
  groups_.pop_back();
  return count;
}

Emitter::Count Emitter::statements(const Block& body) {
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

Emitter::Count Emitter::scope(const Block& body) {
  loads_.emplace_back();
  ++indent_;
  const Count count = block(body);
  --indent_;
  loads_.pop_back();
  return count;
}

}  // namespace drey::glsl
