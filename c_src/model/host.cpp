#include "model/host.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "model/data.h"

namespace drey::model {
namespace {

std::uint64_t flat(const Shape& shape, std::span<const std::uint64_t> index) {
  std::uint64_t at = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) at = at * shape[d] + index[d];
  return at;
}

void unflat(const Shape& shape, std::uint64_t at, std::vector<std::uint64_t>& index) {
  index.resize(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = at % shape[d];
    at /= shape[d];
  }
}

double integer_operation(Op op, double a, double b) {
  switch (op) {
    case Op::AddI:
      return a + b;
    case Op::SubI:
      return a - b;
    case Op::MulI:
      return a * b;
    case Op::DivI:
      return b == 0 ? 0 : std::trunc(a / b);
    case Op::ModI:
      return b == 0 ? 0 : std::fmod(a, b);
    case Op::MinI:
      return std::min(a, b);
    case Op::MaxI:
      return std::max(a, b);
    case Op::LessI:
    case Op::LessR:
      return a < b;
    case Op::EqualI:
    case Op::EqualR:
      return a == b;
    case Op::NotI:
      return a == 0;
    case Op::ToInteger:
      return std::trunc(a);
    default:
      return a;  // ToReal, StopGradient
  }
}

}  // namespace

void HostValues::run(const Actions& actions) {
  constexpr std::uint64_t max_steps = 200000000;
  for (const Action& action : actions) {
    if (++steps_ > max_steps)
      throw Error("too_large", "the loops over data take too long; compute this before");
    switch (action.kind) {
      case Action::Kind::Declare:
        variables_[action.variable].assign(elements(graph_.variable(action.variable).shape),
                                           std::numeric_limits<double>::quiet_NaN());
        stored_[action.variable].assign(variables_[action.variable].size(), false);
        break;
      case Action::Kind::Store:
      case Action::Kind::Add: {
        std::vector<std::uint64_t> index;
        const Shape& shape = graph_.variable(action.variable).shape;
        for (std::size_t d = 0; d < action.index.size(); ++d) {
          double value = element(action.index[d], {});
          if (!(value >= 0 && value < static_cast<double>(shape[d])))
            throw Error("out_of_range", fmt::format("index {} is outside 1..{}", value + 1, shape[d]));
          index.push_back(static_cast<std::uint64_t>(value));
        }
        const std::uint64_t place = flat(shape, index);
        const double value = element(action.value, {});
        double& cell = variables_.at(action.variable)[place];
        cell = action.kind == Action::Kind::Add ? cell + value : value;
        if (graph_.variable(action.variable).overwritten) break;
        std::vector<bool>::reference stored = stored_.at(action.variable)[place];
        if (stored) stored_again_.insert(action.variable);
        stored = true;
        break;
      }
      case Action::Kind::For: {
        const Graph::LoopVariable& loop = graph_.loop(action.loop);
        auto from = static_cast<std::int64_t>(element(loop.from, {}));
        auto to = static_cast<std::int64_t>(element(loop.to, {}));
        for (std::int64_t i = from; i < to; ++i) {
          loops_[action.loop] = i;
          run(action.body);
        }
        break;
      }
      case Action::Kind::If:
        run(element(action.value, {}) != 0 ? action.body : action.otherwise);
        break;
      case Action::Kind::Target:
        break;
    }
  }
}

const std::vector<double>& HostValues::all(NodeRef node) {
  if (!node->variables.empty() || !node->loops.empty()) cache_.erase(node);
  auto found = cache_.find(node);
  if (found != cache_.end()) return found->second;
  std::uint64_t count = elements(node->shape);
  constexpr std::uint64_t most = std::uint64_t{1} << 28;
  if ((computed_ += count) > most)
    throw Error("too_large",
                "what the model computes of its data takes more than two gigabytes; compute it before");
  std::vector<double> values(count);
  std::vector<std::uint64_t> index;
  for (std::uint64_t i = 0; i < count; ++i) {
    unflat(node->shape, i, index);
    values[i] = element(node, index);
  }
  return cache_.emplace(node, std::move(values)).first->second;
}

double HostValues::element(NodeRef node, std::span<const std::uint64_t> index) {
  switch (node->kind) {
    case NodeKind::Real:
      return node->number;
    case NodeKind::Integer:
      return static_cast<double>(node->integer);
    case NodeKind::Loop:
      return static_cast<double>(loops_.at(node->id));
    case NodeKind::Count:
      return static_cast<double>(node->integer) + static_cast<double>(index[0]);
    case NodeKind::Variable:
      return variables_.at(node->id)[flat(node->shape, index)];
    case NodeKind::Data:
      return std::visit(
          [&](const auto& values) { return static_cast<double>(values[flat(node->shape, index)]); },
          graph_.array(node->id).values);
    default:
      break;
  }
  // Dear nodes are computed whole, once.
  const bool whole = node->loops.empty() && node->variables.empty() &&
                     (node->kind == NodeKind::Sum || node->kind == NodeKind::Contract);
  if (whole) {
    auto found = cache_.find(node);
    if (found != cache_.end()) return found->second[flat(node->shape, index)];
    if (node->kind == NodeKind::Contract) return all_contract(node)[flat(node->shape, index)];
  }
  auto arg = [&](std::size_t i) {
    return element(node->args[i], node->args[i]->scalar() ? std::span<const std::uint64_t>() : index);
  };
  switch (node->kind) {
    case NodeKind::Operation: {
      if (node->op == Op::Select) return arg(0) != 0 ? arg(1) : arg(2);
      if (node->op == Op::Call) {
        double values[8];
        for (std::size_t i = 0; i < node->args.size() && i < 8; ++i) values[i] = arg(i);
        return functions()[node->function].value(values);
      }
      return integer_operation(node->op, arg(0), node->args.size() > 1 ? arg(1) : 0);
    }
    case NodeKind::At: {
      std::vector<std::uint64_t> inner(node->axes.size());
      std::size_t next = 0;
      for (std::size_t d = 0; d < node->axes.size(); ++d) {
        const Axis& axis = node->axes[d];
        if (axis.kind == Axis::Kind::Range) {
          inner[d] = axis.from + index[next++];
          continue;
        }
        double value;
        if (axis.kind == Axis::Kind::Scalar) {
          value = element(axis.index, {});
        } else {
          value = element(axis.index, index.subspan(next++, 1));
        }
        if (!(value >= 0 && value < static_cast<double>(node->args[0]->shape[d])))
          throw Error("out_of_range",
                      fmt::format("index {} is outside 1..{}", value + 1, node->args[0]->shape[d]));
        inner[d] = static_cast<std::uint64_t>(value);
      }
      return element(node->args[0], inner);
    }
    case NodeKind::Sum: {
      double total = 0;
      if (node->loops.empty() && node->variables.empty()) {
        for (double value : all(node->args[0])) total += value;
        cache_[node] = {total};
        return total;
      }
      std::vector<std::uint64_t> inner;
      for (std::uint64_t i = 0; i < elements(node->args[0]->shape); ++i) {
        unflat(node->args[0]->shape, i, inner);
        total += element(node->args[0], inner);
      }
      return total;
    }
    case NodeKind::SumOver: {
      const Graph::LoopVariable& loop = graph_.loop(node->id);
      auto from = static_cast<std::int64_t>(element(loop.from, {}));
      auto to = static_cast<std::int64_t>(element(loop.to, {}));
      double total = 0;
      for (std::int64_t i = from; i < to; ++i) {
        loops_[node->id] = i;
        total += element(node->args[0], {});
      }
      return total;
    }
    case NodeKind::Contract: {
      NodeRef a = node->args[0], b = node->args[1];
      std::vector<std::uint64_t> ia, ib;
      std::size_t next = 0;
      if (a->shape.size() == 2) ia.push_back(index[next++]);
      ia.push_back(0);
      ib.push_back(0);
      if (b->shape.size() == 2) ib.push_back(index[next]);
      double total = 0;
      for (std::uint64_t k = 0; k < a->shape.back(); ++k) {
        ia.back() = k, ib.front() = k;
        total += element(a, ia) * element(b, ib);
      }
      return total;
    }
    case NodeKind::Pack:
      return element(node->args[index[0]], index.subspan(1));
    case NodeKind::Transpose: {
      std::uint64_t swapped[] = {index[1], index[0]};
      return element(node->args[0], swapped);
    }
    case NodeKind::Reshape: {
      std::vector<std::uint64_t> inner;
      unflat(node->args[0]->shape, flat(node->shape, index), inner);
      return element(node->args[0], inner);
    }
    case NodeKind::Fill:
    case NodeKind::Read:
      return element(node->args[0], {});
    default:
      throw Error("internal", "a value that depends on more than data was asked for at compile time");
  }
}

const std::vector<double>& HostValues::all_contract(NodeRef node) {
  const std::vector<double>& a = all(node->args[0]);
  const std::vector<double>& b = all(node->args[1]);
  std::uint64_t k_size = node->args[0]->shape.back();
  std::uint64_t rows = a.size() / std::max<std::uint64_t>(k_size, 1);
  std::uint64_t columns = b.size() / std::max<std::uint64_t>(k_size, 1);
  std::vector<double> out(rows * columns);
  for (std::uint64_t i = 0; i < rows; ++i)
    for (std::uint64_t k = 0; k < k_size; ++k)
      for (std::uint64_t j = 0; j < columns; ++j)
        out[i * columns + j] += a[i * k_size + k] * b[k * columns + j];
  return cache_.emplace(node, std::move(out)).first->second;
}

}  // namespace drey::model
