#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "model/functions.h"
#include "model/model.h"
#include "model/program.h"

/// Runs a program and holds it to what program.h promises about running: indices inside their memory, locals stored
/// before they are read and (where it is to be differentiated) stored once, not read between accumulations, loops
/// within their bound of trips. Independent loops run backwards, and each read is held against who wrote: another trip
/// of an independent loop must not have, and (in a program to be differentiated) what such a loop stores must not be
/// read after it. Throws
/// std::runtime_error naming the first broken promise. For small programs: every element remembers its writer.
namespace drey::test {

class StrictEvaluator {
 public:
  struct Result {
    double target = 0;
    std::vector<double> gradient, output;
  };

  StrictEvaluator(const model::Program& program, const std::vector<model::Array>& data, bool stored_once)
      : program_(program), data_(data), stored_once_(stored_once) {
    find_private(program.body, none_open_);
  }

  Result run(std::span<const double> point) {
    point_ = point;
    result_ = {};
    values_.assign(program_.values.size(), {});
    cells_.assign(program_.memories.size(), {});
    for (std::size_t m = 0; m < program_.memories.size(); ++m) {
      const model::Memory& memory = program_.memories[m];
      cells_[m].assign(memory.size, Cell{});
      if (memory.space == model::Space::Gradient) result_.gradient.assign(memory.size, 0);
      if (memory.space == model::Space::Output) result_.output.assign(memory.size, 0);
    }
    for (std::size_t v = 0; v < program_.values.size(); ++v) {
      values_[v].real = program_.values[v].number;
      values_[v].integer = program_.values[v].integer;
    }
    stack_.clear();
    instances_ = 0;
    block(program_.body);
    return result_;
  }

 private:
  struct Scalar {
    double real = 0;
    std::int64_t integer = 0;
  };
  /// One open loop: which run of which loop, and the trip.
  struct Frame {
    model::LoopId loop;
    std::uint64_t instance;
    std::int64_t trip;
    bool independent;
  };
  struct Cell {
    enum class State { Empty, Stored, Accumulated, Read } state = State::Empty;
    Scalar value;
    std::vector<Frame> writer;
  };

  [[noreturn]] static void broken(const std::string& what) { throw std::runtime_error("strict: " + what); }

  // ---------------------------------------------------------------- locals private to a trip

  std::vector<model::LoopId> none_open_;

  /// Which independent loops enclose every use of each local.
  void find_private(const model::Block& body, std::vector<model::LoopId>& open) {
    auto use = [&](model::MemoryId memory) {
      std::set<model::LoopId> here(open.begin(), open.end());
      auto [at, fresh] = around_.emplace(memory, here);
      if (fresh) return;
      std::erase_if(at->second, [&](model::LoopId loop) { return !here.contains(loop); });
    };
    for (const model::Statement& s : body) {
      if (s.kind == model::StatementKind::Let && program_.values[s.value].op == model::Op::Load)
        use(program_.values[s.value].memory);
      if (s.kind == model::StatementKind::Store || s.kind == model::StatementKind::Accumulate) use(s.memory);
      const bool inside = s.kind == model::StatementKind::For && program_.loops[s.loop].independent;
      if (inside) open.push_back(s.loop);
      find_private(s.body, open);
      find_private(s.otherwise, open);
      if (inside) open.pop_back();
    }
  }

  void forget_private(model::LoopId loop) {
    for (const auto& [memory, loops] : around_)
      if (loops.contains(loop) && program_.memories[memory].space == model::Space::Local)
        for (Cell& cell : cells_[memory]) cell = Cell{};
  }

  // ---------------------------------------------------------------- memory

  std::size_t index(model::MemoryId memory, model::ValueId id) const {
    const std::int64_t at = values_[id].integer;
    const model::Memory& m = program_.memories[memory];
    std::uint64_t size = m.size;
    if (m.space == model::Space::Point) size = point_.size();
    if (at < 0 || static_cast<std::uint64_t>(at) >= size)
      broken(fmt::format("index {} of `{}` with {} elements", at, m.name, size));
    return static_cast<std::size_t>(at);
  }

  void load(model::ValueId id, const model::Value& v) {
    const model::Memory& memory = program_.memories[v.memory];
    const std::size_t at = index(v.memory, v.args[0]);
    if (memory.space == model::Space::Point) {
      values_[id].real = point_[at];
    } else if (memory.space == model::Space::Data) {
      const model::Array& array = data_.at(memory.data);
      if (const auto* reals = std::get_if<std::vector<double>>(&array))
        values_[id].real = reals->at(at);
      else
        values_[id].integer = std::get<std::vector<std::int64_t>>(array).at(at);
    } else if (memory.space == model::Space::Local || memory.space == model::Space::Output) {
      Cell& cell = cells_[v.memory][at];
      if (cell.state == Cell::State::Empty)
        broken(fmt::format("`{}`[{}] is read before it was stored", memory.name, at));
      for (std::size_t d = 0; d < cell.writer.size(); ++d) {
        const Frame& wrote = cell.writer[d];
        if (!wrote.independent) continue;
        const bool inside = d < stack_.size() && stack_[d].instance == wrote.instance;
        if (inside && stack_[d].trip == wrote.trip) continue;
        if (inside)
          broken(fmt::format("`{}`[{}] of trip {} is read in trip {} of an independent loop", memory.name, at,
                             wrote.trip, stack_[d].trip));
        if (stored_once_ && !memory.overwritten && cell.state != Cell::State::Accumulated &&
            cell.state != Cell::State::Read)
          broken(fmt::format("`{}`[{}], stored in an independent loop, is read outside it", memory.name, at));
        break;
      }
      if (cell.state == Cell::State::Accumulated) cell.state = Cell::State::Read;
      values_[id] = cell.value;
    } else {
      broken("a load from an output");
    }
  }

  void write(const model::Statement& s) {
    const model::Memory& memory = program_.memories[s.memory];
    const std::size_t at = index(s.memory, s.index);
    const bool add = s.kind == model::StatementKind::Accumulate;
    const Scalar& value = values_[s.value];
    if (memory.space == model::Space::Target) {
      result_.target += value.real;
      return;
    }
    if (memory.space == model::Space::Gradient || memory.space == model::Space::Output) {
      double& cell = (memory.space == model::Space::Gradient ? result_.gradient : result_.output)[at];
      cell = add ? cell + value.real : value.real;
    }
    Cell& cell = cells_[s.memory][at];
    if (add) {
      if (memory.space == model::Space::Local) {
        if (cell.state == Cell::State::Empty)
          broken(fmt::format("`{}`[{}] is accumulated before it was stored", memory.name, at));
        if (stored_once_ && !memory.overwritten && cell.state == Cell::State::Read)
          broken(fmt::format("`{}`[{}] is accumulated after it was read", memory.name, at));
      }
      cell.value.real += value.real;
      cell.value.integer += value.integer;
      cell.state = Cell::State::Accumulated;
      // Sums over the trips of an independent loop belong to none of them.
      cell.writer = common(cell.writer, stack_);
      return;
    }
    if (memory.space == model::Space::Local && stored_once_ && !memory.overwritten &&
        cell.state != Cell::State::Empty)
      broken(fmt::format("`{}`[{}] is stored twice", memory.name, at));
    cell = {Cell::State::Stored, value, stack_};
  }

  /// The frames both share, and where they part.
  static std::vector<Frame> common(const std::vector<Frame>& a, const std::vector<Frame>& b) {
    std::vector<Frame> same;
    for (std::size_t d = 0;
         d < a.size() && d < b.size() && a[d].instance == b[d].instance && a[d].trip == b[d].trip; ++d)
      same.push_back(a[d]);
    return same;
  }

  // ---------------------------------------------------------------- statements

  void let(model::ValueId id) {
    using model::Op;
    const model::Value& v = program_.values[id];
    auto i = [&](std::size_t k) { return values_[v.args[k]].integer; };
    auto r = [&](std::size_t k) { return values_[v.args[k]].real; };
    Scalar& out = values_[id];
    switch (v.op) {
      case Op::RealConstant:
      case Op::IntegerConstant:
      case Op::LoopIndex:
        break;
      case Op::AddI:
        out.integer = i(0) + i(1);
        break;
      case Op::SubI:
        out.integer = i(0) - i(1);
        break;
      case Op::MulI:
        out.integer = i(0) * i(1);
        break;
      case Op::DivI:
      case Op::ModI:
        if (i(1) == 0) broken("division by zero");
        out.integer = v.op == Op::DivI ? i(0) / i(1) : i(0) % i(1);
        break;
      case Op::MinI:
        out.integer = std::min(i(0), i(1));
        break;
      case Op::MaxI:
        out.integer = std::max(i(0), i(1));
        break;
      case Op::LessI:
        out.integer = i(0) < i(1);
        break;
      case Op::EqualI:
        out.integer = i(0) == i(1);
        break;
      case Op::NotI:
        out.integer = i(0) == 0;
        break;
      case Op::LessR:
        out.integer = r(0) < r(1);
        break;
      case Op::EqualR:
        out.integer = r(0) == r(1);
        break;
      case Op::ToReal:
        out.real = static_cast<double>(i(0));
        break;
      case Op::ToInteger:
        out.integer = static_cast<std::int64_t>(r(0));
        break;
      case Op::Load:
        load(id, v);
        break;
      case Op::Call: {
        std::vector<double> args;
        for (std::size_t k = 0; k < v.args.size(); ++k) args.push_back(r(k));
        out.real = model::functions()[v.function].value(args.data());
        break;
      }
      case Op::Select:
        out = i(0) != 0 ? values_[v.args[1]] : values_[v.args[2]];
        break;
      case Op::StopGradient:
        out.real = r(0);
        break;
      case Op::Random:
        out.real = 0.5;
        break;
    }
  }

  void set_index(model::LoopId loop, std::int64_t at) {
    for (std::size_t v = 0; v < program_.values.size(); ++v)
      if (program_.values[v].op == model::Op::LoopIndex && program_.values[v].loop == loop)
        values_[v].integer = at;
  }

  void block(const model::Block& body) {
    for (const model::Statement& s : body) {
      switch (s.kind) {
        case model::StatementKind::Let:
          let(s.value);
          break;
        case model::StatementKind::Store:
        case model::StatementKind::Accumulate:
          write(s);
          break;
        case model::StatementKind::If:
          block(values_[s.value].integer != 0 ? s.body : s.otherwise);
          break;
        case model::StatementKind::For: {
          const model::Loop& loop = program_.loops[s.loop];
          const std::int64_t from = values_[loop.from].integer, to = values_[loop.to].integer;
          if (to > from && static_cast<std::uint64_t>(to - from) > loop.max_trips)
            broken(fmt::format("a loop makes {} trips, its bound is {}", to - from, loop.max_trips));
          stack_.push_back({s.loop, ++instances_, 0, loop.independent});
          for (std::int64_t k = 0; k < to - from; ++k) {
            const std::int64_t at = loop.independent ? to - 1 - k : from + k;
            stack_.back().trip = at;
            set_index(s.loop, at);
            if (loop.independent) forget_private(s.loop);
            block(s.body);
          }
          stack_.pop_back();
          break;
        }
      }
    }
  }

  const model::Program& program_;
  const std::vector<model::Array>& data_;
  bool stored_once_;
  std::map<model::MemoryId, std::set<model::LoopId>> around_;
  std::span<const double> point_;
  Result result_;
  std::vector<Scalar> values_;
  std::vector<std::vector<Cell>> cells_;
  std::vector<Frame> stack_;
  std::uint64_t instances_ = 0;
};

}  // namespace drey::test
