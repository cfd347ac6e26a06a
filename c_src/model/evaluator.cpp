#include "model/evaluator.h"

#include <fmt/format.h>

#include "error.h"
#include "model/functions.h"

namespace drey::model {
namespace {

class Run {
 public:
  Run(const Program& program, const std::vector<Array>& data, std::span<const double> point,
      const std::function<double()>& random, Evaluator::Result& result)
      : program_(program), data_(data), point_(point), random_(random), result_(result) {
    reals_.resize(program.values.size());
    integers_.resize(program.values.size());
    locals_.resize(program.memories.size());
    local_integers_.resize(program.memories.size());
    loops_.resize(program.loops.size());
    for (std::size_t m = 0; m < program.memories.size(); ++m) {
      const Memory& memory = program.memories[m];
      if (memory.space == Space::Gradient) result_.gradient.assign(memory.size, 0);
      if (memory.space == Space::Output) result_.output.assign(memory.size, 0);
      if (memory.space == Space::Local) {
        if (memory.type == Type::Real)
          locals_[m].assign(memory.size, 0);
        else
          local_integers_[m].assign(memory.size, 0);
      }
    }
    for (std::size_t v = 0; v < program.values.size(); ++v) {
      const Value& value = program.values[v];
      if (value.op == Op::RealConstant) reals_[v] = value.number;
      if (value.op == Op::IntegerConstant) integers_[v] = value.integer;
    }
    block(program.body);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error("internal", "evaluator: " + what); }

  std::size_t element(MemoryId memory, ValueId index, std::size_t size) const {
    const std::int64_t at = integer(index);
    if (at < 0 || static_cast<std::uint64_t>(at) >= size)
      fail(fmt::format("index {} of memory {} `{}`, which has {} elements", at, memory,
                       program_.memories[memory].name, size));
    return static_cast<std::size_t>(at);
  }

  double real(ValueId id) const { return reals_[id]; }
  std::int64_t integer(ValueId id) const {
    const Value& v = program_.values[id];
    return v.op == Op::LoopIndex ? loops_[v.loop] : integers_[id];
  }

  void load(ValueId id, const Value& v) {
    const Memory& memory = program_.memories[v.memory];
    switch (memory.space) {
      case Space::Point:
        reals_[id] = point_[element(v.memory, v.args[0], point_.size())];
        return;
      case Space::Data: {
        const Array& array = data_.at(memory.data);
        if (const auto* reals = std::get_if<std::vector<double>>(&array)) {
          if (memory.type != Type::Real) fail("an integer memory over real data");
          reals_[id] = (*reals)[element(v.memory, v.args[0], reals->size())];
        } else {
          const auto& integers = std::get<std::vector<std::int64_t>>(array);
          if (memory.type != Type::Integer) fail("a real memory over integer data");
          integers_[id] = integers[element(v.memory, v.args[0], integers.size())];
        }
        return;
      }
      case Space::Local:
        if (memory.type == Type::Real)
          reals_[id] = locals_[v.memory][element(v.memory, v.args[0], memory.size)];
        else
          integers_[id] = local_integers_[v.memory][element(v.memory, v.args[0], memory.size)];
        return;
      case Space::Output:
        reals_[id] = result_.output[element(v.memory, v.args[0], memory.size)];
        return;
      case Space::Target:
      case Space::Gradient:
        break;
    }
    fail("a load from a memory that is only written");
  }

  void let(ValueId id) {
    const Value& v = program_.values[id];
    const auto i = [&](std::size_t k) { return integer(v.args[k]); };
    switch (v.op) {
      case Op::RealConstant:
      case Op::IntegerConstant:
      case Op::LoopIndex:
        break;
      case Op::AddI:
        integers_[id] = i(0) + i(1);
        break;
      case Op::SubI:
        integers_[id] = i(0) - i(1);
        break;
      case Op::MulI:
        integers_[id] = i(0) * i(1);
        break;
      case Op::DivI:
        if (i(1) == 0) fail("an integer division by zero");
        integers_[id] = i(0) / i(1);
        break;
      case Op::ModI:
        if (i(1) == 0) fail("an integer division by zero");
        integers_[id] = i(0) % i(1);
        break;
      case Op::MinI:
        integers_[id] = std::min(i(0), i(1));
        break;
      case Op::MaxI:
        integers_[id] = std::max(i(0), i(1));
        break;
      case Op::LessI:
        integers_[id] = i(0) < i(1) ? 1 : 0;
        break;
      case Op::EqualI:
        integers_[id] = i(0) == i(1) ? 1 : 0;
        break;
      case Op::NotI:
        integers_[id] = i(0) == 0 ? 1 : 0;
        break;
      case Op::LessR:
        integers_[id] = real(v.args[0]) < real(v.args[1]) ? 1 : 0;
        break;
      case Op::EqualR:
        integers_[id] = real(v.args[0]) == real(v.args[1]) ? 1 : 0;
        break;
      case Op::ToReal:
        reals_[id] = static_cast<double>(i(0));
        break;
      case Op::ToInteger: {
        // Outside the range (or NaN) the conversion has no value; the largest integers keep it defined.
        const double x = real(v.args[0]);
        integers_[id] = x != x              ? 0
                        : x < -2147483648.0 ? -2147483648LL
                        : x > 2147483647.0  ? 2147483647LL
                                            : static_cast<std::int64_t>(x);
        break;
      }
      case Op::Load:
        load(id, v);
        break;
      case Op::Call: {
        double args[8];
        if (v.args.size() > 8) fail("a function of more than eight arguments");
        for (std::size_t k = 0; k < v.args.size(); ++k) args[k] = real(v.args[k]);
        reals_[id] = functions()[v.function].value(args);
        break;
      }
      case Op::Select:
        reals_[id] = i(0) != 0 ? real(v.args[1]) : real(v.args[2]);
        break;
      case Op::StopGradient:
        reals_[id] = real(v.args[0]);
        break;
      case Op::Random:
        if (!random_) fail("random numbers asked for where there are none");
        reals_[id] = random_();
        break;
    }
  }

  void write(const Statement& s) {
    const Memory& memory = program_.memories[s.memory];
    const bool add = s.kind == StatementKind::Accumulate;
    double* cell = nullptr;
    switch (memory.space) {
      case Space::Target:
        cell = &result_.target;
        break;
      case Space::Gradient:
        cell = &result_.gradient[element(s.memory, s.index, memory.size)];
        break;
      case Space::Output:
        cell = &result_.output[element(s.memory, s.index, memory.size)];
        break;
      case Space::Local: {
        const std::size_t at = element(s.memory, s.index, memory.size);
        if (memory.type == Type::Integer) {
          std::int64_t& whole = local_integers_[s.memory][at];
          whole = add ? whole + integer(s.value) : integer(s.value);
          return;
        }
        cell = &locals_[s.memory][at];
        break;
      }
      case Space::Point:
      case Space::Data:
        fail("a store to an input");
    }
    *cell = add ? *cell + real(s.value) : real(s.value);
  }

  void block(const Block& body) {
    for (const Statement& s : body) {
      switch (s.kind) {
        case StatementKind::Let:
          let(s.value);
          break;
        case StatementKind::Store:
        case StatementKind::Accumulate:
          write(s);
          break;
        case StatementKind::For: {
          const Loop& loop = program_.loops[s.loop];
          const std::int64_t from = integer(loop.from), to = integer(loop.to);
          if (to > from && static_cast<std::uint64_t>(to - from) > loop.max_trips)
            fail(fmt::format("loop {} makes {} trips, more than its bound {}", s.loop, to - from,
                             loop.max_trips));
          for (std::int64_t at = from; at < to; ++at) {
            loops_[s.loop] = at;
            block(s.body);
          }
          break;
        }
        case StatementKind::If:
          block(integer(s.value) != 0 ? s.body : s.otherwise);
          break;
      }
    }
  }

  const Program& program_;
  const std::vector<Array>& data_;
  std::span<const double> point_;
  const std::function<double()>& random_;
  Evaluator::Result& result_;
  std::vector<double> reals_;
  std::vector<std::int64_t> integers_, loops_;
  std::vector<std::vector<double>> locals_;
  std::vector<std::vector<std::int64_t>> local_integers_;
};

}  // namespace

Evaluator::Evaluator(const Program& program, const std::vector<Array>& data)
    : program_(program), data_(data) {}

Evaluator::Result Evaluator::run(std::span<const double> point, const std::function<double()>& random) {
  Result result;
  Run(program_, data_, point, random, result);
  return result;
}

}  // namespace drey::model
