#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "support/interpreter_array.h"

/// The functions of the language on values, as textbooks write them; called by the interpreter.
namespace drey::test::interpreted {

inline Number log1p_exp(Number x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
inline Number log_sum_exp(const std::vector<Number>& x) {
  const Number top = *std::max_element(x.begin(), x.end());
  Number sum = 0;
  for (Number v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

inline std::function<Number(Number)> scalar_function(const std::string& op) {
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

inline Array matmul(const Array& a, const Array& b) {
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

/// L^-1 b of a vector b.
inline Array solve_lower(const Array& l, const Array& b) {
  Array z = b;
  const std::size_t k = b.values.size();
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < i; ++j) z.values[i] -= l.values[i * k + j] * z.values[j];
    z.values[i] /= l.values[i * k + i];
  }
  return z;
}

inline Array whole_array(const std::string& op, const std::vector<Array>& a) {
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
  if (op == "prod") return Array::scalar(std::accumulate(x.begin(), x.end(), Number(1), std::multiplies<>()));
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
  if (op == "solve_lower") return solve_lower(a[0], a[1]);
  if (op == "solve_spd") {
    const Array l = whole_array("cholesky", {a[0]});
    Array back = whole_array("reverse", {solve_lower(l, a[1])});
    // L' z = y is a lower triangle read from its end.
    Array turned = l;
    const std::size_t k = l.shape[0];
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < k; ++j) turned.values[i * k + j] = l.values[(k - 1 - j) * k + (k - 1 - i)];
    return whole_array("reverse", {solve_lower(turned, back)});
  }
  if (op == "log_determinant_spd") {
    const Array l = whole_array("cholesky", {a[0]});
    Number total = 0;
    for (std::size_t i = 0; i < l.shape[0]; ++i) total += 2 * std::log(l.values[i * l.shape[0] + i]);
    return Array::scalar(total);
  }
  if (op == "quad_form") return whole_array("dot", {a[1], matmul(a[0], a[1])});
  if (op == "tcrossprod") return matmul(a[0], whole_array("transpose", {a[0]}));
  if (op == "identity_matrix" || op == "diagonal") {
    const std::size_t k = op == "diagonal" ? a[0].shape[0] : static_cast<std::size_t>(x[0]);
    Array out = op == "diagonal" ? Array::of({k}) : Array::of({k, k});
    for (std::size_t i = 0; i < k; ++i)
      if (op == "diagonal")
        out.values[i] = x[i * k + i];
      else
        out.values[i * k + i] = 1;
    return out;
  }
  if (op == "trace") return whole_array("sum", {whole_array("diagonal", a)});
  if (op == "row_sums" || op == "diag_pre_multiply") {
    const Array& m = a.back();
    Array out = op == "row_sums" ? Array::of({m.shape[0]}) : m;
    for (std::size_t i = 0; i < m.values.size(); ++i)
      if (op == "row_sums")
        out.values[i / m.shape[1]] += m.values[i];
      else
        out.values[i] *= x[i / m.shape[1]];
    return out;
  }
  if (op == "append") {
    Array out;
    out.values.clear();
    for (const Array& part : a) out.values.insert(out.values.end(), part.values.begin(), part.values.end());
    out.shape = {out.values.size()};
    return out;
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

/// The function `op` of the values `a`. Throws std::runtime_error for one it does not know.
inline Array apply(const std::string& op, const std::vector<Array>& a) {
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
  if (a.size() == 2 && op == "multiply_log") return fold([](Number x, Number y) { return x * std::log(y); });
  if (a.size() == 2 && op == "lbeta")
    return fold([](Number x, Number y) { return std::lgamma(x) + std::lgamma(y) - std::lgamma(x + y); });
  if (op == "fma") return each(a, [](V x) { return x[0] * x[1] + x[2]; });
  if (a.size() == 1)
    if (auto f = scalar_function(op)) return map(f);
  return whole_array(op, a);
}

}  // namespace drey::test::interpreted
