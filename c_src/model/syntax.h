#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/model.h"

/// A model's term as a tree: what parse() promises, and the only thing the checker reads. No names are
/// resolved here and no shapes known.
namespace drey::model::syntax {

/// Numbers, names, `{Op, A...}` and lists. Distributions and types are expressions too: `{normal, 0, 5}`,
/// `{vector, 8}`, the bare name `real`.
struct Expression {
  enum class Kind : std::uint8_t { Real, Integer, Name, Call, List };
  Kind kind = Kind::Real;
  double real = 0;
  std::int64_t integer = 0;
  std::string name;  ///< of a Name or a Call
  std::vector<Expression> args;
  std::string where;  ///< position in the term
};

struct Statement;
using Statements = std::vector<Statement>;

struct Statement {
  enum class Kind : std::uint8_t { Tilde, Target, Let, Declare, Set, For, If, Return };
  Kind kind = Kind::Target;
  std::string name;  ///< Let, Declare: the name; For: the loop variable
  Expression left;  ///< Tilde: the outcome; Set: what is set; For: from; If: the condition; Declare: the type
  Expression right;      ///< Tilde: the distribution; For: to; else the value
  Statements body;       ///< For, If
  Statements otherwise;  ///< If
  std::string where;
};

/// `{Name, Type}` or `{Name, Type, [{lower, E} | {upper, E} | {offset, E} | {multiplier, E}]}`.
struct ParameterDeclaration {
  std::string name;
  Expression type;
  std::vector<std::pair<std::string, Expression>> modifiers;
  std::string where;
};

struct DataEntry {
  std::string name;
  Type type = Type::Real;
  Shape shape;
  Array values;
};

/// `Name => {Args, Body}`, the body an expression or statements that end with `{return, E}`.
struct FunctionDefinition {
  std::string name;
  std::vector<std::string> arguments;
  Statements body;
  std::string where;
};

struct Model {
  std::vector<DataEntry> data;
  std::vector<FunctionDefinition> functions;
  Statements transformed_data;
  std::vector<ParameterDeclaration> parameters;
  Statements transformed;
  Statements model;
  Statements generated;
};

}  // namespace drey::model::syntax
