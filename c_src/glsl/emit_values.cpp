#include <algorithm>
#include <cmath>

#include "error.h"
#include "glsl/emitter.h"
#include "model/functions.h"

// Operands and right-hand sides.
namespace drey::glsl {

using namespace model;

void Emitter::find_uniform() {
  uniform_.assign(program_.values.size(), false);
  for (ValueId id = 0; id < program_.values.size(); ++id) {
    const Value& v = program_.values[id];
    const auto operands = [&] {
      return std::all_of(v.args.begin(), v.args.end(), [this](ValueId arg) { return uniform(arg); });
    };
    if (v.type != Type::Integer || v.op == Op::LessR || v.op == Op::EqualR || v.op == Op::ToInteger) continue;
    if (v.op == Op::LoopIndex)
      uniform_[id] = uniform(program_.loops[v.loop].from) && uniform(program_.loops[v.loop].to);
    else if (v.op != Op::Load || program_.memories[v.memory].space == Space::Data)
      uniform_[id] = operands();
  }
}

std::string Emitter::number(double x) const {
  if (!f64_ && std::isfinite(x) && std::abs(x) > 3.4028234663852886e38) x = x > 0 ? INFINITY : -INFINITY;
  if (std::isnan(x)) return "DREY_NAN";
  if (std::isinf(x)) return x > 0 ? "DREY_INFINITY" : "(-DREY_INFINITY)";
  std::string text =
      f64_ ? fmt::format("{:.17g}", x) : fmt::format("{:.9g}", static_cast<double>(static_cast<float>(x)));
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  if (f64_) text += "lf";
  return std::signbit(x) ? "(" + text + ")" : text;
}

std::string Emitter::sum(const Linear& l) const {
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

std::string Emitter::whole(ValueId id) const {
  const std::string text = integer(id);
  return text.find(' ') == std::string::npos && text[0] != '-' ? text : "(" + text + ")";
}

std::string Emitter::real(ValueId id) const {
  const Value& v = program_.values[id];
  return v.op == Op::RealConstant ? number(v.number) : fmt::format("v{}", id);
}

std::string Emitter::load(const Value& v) {
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

std::string Emitter::call(const Value& v) const {
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

std::string Emitter::expression(ValueId id) {
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

}  // namespace drey::glsl
