#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

/// Random expressions of the language over the names that are in sight, as Erlang text, drawn from one seeded
/// stream. They are built so that values stay moderate at moderate points (logarithms of positive things,
/// exponentials of bounded ones). ProgramGenerator makes models of them.
namespace drey::test {

class RandomExpressions {
 protected:
  explicit RandomExpressions(std::uint64_t seed) : random_(seed) {}

  enum class Kind { Real, Positive, Unit };
  struct Name {
    std::string name;
    std::vector<std::size_t> shape;
    Kind kind = Kind::Real;
    bool parameter = false;
  };

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::string number(double from, double to) { return fmt::format("{:.4f}", from + (to - from) * uniform()); }
  std::string fresh(const char* stem) { return fmt::format("{}{}", stem, ++serial_); }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

  /// A name of the shape; empty when there is none. Positive stands for Unit too where either will do.
  std::string named(const std::vector<std::size_t>& shape, Kind kind) {
    std::vector<std::string> fitting;
    for (const Name& n : names_) {
      const bool fits = n.shape == shape && (kind == Kind::Real || n.kind == kind ||
                                             (kind == Kind::Positive && n.kind == Kind::Unit));
      if (!fits) continue;
      fitting.push_back(n.name);
      if (n.parameter) fitting.push_back(n.name), fitting.push_back(n.name);
    }
    return fitting.empty() ? std::string() : pick(fitting);
  }

  /// An index into a dimension of `size`.
  std::string index(std::size_t size) {
    std::vector<std::string> all = {std::to_string(1 + below(size))};
    for (const auto& [loop, top] : loops_)
      if (top <= size) all.push_back(loop), all.push_back(loop);
    for (const auto& [loop, top] : loops_) {
      if (top == n_ && size == m_) all.push_back("{at, idx, " + loop + "}");
      if (top == m_ && size == n_) all.push_back("{at, which, " + loop + "}");
    }
    if (size == n_) all.push_back("n");
    if (size == m_) all.push_back("m"), all.push_back("{at, idx, " + std::to_string(1 + below(n_)) + "}");
    for (const auto& [loop, top] : loops_) {
      all.push_back("{min, " + loop + ", 2}");
      all.push_back("{'-', " + std::to_string(top + 1) + ", " + loop + "}");
      if (top > size) all.back() = "{'+', 1, {rem, " + loop + ", " + std::to_string(size) + "}}";
      if (top <= size) all.push_back("{if_else, {'==', " + loop + ", 1}, 2, {'-', " + loop + ", 1}}");
      all.push_back("{at, [1, 2, 1, 2, 2, 1, 2], " + loop + "}");
    }
    return pick(all);
  }

  std::string condition() {
    std::vector<std::string> all = {"{'==', flag, 1}", "{'<', dr, " + number(-1, 1) + "}", "{'>=', n, 4}",
                                    "{'or', {'==', flag, 0}, {'>', m, 3}}"};
    for (const auto& [loop, top] : loops_) {
      all.push_back("{'<', " + loop + ", " + std::to_string(1 + below(top)) + "}");
      all.push_back("{'==', {rem, " + loop + ", 2}, 0}");
      if (top == n_) all.push_back("{'==', {at, bits, " + loop + "}, 1}");
    }
    return pick(all);
  }

  std::string scalar(int depth) {
    const std::string name = named({}, Kind::Real);
    if (!loops_.empty() && chance(8)) {
      // Integers and reals mix.
      const std::string i = pick(loops_).first;
      return pick<std::string>({i, "{'*', 0.3, " + i + "}", "{'-', 2, " + i + "}", "{'/', " + i + ", n}",
                                "{'*', {'+', " + i + ", 1}, dr}", "{'-', {'*', 2, " + i + "}, m}"});
    }
    if (depth <= 0 || chance(10)) return name.empty() || chance(25) ? number(-2, 2) : name;
    const int d = depth - 1;
    switch (below(40)) {
      case 33:
        return "{log_determinant_spd, " + definite(d) + "}";
      case 34:
        return "{tanh, {quad_form, " + definite(d) + ", " + vector(m_, d) + "}}";
      case 35:
        return "{at, {solve_lower, {cholesky, " + definite(d) + "}, " + vector(m_, d) + "}, " + index(m_) +
               "}";
      case 36:
        return "{trace, {tcrossprod, {tanh, " + matrix(n_, m_, d) + "}}}";
      case 37:
        return fmt::format("{{{}, {}, {}, {}}}",
                           pick<std::string>({"normal_lcdf", "normal_lccdf", "logistic_lcdf",
                                              "logistic_lccdf", "normal_cdf"}),
                           "{tanh, " + scalar(d) + "}", scalar(0), positive(d));
      case 38:
        return "{at, " + solved(d) + ", " + std::to_string(1 + below(2)) + ", " +
               std::to_string(1 + below(2)) + "}";
      case 39:
        return "{sum, {tanh, {gp_exp_quad_cov, dm, " + positive(d) + ", {'+', 0.5, " + positive(d) + "}}}}";
      case 26:
        return "{at, {cholesky, " + definite(d) + "}, " + index(m_) + ", 1}";
      case 27:
        return "{variance, " + vector(size(), d) + "}";
      case 28:
        return "{dot_self, {at, " + vector(n_, d) + ", {range, 1, " + std::to_string(1 + below(n_)) + "}}}";
      case 29:
        return "{sum, {at, " + matrix(n_, m_, d) + ", which" + (chance(50) ? ", idx" : "") + "}}";
      case 30:
        return "{sum, {outer, " + vector(n_, d) + ", {reverse, " + vector(m_, d) + "}}}";
      case 31:
        return "{prod, {tanh, " + vector(size(), d) + "}}";
      case 32:
        return "{max, " + vector(size(), d) + "}";
      case 0:
        return "{'+', " + scalar(d) + ", " + scalar(d) + "}";
      case 1:
        return "{'-', " + scalar(d) + ", " + scalar(d) + "}";
      case 2:
        return "{'*', " + scalar(d) + ", " + scalar(d) + "}";
      case 3:
        return "{'/', " + scalar(d) + ", " + positive(d) + "}";
      case 4:
        return "{'-', " + scalar(d) + "}";
      case 5:
        return fmt::format("{{{}, {}}}",
                           pick<std::string>({"tanh", "sin", "cos", "atan", "inv_logit", "log1p_exp", "erf",
                                              "'Phi'", "softplus", "log_inv_logit", "asinh", "sinh"}),
                           "{tanh, " + scalar(d) + "}");
      case 6:
        return "{log, " + positive(d) + "}";
      case 7:
        return "{sqrt, " + positive(d) + "}";
      case 8:
        return "{lgamma, {'+', 0.3, " + positive(d) + "}}";
      case 9:
        return "{sum, " + vector(size(), d) + "}";
      case 10:
        return "{mean, " + vector(size(), d) + "}";
      case 11: {
        const std::size_t k = size();
        return "{dot, " + vector(k, d) + ", " + vector(k, d) + "}";
      }
      case 12:
        return "{log_sum_exp, " + vector(size(), d) + "}";
      case 13: {
        const std::size_t k = size();
        return "{at, " + vector(k, d) + ", " + index(k) + "}";
      }
      case 14:
        return "{at, " + matrix(n_, m_, d) + ", " + index(n_) + ", " + index(m_) + "}";
      case 15:
        return "{bend, " + scalar(d) + ", " + scalar(d) + "}";
      case 16:
        return "{chain, " + scalar(d) + ", " + scalar(d) + "}";
      case 17:
        return "{normal_lpdf, " + scalar(d) + ", " + scalar(d) + ", " + positive(d) + "}";
      case 18:
        return "{if_else, " + condition() + ", " + scalar(d) + ", " + scalar(d) + "}";
      case 19:
        return "{log_sum_exp, " + scalar(d) + ", " + scalar(d) + "}";
      case 20:
        return "{log_mix, " + unit(d) + ", " + scalar(d) + ", " + scalar(d) + "}";
      case 21:
        return "{square, " + scalar(d) + "}";
      case 22:
        return "{'*', " + scalar(d) + ", " + number(-1, 1) + ", " + scalar(d) + "}";
      case 23:
        return "{'^', " + positive(d) + ", " + scalar(0) + "}";
      case 24:
        return "{" + pick<std::string>({"min", "max"}) + ", " + scalar(d) + ", " + scalar(d) + "}";
      default:
        return positive(d);
    }
  }

  /// A system of two equations solved for two times. The adaptive solvers are asked for more digits than programs are
  /// compared to, or solve what their methods solve exactly.
  std::string solved(int depth) {
    const std::string start = "[{tanh, " + scalar(depth) + "}, {tanh, " + scalar(depth) + "}]";
    const std::string argument = "{tanh, " + scalar(depth) + "}";
    const std::string from = chance(50)   ? "0"
                             : chance(50) ? "-0.01"
                                          : "{'*', 0.02, {'-', " + unit(0) + ", 1}}";
    const std::string smooth = pick<std::string>({"flow", "rotate"});
    switch (below(5)) {
      case 0:
        return fmt::format("{{ode_rk45_tol, {}, {}, {}, [0.1, 0.3], 1.0e-10, 32, {}}}", smooth, start, from,
                           argument);
      case 1:
        return fmt::format("{{ode_rodas_tol, {}, {}, {}, [0.005, 0.02], [1.0e-10, 1.0e-11], 96, {}}}",
                           chance(50) ? "relax" : smooth, start, from, argument);
      case 2:
        return fmt::format("{{{}, drift, {}, {}, [0.4, 1.0], {}}}",
                           pick<std::string>({"ode_rk45", "ode_rodas"}), start, from, argument);
      default:
        return fmt::format("{{ode_rk4, {}, {}, {}, [0.4, 1.0], {}, {}}}", smooth, start, from, 1 + below(4),
                           argument);
    }
  }

  /// A positive definite m x m matrix.
  std::string definite(int depth) {
    if (!definites_.empty() && chance(50)) return pick(definites_);
    if (chance(25))
      return "{'+', {gp_exp_quad_cov, dm, " + positive(0) + ", {'+', 0.5, " + positive(0) +
             "}}, {'*', 0.7, {identity_matrix, m}}}";
    const std::string a = matrix(m_, n_, depth);
    return "{'+', {matmul, " + a + ", {transpose, " + a + "}}, {diag_matrix, {rep, 1.5, m}}}";
  }

  std::string positive(int depth) {
    const std::string name = named({}, Kind::Positive);
    if (depth <= 0 || chance(15)) return name.empty() || chance(25) ? number(0.3, 2.5) : name;
    const int d = depth - 1;
    switch (below(9)) {
      case 0:
        return "{exp, {tanh, " + scalar(d) + "}}";
      case 1:
        return "{'+', 0.4, {square, " + scalar(d) + "}}";
      case 2:
        return "{'*', " + positive(d) + ", " + positive(d) + "}";
      case 3:
        return "{'/', " + positive(d) + ", " + positive(d) + "}";
      case 4:
        return "{'+', 0.2, {log1p_exp, " + scalar(d) + "}}";
      case 5:
        return "{hypot, " + positive(d) + ", " + scalar(d) + "}";
      case 6: {
        const std::string v = named({m_}, Kind::Positive);
        return "{at, " + v + ", " + index(m_) + "}";
      }
      case 7:
        return "{sum, " + positive_vector(size(), d) + "}";
      default:
        return "{'+', 0.1, {abs, " + scalar(d) + "}}";
    }
  }

  std::string unit(int depth) {
    const std::string name = named({}, Kind::Unit);
    if (!name.empty() && chance(50)) return name;
    if (depth <= 0) return number(0.1, 0.9);
    return "{inv_logit, {tanh, " + scalar(depth - 1) + "}}";
  }

  std::size_t size() { return chance(50) ? n_ : m_; }
  static std::string text(std::size_t size, std::size_t n) { return size == n ? "n" : "m"; }

  std::string vector(std::size_t k, int depth) {
    const std::string name = named({k}, Kind::Real);
    if (depth <= 0 || chance(20))
      return name.empty() || chance(10) ? "{rep, " + scalar(0) + ", " + text(k, n_) + "}" : name;
    const int d = depth - 1;
    switch (below(17)) {
      case 15:
        return k == m_ ? "{solve_spd, " + definite(d) + ", " + vector(m_, d) + "}"
                       : "{row_sums, " + matrix(n_, m_, d) + "}";
      case 16:
        return k == m_ ? "{diagonal, {diag_pre_multiply, " + vector(m_, d) + ", " + definite(d) + "}}"
                       : "{at, {append, " + scalar(d) + ", " + vector(k, d) + "}, {range, 1, n}}";
      case 0:
        return "{'+', " + vector(k, d) + ", " + vector(k, d) + "}";
      case 1:
        return "{'*', " + scalar(d) + ", " + vector(k, d) + "}";
      case 2:
        return "{'-', " + vector(k, d) + ", " + scalar(d) + "}";
      case 3:
        return "{'*', " + vector(k, d) + ", " + vector(k, d) + "}";
      case 4:
        return "{'/', " + vector(k, d) + ", " + positive_vector(k, d) + "}";
      case 5:
        return fmt::format("{{{}, {}}}",
                           pick<std::string>({"tanh", "sin", "cos", "inv_logit", "log1p_exp", "atan"}),
                           vector(k, d));
      case 6:
        return k == n_ ? "{matmul, " + matrix(n_, m_, d) + ", " + vector(m_, d) + "}"
                       : "{matmul, {transpose, " + matrix(n_, m_, d) + "}, " + vector(n_, d) + "}";
      case 7:
        return k == n_ ? "{at, " + matrix(n_, m_, d) + ", all, " + index(m_) + "}"
                       : "{at, " + matrix(n_, m_, d) + ", " + index(n_) + "}";
      case 8:
        return k == n_ ? "{at, " + vector(m_, d) + ", idx}" : "{at, " + vector(n_, d) + ", which}";
      case 9: {
        std::string list;
        for (std::size_t i = 0; i < k; ++i) list += (i ? ", " : "") + scalar(d > 1 ? 1 : d);
        return "[" + list + "]";
      }
      case 10:
        return k == m_ ? "{matmul, " + vector(n_, d) + ", " + matrix(n_, m_, d) + "}"
                       : "{log, " + positive_vector(k, d) + "}";
      case 11:
        return chance(60) ? "{bend, " + vector(k, d) + ", " + scalar(d) + "}"
               : k == n_  ? "{'*', 0.2, counts}"
                          : "which";
      case 12:
        return "{if_else, {'<', " + named({k}, Kind::Real) + ", 0.123}, " + vector(k, d) + ", " +
               vector(k, d) + "}";
      case 13:
        return "{cumulative_sum, " + vector(k, d) + "}";
      default:
        return positive_vector(k, d);
    }
  }

  std::string positive_vector(std::size_t k, int depth) {
    const std::string name = named({k}, Kind::Positive);
    if (!name.empty() && (depth <= 0 || chance(40))) return name;
    if (depth <= 0) return "{rep, " + positive(0) + ", " + text(k, n_) + "}";
    switch (below(4)) {
      case 0:
        return "{exp, {tanh, " + vector(k, depth - 1) + "}}";
      case 1:
        return "{'+', 0.5, {square, " + vector(k, depth - 1) + "}}";
      case 2:
        return "{'*', " + positive(depth - 1) + ", " + positive_vector(k, depth - 1) + "}";
      default:
        return "{'+', 0.2, {abs, " + vector(k, depth - 1) + "}}";
    }
  }

  std::string matrix(std::size_t r, std::size_t c, int depth) {
    const std::string name = named({r, c}, Kind::Real);
    if (!name.empty() && (depth <= 0 || chance(50))) return name;
    const std::string other = named({c, r}, Kind::Real);
    if (!other.empty() && chance(30)) return "{transpose, " + other + "}";
    if (depth <= 0) return "{rep, " + scalar(0) + ", " + text(r, n_) + ", " + text(c, n_) + "}";
    const int d = depth - 1;
    switch (below(5)) {
      case 0:
        return "{'+', " + matrix(r, c, d) + ", " + matrix(r, c, d) + "}";
      case 1:
        return "{'*', " + scalar(d) + ", " + matrix(r, c, d) + "}";
      case 2:
        return "{tanh, " + matrix(r, c, d) + "}";
      case 3:
        return "{matmul, " + matrix(r, r, d) + ", " + matrix(r, c, d) + "}";
      default:
        return "{'*', " + matrix(r, c, d) + ", " + matrix(r, c, d) + "}";
    }
  }

  /// Opens a loop over 1..k in the text; the name of its variable.
  std::string enter(std::size_t k) {
    loops_.emplace_back(fresh("i"), k);
    return loops_.back().first;
  }
  void leave() { loops_.pop_back(); }

  std::mt19937_64 random_;
  std::size_t n_ = 3, m_ = 2, serial_ = 0;
  std::vector<Name> names_;
  std::vector<std::string> definites_;  ///< parameters that are positive definite m x m matrices
  std::vector<std::pair<std::string, std::size_t>> loops_;  ///< open loops: variable, last index
};

}  // namespace drey::test
