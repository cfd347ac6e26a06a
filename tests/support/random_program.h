#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

/// Random models of the language, as Erlang text: a seed gives the same model everywhere. Expressions are built so
/// that values stay moderate at moderate points (logarithms of positive things, exponentials of bounded ones).
namespace drey::test {

struct RandomProgram {
  std::string data, functions, transformed_data, parameters;
  std::vector<std::string> transformed, model;  ///< statements
  std::vector<std::string> recorded;            ///< names the transformed block defines

  std::string text() const {
    auto join = [](const std::vector<std::string>& list) {
      std::string all;
      for (const std::string& s : list) all += (all.empty() ? "" : ",\n    ") + s;
      return all;
    };
    return "#{data => #{" + data + "},\n  functions => #{" + functions + "},\n  transformed_data => [" +
           transformed_data + "],\n  parameters => [" + parameters + "],\n  transformed => [" +
           join(transformed) + "],\n  model => [" + join(model) + "]}";
  }
};

class ProgramGenerator {
 public:
  explicit ProgramGenerator(std::uint64_t seed) : random_(seed) {}

  RandomProgram make() {
    n_ = 2 + below(5);
    m_ = 2 + below(4);
    make_data();
    make_functions();
    make_parameters();
    for (std::size_t i = below(3); i > 0; --i) definition(program_.transformed, true);
    for (std::size_t i = 1 + below(5); i > 0; --i) statement(program_.model, 2);
    // Something that uses the parameters, so that no program is empty.
    program_.model.push_back("{target, " + scalar(3) + "}");
    return program_;
  }

 private:
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

  // ---------------------------------------------------------------- declarations

  std::string reals(std::size_t count, double from, double to) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += (i ? ", " : "") + number(from, to);
    return "[" + all + "]";
  }
  std::string integers(std::size_t count, std::size_t from, std::size_t to) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
      all += (i ? ", " : "") + std::to_string(from + below(to - from + 1));
    return "[" + all + "]";
  }

  void make_data() {
    std::string rows;
    for (std::size_t i = 0; i < n_; ++i) rows += (i ? ", " : "") + reals(m_, -2, 2);
    program_.data = fmt::format(
        "n => {}, m => {}, flag => {}, dr => {}, dn => {}, dm => {}, dx => [{}], idx => {}, which => {}, counts => {}, "
        "bits => {}, trials => 9",
        n_, m_, below(2), number(-1, 1), reals(n_, -2, 2), reals(m_, 0.2, 3), rows, integers(n_, 1, m_),
        integers(m_, 1, n_), integers(n_, 0, 7), integers(n_, 0, 1));
    names_.push_back({"dr", {}, Kind::Real});
    names_.push_back({"dn", {n_}, Kind::Real});
    names_.push_back({"dm", {m_}, Kind::Positive});
    names_.push_back({"dx", {n_, m_}, Kind::Real});
    // Of the data alone.
    program_.transformed_data =
        "{centred, {'-', dn, {mean, dn}}}, {declare, steps, {vector, m}}, {for, i, 1, m, [{set, {at, "
        "steps, i}, {'*', i, {at, dm, i}}}]}";
    names_.push_back({"centred", {n_}, Kind::Real});
    names_.push_back({"steps", {m_}, Kind::Positive});
  }

  void make_functions() {
    // Bodies of each form: an expression, a block with a loop, a call of the other.
    program_.functions =
        "bend => {[x, s], {tanh, {'/', x, {'+', 1, {square, s}}}}}, "
        "chain => {[x, k], [{declare, c, {vector, 3}}, {set, {at, c, 1}, {bend, x, k}}, "
        "{for, i, 2, 3, [{set, {at, c, i}, {'+', {'*', 0.5, {at, c, {'-', i, 1}}}, {sin, x}}}]}, "
        "{return, {sum, c}}]}";
  }

  void declare(const std::string& text, Name name) {
    program_.parameters += (program_.parameters.empty() ? "" : ", ") + text;
    name.parameter = true;
    names_.push_back(std::move(name));
  }

  void make_parameters() {
    const std::size_t count = 2 + below(4);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string p = fresh("p");
      switch (below(14)) {
        case 0:
          declare(fmt::format("{{{}, real}}", p), {p, {}});
          break;
        case 1:
          declare(fmt::format("{{{}, real, [{{lower, 0}}]}}", p), {p, {}, Kind::Positive});
          break;
        case 2:
          declare(fmt::format("{{{}, real, [{{lower, 0}}, {{upper, 1}}]}}", p), {p, {}, Kind::Unit});
          break;
        case 3:
          declare(fmt::format("{{{}, real, [{{upper, {}}}]}}", p, number(-1, 1)), {p, {}});
          break;
        case 4:
          declare(
              fmt::format("{{{}, real, [{{offset, {}}}, {{multiplier, {}}}]}}", p, scalar(1), positive(1)),
              {p, {}});
          break;
        case 5: {
          const std::string low = scalar(1);
          declare(fmt::format("{{{}, real, [{{lower, {}}}, {{upper, {{'+', {}, {}}}}}]}}", p, low, low,
                              positive(1)),
                  {p, {}});
          break;
        }
        case 6:
          declare(fmt::format("{{{}, {{vector, n}}}}", p), {p, {n_}});
          break;
        case 7:
          declare(fmt::format("{{{}, {{vector, m}}, [{{lower, 0}}]}}", p), {p, {m_}, Kind::Positive});
          break;
        case 8:
          declare(fmt::format("{{{}, {{vector, m}}, [{{lower, dr}}]}}", p), {p, {m_}});
          break;
        case 9:
          declare(fmt::format("{{{}, {{matrix, m, n}}}}", p), {p, {m_, n_}});
          break;
        case 10:
          declare(fmt::format("{{{}, {{array, [n], {{vector, m}}}}}}", p), {p, {n_, m_}});
          break;
        case 11:
          declare(fmt::format("{{{}, {{simplex, m}}}}", p), {p, {m_}, Kind::Unit});
          break;
        case 12:
          declare(fmt::format("{{{}, {{ordered, m}}}}", p), {p, {m_}});
          break;
        default:
          declare(fmt::format("{{{}, {{positive_ordered, n}}}}", p), {p, {n_}, Kind::Positive});
          break;
      }
    }
  }

  // ---------------------------------------------------------------- expressions

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
    switch (below(33)) {
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
                                              "Phi", "softplus", "log_inv_logit", "asinh", "sinh"}),
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

  /// A positive definite m x m matrix.
  std::string definite(int depth) {
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
    switch (below(15)) {
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

  // ---------------------------------------------------------------- statements

  /// A name and what it is: a let, or a declared array filled by loops.
  void definition(std::vector<std::string>& into, bool recorded) {
    const std::string v = fresh("v");
    Name made{v, {}};
    switch (below(10)) {
      case 0:
        into.push_back(fmt::format("{{'let', {}, {}}}", v, scalar(3)));
        break;
      case 1: {
        const std::size_t k = size();
        into.push_back(fmt::format("{{'let', {}, {}}}", v, vector(k, 3)));
        made.shape = {k};
        break;
      }
      case 2:
        into.push_back(fmt::format("{{'let', {}, {}}}", v, matrix(n_, m_, 2)));
        made.shape = {n_, m_};
        break;
      case 3: {
        // Elements by a loop.
        const std::size_t k = size();
        into.push_back(fmt::format("{{declare, {}, {{vector, {}}}}}", v, text(k, n_)));
        const std::string i = enter(k);
        into.push_back(fmt::format("{{for, {}, 1, {}, [{{set, {{at, {}, {}}}, {}}}]}}", i, text(k, n_), v, i,
                                   scalar(3)));
        leave();
        made.shape = {k};
        break;
      }
      case 4: {
        // A recursion in time.
        const std::string t = fresh("t");
        into.push_back(fmt::format("{{declare, {}, {{vector, n}}}}", v));
        into.push_back(fmt::format("{{set, {{at, {}, 1}}, {}}}", v, scalar(2)));
        loops_.emplace_back(t, n_);
        const std::string before = fmt::format("{{at, {}, {{'-', {}, 1}}}}", v, t);
        into.push_back(fmt::format(
            "{{for, {}, 2, n, [{{set, {{at, {}, {}}}, {{'+', {{'*', {}, {{tanh, {}}}}}, {}}}}}]}}", t, v, t,
            scalar(1), before, scalar(2)));
        leave();
        made.shape = {n_};
        break;
      }
      case 5: {
        // A recursion over rows, each reading all of the row before: a forward algorithm.
        const std::string t = fresh("t"), i = fresh("i"), j = fresh("j");
        into.push_back(fmt::format("{{declare, {}, {{matrix, n, m}}}}", v));
        loops_.emplace_back(i, m_);
        into.push_back(
            fmt::format("{{for, {}, 1, m, [{{set, {{at, {}, 1, {}}}, {}}}]}}", i, v, i, scalar(2)));
        loops_.emplace_back(t, n_);
        loops_.emplace_back(j, m_);
        const std::string inner = scalar(2);
        loops_.pop_back();
        const std::string outer = scalar(2), acc = fresh("acc"), i2 = fresh("i");
        into.push_back(fmt::format(
            "{{for, {0}, 2, n, [{{for, {2}, 1, m, [{{declare, {4}, {{vector, m}}}}, {{for, {3}, 1, m, [{{set, {{at, "
            "{4}, {3}}}, {{'+', {{at, {1}, {{'-', {0}, 1}}, {3}}}, {{sin, {5}}}}}}}]}}, {{set, {{at, {1}, {0}, {2}}}, "
            "{{'+', {{log_sum_exp, {4}}}, {{cos, {6}}}}}}}]}}]}}",
            t, v, i, j, acc, inner, outer));
        leave();
        leave();
        made.shape = {n_, m_};
        break;
      }
      case 6: {
        // Rows at once.
        into.push_back(fmt::format("{{declare, {}, {{matrix, n, m}}}}", v));
        const std::string i = enter(n_);
        into.push_back(
            fmt::format("{{for, {}, 1, n, [{{set, {{at, {}, {}}}, {}}}]}}", i, v, i, vector(m_, 2)));
        leave();
        made.shape = {n_, m_};
        break;
      }
      case 7: {
        // Two loops, the inner one's bounds by the outer one's variable, and a choice.
        into.push_back(fmt::format("{{declare, {}, {{matrix, m, m}}}}", v));
        const std::string i = enter(m_), j = enter(m_);
        into.push_back(fmt::format(
            "{{for, {0}, 1, m, [{{for, {1}, 1, {0}, [{{set, {{at, {2}, {0}, {1}}}, {3}}}]}}, {{for, {1}, "
            "{{'+', {0}, 1}}, m, [{{'if', {{'==', {{rem, {1}, 2}}, 0}}, [{{set, {{at, {2}, {0}, {1}}}, {4}}}], "
            "[{{set, {{at, {2}, {0}, {1}}}, 0.5}}]}}]}}]}}",
            i, j, v, scalar(2), scalar(2)));
        leave();
        leave();
        made.shape = {m_, m_};
        break;
      }
      case 8: {
        // A scalar that a choice changes on some trips only.
        into.push_back(fmt::format("{{declare, {}, real}}", v));
        into.push_back(fmt::format("{{set, {}, {}}}", v, scalar(1)));
        const std::string i = enter(n_);
        into.push_back(fmt::format(
            "{{for, {}, 1, n, [{{'if', {}, [{{set, {}, {{'+', {}, {{tanh, {}}}}}}}], [{{set, {}, {{'*', 0.5, {}}}}}]}}]}}",
            i, condition(), v, v, scalar(2), v, v));
        leave();
        break;
      }
      default: {
        // A scalar set again and again.
        into.push_back(fmt::format("{{declare, {}, real}}", v));
        into.push_back(fmt::format("{{set, {}, {}}}", v, scalar(2)));
        const std::size_t k = size();
        const std::string i = enter(k);
        into.push_back(
            fmt::format("{{for, {}, 1, {}, [{{set, {}, {{'+', {{'*', 0.7, {}}}, {{sin, {}}}}}}}]}}", i,
                        text(k, n_), v, v, scalar(2)));
        leave();
        break;
      }
    }
    if (recorded) program_.recorded.push_back(v);
    names_.push_back(made);
  }

  std::string enter(std::size_t k) {
    loops_.emplace_back(fresh("i"), k);
    return loops_.back().first;
  }
  void leave() { loops_.pop_back(); }

  std::string tilde() {
    switch (below(18)) {
      case 16:
        return fmt::format("{{'~', {}, {{multi_normal_cholesky, {}, {{cholesky, {}}}}}}}", vector(m_, 1),
                           vector(m_, 1), definite(1));
      case 17:
        return fmt::format("{{'~', {{softmax, {}}}, {{dirichlet, {}}}}}", vector(m_, 1),
                           positive_vector(m_, 1));
      case 0:
        return fmt::format("{{'~', dn, {{normal, {}, {}}}}}", chance(50) ? scalar(1) : vector(n_, 2),
                           chance(60) ? positive(1) : positive_vector(n_, 1));
      case 1:
        return fmt::format("{{'~', dn, {{student_t, {}, {}, {}}}}}", positive(1),
                           chance(50) ? scalar(1) : vector(n_, 2), positive(1));
      case 2:
        return fmt::format("{{'~', bits, {{bernoulli_logit, {}}}}}", chance(40) ? scalar(1) : vector(n_, 2));
      case 3:
        return fmt::format("{{'~', counts, {{poisson_log, {{tanh, {}}}}}}}",
                           chance(40) ? scalar(1) : vector(n_, 2));
      case 4:
        return fmt::format("{{'~', counts, {{binomial_logit, trials, {}}}}}",
                           chance(40) ? scalar(1) : vector(n_, 2));
      case 5:
        return fmt::format("{{'~', counts, {{neg_binomial_2_log, {{tanh, {}}}, {}}}}}", vector(n_, 2),
                           positive(1));
      case 6:
        return fmt::format("{{'~', dn, {{normal, {{'+', {}, {{matmul, dx, {}}}}}, {}}}}}", scalar(0),
                           vector(m_, 0), positive(0));
      case 7:
        return fmt::format("{{'~', {}, {{normal, {}, {}}}}}", scalar(1), scalar(1), positive(1));
      case 8: {
        const std::size_t k = size();
        return fmt::format("{{'~', {}, {{cauchy, {}, {}}}}}", vector(k, 1), scalar(1), positive(1));
      }
      case 9:
        return fmt::format("{{'~', {}, {{gamma, {}, {}}}}}", positive_vector(m_, 0), positive(1),
                           positive(1));
      case 10:
        return fmt::format("{{'~', {}, {{lognormal, {}, {}}}}}", positive(1), scalar(1), positive(1));
      case 11:
        return fmt::format("{{'~', {}, {{beta, {}, {}}}}}", unit(1), positive(1), positive(1));
      case 12:
        return fmt::format("{{'~', {}, {{half_cauchy, {}}}}}", positive(1), positive(1));
      case 13:
        return fmt::format("{{'~', dn, {{normal, {}, {}}}}}", scalar(0), positive(0));
      case 14:
        return fmt::format("{{'~', dm, {{{}, {}}}}}", pick<std::string>({"exponential", "half_normal"}),
                           positive(1));
      default:
        return fmt::format("{{'~', dn, {{logistic, {}, {}}}}}", scalar(2), positive(1));
    }
  }

  void statement(std::vector<std::string>& into, int depth) {
    switch (below(depth > 0 ? 9 : 4)) {
      case 0:
        into.push_back("{target, " + scalar(3) + "}");
        return;
      case 1:
        into.push_back("{target, " + vector(size(), 3) + "}");
        return;
      case 2:
      case 3:
        into.push_back(tilde());
        return;
      case 4:
      case 5:
        definition(into, false);
        return;
      case 6:
      case 7: {
        const std::size_t k = size();
        const std::string i = enter(k);
        const std::size_t kept = names_.size();
        std::vector<std::string> body;
        if (chance(40)) {
          const std::string v = fresh("w");
          body.push_back(fmt::format("{{'let', {}, {}}}", v, scalar(2)));
          names_.push_back({v, {}});
        }
        for (std::size_t s = 1 + below(2); s > 0; --s) statement(body, depth - 1);
        if (k == n_)
          body.push_back(
              fmt::format("{{'~', {{at, dn, {}}}, {{normal, {}, {}}}}}", i, scalar(2), positive(1)));
        std::string all;
        for (const std::string& s : body) all += (all.empty() ? "" : ", ") + s;
        into.push_back(fmt::format("{{for, {}, {}, {}, [{}]}}", i, chance(30) ? "2" : "1", text(k, n_), all));
        names_.resize(kept);
        leave();
        return;
      }
      default: {
        const std::size_t kept = names_.size();
        std::vector<std::string> yes, no;
        statement(yes, depth - 1);
        names_.resize(kept);
        if (chance(60)) statement(no, depth - 1);
        names_.resize(kept);
        auto join = [](const std::vector<std::string>& list) {
          std::string all;
          for (const std::string& s : list) all += (all.empty() ? "" : ", ") + s;
          return all;
        };
        into.push_back(fmt::format("{{'if', {}, [{}], [{}]}}", condition(), join(yes), join(no)));
        return;
      }
    }
  }

  std::mt19937_64 random_;
  std::size_t n_ = 3, m_ = 2, serial_ = 0;
  RandomProgram program_;
  std::vector<Name> names_;
  std::vector<std::pair<std::string, std::size_t>> loops_;  ///< open loops: variable, last index
};

}  // namespace drey::test
