#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "term/term.h"

/// What a model term means, taken literally: a tree walk over the term itself, in long double, element by element.
/// It shares no code with the engine, optimises nothing, and knows no more of the language than tests use; what it
/// does not know it throws std::runtime_error for. Slow and plain on purpose: compiled models are compared with it.
namespace drey::test {

class Interpreter {
 public:
  using Number = long double;
  using Shape = std::vector<std::size_t>;

  struct Array {
    Shape shape;
    std::vector<Number> values{0};
    bool whole = false;

    static Array scalar(Number x, bool whole = false) { return {{}, {x}, whole}; }
    static Array of(Shape shape, Number x = 0) {
      std::size_t n = 1;
      for (std::size_t d : shape) n *= d;
      return {std::move(shape), std::vector<Number>(n, x), false};
    }
  };

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
      fail("the point has " + std::to_string(point.size()) + " elements, not " + std::to_string(at));
    block("transformed");
    block("model");
    return target_;
  }

  /// A name of the outermost scope after run(): data, parameters, transformed.
  const Array& value(const std::string& key) const { return scopes_.front().at(key); }

 private:
  using Term = term::Term;

  [[noreturn]] static void fail(const std::string& what) { throw std::runtime_error("interpreter: " + what); }
  static const std::vector<Term>& elements(const Term& list) {
    const auto* l = list.as<term::List>();
    if (!l) fail("a list expected: " + term::to_string(list));
    return l->elements;
  }
  static std::string name(const Term& atom) {
    const auto* a = atom.as<term::Atom>();
    if (!a) fail("an atom expected: " + term::to_string(atom));
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
    return pack(parts);
  }

  static Array pack(const std::vector<Array>& parts) {
    Array out;
    out.values.clear();
    out.shape = {parts.size()};
    out.whole = true;
    if (!parts.empty()) out.shape.insert(out.shape.end(), parts[0].shape.begin(), parts[0].shape.end());
    for (const Array& part : parts) {
      out.values.insert(out.values.end(), part.values.begin(), part.values.end());
      out.whole = out.whole && part.whole;
    }
    return out;
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
      fail("statement " + tag);
    }
  }

  void set(const Term& left, const Array& value) {
    const auto* tuple = left.as<term::Tuple>();
    Array* array = find(name(tuple ? tuple->elements[1] : left));
    if (!array) fail("set of an unknown name");
    std::size_t offset = 0, stride = array->values.size(), dimension = 0;
    if (tuple)
      for (std::size_t i = 2; i < tuple->elements.size(); ++i, ++dimension) {
        stride /= array->shape[dimension];
        const auto index = integer(tuple->elements[i]);
        if (index < 1 || static_cast<std::size_t>(index) > array->shape[dimension]) fail("set outside");
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
    Array out = Array::of(shape_of(e[1]));
    const std::size_t n = out.values.size();
    auto next = [&] {
      if (at >= point.size()) fail("the point is too short");
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
    } else {
      fail("a parameter of type " + kind);
    }
    define(name(e[0]), out);
  }

  // ---------------------------------------------------------------- expressions

  std::int64_t integer(const Term& term) {
    const Array a = expression(term);
    if (!a.shape.empty() || a.values[0] != std::floor(a.values[0]))
      fail("an integer expected: " + term::to_string(term));
    return static_cast<std::int64_t>(a.values[0]);
  }

  Array expression(const Term& term) {
    if (term.as<std::int64_t>() || term.as<double>()) return literal(term);
    if (const auto* atom = term.as<term::Atom>()) {
      if (Array* found = find(atom->name)) return *found;
      if (atom->name == "pi") return Array::scalar(std::acos(Number(-1)));
      fail("unknown name " + atom->name);
    }
    if (term.as<term::List>()) {
      std::vector<Array> parts;
      for (const Term& e : elements(term)) parts.push_back(expression(e));
      return pack(parts);
    }
    const auto* tuple = term.as<term::Tuple>();
    if (!tuple || tuple->elements.empty()) fail("expression " + term::to_string(term));
    const std::string op = name(tuple->elements[0]);
    if (op == "at") return at(tuple->elements);
    std::vector<Term> arguments(tuple->elements.begin() + 1, tuple->elements.end());
    for (const char* suffix : {"_lpdf", "_lpmf"})
      if (op.size() > 5 && op.ends_with(suffix)) {
        const Array outcome = expression(arguments[0]);
        std::vector<Array> rest;
        for (std::size_t i = 1; i < arguments.size(); ++i) rest.push_back(expression(arguments[i]));
        return Array::scalar(density(op.substr(0, op.size() - 5), outcome, rest));
      }
    if (const Term* functions = model_.find("functions"))
      if (const Term* function = functions->find(op)) return call(*function, arguments);
    if (op == "ode_rk45") return ode(arguments);
    std::vector<Array> args;
    for (const Term& e : arguments) args.push_back(expression(e));
    return apply(op, args);
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
        if (k >= x.shape[d]) fail("index outside: " + term::to_string(e[1]));
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

  /// f(a, b, ...) element by element; scalars go with everything.
  static Array each(const std::vector<Array>& args,
                    const std::function<Number(const std::vector<Number>&)>& f) {
    Array out = Array::scalar(0);
    for (const Array& a : args)
      if (!a.shape.empty()) out = Array::of(a.shape);
    std::vector<Number> x(args.size());
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      for (std::size_t j = 0; j < args.size(); ++j) {
        if (!args[j].shape.empty() && args[j].shape != out.shape) fail("shapes differ");
        x[j] = args[j].values[args[j].shape.empty() ? 0 : i];
      }
      out.values[i] = f(x);
    }
    return out;
  }

  Array apply(const std::string& op, const std::vector<Array>& a) {
    using V = const std::vector<Number>&;
    const bool whole = std::all_of(a.begin(), a.end(), [](const Array& x) { return x.whole; });
    auto fold = [&](const std::function<Number(Number, Number)>& f) {
      Array out = a[0];
      for (std::size_t i = 1; i < a.size(); ++i) out = each({out, a[i]}, [&](V x) { return f(x[0], x[1]); });
      out.whole = whole;
      return out;
    };
    auto map = [&](const std::function<Number(Number)>& f) { return each(a, [&](V x) { return f(x[0]); }); };
    auto test = [&](const std::function<bool(Number, Number)>& f) {
      Array out = each(a, [&](V x) { return f(x[0], x[1]) ? Number(1) : Number(0); });
      out.whole = true;
      return out;
    };
    if (op == "+") return fold([](Number x, Number y) { return x + y; });
    if (op == "-" && a.size() > 1) return fold([](Number x, Number y) { return x - y; });
    if (op == "*") return fold([](Number x, Number y) { return x * y; });
    if (op == "/") return each(a, [](V x) { return x[0] / x[1]; });
    if (op == "^" || op == "pow") return each(a, [](V x) { return std::pow(x[0], x[1]); });
    if (op == "-") {
      Array out = map([](Number x) { return -x; });
      out.whole = whole;
      return out;
    }
    if (op == "div" || op == "rem") {
      Array out = each(a, [&](V x) { return op == "div" ? std::trunc(x[0] / x[1]) : std::fmod(x[0], x[1]); });
      out.whole = true;
      return out;
    }
    if (op == "<") return test([](Number x, Number y) { return x < y; });
    if (op == ">") return test([](Number x, Number y) { return x > y; });
    if (op == "=<" || op == "<=") return test([](Number x, Number y) { return x <= y; });
    if (op == ">=") return test([](Number x, Number y) { return x >= y; });
    if (op == "==") return test([](Number x, Number y) { return x == y; });
    if (op == "/=" || op == "!=") return test([](Number x, Number y) { return x != y; });
    if (op == "and") return test([](Number x, Number y) { return x != 0 && y != 0; });
    if (op == "or") return test([](Number x, Number y) { return x != 0 || y != 0; });
    if (op == "not") return each(a, [](V x) { return Number(x[0] == 0 ? 1 : 0); });
    if (op == "if_else") return each(a, [](V x) { return x[0] != 0 ? x[1] : x[2]; });
    if (op == "log_mix")
      return each(a, [](V x) { return std::log(x[0] * std::exp(x[1]) + (1 - x[0]) * std::exp(x[2])); });
    if (a.size() == 2 && (op == "min" || op == "max"))
      return fold([&](Number x, Number y) { return (op == "min") == (x < y) ? x : y; });
    if (a.size() == 2 && op == "log_sum_exp")
      return fold([](Number x, Number y) { return log_sum_exp({x, y}); });
    if (a.size() == 2 && op == "log_diff_exp")
      return fold([](Number x, Number y) { return x + std::log(-std::expm1(y - x)); });
    if (a.size() == 2 && op == "hypot") return fold([](Number x, Number y) { return std::hypot(x, y); });
    if (a.size() == 2 && op == "atan2") return fold([](Number x, Number y) { return std::atan2(x, y); });
    if (a.size() == 2 && op == "multiply_log")
      return fold([](Number x, Number y) { return x * std::log(y); });
    if (a.size() == 2 && op == "lbeta")
      return fold([](Number x, Number y) { return std::lgamma(x) + std::lgamma(y) - std::lgamma(x + y); });
    if (op == "fma") return each(a, [](V x) { return x[0] * x[1] + x[2]; });
    if (a.size() == 1)
      if (auto f = scalar_function(op)) return map(f);
    return whole_array(op, a);
  }

  static std::function<Number(Number)> scalar_function(const std::string& op) {
    static const std::map<std::string, std::function<Number(Number)>> table = {
        {"exp", [](Number x) { return std::exp(x); }},
        {"exp2", [](Number x) { return std::exp2(x); }},
        {"expm1", [](Number x) { return std::expm1(x); }},
        {"log", [](Number x) { return std::log(x); }},
        {"log2", [](Number x) { return std::log2(x); }},
        {"log10", [](Number x) { return std::log10(x); }},
        {"log1p", [](Number x) { return std::log1p(x); }},
        {"log1m", [](Number x) { return std::log1p(-x); }},
        {"sqrt", [](Number x) { return std::sqrt(x); }},
        {"inv_sqrt", [](Number x) { return 1 / std::sqrt(x); }},
        {"cbrt", [](Number x) { return std::cbrt(x); }},
        {"square", [](Number x) { return x * x; }},
        {"inv", [](Number x) { return 1 / x; }},
        {"inv_square", [](Number x) { return 1 / (x * x); }},
        {"neg", [](Number x) { return -x; }},
        {"abs", [](Number x) { return std::abs(x); }},
        {"sin", [](Number x) { return std::sin(x); }},
        {"cos", [](Number x) { return std::cos(x); }},
        {"tan", [](Number x) { return std::tan(x); }},
        {"atan", [](Number x) { return std::atan(x); }},
        {"sinh", [](Number x) { return std::sinh(x); }},
        {"cosh", [](Number x) { return std::cosh(x); }},
        {"tanh", [](Number x) { return std::tanh(x); }},
        {"asinh", [](Number x) { return std::asinh(x); }},
        {"erf", [](Number x) { return std::erf(x); }},
        {"erfc", [](Number x) { return std::erfc(x); }},
        {"Phi", [](Number x) { return std::erfc(-x / std::sqrt(Number(2))) / 2; }},
        {"log_Phi", [](Number x) { return std::log(std::erfc(-x / std::sqrt(Number(2))) / 2); }},
        {"lgamma", [](Number x) { return std::lgamma(x); }},
        {"inv_logit", [](Number x) { return 1 / (1 + std::exp(-x)); }},
        {"logit", [](Number x) { return std::log(x / (1 - x)); }},
        {"log_inv_logit", [](Number x) { return -log1p_exp(-x); }},
        {"log1m_inv_logit", [](Number x) { return -log1p_exp(x); }},
        {"log1p_exp", [](Number x) { return log1p_exp(x); }},
        {"softplus", [](Number x) { return log1p_exp(x); }},
        {"log1m_exp", [](Number x) { return std::log(-std::expm1(x)); }},
        {"inv_cloglog", [](Number x) { return -std::expm1(-std::exp(x)); }},
        {"floor", [](Number x) { return std::floor(x); }},
        {"ceil", [](Number x) { return std::ceil(x); }},
    };
    auto found = table.find(op);
    return found == table.end() ? nullptr : found->second;
  }

  static Number log1p_exp(Number x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
  static Number log_sum_exp(const std::vector<Number>& x) {
    const Number top = *std::max_element(x.begin(), x.end());
    Number sum = 0;
    for (Number v : x) sum += std::exp(v - top);
    return top + std::log(sum);
  }

  static Array whole_array(const std::string& op, const std::vector<Array>& a) {
    const std::vector<Number>& x = a[0].values;
    const Number n = static_cast<Number>(x.size());
    auto sum = [](const std::vector<Number>& v) { return std::accumulate(v.begin(), v.end(), Number(0)); };
    auto centred_squares = [&] {
      Number total = 0;
      for (Number v : x) total += (v - sum(x) / n) * (v - sum(x) / n);
      return total;
    };
    if (op == "sum") return Array::scalar(sum(x), a[0].whole);
    if (op == "mean") return Array::scalar(sum(x) / n);
    if (op == "variance") return Array::scalar(centred_squares() / (n - 1));
    if (op == "sd") return Array::scalar(std::sqrt(centred_squares() / (n - 1)));
    if (op == "prod")
      return Array::scalar(std::accumulate(x.begin(), x.end(), Number(1), std::multiplies<>()));
    if (op == "min") return Array::scalar(*std::min_element(x.begin(), x.end()));
    if (op == "max") return Array::scalar(*std::max_element(x.begin(), x.end()));
    if (op == "log_sum_exp") return Array::scalar(log_sum_exp(x));
    if (op == "dot_self") return Array::scalar(std::inner_product(x.begin(), x.end(), x.begin(), Number(0)));
    if (op == "dot")
      return Array::scalar(std::inner_product(x.begin(), x.end(), a[1].values.begin(), Number(0)));
    if (op == "size") return Array::scalar(a[0].shape.empty() ? 1 : static_cast<Number>(a[0].shape[0]), true);
    if (op == "to_vector") return {{x.size()}, x, a[0].whole};
    if (op == "cumulative_sum") {
      Array out = a[0];
      for (std::size_t i = 1; i < x.size(); ++i) out.values[i] = out.values[i - 1] + x[i];
      return out;
    }
    if (op == "softmax") {
      Array out = a[0];
      const Number total = log_sum_exp(x);
      for (Number& v : out.values) v = std::exp(v - total);
      return out;
    }
    if (op == "reverse") {
      Array out = a[0];
      std::reverse(out.values.begin(), out.values.end());
      return out;
    }
    if (op == "outer") {
      Array out = Array::of({x.size(), a[1].values.size()});
      for (std::size_t i = 0; i < out.values.size(); ++i)
        out.values[i] = x[i / a[1].values.size()] * a[1].values[i % a[1].values.size()];
      return out;
    }
    if (op == "rep") {
      Array out;
      out.values.clear();
      std::size_t count = 1;
      for (std::size_t i = 1; i < a.size(); ++i) {
        out.shape.push_back(static_cast<std::size_t>(a[i].values[0]));
        count *= out.shape.back();
      }
      for (std::size_t i = 0; i < count; ++i) out.values.insert(out.values.end(), x.begin(), x.end());
      out.shape.insert(out.shape.end(), a[0].shape.begin(), a[0].shape.end());
      return out;
    }
    if (op == "transpose") {
      Array out = Array::of({a[0].shape[1], a[0].shape[0]});
      for (std::size_t i = 0; i < a[0].shape[0]; ++i)
        for (std::size_t j = 0; j < a[0].shape[1]; ++j)
          out.values[j * a[0].shape[0] + i] = x[i * a[0].shape[1] + j];
      return out;
    }
    if (op == "matmul") return matmul(a[0], a[1]);
    if (op == "diag_matrix") {
      Array out = Array::of({x.size(), x.size()});
      for (std::size_t i = 0; i < x.size(); ++i) out.values[i * x.size() + i] = x[i];
      return out;
    }
    if (op == "cholesky") {
      const std::size_t k = a[0].shape[0];
      Array l = Array::of({k, k});
      for (std::size_t i = 0; i < k; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
          Number rest = x[i * k + j];
          for (std::size_t m = 0; m < j; ++m) rest -= l.values[i * k + m] * l.values[j * k + m];
          l.values[i * k + j] = i == j ? std::sqrt(rest) : rest / l.values[j * k + j];
        }
      return l;
    }
    if (op == "gp_exp_quad_cov") {
      Array out = Array::of({x.size(), x.size()});
      const Number alpha = a[1].values[0], rho = a[2].values[0];
      for (std::size_t i = 0; i < x.size(); ++i)
        for (std::size_t j = 0; j < x.size(); ++j)
          out.values[i * x.size() + j] =
              alpha * alpha * std::exp(-(x[i] - x[j]) * (x[i] - x[j]) / (2 * rho * rho));
      return out;
    }
    fail("function " + op + " of " + std::to_string(a.size()));
  }

  static Array matmul(const Array& a, const Array& b) {
    const std::size_t rows = a.shape.size() == 2 ? a.shape[0] : 1, inner = a.shape.back();
    const std::size_t columns = b.shape.size() == 2 ? b.shape[1] : 1;
    if (b.shape[0] != inner) fail("matmul shapes");
    Array out = Array::of({rows, columns});
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        for (std::size_t k = 0; k < inner; ++k)
          out.values[i * columns + j] += a.values[i * inner + k] * b.values[k * columns + j];
    out.shape.clear();
    if (a.shape.size() == 2) out.shape.push_back(rows);
    if (b.shape.size() == 2) out.shape.push_back(columns);
    return out;
  }

  /// {ode_rk45, F, Y0, T0, Times, Theta...}: classical Runge-Kutta in steps so small that the method does not matter.
  Array ode(const std::vector<Term>& e) {
    const Term function = *model_.find("functions")->find(name(e[0]));
    Array y = expression(e[1]);
    Number t = expression(e[2]).values[0];
    const Array times = expression(e[3]);
    std::vector<Array> rest;
    for (std::size_t i = 4; i < e.size(); ++i) rest.push_back(expression(e[i]));
    auto slope = [&](Number when, const std::vector<Number>& state) {
      std::vector<Array> args{Array::scalar(when), Array{y.shape, state, false}};
      args.insert(args.end(), rest.begin(), rest.end());
      return call(function, args).values;
    };
    Array out = Array::of({times.values.size(), y.values.size()});
    const std::size_t k = y.values.size();
    for (std::size_t i = 0; i < times.values.size(); ++i) {
      constexpr int steps = 100;
      const Number h = (times.values[i] - t) / steps;
      for (int s = 0; s < steps; ++s) {
        auto moved = [&](const std::vector<Number>& d, Number by) {
          std::vector<Number> z = y.values;
          for (std::size_t j = 0; j < k; ++j) z[j] += by * d[j];
          return z;
        };
        const auto k1 = slope(t, y.values), k2 = slope(t + h / 2, moved(k1, h / 2));
        const auto k3 = slope(t + h / 2, moved(k2, h / 2)), k4 = slope(t + h, moved(k3, h));
        for (std::size_t j = 0; j < k; ++j) y.values[j] += h / 6 * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]);
        t += h;
      }
      t = times.values[i];
      for (std::size_t j = 0; j < k; ++j) out.values[i * k + j] = y.values[j];
    }
    return out;
  }

  // ---------------------------------------------------------------- densities

  Number density(const Term& distribution, const Array& outcome) {
    const auto* tuple = distribution.as<term::Tuple>();
    std::vector<Array> rest;
    if (tuple)
      for (std::size_t i = 1; i < tuple->elements.size(); ++i) rest.push_back(expression(tuple->elements[i]));
    return density(name(tuple ? tuple->elements[0] : distribution), outcome, rest);
  }

  static Number density(const std::string& d, const Array& outcome, const std::vector<Array>& rest) {
    if (d == "multi_normal_cholesky") return multi_normal_cholesky(outcome.values, rest[0], rest[1].values);
    if (d == "dirichlet") {
      Number total = 0, alphas = 0;
      for (std::size_t i = 0; i < outcome.values.size(); ++i) {
        const Number alpha = rest[0].values[rest[0].shape.empty() ? 0 : i];
        total += (alpha - 1) * std::log(outcome.values[i]) - std::lgamma(alpha);
        alphas += alpha;
      }
      return total + std::lgamma(alphas);
    }
    std::vector<Array> all{outcome};
    all.insert(all.end(), rest.begin(), rest.end());
    Number total = 0;
    for (Number x : each(all, [&](const std::vector<Number>& v) { return univariate(d, v); }).values)
      total += x;
    return total;
  }

  static Number univariate(const std::string& d, const std::vector<Number>& v) {
    const Number y = v[0], a = v.size() > 1 ? v[1] : 0, b = v.size() > 2 ? v[2] : 0,
                 c = v.size() > 3 ? v[3] : 0;
    const Number pi = std::acos(Number(-1));
    auto normal = [&](Number x, Number mu, Number sigma) {
      const Number z = (x - mu) / sigma;
      return -z * z / 2 - std::log(sigma) - std::log(2 * pi) / 2;
    };
    auto student_t = [&](Number x, Number nu, Number mu, Number sigma) {
      const Number z = (x - mu) / sigma;
      return std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) - std::log(nu * pi) / 2 - std::log(sigma) -
             (nu + 1) / 2 * std::log1p(z * z / nu);
    };
    auto cauchy = [&](Number x, Number mu, Number sigma) {
      const Number z = (x - mu) / sigma;
      return -std::log(pi) - std::log(sigma) - std::log1p(z * z);
    };
    auto choose = [](Number n, Number k) {
      return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
    };
    if (d == "normal") return normal(y, a, b);
    if (d == "std_normal") return normal(y, 0, 1);
    if (d == "half_normal") return std::log(Number(2)) + normal(y, 0, a);
    if (d == "lognormal") return normal(std::log(y), a, b) - std::log(y);
    if (d == "student_t") return student_t(y, a, b, c);
    if (d == "half_student_t") return std::log(Number(2)) + student_t(y, a, 0, b);
    if (d == "cauchy") return cauchy(y, a, b);
    if (d == "half_cauchy") return std::log(Number(2)) + cauchy(y, 0, a);
    if (d == "laplace") return -std::log(2 * b) - std::abs(y - a) / b;
    if (d == "logistic") return -(y - a) / b - std::log(b) - 2 * log1p_exp(-(y - a) / b);
    if (d == "gumbel") return -std::log(b) - (y - a) / b - std::exp(-(y - a) / b);
    if (d == "exponential") return std::log(a) - a * y;
    if (d == "gamma") return a * std::log(b) - std::lgamma(a) + (a - 1) * std::log(y) - b * y;
    if (d == "inv_gamma") return a * std::log(b) - std::lgamma(a) - (a + 1) * std::log(y) - b / y;
    if (d == "weibull") return std::log(a / b) + (a - 1) * std::log(y / b) - std::pow(y / b, a);
    if (d == "beta")
      return std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + (a - 1) * std::log(y) +
             (b - 1) * std::log1p(-y);
    if (d == "uniform") return -std::log(b - a);
    if (d == "bernoulli") return y == 1 ? std::log(a) : std::log1p(-a);
    if (d == "bernoulli_logit") return y == 1 ? -log1p_exp(-a) : -log1p_exp(a);
    if (d == "binomial") return choose(a, y) + y * std::log(b) + (a - y) * std::log1p(-b);
    if (d == "binomial_logit") return choose(a, y) - y * log1p_exp(-b) - (a - y) * log1p_exp(b);
    if (d == "poisson") return y * std::log(a) - a - std::lgamma(y + 1);
    if (d == "poisson_log") return y * a - std::exp(a) - std::lgamma(y + 1);
    if (d == "neg_binomial_2" || d == "neg_binomial_2_log") {
      const Number mu = d == "neg_binomial_2" ? a : std::exp(a);
      return std::lgamma(y + b) - std::lgamma(y + 1) - std::lgamma(b) + y * std::log(mu / (mu + b)) +
             b * std::log(b / (mu + b));
    }
    fail("distribution " + d);
  }

  static Number multi_normal_cholesky(const std::vector<Number>& y, const Array& mu,
                                      const std::vector<Number>& l) {
    const std::size_t k = y.size();
    std::vector<Number> z(k);
    Number total = 0;
    for (std::size_t i = 0; i < k; ++i) {
      z[i] = y[i] - mu.values[mu.shape.empty() ? 0 : i];
      for (std::size_t j = 0; j < i; ++j) z[i] -= l[i * k + j] * z[j];
      z[i] /= l[i * k + i];
      total -= z[i] * z[i] / 2 + std::log(l[i * k + i]) + std::log(2 * std::acos(Number(-1))) / 2;
    }
    return total;
  }

  Term model_;
  std::vector<std::map<std::string, Array>> scopes_;
  Number target_ = 0;
};

}  // namespace drey::test
