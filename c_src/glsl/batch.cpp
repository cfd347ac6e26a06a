#include "glsl/batch.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "glsl/library.h"
#include "model/functions.h"

namespace drey::glsl {

using namespace model;

namespace {

class Batches {
 public:
  Batches(const Program& program, bool (*is_long_function)(std::string_view))
      : program_(program), is_long_function_(is_long_function), done_(program.values.size(), true) {}

  Program run() {
    program_.body = block(std::move(program_.body));
    return std::move(program_);
  }

 private:
  bool is_long(const Statement& s) const {
    if (s.kind != StatementKind::Let) return false;
    const Value& v = program_.values[s.value];
    return v.op == Op::Call && is_long_function_(functions()[v.function].name);
  }

  /// Whether a statement has to keep its place among those that touch memories or draw numbers.
  bool ordered(const Statement& s) const {
    if (s.kind != StatementKind::Let) return true;
    const Value& v = program_.values[s.value];
    if (v.op == Op::Random) return true;
    if (v.op != Op::Load) return false;
    const Space space = program_.memories[v.memory].space;
    return space != Space::Point && space != Space::Data;
  }

  bool ready(ValueId id) const { return id == none || done_[id]; }
  bool ready(const Statement& s) const {
    if (s.kind == StatementKind::Let) {
      const Value& v = program_.values[s.value];
      return std::all_of(v.args.begin(), v.args.end(), [this](ValueId arg) { return ready(arg); });
    }
    if (!ready(s.value) || !ready(s.index)) return false;
    if (s.kind == StatementKind::For &&
        !(ready(program_.loops[s.loop].from) && ready(program_.loops[s.loop].to)))
      return false;
    return ready(s.body) && ready(s.otherwise);
  }
  /// What a body's own values need is there, or in the body itself.
  bool ready(const Block& body) const {
    return std::all_of(body.begin(), body.end(), [this](const Statement& s) { return ready(s); });
  }

  Block block(Block body) {
    for (Statement& s : body) {
      s.body = block(std::move(s.body));
      s.otherwise = block(std::move(s.otherwise));
    }
    if (std::count_if(body.begin(), body.end(), [this](const Statement& s) { return is_long(s); }) < 2)
      return body;
    for (const Statement& s : body)
      if (s.kind == StatementKind::Let) done_[s.value] = false;
    Block out;
    std::vector<Statement> waiting = std::move(body);
    while (!waiting.empty()) {
      // All that needs no long call; then the long calls that can be made, together.
      std::vector<Statement> later;
      bool in_order = true;
      for (Statement& s : waiting) {
        const bool keeps = ordered(s);
        if (!is_long(s) && (in_order || !keeps) && ready(s)) {
          if (s.kind == StatementKind::Let) done_[s.value] = true;
          out.push_back(std::move(s));
          continue;
        }
        if (keeps) in_order = false;
        later.push_back(std::move(s));
      }
      std::map<FunctionId, std::vector<ValueId>> calls;
      waiting.clear();
      for (Statement& s : later)
        if (is_long(s) && ready(s))
          calls[program_.values[s.value].function].push_back(s.value);
        else
          waiting.push_back(std::move(s));
      for (const auto& [function, values] : calls) {
        if (values.size() == 1)
          out.push_back(let(values[0]));
        else
          batch(function, values, out);
        for (const ValueId value : values) done_[value] = true;
      }
    }
    return out;
  }

  static Statement let(ValueId value) {
    Statement s;
    s.value = value;
    return s;
  }

  ValueId add(Value value) {
    program_.values.push_back(std::move(value));
    done_.push_back(true);
    return static_cast<ValueId>(program_.values.size() - 1);
  }
  ValueId integer(std::size_t number) {
    Value v;
    v.op = Op::IntegerConstant;
    v.type = Type::Integer;
    v.integer = static_cast<std::int64_t>(number);
    return add(std::move(v));
  }
  Value load(MemoryId memory, ValueId index) const {
    Value v;
    v.op = Op::Load;
    v.memory = memory;
    v.args = {index};
    return v;
  }
  MemoryId local(std::size_t size, const char* name) {
    Memory m;
    m.size = size;
    m.name = name;
    m.overwritten = true;
    program_.memories.push_back(std::move(m));
    return static_cast<MemoryId>(program_.memories.size() - 1);
  }
  static Statement store(MemoryId memory, ValueId index, ValueId value) {
    Statement s;
    s.kind = StatementKind::Store;
    s.memory = memory, s.index = index, s.value = value;
    return s;
  }

  /// for k: result[k] = function(argument[k]...); then the values are loads of the results.
  void batch(FunctionId function, const std::vector<ValueId>& values, Block& out) {
    std::vector<ValueId> at;
    for (std::size_t i = 0; i < values.size(); ++i) at.push_back(integer(i));
    Loop loop;
    loop.from = at[0];
    loop.to = integer(values.size());
    loop.max_trips = values.size();
    program_.loops.push_back(loop);
    const auto id = static_cast<LoopId>(program_.loops.size() - 1);
    Value index;
    index.op = Op::LoopIndex;
    index.type = Type::Integer;
    index.loop = id;
    const ValueId k = add(std::move(index));
    Statement each;
    each.kind = StatementKind::For;
    each.loop = id;
    Value call;
    call.op = Op::Call;
    call.function = function;
    const std::size_t arity = program_.values[values[0]].args.size();
    for (std::size_t a = 0; a < arity; ++a) {
      const ValueId first = program_.values[values[0]].args[a];
      if (std::all_of(values.begin(), values.end(),
                      [&](ValueId v) { return program_.values[v].args[a] == first; })) {
        call.args.push_back(first);
        continue;
      }
      const MemoryId argument = local(values.size(), "arguments");
      for (std::size_t i = 0; i < values.size(); ++i)
        out.push_back(store(argument, at[i], program_.values[values[i]].args[a]));
      call.args.push_back(add(load(argument, k)));
      each.body.push_back(let(call.args.back()));
    }
    const MemoryId result = local(values.size(), "results");
    const ValueId made = add(std::move(call));
    each.body.push_back(let(made));
    each.body.push_back(store(result, k, made));
    out.push_back(std::move(each));
    for (std::size_t i = 0; i < values.size(); ++i) {
      program_.values[values[i]] = load(result, at[i]);
      out.push_back(let(values[i]));
    }
  }

  Program program_;
  bool (*is_long_function_)(std::string_view);
  std::vector<bool> done_;  ///< by value: it stands before what is being placed
};

}  // namespace

Program batch_calls(const Program& program, bool (*is_long)(std::string_view)) {
  return Batches(
             program, is_long ? is_long : [](std::string_view name) { return library_trips(name) > 0; })
      .run();
}

}  // namespace drey::glsl
