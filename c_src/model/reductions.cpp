#include "model/reductions.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "model/data.h"

namespace drey::model {
namespace {

bool fixed(NodeRef node) { return node->data_only && node->loops.empty(); }

bool is_call(NodeRef node, const char* name) {
  return node->kind == NodeKind::Operation && node->op == Op::Call &&
         functions()[node->function].name == name;
}

/// mu = offset + sum over blocks of columns * coefficients.
struct LinearForm {
  struct Block {
    NodeRef columns = nullptr;       ///< data: N x K, or N for one column; null: ones
    NodeRef coefficients = nullptr;  ///< K, or a scalar
    double sign = 1;
  };
  NodeRef offset = nullptr;
  std::vector<Block> blocks;
  /// At most one term x[g], g data.
  NodeRef group = nullptr, member = nullptr;
  double group_sign = 1;
};

bool linear(Graph& g, NodeRef mu, double sign, LinearForm& form) {
  if (fixed(mu) && !mu->scalar()) {
    NodeRef signed_mu = sign < 0 ? g.neg(mu) : mu;
    form.offset = form.offset ? g.add(form.offset, signed_mu) : signed_mu;
    return true;
  }
  if (mu->kind == NodeKind::Fill) mu = mu->args[0];
  if (mu->scalar()) {
    form.blocks.push_back({nullptr, mu, sign});
    return true;
  }
  if (is_call(mu, "+")) return linear(g, mu->args[0], sign, form) && linear(g, mu->args[1], sign, form);
  if (is_call(mu, "-")) return linear(g, mu->args[0], sign, form) && linear(g, mu->args[1], -sign, form);
  if (is_call(mu, "neg")) return linear(g, mu->args[0], -sign, form);
  if (is_call(mu, "*"))
    for (std::size_t i = 0; i < 2; ++i)
      if (mu->args[i]->scalar() && fixed(mu->args[1 - i]) && !mu->args[1 - i]->scalar()) {
        form.blocks.push_back({mu->args[1 - i], mu->args[i], sign});
        return true;
      }
  if (mu->kind == NodeKind::At && mu->axes.size() == 1 && mu->axes[0].kind == Axis::Kind::Gather &&
      fixed(mu->axes[0].index) && !form.group) {
    form.group = mu->args[0];
    form.member = mu->axes[0].index;
    form.group_sign = sign;
    return true;
  }
  if (mu->kind == NodeKind::Contract && mu->shape.size() == 1) {
    NodeRef a = mu->args[0], b = mu->args[1];
    if (fixed(a) && a->shape.size() == 2 && b->shape.size() == 1) {
      form.blocks.push_back({a, b, sign});
      return true;
    }
    if (fixed(b) && b->shape.size() == 2 && a->shape.size() == 1) {
      form.blocks.push_back({g.transpose(b), a, sign});
      return true;
    }
  }
  return false;
}

/// Householder QR in place: `z` (n x k, column-major) becomes R in its upper triangle, `y` becomes Q' y.
void triangularise(std::vector<std::vector<double>>& z, std::vector<double>& y) {
  const std::size_t n = y.size(), k = z.size();
  for (std::size_t j = 0; j < std::min(k, n); ++j) {
    double norm = 0;
    for (std::size_t i = j; i < n; ++i) norm = std::hypot(norm, z[j][i]);
    if (norm == 0) continue;
    const double alpha = z[j][j] > 0 ? -norm : norm;
    std::vector<double> v(z[j].begin() + static_cast<std::ptrdiff_t>(j), z[j].end());
    v[0] -= alpha;
    double vv = 0;
    for (double x : v) vv += x * x;
    if (vv == 0) continue;
    auto reflect = [&](std::vector<double>& column) {
      double dot = 0;
      for (std::size_t i = 0; i < v.size(); ++i) dot += v[i] * column[j + i];
      for (std::size_t i = 0; i < v.size(); ++i) column[j + i] -= 2 * dot / vv * v[i];
    };
    for (std::size_t c = j; c < k; ++c) reflect(z[c]);
    reflect(y);
    std::fill(z[j].begin() + static_cast<std::ptrdiff_t>(j) + 1, z[j].end(), 0.0);
  }
}

constexpr double log_sqrt_2pi = 0.91893853320467274178;

}  // namespace

NodeRef gaussian_sum(Graph& g, HostValues& host, NodeRef y, NodeRef mu, NodeRef sigma) {
  if (!fixed(y) || y->shape.size() != 1 || y->literal) return nullptr;
  const std::size_t n = y->shape[0];
  const bool weighted = fixed(sigma) && !sigma->scalar();
  if (!sigma->scalar() && !weighted) return nullptr;
  if (fixed(mu) || n < 3) return nullptr;
  LinearForm form;
  if (!linear(g, mu, 1, form)) return nullptr;
  std::size_t k = 0;
  for (const auto& block : form.blocks) k += block.coefficients->scalar() ? 1 : block.coefficients->shape[0];
  // K^2 multiplications against N K, and the host's N K^2 kept to seconds.
  const std::size_t groups = form.group ? form.group->shape[0] : 0;
  if ((k == 0 && groups == 0) || 2 * std::max(k, groups) > n || k > 256 ||
      static_cast<double>(n) * static_cast<double>(k * k) > 2e9)
    return nullptr;

  std::vector<double> weights(n, 1.0);
  if (weighted)
    for (std::size_t i = 0; i < n; ++i) weights[i] = 1 / host.all(sigma)[i];
  std::vector<double> residual = host.all(y);
  for (std::size_t i = 0; i < n; ++i) {
    if (form.offset) residual[i] -= host.all(form.offset)[i];
    residual[i] *= weights[i];
  }
  std::vector<std::vector<double>> columns;
  for (const auto& block : form.blocks) {
    std::size_t width = block.coefficients->scalar() ? 1 : block.coefficients->shape[0];
    for (std::size_t c = 0; c < width; ++c) {
      std::vector<double> column(n);
      for (std::size_t i = 0; i < n; ++i)
        column[i] = block.sign * weights[i] * (block.columns ? host.all(block.columns)[i * width + c] : 1.0);
      columns.push_back(std::move(column));
    }
  }
  const bool mean_only = k == 1 && !form.blocks[0].columns && !weighted && !form.group;
  NodeRef squares = nullptr;
  const double count = static_cast<double>(n);
  if (form.group) {
    // Between groups: sum of w_g (ybar_g - xbar_g b - a_g)^2, w_g the sum of a group's weights squared; what
    // is left varies within groups and is reduced as a regression on centred rows.
    std::vector<double> mass(groups);
    std::vector<std::size_t> of(n);
    for (std::size_t i = 0; i < n; ++i) {
      of[i] = static_cast<std::size_t>(host.all(form.member)[i]);
      mass[of[i]] += weights[i] * weights[i];
    }
    auto centre = [&](std::vector<double>& column) {
      // Returns the group means of column / weight; leaves the centred column, weighted as before.
      std::vector<double> mean(groups);
      for (std::size_t i = 0; i < n; ++i) mean[of[i]] += weights[i] * column[i] / mass[of[i]];
      for (std::size_t i = 0; i < n; ++i) column[i] -= weights[i] * mean[of[i]];
      return mean;
    };
    NodeRef between = g.add_data("group means", {groups}, centre(residual));
    std::size_t column = 0;
    for (const auto& block : form.blocks) {
      if (block.coefficients->scalar()) {
        NodeRef means = g.add_data("group means", {groups}, centre(columns[column++]));
        between = g.sub(between, g.mul(means, block.coefficients));
        continue;
      }
      const std::size_t width = block.coefficients->shape[0];
      std::vector<double> means(groups * width);
      for (std::size_t c = 0; c < width; ++c) {
        const std::vector<double> mean = centre(columns[column++]);
        for (std::size_t j = 0; j < groups; ++j) means[j * width + c] = mean[j];
      }
      between = g.sub(between, g.contract(g.add_data("group means", {groups, width}, std::move(means)),
                                          block.coefficients));
    }
    NodeRef effect = form.group_sign < 0 ? g.neg(form.group) : form.group;
    NodeRef off = g.call("square", {g.sub(between, effect)});
    // A group without rows has no mean and no weight.
    squares = g.sum(g.mul(g.add_data("group weights", {groups}, std::move(mass)), off));
  }
  if (mean_only) {
    // S2 + N (ybar - m)^2.
    double mean = 0, spread = 0;
    for (double r : residual) mean += r / count;
    for (double r : residual) spread += (r - mean) * (r - mean);
    NodeRef m = form.blocks[0].sign < 0 ? g.neg(form.blocks[0].coefficients) : form.blocks[0].coefficients;
    NodeRef off = g.sub(g.add_data("mean", {}, std::vector<double>{mean}), m);
    squares = g.add(g.add_data("spread", {}, std::vector<double>{spread}),
                    g.mul(g.real(count), g.call("square", {off})));
  } else {
    triangularise(columns, residual);
    double rest = 0;
    for (std::size_t i = k; i < n; ++i) rest += residual[i] * residual[i];
    NodeRef off =
        g.add_data("projected", {k},
                   std::vector<double>(residual.begin(), residual.begin() + static_cast<std::ptrdiff_t>(k)));
    std::size_t column = 0;
    for (const auto& block : form.blocks) {
      if (block.coefficients->scalar()) {
        std::vector<double> r(columns[column].begin(),
                              columns[column].begin() + static_cast<std::ptrdiff_t>(k));
        off = g.sub(off, g.mul(g.add_data("factor", {k}, std::move(r)), block.coefficients));
        ++column;
        continue;
      }
      const std::size_t width = block.coefficients->shape[0];
      std::vector<double> r(k * width);
      for (std::size_t i = 0; i < k; ++i)
        for (std::size_t c = 0; c < width; ++c) r[i * width + c] = columns[column + c][i];
      off = g.sub(off, g.contract(g.add_data("factor", {k, width}, std::move(r)), block.coefficients));
      column += width;
    }
    NodeRef within = g.add_data("residual", {}, std::vector<double>{rest});
    if (k > 0) within = g.add(within, g.sum(g.call("square", {off})));
    squares = squares ? g.add(squares, within) : within;
  }
  NodeRef scale = weighted ? nullptr : sigma;
  NodeRef quadratic = g.mul(g.real(-0.5), squares);
  double constant = -count * log_sqrt_2pi;
  if (weighted) {
    double logs = 0;
    for (double w : weights) logs += std::log(w);
    return g.add(g.add(quadratic, g.add_data("log scales", {}, std::vector<double>{logs})), g.real(constant));
  }
  quadratic = g.mul(quadratic, g.call("square", {g.call("inv", {scale})}));
  return g.add(g.sub(quadratic, g.mul(g.real(count), g.call("log", {scale}))), g.real(constant));
}

namespace {

class Separator {
 public:
  Separator(Graph& g, HostValues& host, const Shape& shape) : g_(g), host_(host), shape_(shape) {}

  /// The sum of weight * node; `weight` null: 1.
  NodeRef sum(NodeRef node, NodeRef weight) {
    if (weight && host_.element(g_.sum(weight), {}) == 0) return g_.real(0);  // weights are masks: 0 or 1
    if (fixed(node) && !node->scalar()) {
      if (!weight) return g_.sum(node);
      // A masked element may be infinite: choose, do not multiply.
      NodeRef inside = g_.operation(Op::EqualR, {weight, g_.real(1)});
      return g_.sum(g_.select(inside, node, g_.real(0)));
    }
    if (node->scalar()) {
      NodeRef times = weight ? g_.sum(weight) : g_.real(static_cast<double>(elements(shape_)));
      return g_.mul(times, node);
    }
    if (node->kind == NodeKind::Fill) return sum(node->args[0], weight);
    if (node->kind == NodeKind::At && !weight && node->axes.size() == 1 &&
        node->axes[0].kind == Axis::Kind::Gather && fixed(node->axes[0].index) &&
        2 * node->args[0]->shape[0] <= node->shape[0]) {
      // x[g] summed is x counted.
      std::vector<double> counts(node->args[0]->shape[0]);
      for (double at : host_.all(node->axes[0].index)) counts[static_cast<std::size_t>(at)] += 1;
      NodeRef count = g_.add_data("counts", node->args[0]->shape, std::move(counts));
      NodeRef absent = g_.operation(Op::EqualR, {count, g_.real(0)});
      return g_.sum(g_.select(absent, g_.real(0), g_.mul(count, g_.to_real(node->args[0]))));
    }
    if (is_call(node, "+") || is_call(node, "-")) {
      NodeRef a = sum(node->args[0], weight);
      NodeRef b = a ? sum(node->args[1], weight) : nullptr;
      if (!b) return nullptr;
      return is_call(node, "+") ? g_.add(a, b) : g_.sub(a, b);
    }
    if (is_call(node, "neg")) {
      NodeRef a = sum(node->args[0], weight);
      return a ? g_.neg(a) : nullptr;
    }
    if (is_call(node, "*"))
      for (std::size_t i = 0; i < 2; ++i)
        if (node->args[i]->scalar()) {
          NodeRef v = sum(node->args[1 - i], weight);
          return v ? g_.mul(node->args[i], v) : nullptr;
        }
    if (is_call(node, "multiply_log") && node->args[0]->scalar() && fixed(node->args[1]) &&
        node->args[1]->lower > 0) {
      NodeRef v = sum(g_.call("log", {node->args[1]}), weight);
      return v ? g_.mul(node->args[0], v) : nullptr;
    }
    if (is_call(node, "/") && node->args[1]->scalar()) {
      NodeRef v = sum(node->args[0], weight);
      return v ? g_.div(v, node->args[1]) : nullptr;
    }
    if (node->kind == NodeKind::Operation && node->op == Op::Select && fixed(node->args[0]) &&
        !node->args[0]->scalar()) {
      NodeRef yes = g_.to_real(node->args[0]);
      yes = g_.to_real(g_.operation(Op::NotI, {g_.operation(Op::EqualR, {yes, g_.real(0)})}));
      NodeRef no = g_.sub(g_.real(1), yes);
      if (weight) yes = g_.mul(weight, yes), no = g_.mul(weight, no);
      NodeRef a = sum(node->args[1], yes);
      NodeRef b = a ? sum(node->args[2], no) : nullptr;
      return b ? g_.add(a, b) : nullptr;
    }
    return nullptr;
  }

 private:
  Graph& g_;
  HostValues& host_;
  const Shape& shape_;
};

class OverTrips {
 public:
  OverTrips(Graph& g, std::uint32_t loop) : g_(g), loop_(loop) {
    from_ = g.loop(loop).from->integer;
    count_ = static_cast<std::uint64_t>(g.loop(loop).to->integer - from_);
  }

  /// A node that may not depend on the loop stays as it is; else the vector over its trips; null: cannot.
  NodeRef run(NodeRef node) {
    if (!std::binary_search(node->loops.begin(), node->loops.end(), loop_)) return node;
    auto found = memo_.find(node);
    if (found != memo_.end()) return found->second;
    return memo_[node] = make(node);
  }

 private:
  NodeRef make(NodeRef node) {
    if (!node->scalar()) return nullptr;
    switch (node->kind) {
      case NodeKind::Loop:
        return g_.count(from_, count_);
      case NodeKind::Operation: {
        std::vector<NodeRef> args;
        for (NodeRef arg : node->args) {
          NodeRef v = run(arg);
          if (!v) return nullptr;
          args.push_back(v);
        }
        if (node->op == Op::Call) return g_.call(node->function, std::move(args));
        return g_.operation(node->op, std::move(args));
      }
      case NodeKind::At:
        return at(node);
      case NodeKind::Contract: {
        // x[n] . b  over n is  x . b.
        for (std::size_t i = 0; i < 2; ++i) {
          NodeRef row = node->args[i], other = node->args[1 - i];
          if (std::binary_search(other->loops.begin(), other->loops.end(), loop_)) continue;
          NodeRef matrix = rows(row);
          if (matrix) return g_.contract(matrix, other);
        }
        return nullptr;
      }
      default:
        return nullptr;
    }
  }

  /// The slice or gather that an index runs through.
  std::optional<Axis> axis(NodeRef index) {
    if (!std::binary_search(index->loops.begin(), index->loops.end(), loop_))
      return Axis{Axis::Kind::Scalar, index, 0, 0};
    std::int64_t shift = 0;
    NodeRef base = index;
    if (base->kind == NodeKind::Operation && base->op == Op::AddI &&
        base->args[1]->kind == NodeKind::Integer) {
      shift = base->args[1]->integer;
      base = base->args[0];
    }
    if (base->kind == NodeKind::Loop && base->id == loop_) {
      if (from_ + shift < 0) return std::nullopt;
      return Axis{Axis::Kind::Range, nullptr, static_cast<std::uint64_t>(from_ + shift), count_};
    }
    NodeRef v = run(index);
    if (!v || v->scalar()) return std::nullopt;
    return Axis{Axis::Kind::Gather, v, 0, 0};
  }

  NodeRef at(NodeRef node) {
    NodeRef x = node->args[0];
    if (std::binary_search(x->loops.begin(), x->loops.end(), loop_)) return nullptr;
    std::vector<Axis> axes;
    int varying = 0;
    for (std::size_t d = 0; d < node->axes.size(); ++d) {
      if (node->axes[d].kind != Axis::Kind::Scalar) return nullptr;
      auto one = axis(node->axes[d].index);
      if (!one) return nullptr;
      varying += one->kind != Axis::Kind::Scalar;
      if (one->kind == Axis::Kind::Range && one->from + one->count > x->shape[d]) return nullptr;
      axes.push_back(*one);
    }
    // Two varying indices would run along a diagonal.
    return varying == 1 ? g_.at(x, std::move(axes)) : nullptr;
  }

  /// The matrix whose rows are the values of a vector X[n, :].
  NodeRef rows(NodeRef row) {
    if (row->kind != NodeKind::At || row->args[0]->shape.size() != 2) return nullptr;
    if (row->axes[0].kind != Axis::Kind::Scalar || row->axes[1].kind != Axis::Kind::Range) return nullptr;
    if (std::binary_search(row->args[0]->loops.begin(), row->args[0]->loops.end(), loop_)) return nullptr;
    auto one = axis(row->axes[0].index);
    if (!one || one->kind == Axis::Kind::Scalar) return nullptr;
    if (one->kind == Axis::Kind::Range && one->from + one->count > row->args[0]->shape[0]) return nullptr;
    return g_.at(row->args[0], {*one, row->axes[1]});
  }

  Graph& g_;
  std::uint32_t loop_;
  std::int64_t from_ = 0;
  std::uint64_t count_ = 0;
  std::unordered_map<NodeRef, NodeRef> memo_;
};

}  // namespace

NodeRef separated_sum(Graph& graph, HostValues& host, NodeRef node, const Shape& shape) {
  return Separator(graph, host, shape).sum(node, nullptr);
}

NodeRef over_trips(Graph& graph, NodeRef node, std::uint32_t loop) {
  const Graph::LoopVariable& variable = graph.loop(loop);
  if (variable.from->kind != NodeKind::Integer || variable.to->kind != NodeKind::Integer) return nullptr;
  return OverTrips(graph, loop).run(node);
}

}  // namespace drey::model
