// Names whose elements are set again: what is read is what was set last, in straight lines, loops, branches and
// functions; the gradient is exact. Against the interpreter, and differences of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "support/agreement.h"

namespace drey {
namespace {

struct Case {
  const char* name;
  const char* text;
  std::vector<std::string> recorded = {};
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

const Case cases[] = {
    {"straight_line",
     "#{parameters => [{p, real}, {q, real}], transformed => [{declare, x, {vector, 2}}, {set, {at, x, 1}, p}, {set, {at, "
     "x, 2}, {'*', p, q}}, {'let', early, {'*', {at, x, 1}, {at, x, 2}}}, {set, {at, x, 1}, {sin, {at, x, 2}}}, {'let', "
     "late, {'+', {at, x, 1}, early}}, {set, {at, x, 2}, {'+', {at, x, 1}, {square, {at, x, 2}}}}], model => [{target, "
     "late}, {target, {prod, x}}, {target, {'-', {square, early}}}]}",
     {"x", "early", "late"}},
    {"accumulator",
     "#{data => #{n => 40, x => [0.3, -1.0, 0.7, 1.9]}, parameters => [{b, real}, {s, real, [{lower, 0}]}], model => "
     "[{declare, acc, {vector, 1}}, {set, {at, acc, 1}, b}, {for, i, 1, n, [{set, {at, acc, 1}, {'+', {at, acc, 1}, {sin, "
     "{'*', i, s}}}}]}, {target, {'-', {square, {at, acc, 1}}}}]}"},
    {"recursion_in_place",
     "#{data => #{n => 70}, parameters => [{a, real}, {b, real}], model => [{declare, h, {vector, 2}}, {set, {at, h, 1}, "
     "a}, {set, {at, h, 2}, 0.1}, {for, t, 1, n, [{set, {at, h, 2}, {'+', {'*', 0.3, {at, h, 1}}, {sin, {'+', b, {at, h, "
     "2}}}}}, {set, {at, h, 1}, {tanh, {'*', {at, h, 2}, {at, h, 1}, 1.3}}}, {target, {'*', 0.1, {at, h, 1}, {at, h, "
     "2}}}]}, {target, {at, h, 2}}]}"},
    // A swap needs what was there before.
    {"swap",
     "#{data => #{n => 33}, parameters => [{a, real}, {b, real}], transformed => [{declare, v, {vector, 2}}, {set, {at, v, "
     "1}, a}, {set, {at, v, 2}, b}, {for, t, 1, n, [{'let', was, {at, v, 1}}, {set, {at, v, 1}, {'+', {at, v, 2}, 0.1}}, "
     "{set, {at, v, 2}, {'*', 0.9, was}}]}], model => [{'~', v, {normal, [1, 2], 0.5}}]}",
     {"v"}},
    {"nested_loops",
     "#{data => #{n => 12, m => 5}, parameters => [{a, real}, {b, {vector, 5}}], transformed => [{declare, s, {vector, m}}, "
     "{for, j, 1, m, [{set, {at, s, j}, {'*', j, a}}]}, {for, i, 1, n, [{for, j, 2, m, [{set, {at, s, j}, {'+', {'*', "
     "0.5, {at, s, j}}, {sin, {'+', {at, s, {'-', j, 1}}, {at, b, j}}}}}]}, {set, {at, s, 1}, {'*', 0.2, {at, s, "
     "m}}}]}], model => [{'~', s, {normal, 0, 1}}]}",
     {"s"}},
    {"triangular_loops",
     "#{data => #{n => 9}, parameters => [{a, {vector, 9}}], model => [{declare, s, {vector, n}}, {for, i, 1, n, [{set, "
     "{at, s, i}, {at, a, i}}]}, {for, i, 1, n, [{for, j, i, n, [{set, {at, s, j}, {'-', {at, s, j}, {'*', 0.1, {at, s, "
     "i}, {cos, {at, s, j}}}}}]}]}, {target, {'-', {dot_self, s}}}]}"},
    // A Gaussian elimination as a textbook writes it.
    {"elimination",
     "#{data => #{k => 4}, parameters => [{x, {vector, 4}}, {r, real}], transformed => [{declare, a, {matrix, k, k}}, {for, "
     "i, 1, k, [{for, j, 1, k, [{set, {at, a, i, j}, {'+', {if_else, {'==', i, j}, 4, 0}, {sin, {'+', {'*', i, {at, x, "
     "j}}, r}}}}]}]}, {for, p, 1, {'-', k, 1}, [{for, i, {'+', p, 1}, k, [{'let', f, {'/', {at, a, i, p}, {at, a, p, p}}}, "
     "{for, j, p, k, [{set, {at, a, i, j}, {'-', {at, a, i, j}, {'*', f, {at, a, p, j}}}}]}]}]}], model => [{for, i, 1, k, "
     "[{target, {log, {abs, {at, a, i, i}}}}]}, {target, {'*', -0.5, {dot_self, x}}}, {target, {'-', {square, r}}}]}",
     {"a"}},
    {"data_conditions",
     "#{data => #{n => 60, flag => [1, 0, 0, 1, 1, 0]}, parameters => [{a, real}, {b, real}], model => [{declare, s, "
     "{vector, 3}}, {set, s, [0.5, a, b]}, {for, i, 1, n, [{'if', {'==', {at, flag, {'+', 1, {rem, i, 6}}}, 1}, [{set, "
     "{at, s, 1}, {'+', {'*', 0.5, {at, s, 1}}, {sin, {at, s, 2}}}}, {'if', {'>', i, 30}, [{set, {at, s, 3}, {'*', 0.5, "
     "{at, s, 1}}}]}], [{set, {at, s, 2}, {'*', {at, s, 2}, {cos, {at, s, 3}}}}]}, {target, {'*', 0.01, {at, s, 1}}}]}, "
     "{target, {log_sum_exp, s}}]}"},
    // What a branch sets takes statements of its own.
    {"whole_in_a_branch",
     "#{data => #{n => 30}, parameters => [{a, {vector, 3}}], transformed => [{declare, v, {vector, 3}}, {set, v, a}, "
     "{for, i, 1, n, [{'if', {'==', {rem, i, 3}, 1}, [{set, v, {'*', 0.6, {cumulative_sum, {sin, v}}}}], [{set, {at, v, "
     "{'+', 1, {rem, i, 2}}}, {'*', 1.1, {at, v, 3}}}]}]}], model => [{'~', v, {normal, 0, 1}}]}",
     {"v"}},
    {"cumulative_sum_in_a_branch",
     "#{data => #{n => 30}, parameters => [{a, {vector, 3}}], transformed => [{declare, v, {vector, 3}}, {set, v, a}, "
     "{for, i, 1, n, [{'if', {'==', {rem, i, 3}, 1}, [{set, v, {'*', 0.6, {cumulative_sum, {sin, v}}}}], [{set, v, {'*', "
     "1.1, v}}]}]}], model => [{'~', v, {normal, 0, 1}}]}",
     {"v"}},
    {"by_group",
     "#{data => #{n => 50, g => [1, 2, 3, 2, 1, 3, 3, 1, 2, 2], x => [0.3, 1.0, -0.7, 0.2, 0.9, -1.1, 0.4, 0.0, 2.0, 0.6]}, "
     "parameters => [{b, real}, {s, {vector, 3}}], transformed => [{declare, total, {vector, 3}}, {for, k, 1, 3, [{set, "
     "{at, total, k}, {at, s, k}}]}, {for, i, 1, n, [{'let', j, {'+', 1, {rem, i, 10}}}, {set, {at, total, {at, g, j}}, "
     "{'+', {at, total, {at, g, j}}, {tanh, {'*', b, {at, x, j}}}}}]}], model => [{'~', total, {normal, 1, 2}}]}",
     {"total"}},
    {"rows",
     "#{data => #{n => 20}, parameters => [{a, {vector, 3}}], model => [{declare, m, {matrix, 2, 3}}, {set, {at, m, 1}, a}, "
     "{set, {at, m, 2}, 0.5}, {for, t, 1, n, [{set, {at, m, 2}, {'+', {'*', 0.5, {at, m, 2}}, {sin, {at, m, 1}}}}, {set, "
     "{at, m, 1}, {'*', {at, m, 2}, {at, a, [2, 3, 1]}}}]}, {target, {'*', -0.5, {sum, {square, m}}}}]}"},
    // Private to the trips of a loop that is fused.
    {"inside_an_independent_loop",
     "#{data => #{n => 40, y => [0.2, 0.9, -0.3, 1.4]}, parameters => [{a, real}, {b, real}], model => [{for, i, 1, n, "
     "[{declare, w, {vector, 2}}, {set, {at, w, 1}, {'*', a, {at, y, {'+', 1, {rem, i, 4}}}}}, {set, {at, w, 2}, 1.5}, "
     "{for, k, 1, 4, [{set, {at, w, 1}, {sin, {'+', {at, w, 1}, {'*', b, {at, w, 2}}}}}, {set, {at, w, 2}, {'+', {at, w, "
     "2}, {at, w, 1}}}]}, {target, {'*', 0.1, {at, w, 2}}}]}]}"},
    // Read in a loop over independent rows before and after it is set again.
    {"read_by_independent_loops",
     "#{data => #{n => 40, y => [0.2, 0.9, -0.3, 1.4]}, parameters => [{a, real}, {b, real}], model => [{declare, m, "
     "{vector, 4}}, {for, k, 1, 4, [{set, {at, m, k}, {'*', a, k}}]}, {for, i, 1, n, [{'let', k, {'+', 1, {rem, i, 4}}}, "
     "{'~', {at, y, k}, {normal, {at, m, k}, 2}}]}, {for, k, 1, 4, [{set, {at, m, k}, {'-', {at, m, k}, {square, b}}}]}, "
     "{for, i, 1, n, [{'let', k, {'+', 1, {rem, i, 4}}}, {'~', {at, y, k}, {normal, {sin, {at, m, k}}, 1}}]}]}"},
    {"in_a_function",
     "#{functions => #{horner => {[c, x], [{declare, r, {vector, 1}}, {set, {at, r, 1}, 0}, {for, k, 1, 4, [{set, {at, r, "
     "1}, {'+', {'*', {at, r, 1}, x}, {at, c, k}}}]}, {return, {at, r, 1}}]}}, parameters => [{c, {vector, 4}}, {x, "
     "real}], model => [{target, {'-', {square, {horner, c, x}}}}, {for, i, 1, 30, [{target, {'*', 0.01, {sin, {horner, c, "
     "{'*', x, i, 0.01}}}}}]}]}"},
    {"of_integers",
     "#{data => #{n => 20}, parameters => [{a, {vector, 3}}], model => [{declare, c, {array, [3], int}}, {for, k, 1, 3, "
     "[{set, {at, c, k}, 0}]}, {for, i, 1, n, [{set, {at, c, {'+', 1, {rem, {'*', i, i}, 3}}}, {'+', 1, {at, c, {'+', 1, "
     "{rem, {'*', i, i}, 3}}}}}]}, {target, {dot, c, {tanh, a}}}]}"},
    {"transformed_data",
     "#{data => #{y => [0.5, 1.5, 2.5, -1.0]}, transformed_data => [{declare, s, {vector, 2}}, {set, {at, s, 1}, 0}, {set, "
     "{at, s, 2}, 1}, {for, i, 1, 4, [{'let', before, {at, s, 1}}, {set, {at, s, 1}, {'+', {at, s, 1}, {at, y, i}}}, {set, "
     "{at, s, 2}, {'+', {'*', 0.5, {at, s, 2}}, before}}]}], parameters => [{a, real}], transformed => [{both, {'*', a, "
     "s}}], model => [{target, {'-', {square, {'-', a, {prod, s}}}}}]}",
     {"both"}},
    // Set by what does not depend on the parameters: nothing flows past it.
    {"set_by_data",
     "#{parameters => [{a, real}], model => [{declare, v, {vector, 2}}, {set, {at, v, 1}, a}, {set, {at, v, 2}, {square, "
     "a}}, {target, {'*', {at, v, 1}, {at, v, 2}}}, {for, i, 1, 40, [{set, {at, v, {'+', 1, {rem, i, 2}}}, 0.5}, {target, "
     "{'*', {at, v, 1}, a}}]}, {target, {prod, v}}]}"},
    // Every trip of the outer loop has its own.
    {"declared_in_a_loop_that_carries",
     "#{data => #{n => 45}, parameters => [{a, real}, {b, real}], model => [{declare, h, {vector, 1}}, {set, {at, h, 1}, "
     "a}, {for, t, 1, n, [{declare, w, {vector, 2}}, {set, {at, w, 1}, {at, h, 1}}, {set, {at, w, 2}, b}, {for, k, 1, 3, "
     "[{set, {at, w, 1}, {'+', {'*', 0.4, {at, w, 1}}, {sin, {at, w, 2}}}}, {set, {at, w, 2}, {cos, {at, w, 1}}}]}, {set, "
     "{at, h, 1}, {'*', {at, w, 1}, {at, w, 2}}}]}, {target, {at, h, 1}}]}"},
    {"in_an_ode",
     "#{functions => #{f => {[t, y, k], [{declare, d, {vector, 2}}, {set, {at, d, 1}, {'*', k, {at, y, 2}}}, {set, {at, d, "
     "2}, {'-', {at, y, 1}}}, {set, {at, d, 1}, {'-', {at, d, 1}, {'*', 0.1, {at, y, 1}}}}, {set, {at, d, 2}, {'+', {at, "
     "d, 2}, {'*', 0.2, {at, d, 1}}}}, {return, d}]}}, parameters => [{k, real, [{lower, 0}]}], transformed => [{z, "
     "{ode_rk45_tol, f, [1.0, 0.5], 0, [0.4, 1.0], 1.0e-10, 60, k}}, {w, {ode_rodas_tol, f, [1.0, 0.5], 0, [0.4, 1.0], "
     "1.0e-10, 400, k}}], model => [{target, {sum, z}}, {target, {sum, w}}]}",
     {"z", "w"}},
};

class Overwritten : public testing::TestWithParam<Case> {};

TEST_P(Overwritten, MeansWhatTheTermSays) {
  const test::Outcome outcome = test::compare(GetParam().text, GetParam().recorded);
  EXPECT_EQ(outcome.verdict, test::Verdict::Agrees) << outcome.what;
}

INSTANTIATE_TEST_SUITE_P(Cases, Overwritten, testing::ValuesIn(cases),
                         [](const auto& one) { return std::string(one.param.name); });

/// Elements of scratch that the gradient of a model keeps.
std::uint64_t scratch(const std::string& text) {
  const test::Compiled compiled(text);
  std::uint64_t all = 0;
  for (const model::Memory& memory : compiled.gradient().memories)
    if (memory.space == model::Space::Local) all += memory.size;
  return all;
}

std::string sum_of(int n, const char* term) {
  return fmt::format(
      "#{{data => #{{n => {}}}, parameters => [{{a, real}}], model => [{{declare, s, {{vector, 3}}}}, {{set, s, [1.0, 2.0, "
      "3.0]}}, {{set, {{at, s, 2}}, a}}, {{for, i, 1, n, [{{'let', k, {{'+', 1, {{rem, i, 3}}}}}}, {{set, {{at, s, k}}, {}}}]}}, "
      "{{target, {{sum, s}}}}]}}",
      n, term);
}

// A sum needs no tape: its scratch does not grow with its trips. What an update reads is kept, one number a read.
TEST(Overwritten, KeepsATapeOnlyOfWhatIsRead) {
  const char* sum = "{'+', {at, s, k}, {sin, {'*', a, i}}}";
  EXPECT_EQ(scratch(sum_of(1000, sum)), scratch(sum_of(2000, sum)));
  const char* update = "{'*', {at, s, k}, {sin, {'*', a, i}}}";
  EXPECT_LE(scratch(sum_of(2000, update)) - scratch(sum_of(1000, update)), 3000u);
}

}  // namespace
}  // namespace drey
