#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "error.h"
#include "model/checker.h"
#include "model/constraints.h"
#include "model/data.h"

namespace drey::model {

using syntax::Expression;

namespace {

constexpr std::uint64_t max_dimension = 1000000;

/// Unconstrained elements of one structure of size K.
std::uint64_t free_elements(const std::string& base, std::uint64_t k) {
  if (base == "simplex") return k - 1;
  if (base == "cholesky_corr" || base == "corr_matrix") return k * (k - 1) / 2;
  if (base == "cov_matrix" || base == "cholesky_cov") return k * (k + 1) / 2;
  return k;
}

std::string number_text(NodeRef node) {
  if (node->kind == NodeKind::Real) return fmt::format("{}", node->number);
  if (node->kind == NodeKind::Integer) return fmt::format("{}", node->integer);
  return "(expression)";
}

}  // namespace

const std::vector<std::string>& type_names() {
  static const std::vector<std::string> all = {
      "real",        "int",        "vector",           "matrix",      "array",
      "simplex",     "ordered",    "positive_ordered", "unit_vector", "cholesky_corr",
      "corr_matrix", "cov_matrix", "cholesky_cov"};
  return all;
}

Checker::ParsedType Checker::type(const Expression& e, int depth) {
  ParsedType out;
  const bool named = e.kind == Expression::Kind::Name || e.kind == Expression::Kind::Call;
  if (!named || depth > 8)
    throw Error("invalid_model",
                "a type is real, {vector, N}, {matrix, R, C}, {array, [N...], Type}, {simplex, K}, ...",
                e.where);
  const auto& known = type_names();
  if (std::find(known.begin(), known.end(), e.name) == known.end())
    unknown("type", e.name, known, e.where, "unknown_type");
  out.base = e.name;
  auto need = [&](std::size_t count, const char* form) {
    if (e.args.size() != count)
      throw Error("invalid_model",
                  fmt::format("the type is written {}, found {}", form,
                              e.kind == Expression::Kind::Name ? fmt::format("`{}` alone", e.name)
                                                               : fmt::format("{} sizes", e.args.size())),
                  e.where);
  };
  if (e.name == "real" || e.name == "int") {
    if (e.kind == Expression::Kind::Call)
      throw Error("invalid_model",
                  fmt::format("{0} has no sizes; what bounds it comes after the type, as in "
                              "{{name, {0}, [{{lower, 0}}]}}",
                              e.name),
                  e.where);
  } else if (e.name == "matrix") {
    need(2, "{matrix, Rows, Columns}");
    out.inner = {size(e.args[0], "rows"), size(e.args[1], "columns")};
  } else if (e.name == "array") {
    need(2, "{array, [N...], Type}");
    out = type(e.args[1], depth + 1);
    Shape batch;
    if (e.args[0].kind == Expression::Kind::List)
      for (const Expression& n : e.args[0].args) batch.push_back(size(n, "an array's size"));
    else
      batch.push_back(size(e.args[0], "an array's size"));
    out.batch.insert(out.batch.begin(), batch.begin(), batch.end());
  } else {
    need(1, fmt::format("{{{}, Size}}", e.name).c_str());
    std::uint64_t k = size(e.args[0], "a size");
    out.inner = {k};
    if (e.name == "cholesky_corr" || e.name == "corr_matrix" || e.name == "cov_matrix" ||
        e.name == "cholesky_cov")
      out.inner.push_back(k);
    if (k == 0 && e.name != "vector" && e.name != "ordered" && e.name != "positive_ordered")
      throw Error("wrong_shape", fmt::format("a {} has at least one element", e.name), e.where);
  }
  double count = 1;
  for (std::uint64_t n : out.shape()) count *= static_cast<double>(n);
  if (count > 1e8)
    throw Error("too_large", fmt::format("the type has {} elements; the most are 100000000", count), e.where);
  return out;
}

NodeRef Checker::parameter(const syntax::ParameterDeclaration& p) {
  ParsedType t = type(p.type);
  if (t.base == "int")
    throw Error("invalid_model", "a parameter is continuous; sum integers out (log_sum_exp, log_mix)",
                p.where);
  const bool elementwise = t.base == "real" || t.base == "vector" || t.base == "matrix";
  Parameter out;
  out.name = p.name;
  out.shape = t.shape();
  out.offset = checked_.dimension;
  out.size = elementwise ? elements(out.shape) : elements(t.batch) * free_elements(t.base, t.inner[0]);
  if (checked_.dimension + out.size > max_dimension)
    throw Error("too_large",
                fmt::format("the model has more than {} dimensions with `{}`", max_dimension, p.name),
                p.where);
  if (!elementwise && !p.modifiers.empty())
    throw Error("invalid_model", fmt::format("a {} takes no {}", t.base, p.modifiers[0].first), p.where);
  out.constraint = t.base;
  if (!t.inner.empty())
    out.constraint += fmt::format(" {}", t.inner.size() == 2 && t.base == "matrix"
                                             ? fmt::format("{}x{}", t.inner[0], t.inner[1])
                                             : fmt::format("{}", t.inner[0]));
  if (!t.batch.empty()) out.constraint = fmt::format("array {} of {}", shape_text(t.batch), out.constraint);

  checked_.dimension += out.size;
  checked_.parameters.push_back(out);
  Actions* before = actions_.back();
  actions_.back() = &checked_.constraints;
  NodeRef value = elementwise
                      ? constrain_elements(t, out.offset, p)
                      : constrain_structures(t, out.offset, free_elements(t.base, t.inner[0]), p.name);
  actions_.back() = before;
  return value;
}

NodeRef Checker::constrain_elements(const ParsedType& t, std::uint64_t offset,
                                    const syntax::ParameterDeclaration& p) {
  Graph& g = graph();
  const Shape shape = t.shape();
  NodeRef x = g.point(offset, shape);
  NodeRef lower = nullptr, upper = nullptr, shift = nullptr, scale = nullptr;
  for (const auto& [name, e] : p.modifiers) {
    NodeRef value = nullptr;
    if (e.kind == Expression::Kind::Name &&
        (e.name == "infinity" || e.name == "inf" || e.name == "neg_infinity"))
      continue;
    value = g.to_real(expression(e));
    if (!value->scalar() && value->shape != shape)
      throw Error("wrong_shape",
                  fmt::format("{} is {} where the parameter is {}", name, shape_text(value->shape),
                              shape_text(shape)),
                  e.where);
    checked_.parameters.back().constraint += fmt::format(", {} {}", name, number_text(value));
    (name == "lower" ? lower : name == "upper" ? upper : name == "offset" ? shift : scale) = value;
    if (name == "multiplier") check_domain(value, Domain::Positive, "multiplier", e.where);
  }
  if ((lower || upper) && (shift || scale))
    throw Error("invalid_model", "a parameter has bounds, or offset and multiplier, not both", p.where);
  auto jacobian = [&](NodeRef value) {
    Actions* before = actions_.back();
    actions_.back() = &checked_.jacobians;
    target(value->scalar() && !shape.empty() ? g.fill(value, shape) : value);
    actions_.back() = before;
  };
  if (elements(shape) == 0) return x;
  if (lower && upper) {
    NodeRef width = g.sub(upper, lower);
    check_domain(width, Domain::Positive, "upper - lower", p.where);
    // lower + width * inv_logit(x); log width + log inv_logit(x) + log(1 - inv_logit(x)).
    jacobian(g.sub(g.add(g.call("log", {width}), x), g.mul(g.real(2), g.call("log1p_exp", {x}))));
    NodeRef value = g.add(lower, g.mul(width, g.call("inv_logit", {x})));
    return value;
  }
  if (lower) {
    jacobian(x);
    return g.add(lower, g.call("exp", {x}));
  }
  if (upper) {
    jacobian(x);
    return g.sub(upper, g.call("exp", {x}));
  }
  NodeRef value = x;
  if (scale) {
    jacobian(g.call("log", {scale}));
    value = g.mul(scale, value);
  }
  return shift ? g.add(shift, value) : value;
}

NodeRef Checker::constrain_structures(const ParsedType& t, std::uint64_t offset, std::uint64_t free_size,
                                      const std::string& name) {
  Graph& g = graph();
  const std::uint64_t k = t.inner[0];
  const Shape shape = t.shape();
  Shape free_shape = t.batch;
  free_shape.push_back(free_size);
  NodeRef x = g.point(offset, free_shape);
  NodeRef variable = declare(name, Type::Real, shape);
  NodeRef zero = g.integer(0), one = g.integer(1);
  auto plus = [&](NodeRef i, std::int64_t c) { return g.operation(Op::AddI, {i, g.integer(c)}); };

  auto jacobian = [&](NodeRef value) {
    Actions* before = actions_.back();
    actions_.back() = &checked_.jacobians;
    target(value);
    actions_.back() = before;
  };
  // Work space a structure: what is left of the stick, the sums of squares.
  Shape work_shape = t.batch;
  NodeRef work = nullptr, logs = nullptr, factor = nullptr;
  const bool correlation = t.base == "cholesky_corr" || t.base == "corr_matrix";
  const bool covariance = t.base == "cov_matrix" || t.base == "cholesky_cov";
  if (t.base == "simplex") {
    work_shape.push_back(k);
    work = declare(name + " stick", Type::Real, work_shape);
  } else if (correlation) {
    Shape square = t.batch;
    square.push_back(k);
    square.push_back(k + 1);
    work = declare(name + " squares", Type::Real, square);
    if (free_size > 0) {
      work_shape.push_back(free_size);
      logs = declare(name + " logs", Type::Real, work_shape);
    }
  }
  factor = t.base == "corr_matrix" || t.base == "cov_matrix" ? declare(name + " factor", Type::Real, shape)
                                                             : variable;

  std::vector<NodeRef> batch;
  std::function<void(std::size_t)> level = [&](std::size_t d) {
    if (d < t.batch.size()) {
      loop("b", t.batch[d], [&](NodeRef b) {
        batch.push_back(b);
        level(d + 1);
        batch.pop_back();
      });
      return;
    }
    auto with = [&](std::initializer_list<NodeRef> more) {
      std::vector<NodeRef> index = batch;
      index.insert(index.end(), more.begin(), more.end());
      return index;
    };
    auto free = [&](NodeRef i) { return g.element(x, with({i})); };
    auto read = [&](NodeRef from, std::initializer_list<NodeRef> index) {
      return g.element(from, with(index));
    };
    if (t.base == "simplex") {
      // Stick breaking with the break at 1 / (K - i) for x = 0.
      store(work, with({zero}), g.real(1));
      loop("k", k - 1, [&](NodeRef i) {
        NodeRef left = g.to_real(g.operation(Op::SubI, {g.integer(static_cast<std::int64_t>(k) - 1), i}));
        NodeRef z = g.call("inv_logit", {g.sub(free(i), g.call("log", {left}))});
        NodeRef part = g.mul(read(work, {i}), z);
        store(variable, with({i}), part);
        store(work, with({plus(i, 1)}), g.sub(read(work, {i}), part));
      });
      NodeRef last = g.integer(static_cast<std::int64_t>(k) - 1);
      store(variable, with({last}), read(work, {last}));
    } else if (t.base == "ordered" || t.base == "positive_ordered") {
      if (k == 0) return;
      store(variable, with({zero}), t.base == "ordered" ? free(zero) : g.call("exp", {free(zero)}));
      loop("k", one, g.integer(static_cast<std::int64_t>(k)), [&](NodeRef i) {
        store(variable, with({i}), g.add(read(variable, {plus(i, -1)}), g.call("exp", {free(i)})));
      });
    } else if (t.base == "unit_vector") {
      std::vector<NodeRef> index = batch;
      NodeRef row = g.element(x, index);
      NodeRef norm = g.call("sqrt", {g.sum(g.call("square", {row}))});
      loop("k", k, [&](NodeRef i) { store(variable, with({i}), g.div(free(i), norm)); });
    } else if (correlation) {
      // Canonical partial correlations z = tanh(x), row by row; Lewandowski, Kurowicka, Joe 2009.
      loop("i", k, [&](NodeRef i) {
        store(work, with({i, zero}), g.real(0));
        loop("j", zero, i, [&](NodeRef j) {
          NodeRef position = g.operation(
              Op::AddI, {g.operation(Op::DivI, {g.operation(Op::MulI, {i, plus(i, -1)}), g.integer(2)}), j});
          NodeRef at = free(position);
          NodeRef used = read(work, {i, j});
          NodeRef entry = g.mul(g.call("tanh", {at}), g.call("sqrt", {g.sub(g.real(1), used)}));
          store(factor, with({i, j}), entry);
          store(work, with({i, plus(j, 1)}), g.add(used, g.call("square", {entry})));
          // log(1 - tanh(x)^2) = 2 (log 2 - x - log1p_exp(-2 x)).
          NodeRef slope = g.mul(g.real(2), g.sub(g.sub(g.real(std::log(2.0)), at),
                                                 g.call("log1p_exp", {g.mul(g.real(-2), at)})));
          store(logs, with({position}), g.add(slope, g.mul(g.real(0.5), g.call("log1m", {used}))));
        });
        store(factor, with({i, i}), g.call("sqrt", {g.sub(g.real(1), read(work, {i, i}))}));
        loop("j", plus(i, 1), g.integer(static_cast<std::int64_t>(k)), [&](NodeRef j) {
          store(factor, with({i, j}), g.real(0));
        });
      });
    } else if (covariance) {
      loop("i", k, [&](NodeRef i) {
        NodeRef start = g.operation(Op::DivI, {g.operation(Op::MulI, {i, plus(i, 1)}), g.integer(2)});
        loop("j", zero, i, [&](NodeRef j) {
          store(factor, with({i, j}), free(g.operation(Op::AddI, {start, j})));
        });
        store(factor, with({i, i}), g.call("exp", {free(g.operation(Op::AddI, {start, i}))}));
        loop("j", plus(i, 1), g.integer(static_cast<std::int64_t>(k)), [&](NodeRef j) {
          store(factor, with({i, j}), g.real(0));
        });
      });
    }
    if (factor != variable) {
      NodeRef l = g.element(factor, batch);
      NodeRef product = g.contract(l, g.transpose(l));
      loop("i", k, [&](NodeRef i) {
        loop("j", k, [&](NodeRef j) { store(variable, with({i, j}), g.element(product, {i, j})); });
      });
    }
  };
  level(0);

  // Jacobians, as vectors over all structures.
  const double kd = static_cast<double>(k);
  auto slice = [&](NodeRef from, std::uint64_t first, std::uint64_t count) {
    std::vector<Axis> axes;
    for (std::uint64_t size : t.batch) axes.push_back({Axis::Kind::Range, nullptr, 0, size});
    axes.push_back({Axis::Kind::Range, nullptr, first, count});
    return g.at(from, std::move(axes));
  };
  if (t.base == "simplex" && k > 1) {
    // log z + log(1 - z) + log(stick) for each break.
    std::vector<double> lefts;
    for (std::uint64_t i = 0; i + 1 < k; ++i) lefts.push_back(std::log(kd - 1 - static_cast<double>(i)));
    Shape row_shape = t.batch;
    row_shape.push_back(k - 1);
    std::vector<double> all;
    for (std::uint64_t b = 0; b < elements(t.batch); ++b) all.insert(all.end(), lefts.begin(), lefts.end());
    NodeRef z = g.sub(x, g.add_data("simplex breaks", row_shape, all));
    jacobian(
        g.add(g.sub(z, g.mul(g.real(2), g.call("log1p_exp", {z}))), g.call("log", {slice(work, 0, k - 1)})));
  } else if (t.base == "ordered" && k > 1) {
    jacobian(slice(x, 1, k - 1));
  } else if (t.base == "positive_ordered" && k > 0) {
    jacobian(x);
  } else if (t.base == "unit_vector") {
    // The radius is given a chi distribution: log area of the sphere + log N(x; 0, I).
    const double area = std::log(2.0) + 0.5 * kd * std::log(M_PI) - std::lgamma(0.5 * kd);
    jacobian(g.mul(g.real(-0.5), g.call("square", {x})));
    jacobian(g.real(static_cast<double>(elements(t.batch)) * (area - 0.5 * kd * std::log(2 * M_PI))));
  } else if (correlation && free_size > 0) {
    jacobian(logs);
  }
  if (t.base == "corr_matrix" || covariance) {
    // det d(L L') / dL and, for covariances, of exp on the diagonal; Stan Reference Manual, Transforms.
    std::vector<NodeRef> batch2;
    Actions* before = actions_.back();
    actions_.back() = &checked_.jacobians;
    std::function<void(std::size_t)> level2 = [&](std::size_t d) {
      if (d < t.batch.size()) {
        loop("b", t.batch[d], [&](NodeRef b) {
          batch2.push_back(b);
          level2(d + 1);
          batch2.pop_back();
        });
        return;
      }
      loop("i", k, [&](NodeRef i) {
        std::vector<NodeRef> index = batch2;
        index.push_back(i);
        NodeRef power = g.to_real(g.operation(Op::SubI, {g.integer(static_cast<std::int64_t>(k) - 1), i}));
        if (t.base == "corr_matrix") {
          index.push_back(i);
          target(g.mul(power, g.call("log", {g.element(factor, index)})));
          return;
        }
        NodeRef start = g.operation(Op::DivI, {g.operation(Op::MulI, {i, plus(i, 1)}), g.integer(2)});
        index.back() = g.operation(Op::AddI, {start, i});
        NodeRef log_diagonal = g.element(x, index);
        if (t.base == "cov_matrix")
          target(g.add(g.mul(g.add(power, g.real(2)), log_diagonal), g.real(std::log(2.0))));
        else
          target(log_diagonal);
      });
    };
    level2(0);
    actions_.back() = before;
  }
  return variable;
}

}  // namespace drey::model
