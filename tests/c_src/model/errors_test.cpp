#include <gtest/gtest.h>

#include "error.h"
#include "model/model.h"
#include "support/erlang_text.h"

namespace drey::model {
namespace {

/// What a caller is told: the reason a program matches, a message for a person, the place in the term.
struct Case {
  const char* name;
  const char* text;
  const char* reason;
  const char* message;  ///< a part of it
  const char* where;    ///< a part of it
};

const Case cases[] = {
    {"no_model", "[1, 2]", "invalid_model", "a model is a map", ""},
    {"no_parameters", "#{model => []}", "invalid_model", "no parameters", "parameters"},
    {"unknown_key", "#{paramters => []}", "invalid_model", "did you mean `parameters`?", ""},
    {"unknown_name", "#{parameters => [{sigma, real}], model => [{'~', sigma, {normal, 0, sigm}}]}",
     "unknown_name", "did you mean `sigma`?", "model[1]: '~' sigma: normal arg 2"},
    {"unknown_distribution", "#{parameters => [{x, real}], model => [{'~', x, {norml, 0, 1}}]}",
     "unknown_distribution", "did you mean `normal`?", "model[1]"},
    {"unknown_function", "#{parameters => [{x, real}], model => [{target, {lgama, x}}]}", "unknown_function",
     "did you mean `lgamma`?", "model[1]"},
    {"unknown_type", "#{parameters => [{x, {vectr, 3}}]}", "unknown_type", "did you mean `vector`?",
     "parameters[1]: x"},
    {"unknown_statement", "#{parameters => [{x, real}], model => [{targt, x}]}", "invalid_model",
     "did you mean `target`?", "model[1]"},
    {"unknown_constraint", "#{parameters => [{x, real, [{lowr, 0}]}]}", "invalid_model",
     "did you mean `lower`?", "parameters[1]: x"},
    {"wrong_arity", "#{parameters => [{x, real}], model => [{'~', x, {normal, 0}}]}", "wrong_arity",
     "{normal, mu, sigma}", "model[1]"},
    {"wrong_shape",
     "#{data => #{y => [1.0, 2.0]}, parameters => [{x, {vector, 3}}], model => [{'~', y, {normal, x, 1}}]}",
     "wrong_shape", "the outcome is [2] and `mu` of normal is [3]", "model[1]"},
    {"shapes_of_a_sum",
     "#{parameters => [{x, {vector, 3}}, {y, {vector, 2}}], model => [{target, {sum, {'+', x, y}}}]}",
     "wrong_shape", "found [3] and [2]", "model[1]"},
    {"matmul",
     "#{data => #{'X' => [[1, 2], [3, 4]]}, parameters => [{b, {vector, 3}}], "
     "model => [{target, {sum, {matmul, 'X', b}}}]}",
     "wrong_shape", "cannot multiply [2, 2] by [3]", "model[1]"},
    {"ragged", "#{data => #{'X' => [[1, 2], [3]]}, parameters => [{b, real}]}", "wrong_shape", "X[2, 1]",
     "data: X"},
    {"text_in_data", "#{data => #{y => [1, two]}, parameters => [{b, real}]}", "invalid_data", "y[2] is two",
     "data: y"},
    {"nan_in_data", "#{data => #{y => [1.0, nan]}, parameters => [{b, real}]}", "not_finite", "y[2] is nan",
     "data: y"},
    {"negative_scale_in_data",
     "#{data => #{y => [1.0, 2.0], s => [1.0, -2.0]}, parameters => [{b, real}], model => [{'~', y, {normal, "
     "b, s}}]}",
     "out_of_domain", "s[2] is -2 where a number > 0 was expected", "model[1]"},
    {"zero_scale_literal", "#{parameters => [{b, real}], model => [{'~', b, {normal, 0, 0}}]}",
     "out_of_domain", "sigma is 0", "model[1]: '~' b: normal arg 2"},
    {"out_of_support",
     "#{data => #{y => [1.0, -2.0]}, parameters => [{b, real, [{lower, 0}]}], "
     "model => [{'~', y, {exponential, b}}]}",
     "out_of_support", "y[2] is -2", "model[1]"},
    {"not_a_count",
     "#{data => #{y => [1, -2]}, parameters => [{b, real}], model => [{'~', y, {poisson_log, b}}]}",
     "out_of_support", "y[2] is -2 where an integer >= 0", "model[1]"},
    {"not_binary",
     "#{data => #{y => [1, 2]}, parameters => [{b, real}], model => [{'~', y, {bernoulli_logit, b}}]}",
     "out_of_support", "y[2] is 2 where 0 or 1", "model[1]"},
    {"index_too_large",
     "#{data => #{g => [1, 4]}, parameters => [{b, {vector, 3}}], model => [{target, {sum, {at, b, g}}}]}",
     "out_of_range", "g[2] is 4, outside 1..3", "model[1]"},
    {"index_zero", "#{parameters => [{b, {vector, 3}}], model => [{target, {at, b, 0}}]}", "out_of_range",
     "index 0, outside 1..3", "model[1]"},
    {"index_real", "#{parameters => [{b, {vector, 3}}], model => [{target, {at, b, 1.0}}]}", "wrong_type",
     "an index is an integer", "model[1]"},
    {"index_leaves_in_a_loop",
     "#{parameters => [{b, {vector, 3}}, {s, real}], model => [{for, t, 1, 3, [{target, {at, b, {'-', t, "
     "1}}}]}]}",
     "out_of_range", "index 0 of an array is outside 1..3", "model[1]"},
    {"not_set",
     "#{parameters => [{b, real}], model => [{declare, x, {vector, 2}}, {set, {at, x, 1}, b}, "
     "{target, {sum, x}}]}",
     "not_set", "x[2] is read before it is set", "model[3]"},
    {"never_set", "#{parameters => [{b, real}], model => [{declare, x, real}, {target, x}]}", "invalid_model",
     "before anything was set", "model[2]"},
    {"defined_twice", "#{data => #{x => 1.0}, parameters => [{x, real}]}", "invalid_model", "already defined",
     "parameters[1]: x"},
    {"set_of_data", "#{data => #{x => 1.5}, parameters => [{b, real}], model => [{set, x, b}]}",
     "invalid_model", "was not declared", "model[1]"},
    {"set_of_another_block",
     "#{parameters => [{b, real}], transformed => [{declare, x, real}, {set, x, b}], model => [{set, x, 2}, {target, "
     "x}]}",
     "invalid_model", "is of another block", "model[1]"},
    {"name_of_a_later_parameter", "#{parameters => [{x, real, [{lower, y}]}, {y, real}]}", "unknown_name",
     "`y` is declared further on", "parameters[1]: x: lower"},
    {"distribution_as_a_function", "#{parameters => [{x, real}], generated => [{y, {poisson, 3}}]}",
     "unknown_function",
     "`poisson` is a distribution, no function: {poisson_rng, ...} draws from it, {poisson_lpmf, Y, ...}",
     "generated[1]: y"},
    {"statement_without_tilde", "#{parameters => [{x, real}], model => [{x, {normal, 0, 1}}]}",
     "invalid_model", "a distribution stands behind its outcome", "model[1]"},
    {"assignment", "#{parameters => [{x, real}], model => [{'=', y, x}]}", "invalid_model",
     "here it is `let`", "model[1]"},
    {"block_of_another_system", "#{parameters => [{x, real}], generated_quantities => [{y, x}]}",
     "invalid_model", "here it is `generated`", ""},
    {"percent", "#{parameters => [{x, real}], model => [{target, {'*', x, {'%', 3, 2}}}]}",
     "unknown_function", "here it is `rem`", "model[1]: target"},
    {"truncated_vectors",
     "#{parameters => [{x, {vector, 2}}], model => [{'~', x, {truncate, {dirichlet, 2}, 0, 1}}]}",
     "unknown_distribution", "only univariate distributions are truncated",
     "model[1]: '~' x: truncate arg 1"},
    {"real_as_a_condition", "#{parameters => [{x, real}], model => [{target, {'and', {'<', x, 1}, x}}]}",
     "wrong_type", "`and` takes conditions, such as {'<', A, B}, found a real number", "model[1]: target"},
    {"size_with_decimals", "#{data => #{n => 3.0}, parameters => [{x, {vector, n}}]}", "wrong_type",
     "found a real number; integer data is given without decimals", "parameters[1]: x: vector arg 1"},
    {"type_without_size", "#{parameters => [{x, vector}]}", "invalid_model",
     "{vector, Size}, found `vector` alone", "parameters[1]: x"},
    {"real_with_its_bounds_in_it", "#{parameters => [{x, {real, [{lower, 0}]}}]}", "invalid_model",
     "comes after the type, as in {name, real, [{lower, 0}]}", "parameters[1]: x"},
    {"no_such_system",
     "#{parameters => [{x, real}], model => [{target, {sum, {ode_rk45, f, [x], 0, [1.0]}}}]}",
     "unknown_function", "give it under functions", "model[1]"},
    {"recursion",
     "#{functions => #{f => {[x], {f, x}}}, parameters => [{b, real}], model => [{target, {f, b}}]}",
     "invalid_model", "calls itself", "model[1]"},
    {"random_in_the_model", "#{parameters => [{b, real}], model => [{target, {normal_rng, b, 1}}]}",
     "invalid_model", "belongs in the generated block", "model[1]"},
    {"integer_parameter", "#{parameters => [{b, int}]}", "invalid_model", "a parameter is continuous",
     "parameters[1]"},
    {"parameter_condition", "#{parameters => [{b, real}], model => [{'if', {'<', b, 0}, [{target, b}], []}]}",
     "wrong_type", "if_else", "model[1]"},
    {"discrete_outcome_is_a_parameter", "#{parameters => [{b, real}], model => [{'~', b, {poisson, 3}}]}",
     "wrong_type", "an integer >= 0", "model[1]"},
    {"too_large_a_type", "#{parameters => [{b, {matrix, 100000, 100000}}]}", "too_large",
     "10000000000 elements; the most are 100000000", "parameters[1]: b"},
    {"too_many_dimensions", "#{parameters => [{b, {vector, 100000000}}]}", "too_large", "dimensions",
     "parameters[1]"},
    {"too_many_elements",
     "#{data => #{y => 1.5}, parameters => [{b, real}], "
     "model => [{target, {'*', b, {sum, {log, {rep, y, 10000, 10000}}}}}]}",
     "too_large", "[10000, 10000]", "model[1]"},
    {"a_name_of_another_system",
     "#{parameters => [{b, real}], model => [{'~', b, {double_exponential, 0, 1}}]}", "unknown_distribution",
     "here it is `laplace`", "model[1]"},
    {"a_function_of_another_system",
     "#{parameters => [{b, real}], model => [{target, {ode_bdf, f, [b], 0, [1.0]}}]}", "unknown_function",
     "here it is `ode_rodas`", "model[1]"},
    {"an_index_from_0", "#{parameters => [{b, {vector, 2}}], model => [{target, {at, b, 0}}]}",
     "out_of_range", "indices count from 1", "model[1]"},
    {"a_product_of_matrices",
     "#{data => #{x => [[1.0, 2.0], [3.0, 4.0]]}, parameters => [{b, {vector, 2}}], model => [{target, {sum, {'*', x, "
     "b}}}]}",
     "wrong_shape", "{matmul, A, B}", "model[1]"},
    {"a_distribution_as_a_statement", "#{parameters => [{b, real}], model => [{normal, b, 0, 1}]}",
     "invalid_model", "{'~', Y, {normal, ...}}", "model[1]"},
    {"no_data", "#{parameters => [{b, real}], model => [{'~', yy, {normal, b, 1}}]}", "unknown_name",
     "give it under data or parameters (there are b)", "model[1]"},
    {"bounds_cross", "#{parameters => [{b, real, [{lower, 2}, {upper, 1}]}]}", "out_of_domain",
     "upper - lower", "parameters[1]: b"},
};

class ModelErrors : public testing::TestWithParam<Case> {};

TEST_P(ModelErrors, SayWhatWasWrongAndWhere) {
  const Case& c = GetParam();
  try {
    compile(test::erlang(c.text));
    FAIL() << "compiled: " << c.text;
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), c.reason) << error.message();
    EXPECT_NE(error.message().find(c.message), std::string::npos) << error.message();
    EXPECT_NE(error.where().find(c.where), std::string::npos) << error.where();
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ModelErrors, testing::ValuesIn(cases),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(ModelErrors, DeepNestingIsRefused) {
  std::string text = "x";
  for (int i = 0; i < 100; ++i) text = "{'+', " + text + ", 1}";
  try {
    compile(test::erlang("#{parameters => [{x, real}], model => [{target, " + text + "}]}"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "too_deep");
    EXPECT_LT(error.where().size(), 200u);
  }
}

// Functions that call functions twice each would expand without bound.
TEST(ModelErrors, ExpansionIsBounded) {
  std::string functions = "f0 => {[x], {'*', x, x}}";
  for (int i = 1; i <= 30; ++i) {
    const std::string before = "f" + std::to_string(i - 1);
    functions += ", f" + std::to_string(i) + " => {[x], {'+', {" + before + ", x}, {" + before +
                 ", {'+', x, " + std::to_string(i) + "}}}}";
  }
  try {
    compile(test::erlang("#{functions => #{" + functions +
                         "}, parameters => [{x, real}], model => [{target, {f30, x}}]}"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "too_large") << error.message();
  }
}

}  // namespace
}  // namespace drey::model
