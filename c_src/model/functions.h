#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/formula.h"
#include "model/program.h"

/// The table of scalar functions: one entry each, and everything else (evaluator, gradient, GLSL, docs) follows.
namespace drey::model {

struct Function {
  std::string name;  ///< as the model language spells it: "log1p", "+"
  int arity = 1;
  /// The value on the host, in f64. `args` has `arity` elements.
  double (*value)(const double* args) = nullptr;
  /// How GLSL spells it: an infix or prefix template over $0 $1 $2, such as "($0 + $1)" or "drey_log1p($0)".
  /// `drey_` functions live in shaders/math.glsl for both precisions.
  std::string glsl;
  /// One derivative an argument, over the names a b c ... (arguments) and r (the result). Empty text: the
  /// argument has derivative 0.
  std::vector<std::string> derivatives;
  /// The derivatives, parsed.
  std::vector<Formula> derivative;
};

/// All entries; FunctionId is the index.
std::span<const Function> functions();

/// By name and arity; none when the language has no such function.
std::optional<FunctionId> find_function(std::string_view name, int arity);

/// As find_function, for names the engine itself uses. \throws Error{internal}
FunctionId function_id(std::string_view name, int arity);

}  // namespace drey::model
