#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/checker.h"

/// The forms of the language that are more than elementwise functions: reductions, matrix products,
/// comparisons, choices. One entry each.
namespace drey::model {

struct Form {
  std::string name;
  std::size_t least, most;  ///< arguments
  NodeRef (*build)(Checker& checker, const syntax::Expression& e);
  std::string signature;  ///< "{sum, X}"
  std::string meaning;
};

std::span<const Form> forms();

// The tables it is made of.
std::vector<Form> basic_forms();
std::vector<Form> matrix_forms();
std::vector<Form> ode_forms();

/// log(sum(exp(x))) over all elements.
NodeRef log_sum_exp_of(Checker& checker, NodeRef x);

// Matrices, for densities too. Each reads what it is given at any index, so callers keep what is dear.
/// The lower Cholesky factor of a positive definite matrix; its lower triangle is read.
NodeRef cholesky_of(Checker& checker, NodeRef a);
/// L^-1 b, b a vector or a matrix.
NodeRef solve_lower_of(Checker& checker, NodeRef l, NodeRef b);
/// L'^-1 b.
NodeRef solve_lower_transposed_of(Checker& checker, NodeRef l, NodeRef b);
/// The diagonal of a square matrix.
NodeRef diagonal_of(Checker& checker, NodeRef m);
const Form* find_form(std::string_view name);

}  // namespace drey::model
