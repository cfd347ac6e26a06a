#include <cmath>
#include <optional>
#include <utility>

#include "model/builder.h"
#include "model/functions.h"
#include "model/integers.h"

/// How the builder keeps arithmetic small: constants are folded, neutral operations dropped, signs and constant
/// factors gathered outside, constant shifts at the end of an index.
namespace drey::model {
namespace {

struct Arithmetic {
  FunctionId add = function_id("+", 2), sub = function_id("-", 2), mul = function_id("*", 2),
             div = function_id("/", 2), neg = function_id("neg", 1), inv = function_id("inv", 1),
             square = function_id("square", 1), sqrt = function_id("sqrt", 1), pow = function_id("^", 2);
};

const Arithmetic& arithmetic() {
  static const Arithmetic ids;
  return ids;
}

Type result_type(Op op) {
  switch (op) {
    case Op::IntegerConstant:
    case Op::LoopIndex:
    case Op::AddI:
    case Op::SubI:
    case Op::MulI:
    case Op::DivI:
    case Op::ModI:
    case Op::MinI:
    case Op::MaxI:
    case Op::LessI:
    case Op::EqualI:
    case Op::NotI:
    case Op::LessR:
    case Op::EqualR:
    case Op::ToInteger:
      return Type::Integer;
    default:
      return Type::Real;
  }
}

}  // namespace

ValueId Builder::add(ValueId a, ValueId b) { return call(arithmetic().add, {a, b}); }
ValueId Builder::sub(ValueId a, ValueId b) { return call(arithmetic().sub, {a, b}); }
ValueId Builder::mul(ValueId a, ValueId b) { return call(arithmetic().mul, {a, b}); }
ValueId Builder::div(ValueId a, ValueId b) { return call(arithmetic().div, {a, b}); }
ValueId Builder::neg(ValueId a) { return call(arithmetic().neg, {a}); }

ValueId Builder::call(std::string_view function, std::vector<ValueId> args) {
  const FunctionId id = function_id(function, static_cast<int>(args.size()));
  return call(id, std::move(args));
}

ValueId Builder::call(FunctionId function, std::vector<ValueId> args) {
  const Function& f = functions()[function];
  if (args.size() != static_cast<std::size_t>(f.arity)) broken("wrong number of arguments for " + f.name);
  std::vector<double> numbers;
  for (const ValueId arg : args) {
    check(arg, Type::Real);
    if (const auto number = constant(arg)) numbers.push_back(*number);
  }
  if (numbers.size() == args.size()) return real(f.value(numbers.data()));

  const Arithmetic& ids = arithmetic();
  const auto is = [&](ValueId id, double number) { return constant(id) == number; };
  const auto negated = [&](ValueId id) -> ValueId {
    const Value& v = program_.values[id];
    return v.op == Op::Call && v.function == ids.neg ? v.args[0] : none;
  };
  if (function == ids.add) {
    if (is(args[0], 0)) return args[1];
    if (is(args[1], 0)) return args[0];
    if (const ValueId n = negated(args[1]); n != none) return sub(args[0], n);
    if (const ValueId n = negated(args[0]); n != none) return sub(args[1], n);
  } else if (function == ids.sub) {
    if (is(args[1], 0)) return args[0];
    if (is(args[0], 0)) return neg(args[1]);
    if (const ValueId n = negated(args[1]); n != none) return add(args[0], n);
  } else if (function == ids.mul) {
    if (constant(args[1])) std::swap(args[0], args[1]);
    if (is(args[0], 1)) return args[1];
    if (is(args[0], -1)) return neg(args[1]);
    if (is(args[0], 0)) return args[0];
    if (args[0] == args[1]) return call(ids.square, {args[0]});
    if (const auto c = constant(args[0])) {  // c (d x) = (c d) x
      const Value& inner = program_.values[args[1]];
      if (inner.op == Op::Call && inner.function == ids.mul && constant(inner.args[0])) {
        const double product = *c * *constant(inner.args[0]);
        if (std::isnormal(product)) return mul(real(product), inner.args[1]);
      }
    }
    const auto scaled = [&](ValueId id) -> std::optional<double> {
      const Value& v = program_.values[id];
      return v.op == Op::Call && v.function == ids.mul ? constant(v.args[0]) : std::nullopt;
    };
    if (const auto c = scaled(args[0]), d = scaled(args[1]);
        c && d && std::isnormal(*c * *d)) {  // (c x) (d y)
      const ValueId x = program_.values[args[0]].args[1], y = program_.values[args[1]].args[1];
      return mul(real(*c * *d), mul(x, y));
    }
    const ValueId n0 = negated(args[0]), n1 = negated(args[1]);
    if (n0 != none && n1 != none) return mul(n0, n1);
    if (n0 != none) return constant(args[1]) ? mul(neg(args[1]), n0) : neg(mul(n0, args[1]));
    if (n1 != none) return constant(args[0]) ? mul(neg(args[0]), n1) : neg(mul(args[0], n1));
  } else if (function == ids.div) {
    if (is(args[1], 1)) return args[0];
    if (is(args[0], 1)) return call(ids.inv, {args[1]});
    if (is(args[1], -1)) return neg(args[0]);
    if (const ValueId n = negated(args[0]); n != none) return neg(div(n, args[1]));
    if (const auto c = constant(args[1]); c && std::isnormal(*c) && std::isnormal(1 / *c))
      return mul(real(1 / *c), args[0]);
    if (depth_[args[1]] < depth_[args[0]]) return mul(args[0], call(ids.inv, {args[1]}));
  } else if (function == ids.neg) {
    if (const ValueId n = negated(args[0]); n != none) return n;
    const Value& v = program_.values[args[0]];
    if (v.op == Op::Call && v.function == ids.sub) return sub(v.args[1], v.args[0]);
    if (v.op == Op::Call && v.function == ids.mul && constant(v.args[0]))
      return mul(real(-*constant(v.args[0])), v.args[1]);
  } else if (function == ids.square) {
    if (const ValueId n = negated(args[0]); n != none) return call(ids.square, {n});
  } else if (function == ids.pow) {
    if (const auto c = constant(args[1])) {
      if (*c == 1) return args[0];
      if (*c == 2) return call(ids.square, {args[0]});
      if (*c == 3) return mul(call(ids.square, {args[0]}), args[0]);
      if (*c == 4) return call(ids.square, {call(ids.square, {args[0]})});
      if (*c == 0.5) return call(ids.sqrt, {args[0]});
      if (*c == -1) return call(ids.inv, {args[0]});
      if (*c == 0) return real(1);
    }
  }
  Value v;
  v.op = Op::Call;
  v.function = function;
  v.args = std::move(args);
  const std::size_t depth = pure_depth(v);
  return add_value(std::move(v), depth);
}

ValueId Builder::op(Op op, std::vector<ValueId> args) {
  const auto c = [&](std::size_t i) { return constant_i(args[i]); };
  const auto is = [&](std::size_t i, std::int64_t number) { return c(i) == number; };
  switch (op) {
    case Op::AddI:
    case Op::SubI:
    case Op::MulI:
    case Op::DivI:
    case Op::ModI:
    case Op::MinI:
    case Op::MaxI:
    case Op::LessI:
    case Op::EqualI: {
      if (args.size() != 2) broken("an integer operation needs two operands");
      check(args[0], Type::Integer), check(args[1], Type::Integer);
      if (c(0) && c(1)) {
        if (const auto result = fold_integers(op, *c(0), *c(1))) return integer(*result);
        break;  // an index that overflows is seen where it is used
      }
      if (op == Op::AddI && is(0, 0)) return args[1];
      if ((op == Op::AddI || op == Op::SubI) && is(1, 0)) return args[0];
      if (op == Op::MulI && (is(0, 1) || is(1, 0))) return args[1];
      if (op == Op::MulI && (is(1, 1) || is(0, 0))) return args[0];
      if (op == Op::DivI && is(1, 1)) return args[0];
      if (op == Op::SubI && args[0] == args[1]) return integer(0);
      if (op == Op::SubI && c(1)) return this->op(Op::AddI, {args[0], integer(-*c(1))});
      if ((op == Op::AddI || op == Op::MulI) && c(0)) std::swap(args[0], args[1]);
      if (op == Op::AddI && c(1)) {  // (x + c) + d
        const Value& inner = program_.values[args[0]];
        if (inner.op == Op::AddI && constant_i(inner.args[1]))
          return this->op(Op::AddI, {inner.args[0], integer(*constant_i(inner.args[1]) + *c(1))});
      }
      if (op == Op::MulI && c(1)) {  // (x + c) * d, so that constants gather at the end of an index
        const Value& inner = program_.values[args[0]];
        if (inner.op == Op::AddI && constant_i(inner.args[1])) {
          const ValueId x = inner.args[0];
          const std::int64_t shift = *constant_i(inner.args[1]) * *c(1);
          return this->op(Op::AddI, {this->op(Op::MulI, {x, args[1]}), integer(shift)});
        }
      }
      if (op == Op::AddI && !c(1)) {  // a + (x + c), (x + c) + b
        for (int side = 0; side < 2; ++side) {
          const Value& inner = program_.values[args[static_cast<std::size_t>(side)]];
          if (inner.op == Op::AddI && constant_i(inner.args[1])) {
            const ValueId x = inner.args[0], shift = inner.args[1];
            return this->op(Op::AddI,
                            {this->op(Op::AddI, {x, args[static_cast<std::size_t>(1 - side)]}), shift});
          }
        }
      }
      break;
    }
    case Op::NotI:
      check(args.at(0), Type::Integer);
      if (c(0)) return integer(*fold_integers(op, *c(0), 0));
      break;
    case Op::LessR:
    case Op::EqualR:
      check(args.at(0), Type::Real), check(args.at(1), Type::Real);
      if (constant(args[0]) && constant(args[1]))
        return integer(op == Op::LessR ? *constant(args[0]) < *constant(args[1])
                                       : *constant(args[0]) == *constant(args[1]));
      break;
    case Op::ToReal:
      check(args.at(0), Type::Integer);
      if (c(0)) return real(static_cast<double>(*c(0)));
      break;
    case Op::ToInteger:
    case Op::StopGradient:
      check(args.at(0), Type::Real);
      if (op == Op::StopGradient && constant(args[0])) return args[0];
      break;
    case Op::Select:
      check(args.at(0), Type::Integer), check(args.at(1), Type::Real), check(args.at(2), Type::Real);
      if (c(0)) return *c(0) != 0 ? args[1] : args[2];
      if (args[1] == args[2]) return args[1];
      break;
    default:
      broken("op() does not make this operation");
  }
  Value v;
  v.op = op;
  v.type = result_type(op);
  v.args = std::move(args);
  const std::size_t depth = pure_depth(v);
  return add_value(std::move(v), depth);
}

}  // namespace drey::model
