#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/formula.h"

/// The table of univariate distributions: one entry each. Log density, distribution function and generator
/// are expressions over `y` and the parameters' names; the checker makes nodes of them, and everything else
/// follows.
namespace drey::model {

/// What a parameter or an outcome must be.
enum class Domain : std::uint8_t {
  Real,
  Positive,     ///< > 0
  NonNegative,  ///< >= 0
  Unit,         ///< in [0, 1]
  Integer,      ///< a whole number
  Count,        ///< 0, 1, 2, ...
  Natural,      ///< 1, 2, ...
  Binary,       ///< 0 or 1
  Vector,       ///< a vector; the distribution says of what
};

/// "a number > 0"
std::string domain_text(Domain domain);
bool in_domain(Domain domain, double value);

struct Distribution {
  struct Parameter {
    std::string name;
    Domain domain = Domain::Real;
  };
  std::string name;
  std::vector<Parameter> parameters;
  Domain outcome = Domain::Real;
  /// Support, over the parameters' names; empty: unbounded on that side.
  std::string lower, upper;
  bool open = false;  ///< the lower bound itself has density 0 (and an undefined formula)
  /// Log density or log mass, normalised.
  std::string log_density;
  /// log P(Y <= y) and log P(Y > y); empty where they are `integrated`.
  std::string log_cdf, log_ccdf;
  bool integrated = false;  ///< the distribution function is an algorithm of tails.cpp
  /// One draw: over the parameters and `u`, `v`, `w`, each a fresh uniform number in (0, 1); empty when the
  /// generator is an algorithm of generators.cpp.
  std::string generator;
  std::string source;  ///< of the formulas, and how parameters are meant

  Formula log_density_formula, log_cdf_formula, log_ccdf_formula, generator_formula, lower_formula,
      upper_formula;
};

std::span<const Distribution> distributions();

/// Null when there is none of this name.
const Distribution* find_distribution(std::string_view name);

}  // namespace drey::model
