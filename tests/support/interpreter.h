#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/interpreter_array.h"
#include "support/interpreter_densities.h"
#include "support/interpreter_functions.h"
#include "support/interpreter_ode.h"
#include "term/term.h"

/// What a model term means, taken literally: a tree walk over the term itself, in long double, element by element.
/// It shares no code with the engine, optimises nothing, and knows no more of the language than tests use; what it
/// does not know it throws std::runtime_error for. Slow and plain on purpose: compiled models are compared with it.
namespace drey::test {

class Interpreter {
 public:
  using Number = interpreted::Number;
  using Shape = interpreted::Shape;
  using Array = interpreted::Array;

  explicit Interpreter(term::Term model) : model_(std::move(model)) {}

  /// Runs the whole model at an unconstrained point; target() and value() say what became of it.
  Number run(std::span<const Number> point) {
    scopes_ = {{}};
    target_ = 0;
    if (const term::Term* data = model_.find("data"))
      for (const auto& [key, value] : data->as<term::Map>()->pairs) define(name(key), literal(value));
    block("transformed_data");
    std::size_t at = 0;
    if (const term::Term* parameters = model_.find("parameters"))
      for (const term::Term& declaration : elements(*parameters)) parameter(declaration, point, at);
    if (at != point.size())
      interpreted::fail("the point has " + std::to_string(point.size()) + " elements, not " +
                        std::to_string(at));
    block("transformed");
    block("model");
    block("generated");
    return target_;
  }

  /// A name of the outermost scope after run(): data, parameters, transformed.
  const Array& value(const std::string& key) const { return scopes_.front().at(key); }

 private:
  using Term = term::Term;

  static const std::vector<Term>& elements(const Term& list) {
    const auto* l = list.as<term::List>();
    if (!l) interpreted::fail("a list expected: " + term::to_string(list));
    return l->elements;
  }
  static std::string name(const Term& atom) {
    const auto* a = atom.as<term::Atom>();
    if (!a) interpreted::fail("an atom expected: " + term::to_string(atom));
    return a->name;
  }

  // ---------------------------------------------------------------- names

  void define(const std::string& key, Array array) { scopes_.back()[key] = std::move(array); }
  Array* find(const std::string& key) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (auto found = scope->find(key); found != scope->end()) return &found->second;
    return nullptr;
  }

  static Array literal(const Term& term) {
    if (const auto* i = term.as<std::int64_t>()) return Array::scalar(static_cast<Number>(*i), true);
    if (const auto* r = term.as<double>()) return Array::scalar(static_cast<Number>(*r));
    std::vector<Array> parts;
    for (const Term& e : elements(term)) parts.push_back(literal(e));
    return interpreted::pack(parts);
  }

  // ---------------------------------------------------------------- statements

  void block(const char* key) {
    const Term* list = model_.find(key);
    if (!list) return;
    const bool inner = std::string(key) == "model";
    if (inner) scopes_.emplace_back();
    for (const Term& s : elements(*list)) statement(s);
    if (inner) scopes_.pop_back();
  }

  void statements(const Term& list) {
    scopes_.emplace_back();
    for (const Term& s : elements(list)) statement(s);
    scopes_.pop_back();
  }

  void statement(const Term& term) {
    const std::vector<Term>& e = term.as<term::Tuple>()->elements;
    const std::string tag = name(e[0]);
    if (tag == "~") {
      const Array outcome = expression(e[1]);
      target_ += density(e[2], outcome);
    } else if (tag == "target") {
      for (Number x : expression(e[1]).values) target_ += x;
    } else if (tag == "let") {
      define(name(e[1]), expression(e[2]));
    } else if (tag == "declare") {
      define(name(e[1]), Array::of(shape_of(e[2])));
    } else if (tag == "set") {
      set(e[1], expression(e[2]));
    } else if (tag == "for") {
      const auto from = integer(e[2]), to = integer(e[3]);
      for (std::int64_t i = from; i <= to; ++i) {
        scopes_.emplace_back();
        define(name(e[1]), Array::scalar(static_cast<Number>(i), true));
        statements(e[4]);
        scopes_.pop_back();
      }
    } else if (tag == "if") {
      if (expression(e[1]).values[0] != 0)
        statements(e[2]);
      else if (e.size() > 3)
        statements(e[3]);
    } else if (e.size() == 2) {
      define(tag, expression(e[1]));
    } else {
      interpreted::fail("statement " + tag);
    }
  }

  void set(const Term& left, const Array& value) {
    const auto* tuple = left.as<term::Tuple>();
    Array* array = find(name(tuple ? tuple->elements[1] : left));
    if (!array) interpreted::fail("set of an unknown name");
    std::size_t offset = 0, stride = array->values.size(), dimension = 0;
    if (tuple)
      for (std::size_t i = 2; i < tuple->elements.size(); ++i, ++dimension) {
        stride /= array->shape[dimension];
        const auto index = integer(tuple->elements[i]);
        if (index < 1 || static_cast<std::size_t>(index) > array->shape[dimension])
          interpreted::fail("set outside");
        offset += static_cast<std::size_t>(index - 1) * stride;
      }
    for (std::size_t i = 0; i < stride; ++i)
      array->values[offset + i] = value.shape.empty() ? value.values[0] : value.values.at(i);
  }

  Shape shape_of(const Term& type) {
    if (type.as<term::Atom>()) return {};
    const std::vector<Term>& e = type.as<term::Tuple>()->elements;
    const std::string tag = name(e[0]);
    Shape shape;
    if (tag == "array") {
      for (const Term& n : elements(e[1])) shape.push_back(static_cast<std::size_t>(integer(n)));
      const Shape inner = shape_of(e[2]);
      shape.insert(shape.end(), inner.begin(), inner.end());
    } else {
      for (std::size_t i = 1; i < e.size(); ++i) shape.push_back(static_cast<std::size_t>(integer(e[i])));
    }
    return shape;
  }

  // ---------------------------------------------------------------- parameters

  void parameter(const Term& declaration, std::span<const Number> point, std::size_t& at) {
    const std::vector<Term>& e = declaration.as<term::Tuple>()->elements;
    const std::string kind = e[1].as<term::Tuple>() ? name(e[1].as<term::Tuple>()->elements[0]) : name(e[1]);
    Shape shape = shape_of(e[1]);
    if (kind.starts_with("chol") || kind.starts_with("co")) shape.push_back(shape[0]);
    Array out = Array::of(shape);
    const std::size_t n = out.values.size();
    auto next = [&] {
      if (at >= point.size()) interpreted::fail("the point is too short");
      return point[at++];
    };
    if (kind == "real" || kind == "vector" || kind == "matrix" || kind == "array") {
      Array lower, upper, offset, multiplier;
      bool has_lower = false, has_upper = false, moved = false;
      offset = Array::scalar(0);
      multiplier = Array::scalar(1);
      if (e.size() > 2)
        for (const Term& modifier : elements(e[2])) {
          const std::vector<Term>& m = modifier.as<term::Tuple>()->elements;
          const std::string what = name(m[0]);
          Array bound = expression(m[1]);
          if (what == "lower") lower = bound, has_lower = true;
          if (what == "upper") upper = bound, has_upper = true;
          if (what == "offset") offset = bound;
          if (what == "multiplier") multiplier = bound, moved = true;
        }
      auto of = [](const Array& a, std::size_t i) { return a.values[a.shape.empty() ? 0 : i]; };
      for (std::size_t i = 0; i < n; ++i) {
        const Number x = next();
        if (has_lower && has_upper) {
          const Number width = of(upper, i) - of(lower, i), p = 1 / (1 + std::exp(-x));
          out.values[i] = of(lower, i) + width * p;
          target_ += std::log(width) + std::log(p) - std::log(1 + std::exp(x));
        } else if (has_lower) {
          out.values[i] = of(lower, i) + std::exp(x);
          target_ += x;
        } else if (has_upper) {
          out.values[i] = of(upper, i) - std::exp(x);
          target_ += x;
        } else {
          out.values[i] = of(offset, i) + of(multiplier, i) * x;
          if (moved) target_ += std::log(of(multiplier, i));
        }
      }
    } else if (kind == "ordered" || kind == "positive_ordered") {
      for (std::size_t i = 0; i < n; ++i) {
        const Number x = next();
        const bool step = i > 0 || kind == "positive_ordered";
        out.values[i] = (i > 0 ? out.values[i - 1] : 0) + (step ? std::exp(x) : x);
        if (step) target_ += x;
      }
    } else if (kind == "simplex") {
      Number left = 1;
      for (std::size_t i = 0; i + 1 < n; ++i) {
        const Number x = next() - std::log(static_cast<Number>(n - 1 - i)), z = 1 / (1 + std::exp(-x));
        out.values[i] = left * z;
        target_ += std::log(left) + std::log(z) + std::log(1 - z);
        left -= out.values[i];
      }
      out.values[n - 1] = left;
    } else if (kind == "unit_vector") {
      Number squares = 0;
      for (Number& x : out.values) x = next(), squares += x * x;
      for (Number& x : out.values) x /= std::sqrt(squares);
      const Number half = static_cast<Number>(n) / 2;
      target_ += std::log(Number(2)) - half * std::log(Number(2)) - std::lgamma(half) - squares / 2;
    } else if (kind == "cholesky_corr" || kind == "corr_matrix") {
      const std::size_t k = shape[0];
      for (std::size_t i = 0; i < k; ++i) {
        Number left = 1;
        for (std::size_t j = 0; j < i; ++j) {
          const Number z = std::tanh(next());
          target_ += std::log(1 - z * z) + std::log(left) / 2;
          out.values[i * k + j] = z * std::sqrt(left);
          left *= 1 - z * z;
        }
        out.values[i * k + i] = std::sqrt(left);
        if (kind == "corr_matrix") target_ += static_cast<Number>(k - 1 - i) * std::log(left) / 2;
      }
      if (kind == "corr_matrix") out = interpreted::apply("tcrossprod", {out});
    } else if (kind == "cholesky_cov" || kind == "cov_matrix") {
      const std::size_t k = shape[0];
      for (std::size_t i = 0; i < k; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
          const Number x = next();
          out.values[i * k + j] = i == j ? std::exp(x) : x;
          if (i == j) target_ += x;
          if (i == j && kind == "cov_matrix") target_ += std::log(Number(2)) + static_cast<Number>(k - i) * x;
        }
      if (kind == "cov_matrix") out = interpreted::apply("tcrossprod", {out});
    } else {
      interpreted::fail("a parameter of type " + kind);
    }
    define(name(e[0]), out);
  }

  // ---------------------------------------------------------------- expressions

  std::int64_t integer(const Term& term) {
    const Array a = expression(term);
    if (!a.shape.empty() || a.values[0] != std::floor(a.values[0]))
      interpreted::fail("an integer expected: " + term::to_string(term));
    return static_cast<std::int64_t>(a.values[0]);
  }

  Array expression(const Term& term) {
    if (term.as<std::int64_t>() || term.as<double>()) return literal(term);
    if (const auto* atom = term.as<term::Atom>()) {
      if (Array* found = find(atom->name)) return *found;
      if (atom->name == "pi") return Array::scalar(std::acos(Number(-1)));
      interpreted::fail("unknown name " + atom->name);
    }
    if (term.as<term::List>()) {
      std::vector<Array> parts;
      for (const Term& e : elements(term)) parts.push_back(expression(e));
      return interpreted::pack(parts);
    }
    const auto* tuple = term.as<term::Tuple>();
    if (!tuple || tuple->elements.empty()) interpreted::fail("expression " + term::to_string(term));
    const std::string op = name(tuple->elements[0]);
    if (op == "at") return at(tuple->elements);
    std::vector<Term> arguments(tuple->elements.begin() + 1, tuple->elements.end());
    for (const char* suffix : {"_lpdf", "_lpmf"})
      if (op.size() > 5 && op.ends_with(suffix)) {
        const Array outcome = expression(arguments[0]);
        std::vector<Array> rest;
        for (std::size_t i = 1; i < arguments.size(); ++i) rest.push_back(expression(arguments[i]));
        return Array::scalar(interpreted::density(op.substr(0, op.size() - 5), outcome, rest));
      }
    for (const char* suffix : {"_lccdf", "_lcdf", "_cdf"})
      if (op.ends_with(suffix)) {
        std::vector<Array> args;
        for (const Term& e : arguments) args.push_back(expression(e));
        const std::string d = op.substr(0, op.size() - std::string(suffix).size());
        return interpreted::each(args, [&](const std::vector<Number>& v) {
          const Number p =
              interpreted::probability(d, v[0], {v.begin() + 1, v.end()}, suffix == std::string("_lccdf"));
          return suffix == std::string("_cdf") ? p : std::log(p);
        });
      }
    if (const Term* functions = model_.find("functions"))
      if (const Term* function = functions->find(op)) return call(*function, arguments);
    if (op.starts_with("ode_")) return ode(op, arguments);
    std::vector<Array> args;
    for (const Term& e : arguments) args.push_back(expression(e));
    return interpreted::apply(op, args);
  }

  Array call(const Term& function, const std::vector<Term>& arguments) {
    std::vector<Array> args;
    for (const Term& e : arguments) args.push_back(expression(e));
    return call(function, args);
  }
  Array call(const Term& function, const std::vector<Array>& arguments) {
    const std::vector<Term>& f = function.as<term::Tuple>()->elements;
    std::map<std::string, Array> scope;
    const std::vector<Term>& names = elements(f[0]);
    for (std::size_t i = 0; i < names.size(); ++i) scope[name(names[i])] = arguments.at(i);
    auto outer = std::exchange(scopes_, {scope});
    Array result;
    const auto* list = f[1].as<term::List>();
    const bool block = list && !list->elements.empty() && list->elements.back().tagged("return", 2);
    if (block) {
      for (const Term& s : list->elements)
        if (const auto* last = s.tagged("return", 2))
          result = expression(last->elements[1]);
        else
          statement(s);
    } else {
      result = expression(f[1]);
    }
    scopes_ = std::move(outer);
    return result;
  }

  Array at(const std::vector<Term>& e) {
    const Array x = expression(e[1]);
    struct Axis {
      std::vector<std::size_t> index;
      bool kept = true;
    };
    std::vector<Axis> axes(x.shape.size());
    for (std::size_t d = 0; d < axes.size(); ++d) {
      const Term* i = d + 2 < e.size() ? &e[d + 2] : nullptr;
      auto whole = [&] {
        axes[d].index.resize(x.shape[d]);
        std::iota(axes[d].index.begin(), axes[d].index.end(), std::size_t{0});
      };
      if (!i || (i->is_atom("all") && !find("all"))) {
        whole();
      } else if (const auto* range = i->tagged("range", 3)) {
        for (auto k = integer(range->elements[1]); k <= integer(range->elements[2]); ++k)
          axes[d].index.push_back(static_cast<std::size_t>(k - 1));
      } else {
        const Array index = expression(*i);
        for (Number k : index.values) axes[d].index.push_back(static_cast<std::size_t>(k) - 1);
        axes[d].kept = !index.shape.empty();
      }
      for (std::size_t k : axes[d].index)
        if (k >= x.shape[d]) interpreted::fail("index outside: " + term::to_string(e[1]));
    }
    Array out;
    out.values.clear();
    out.whole = x.whole;
    for (const Axis& axis : axes)
      if (axis.kept) out.shape.push_back(axis.index.size());
    std::function<void(std::size_t, std::size_t)> walk = [&](std::size_t d, std::size_t offset) {
      if (d == axes.size()) {
        out.values.push_back(x.values[offset]);
        return;
      }
      for (std::size_t k : axes[d].index) walk(d + 1, offset * x.shape[d] + k);
    };
    walk(0, 0);
    return out;
  }

  /// {ode_..., F, Y0, T0, Times, Theta...}: the method of ode_rk4, which says its steps; of the adaptive ones what they
  /// approximate.
  Array ode(const std::string& op, const std::vector<Term>& e) {
    const Term function = *model_.find("functions")->find(name(e[0]));
    const Array start = expression(e[1]), times = expression(e[3]);
    Number t = expression(e[2]).values[0];
    std::vector<Array> rest;
    const bool fixed = op == "ode_rk4";
    for (std::size_t i = fixed ? 5 : op.ends_with("_tol") ? 6 : 4; i < e.size(); ++i)
      rest.push_back(expression(e[i]));
    const std::int64_t steps = fixed ? integer(e[4]) : 0;
    const interpreted::Slope slope = [&](Number when, const interpreted::State& state) {
      std::vector<Array> args{Array::scalar(when), Array{start.shape, state, false}};
      args.insert(args.end(), rest.begin(), rest.end());
      return call(function, args).values;
    };
    Array out{{times.values.size(), start.values.size()}, {}, false};
    interpreted::State y = start.values;
    for (const Number end : times.values) {
      y = fixed ? interpreted::runge_kutta(slope, t, end, y, steps) : interpreted::solution(slope, t, end, y);
      out.values.insert(out.values.end(), y.begin(), y.end());
      t = end;
    }
    return out;
  }

  // ---------------------------------------------------------------- densities

  Number density(const Term& distribution, const Array& outcome) {
    const auto* tuple = distribution.as<term::Tuple>();
    std::vector<Array> rest;
    for (const char* part : {"truncate", "censor"})
      if (distribution.tagged(part, 4)) return seen_in_part(part, tuple->elements, outcome);
    if (tuple)
      for (std::size_t i = 1; i < tuple->elements.size(); ++i) rest.push_back(expression(tuple->elements[i]));
    return interpreted::density(name(tuple ? tuple->elements[0] : distribution), outcome, rest);
  }

  /// {truncate, D, L, U} and {censor, D, L, U}.
  Number seen_in_part(const std::string& part, const std::vector<Term>& e, const Array& outcome) {
    const std::vector<Term>& inner = e[1].as<term::Tuple>()->elements;
    const std::string d = name(inner[0]);
    std::vector<Array> args{outcome};
    for (std::size_t i = 1; i < inner.size(); ++i) args.push_back(expression(inner[i]));
    const bool from = !e[2].is_atom("none"), to = !e[3].is_atom("none");
    args.push_back(from ? expression(e[2]) : Array::scalar(0));
    args.push_back(to ? expression(e[3]) : Array::scalar(0));
    const Number step = d == "poisson" ? 1 : 0;
    Number total = 0;
    const Array all = interpreted::each(args, [&](const std::vector<Number>& v) {
      const std::vector<Number> theta(v.begin() + 1, v.end() - 2);
      const Number low = v[v.size() - 2], high = v.back();
      auto below = [&](Number y) { return interpreted::probability(d, y, theta, false); };
      auto above = [&](Number y) { return interpreted::probability(d, y, theta, true); };
      if (part == "censor") {
        if (from && v[0] <= low) return std::log(below(low));
        if (to && v[0] >= high) return std::log(above(high - step));
      }
      const Number density = interpreted::univariate(d, {v.begin(), v.end() - 2});
      if (part == "censor" || (!from && !to)) return density;
      if (from && to) return density - std::log(below(high) - below(low - step));
      return density - std::log(from ? above(low - step) : below(high));
    });
    for (Number x : all.values) total += x;
    return total;
  }

  Term model_;
  std::vector<std::map<std::string, Array>> scopes_;
  Number target_ = 0;
};

}  // namespace drey::test
