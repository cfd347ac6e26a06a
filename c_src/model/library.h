#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/checker.h"

/// The forms of the language that are more than elementwise functions: reductions, matrix products, comparisons,
/// choices. One entry each.
namespace drey::model {

struct Form {
  std::string name;
  std::size_t least, most;  ///< arguments
  NodeRef (*build)(Checker& checker, const syntax::Expression& e);
  std::string signature;    ///< "{sum, X}"
  std::string meaning;
};

std::span<const Form> forms();
const Form* find_form(std::string_view name);

}  // namespace drey::model
