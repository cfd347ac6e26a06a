#include "model/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace drey::model {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

double product_bound(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

}  // namespace

double function_cost(const std::string& name) {
  static const std::vector<std::pair<std::string, double>> cheap = {
      {"+", 1},      {"-", 1},   {"*", 1}, {"neg", 1}, {"abs", 1},  {"min", 1},  {"max", 1},
      {"square", 1}, {"fma", 1}, {"/", 4}, {"inv", 4}, {"sqrt", 4}, {"floor", 1}};
  for (const auto& [known, cost] : cheap)
    if (known == name) return cost;
  return 10;
}

void bounds(Node& node) {
  auto lo = [&](std::size_t i) { return node.args[i]->lower; };
  auto hi = [&](std::size_t i) { return node.args[i]->upper; };
  auto set = [&](double lower, double upper) {
    node.lower = std::isnan(lower) ? -inf : lower;
    node.upper = std::isnan(upper) ? inf : upper;
  };
  auto multiply = [&] {
    double all[] = {product_bound(lo(0), lo(1)), product_bound(lo(0), hi(1)), product_bound(hi(0), lo(1)),
                    product_bound(hi(0), hi(1))};
    set(*std::min_element(all, all + 4), *std::max_element(all, all + 4));
  };
  switch (node.op) {
    case Op::AddI:
      return set(lo(0) + lo(1), hi(0) + hi(1));
    case Op::SubI:
      return set(lo(0) - hi(1), hi(0) - lo(1));
    case Op::MulI:
      return multiply();
    case Op::DivI:
      if (lo(1) > 0 && lo(0) >= 0) return set(std::floor(lo(0) / hi(1)), std::floor(hi(0) / lo(1)));
      return;
    case Op::ModI:
      if (lo(1) > 0 && lo(0) >= 0) return set(0, std::min(hi(0), hi(1) - 1));
      return;
    case Op::MinI:
      return set(std::min(lo(0), lo(1)), std::min(hi(0), hi(1)));
    case Op::MaxI:
      return set(std::max(lo(0), lo(1)), std::max(hi(0), hi(1)));
    case Op::LessI:
    case Op::EqualI:
    case Op::NotI:
    case Op::LessR:
    case Op::EqualR:
      return set(0, 1);
    case Op::ToReal:
    case Op::StopGradient:
      return set(lo(0), hi(0));
    case Op::Select:
      return set(std::min(lo(1), lo(2)), std::max(hi(1), hi(2)));
    case Op::Call:
      break;
    default:
      return;
  }
  const std::string& f = functions()[node.function].name;
  if (f == "+") return set(lo(0) + lo(1), hi(0) + hi(1));
  if (f == "-") return set(lo(0) - hi(1), hi(0) - lo(1));
  if (f == "*") return multiply();
  if (f == "neg") return set(-hi(0), -lo(0));
  if (f == "/") {
    if (lo(1) >= 0) return set(lo(0) >= 0 ? 0 : -inf, hi(0) <= 0 ? 0 : inf);
    return;
  }
  if (f == "inv" && lo(0) >= 0) return set(0, inf);
  if (f == "exp") return set(std::exp(lo(0)), std::exp(hi(0)));
  if (f == "sqrt") return set(lo(0) > 0 ? std::sqrt(lo(0)) : 0, hi(0) >= 0 ? std::sqrt(hi(0)) : inf);
  if (f == "square" || f == "abs" || f == "log1p_exp" || f == "softplus") return set(0, inf);
  if (f == "inv_logit" || f == "Phi" || f == "inv_cloglog") return set(0, 1);
  if (f == "tanh") return set(-1, 1);
  if (f == "log1p" && lo(0) >= 0) return set(0, inf);
  if (f == "^" && lo(0) >= 0) return set(0, inf);
  if (f == "max") return set(std::max(lo(0), lo(1)), std::max(hi(0), hi(1)));
  if (f == "min") return set(std::min(lo(0), lo(1)), std::min(hi(0), hi(1)));
}

}  // namespace drey::model
