#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/program.h"
#include "term/term.h"

/// A checked and lowered model: what everything after the front end works from.
namespace drey::model {

using Shape = std::vector<std::uint64_t>;  ///< empty for a scalar; row-major

struct Parameter {
  std::string name;
  std::string constraint;    ///< as a person would write it: "real", "real, lower 0", "simplex 3"
  Shape shape;               ///< constrained
  std::uint64_t offset = 0;  ///< of its first element in the point
  std::uint64_t size = 0;    ///< unconstrained elements
};

enum class OutputKind : std::uint8_t { Parameter, Transformed, Generated };

struct Output {
  std::string name;
  OutputKind kind = OutputKind::Parameter;
  Type type = Type::Real;  ///< Integer for generated integers; recorded as Real all the same
  Shape shape;
  std::uint64_t offset = 0;  ///< of its first element in Space::Output
  std::uint64_t size = 1;
};

/// A constant array of the program. Reals stay f64 here; a device of less precision rounds its own copy.
using Array = std::variant<std::vector<double>, std::vector<std::int64_t>>;

struct Model {
  std::uint64_t dimension = 0;        ///< of the point
  std::vector<Parameter> parameters;  ///< in the order of the model's term
  std::vector<Output> outputs;        ///< parameters, then transformed, then generated
  std::uint64_t output_size = 0;      ///< elements of Space::Output
  /// Reads Point and Data, accumulates Target: the normalised log density with Jacobians.
  Program density;
  /// Reads Point and Data, stores Output; may use Op::Random.
  Program draws;
  /// Arrays the two programs load from: the caller's data, and what lowering derived of it.
  std::vector<Array> data;
  /// Things a user should know that are no errors.
  std::vector<std::string> warnings;
};

/// Term to Model: parse, check, lower. Bounded in time and memory by the size of the term.
/// \throws Error with the position in the term, what was expected, what was found, the nearest known name.
Model compile(const term::Term& model);

}  // namespace drey::model
