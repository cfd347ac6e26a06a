#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "model/program.h"

namespace drey::model {

/// The value of an integer operation on constants (of NotI: on `a`); none where it overflows, divides by 0, or is
/// no operation on integers.
inline std::optional<std::int64_t> fold_integers(Op op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case Op::AddI:
      return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case Op::SubI:
      return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case Op::MulI:
      return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional(result);
    case Op::DivI:
      if (b == -1)
        return __builtin_sub_overflow(std::int64_t{0}, a, &result) ? std::nullopt : std::optional(result);
      return b == 0 ? std::nullopt : std::optional(a / b);
    case Op::ModI:
      if (b == -1) return 0;
      return b == 0 ? std::nullopt : std::optional(a % b);
    case Op::MinI:
      return std::min(a, b);
    case Op::MaxI:
      return std::max(a, b);
    case Op::LessI:
      return a < b;
    case Op::EqualI:
      return a == b;
    case Op::NotI:
      return a == 0;
    default:
      return std::nullopt;
  }
}

}  // namespace drey::model
