#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/checker.h"

/// The table of distributions whose outcome or parameters are vectors or matrices: one entry each.
namespace drey::model {

struct VectorDistribution {
  std::string name;
  std::vector<std::string> parameters;
  std::string outcome;  ///< "a simplex of K"
  /// One value, or one an outcome where several outcomes are given.
  NodeRef (*log_density)(Checker& checker, NodeRef outcome, const std::vector<NodeRef>& args,
                         const std::string& where);
  NodeRef (*generator)(Checker& checker, const std::vector<NodeRef>& args, const std::string& where);
  std::string source;
  /// What the generator takes, where that is not what the density takes: an outcome's size is an argument here.
  std::vector<std::string> rng_parameters = {};

  const std::vector<std::string>& generator_parameters() const {
    return rng_parameters.empty() ? parameters : rng_parameters;
  }
};

std::span<const VectorDistribution> vector_distributions();
const VectorDistribution* find_vector_distribution(std::string_view name);

}  // namespace drey::model
