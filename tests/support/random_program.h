#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "support/random_expressions.h"

/// Random models of the language, as Erlang text: a seed gives the same model everywhere.
namespace drey::test {

struct RandomProgram {
  std::string data, functions, transformed_data, parameters;
  std::vector<std::string> transformed, model, generated;  ///< statements
  std::vector<std::string> recorded;  ///< names the transformed and generated blocks define

  std::string text() const {
    auto join = [](const std::vector<std::string>& list) {
      std::string all;
      for (const std::string& s : list) all += (all.empty() ? "" : ",\n    ") + s;
      return all;
    };
    return "#{data => #{" + data + "},\n  functions => #{" + functions + "},\n  transformed_data => [" +
           transformed_data + "],\n  parameters => [" + parameters + "],\n  transformed => [" +
           join(transformed) + "],\n  model => [" + join(model) + "],\n  generated => [" + join(generated) +
           "]}";
  }
};

class ProgramGenerator : private RandomExpressions {
 public:
  explicit ProgramGenerator(std::uint64_t seed) : RandomExpressions(seed) {}

  RandomProgram make() {
    n_ = 2 + below(5);
    m_ = 2 + below(4);
    make_data();
    make_functions();
    make_parameters();
    for (std::size_t i = below(3); i > 0; --i) definition(program_.transformed, true);
    const std::size_t seen = names_.size();
    for (std::size_t i = 1 + below(5); i > 0; --i) statement(program_.model, 2);
    // Something that uses the parameters, so that no program is empty.
    program_.model.push_back("{target, " + scalar(3) + "}");
    names_.resize(seen);  // the model block's are its own
    for (std::size_t i = below(3); i > 0; --i) definition(program_.generated, true);
    return program_;
  }

 private:
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
        "{return, {sum, c}}]}, "
        "flow => {[t, y, k], [{declare, d, {vector, 2}}, {set, {at, d, 1}, {'*', k, {at, y, 2}}}, {set, {at, d, 2}, {'-', "
        "{sin, t}, {at, y, 1}}}, {set, {at, d, 1}, {'-', {at, d, 1}, {'*', 0.3, {at, y, 1}}}}, {return, d}]}, "
        // Right-hand sides: of products of states, stiff ones, and of the time alone.
        "rotate => {[t, y, k], [{'*', {at, y, 2}, {'-', k, {at, y, 1}}}, {'-', {cos, {'*', {at, y, 1}, t}}, {at, y, 2}}]}, "
        "relax => {[t, y, k], [{'let', c, {cos, {'+', t, k}}}, {return, [{'*', 15, {'-', c, {at, y, 1}}}, {'-', {at, y, 1}, "
        "{'*', k, {at, y, 2}}}]}]}, "
        "drift => {[t, y, k], [{'*', k, {square, t}}, {'-', 1, {'*', 3, k, t}}]}";
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
      switch (below(19)) {
        case 14:
          declare(fmt::format("{{{}, {{unit_vector, n}}}}", p), {p, {n_}});
          break;
        case 15:
          declare(fmt::format("{{{}, {{cholesky_corr, m}}}}", p), {p, {m_, m_}});
          break;
        case 16:
          declare(fmt::format("{{{}, {{corr_matrix, m}}}}", p), {p, {m_, m_}});
          definites_.push_back(p);
          break;
        case 17:
          declare(fmt::format("{{{}, {{cholesky_cov, m}}}}", p), {p, {m_, m_}});
          break;
        case 18:
          declare(fmt::format("{{{}, {{cov_matrix, m}}}}", p), {p, {m_, m_}});
          definites_.push_back(p);
          break;
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

  // ---------------------------------------------------------------- statements

  /// A name and what it is: a let, or a declared array filled by loops.
  void definition(std::vector<std::string>& into, bool recorded) {
    const std::string v = fresh("v");
    Name made{v, {}};
    switch (below(14)) {
      case 9: {
        // Totals by group.
        into.push_back(fmt::format("{{declare, {}, {{vector, m}}}}", v));
        into.push_back(
            chance(50) ? fmt::format("{{set, {}, {}}}", v, vector(m_, 1))
                       : fmt::format("{{for, j{0}, 1, m, [{{set, {{at, {0}, j{0}}}, {1}}}]}}", v, scalar(1)));
        const std::string i = enter(n_), place = fmt::format("{{at, {}, {{at, idx, {}}}}}", v, i);
        into.push_back(fmt::format("{{for, {}, 1, n, [{{set, {}, {{'+', {}, {{tanh, {}}}}}}}]}}", i, place,
                                   place, scalar(2)));
        leave();
        made.shape = {m_};
        break;
      }
      case 10: {
        // Elements that read one another and are set again, on some trips.
        into.push_back(fmt::format("{{declare, {}, {{vector, m}}}}", v));
        into.push_back(fmt::format("{{set, {}, {}}}", v, vector(m_, 1)));
        const std::string i = enter(chance(60) ? n_ : m_), top = text(loops_.back().second, n_);
        const std::string here = index(m_), there = index(m_);
        const std::string inner = scalar(1);
        std::string body =
            fmt::format("{{set, {{at, {0}, {1}}}, {{'+', {{'*', 0.6, {{at, {0}, {2}}}}}, {{sin, {3}}}}}}}", v,
                        here, there, inner);
        if (chance(50))
          body = fmt::format("{{'if', {}, [{}], [{{set, {{at, {}, {}}}, {}}}]}}", condition(), body, v, there,
                             scalar(1));
        if (chance(50)) body += fmt::format(", {{set, {0}, {{tanh, {{'*', 1.1, {{reverse, {0}}}}}}}}}", v);
        into.push_back(fmt::format("{{for, {}, 1, {}, [{}]}}", i, top, body));
        leave();
        made.shape = {m_};
        break;
      }
      case 11: {
        // A triangle in place, as elimination goes.
        into.push_back(fmt::format("{{declare, {}, {{vector, n}}}}", v));
        into.push_back(fmt::format("{{set, {}, {}}}", v, vector(n_, 1)));
        const std::string i = enter(n_), j = enter(n_);
        into.push_back(fmt::format(
            "{{for, {0}, 1, n, [{{for, {1}, {0}, n, [{{set, {{at, {2}, {1}}}, {{'-', {{at, {2}, {1}}}, {{'*', 0.2, {{tanh, "
            "{{at, {2}, {0}}}}}, {{sin, {3}}}}}}}}}]}}]}}",
            i, j, v, scalar(1)));
        leave();
        leave();
        made.shape = {n_};
        break;
      }
      case 12:
        into.push_back(fmt::format("{{'let', {}, {{solve_spd, {}, {}}}}}", v, definite(2), vector(m_, 2)));
        made.shape = {m_};
        break;
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

  std::string tilde() {
    switch (below(24)) {
      case 18:
        return fmt::format("{{'~', {}, {{multi_normal, {}, {}}}}}", vector(m_, 1), vector(m_, 1),
                           definite(1));
      case 19:
        return fmt::format("{{'~', dn, {{truncate, {{normal, {}, {}}}, -2.5, {}}}}}", scalar(1), positive(1),
                           chance(50) ? "3" : "none");
      case 20:
        return fmt::format("{{'~', dn, {{truncate, {{logistic, {}, {}}}, {}, {{'+', 2, {}}}}}}}",
                           vector(n_, 1), positive(1), chance(50) ? "-3" : "none", positive(0));
      case 21:
        return fmt::format("{{'~', counts, {{truncate, {{poisson, {}}}, {}, 9}}}}", positive(1),
                           chance(50) ? "0" : "none");
      case 22:
        return fmt::format("{{'~', dn, {{censor, {{normal, {}, {}}}, {}, {}}}}}",
                           chance(50) ? scalar(1) : vector(n_, 1), positive(1), chance(50) ? "-0.5" : "none",
                           chance(60) ? "0.7" : "none");
      case 23:
        return fmt::format("{{'~', dm, {{truncate, {{exponential, {}}}, {}, {}}}}}", positive(1),
                           chance(50) ? "0.1" : "none", chance(50) ? "4" : "none");
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

  RandomProgram program_;
};

}  // namespace drey::test
