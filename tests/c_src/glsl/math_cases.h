#pragma once

#include <vector>

#include "math_case.h"
#include "math_cases_elementary.h"
#include "math_cases_special.h"

/// What each function of the shaders' library is measured on.
namespace drey::glsl {

inline std::vector<MathCase> math_cases() {
  std::vector<MathCase> cases = elementary_cases();
  const std::vector<MathCase> special = special_cases();
  cases.insert(cases.end(), special.begin(), special.end());
  return cases;
}

}  // namespace drey::glsl
