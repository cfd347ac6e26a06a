#include "model/program.h"

#include <cstring>

#include <fmt/format.h>

#include "error.h"
#include "model/functions.h"

namespace drey::model {
namespace {

constexpr const char* op_names[] = {"real", "integer", "index",         "addi",    "subi",       "muli",
                                    "divi", "modi",    "mini",          "maxi",    "lessi",      "equali",
                                    "noti", "lessr",   "equalr",        "to_real", "to_integer", "load",
                                    "call", "select",  "stop_gradient", "random"};
constexpr const char* space_names[] = {"point", "target", "gradient", "output", "local", "data"};

[[noreturn]] void broken(const std::string& what) { throw Error("internal", "program: " + what); }

class Validator {
 public:
  explicit Validator(const Program& p)
      : p_(p),
        visible_(p.values.size()),
        open_(p.loops.size()),
        let_(p.values.size()),
        looped_(p.loops.size()) {}

  void run() {
    for (const Value& value : p_.values) shape(value);
    block(p_.body);
  }

 private:
  void shape(const Value& v) {
    auto count = [&](std::size_t n) {
      if (v.args.size() != n)
        broken(fmt::format("{} has {} arguments", op_names[static_cast<int>(v.op)], v.args.size()));
    };
    for (ValueId arg : v.args)
      if (arg >= p_.values.size()) broken("an argument that is no value");
    auto type = [&](std::size_t i, Type t) {
      if (p_.values[v.args[i]].type != t)
        broken(fmt::format("{}: argument {} has the wrong type", op_names[static_cast<int>(v.op)], i));
    };
    auto result = [&](Type t) {
      if (v.type != t) broken(fmt::format("{} has the wrong type", op_names[static_cast<int>(v.op)]));
    };
    switch (v.op) {
      case Op::RealConstant:
        count(0);
        result(Type::Real);
        break;
      case Op::IntegerConstant:
        count(0);
        result(Type::Integer);
        break;
      case Op::LoopIndex:
        count(0);
        result(Type::Integer);
        if (v.loop >= p_.loops.size()) broken("an index of no loop");
        break;
      case Op::AddI:
      case Op::SubI:
      case Op::MulI:
      case Op::DivI:
      case Op::ModI:
      case Op::MinI:
      case Op::MaxI:
      case Op::LessI:
      case Op::EqualI:
        count(2);
        type(0, Type::Integer), type(1, Type::Integer), result(Type::Integer);
        break;
      case Op::NotI:
        count(1);
        type(0, Type::Integer), result(Type::Integer);
        break;
      case Op::LessR:
      case Op::EqualR:
        count(2);
        type(0, Type::Real), type(1, Type::Real), result(Type::Integer);
        break;
      case Op::ToReal:
        count(1);
        type(0, Type::Integer), result(Type::Real);
        break;
      case Op::ToInteger:
        count(1);
        type(0, Type::Real), result(Type::Integer);
        break;
      case Op::Load:
        count(1);
        type(0, Type::Integer);
        if (v.memory >= p_.memories.size()) broken("a load from no memory");
        result(p_.memories[v.memory].type);
        break;
      case Op::Call:
        if (v.function >= functions().size()) broken("a call of no function");
        count(static_cast<std::size_t>(functions()[v.function].arity));
        for (std::size_t i = 0; i < v.args.size(); ++i) type(i, Type::Real);
        result(Type::Real);
        break;
      case Op::Select:
        count(3);
        type(0, Type::Integer), type(1, v.type), type(2, v.type);
        break;
      case Op::StopGradient:
        count(1);
        type(0, Type::Real), result(Type::Real);
        break;
      case Op::Random:
        count(0);
        result(Type::Real);
        break;
    }
  }

  bool known(ValueId id) const {
    const Value& v = p_.values[id];
    if (v.op == Op::RealConstant || v.op == Op::IntegerConstant) return true;
    if (v.op == Op::LoopIndex) return open_[v.loop];
    return visible_[id];
  }
  void use(ValueId id, Type type, const char* what) {
    if (id >= p_.values.size()) broken(fmt::format("{} names no value", what));
    if (!known(id)) broken(fmt::format("{} uses %{} outside its block or before its let", what, id));
    if (p_.values[id].type != type) broken(fmt::format("{} %{} has the wrong type", what, id));
  }

  void block(const Block& statements) {
    std::vector<ValueId> mine;
    for (const Statement& s : statements) {
      switch (s.kind) {
        case StatementKind::Let: {
          if (s.value >= p_.values.size()) broken("a let of no value");
          if (let_[s.value]) broken(fmt::format("%{} has two lets", s.value));
          let_[s.value] = true;
          for (ValueId arg : p_.values[s.value].args)
            if (!known(arg))
              broken(fmt::format("%{} uses %{} before its let or outside its block", s.value, arg));
          visible_[s.value] = true;
          mine.push_back(s.value);
          break;
        }
        case StatementKind::Store:
        case StatementKind::Accumulate: {
          if (s.memory >= p_.memories.size()) broken("a store to no memory");
          const Memory& m = p_.memories[s.memory];
          const bool store = s.kind == StatementKind::Store;
          if (m.space == Space::Data || m.space == Space::Point || (m.space == Space::Target && store))
            broken(fmt::format("a store to {}", space_names[static_cast<int>(m.space)]));
          use(s.index, Type::Integer, "an index");
          use(s.value, m.type, "a store");
          break;
        }
        case StatementKind::For: {
          if (s.loop >= p_.loops.size() || looped_[s.loop]) broken("a loop that is none, or runs twice");
          looped_[s.loop] = true;
          use(p_.loops[s.loop].from, Type::Integer, "a loop's bound");
          use(p_.loops[s.loop].to, Type::Integer, "a loop's bound");
          open_[s.loop] = true;
          block(s.body);
          open_[s.loop] = false;
          break;
        }
        case StatementKind::If:
          use(s.value, Type::Integer, "a condition");
          block(s.body);
          block(s.otherwise);
          break;
      }
    }
    for (ValueId id : mine) visible_[id] = false;
  }

  const Program& p_;
  std::vector<bool> visible_, open_, let_, looped_;
};

class Listing {
 public:
  explicit Listing(const Program& p) : p_(p) {}

  std::string run() {
    for (std::size_t m = 0; m < p_.memories.size(); ++m) {
      const Memory& memory = p_.memories[m];
      out_ += fmt::format("memory {}: {} {} [{}]{}\n", name(static_cast<MemoryId>(m)),
                          space_names[static_cast<int>(memory.space)],
                          memory.type == Type::Real ? "real" : "integer", memory.size,
                          memory.row > 1 ? fmt::format(" rows of {}", memory.row) : "");
    }
    block(p_.body, 0);
    return std::move(out_);
  }

 private:
  std::string name(MemoryId m) const {
    return fmt::format("{}#{}", p_.memories[m].name.empty() ? "m" : p_.memories[m].name, m);
  }
  std::string operand(ValueId id) const {
    if (id >= p_.values.size()) return "?";
    const Value& v = p_.values[id];
    if (v.op == Op::RealConstant) return fmt::format("{}", v.number);
    if (v.op == Op::IntegerConstant) return fmt::format("{}", v.integer);
    if (v.op == Op::LoopIndex) return fmt::format("i{}", v.loop);
    return fmt::format("%{}", id);
  }
  std::string expression(ValueId id) const {
    const Value& v = p_.values[id];
    if (v.op == Op::Load) return fmt::format("{}[{}]", name(v.memory), operand(v.args[0]));
    std::string text = v.op == Op::Call ? functions()[v.function].name : op_names[static_cast<int>(v.op)];
    for (ValueId arg : v.args) text += " " + operand(arg);
    return text;
  }
  void block(const Block& statements, int depth) {
    std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    for (const Statement& s : statements) {
      switch (s.kind) {
        case StatementKind::Let:
          out_ += fmt::format("{}%{} = {}\n", indent, s.value, expression(s.value));
          break;
        case StatementKind::Store:
        case StatementKind::Accumulate:
          out_ += fmt::format("{}{}[{}] {} {}\n", indent, name(s.memory), operand(s.index),
                              s.kind == StatementKind::Store ? "=" : "+=", operand(s.value));
          break;
        case StatementKind::For: {
          const Loop& loop = p_.loops[s.loop];
          out_ += fmt::format("{}for i{} in {} .. {}{} {{\n", indent, s.loop, operand(loop.from),
                              operand(loop.to), loop.independent ? " independent" : "");
          block(s.body, depth + 1);
          out_ += indent + "}\n";
          break;
        }
        case StatementKind::If:
          out_ += fmt::format("{}if {} {{\n", indent, operand(s.value));
          block(s.body, depth + 1);
          if (!s.otherwise.empty()) {
            out_ += indent + "} else {\n";
            block(s.otherwise, depth + 1);
          }
          out_ += indent + "}\n";
          break;
      }
    }
  }

  const Program& p_;
  std::string out_;
};

class Bytes {
 public:
  template <typename T>
  void put(const T& value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out.append(raw, sizeof(T));
  }
  void block(const Block& statements) {
    put(statements.size());
    for (const Statement& s : statements) {
      put(s.kind);
      put(s.value);
      put(s.memory);
      put(s.index);
      put(s.loop);
      block(s.body);
      block(s.otherwise);
    }
  }
  std::string out;
};

}  // namespace

void validate(const Program& program) { Validator(program).run(); }

std::string to_string(const Program& program) { return Listing(program).run(); }

std::string canonical_bytes(const Program& program) {
  Bytes bytes;
  bytes.put(program.memories.size());
  for (const Memory& m : program.memories) {
    bytes.put(m.space);
    bytes.put(m.type);
    bytes.put(m.size);
    bytes.put(m.data);
    bytes.put(m.row);
    bytes.put(m.overwritten);
  }
  bytes.put(program.values.size());
  for (const Value& v : program.values) {
    bytes.put(v.op);
    bytes.put(v.type);
    // By name: the table's order is no part of a program.
    if (v.op == Op::Call) {
      const std::string& name = functions()[v.function].name;
      bytes.put(name.size());
      bytes.out += name;
    }
    bytes.put(v.memory);
    bytes.put(v.loop);
    bytes.put(v.number);
    bytes.put(v.integer);
    bytes.put(v.args.size());
    for (ValueId arg : v.args) bytes.put(arg);
  }
  bytes.put(program.loops.size());
  for (const Loop& loop : program.loops) {
    bytes.put(loop.from);
    bytes.put(loop.to);
    bytes.put(loop.max_trips);
    bytes.put(loop.independent);
  }
  bytes.block(program.body);
  return std::move(bytes.out);
}

}  // namespace drey::model
