#pragma once

#include <string>
#include <vector>

#include "model/checker.h"
#include "model/distributions.h"

/// Random numbers of the generated block: the algorithms that are more than a formula. Each takes and returns
/// scalars, draws from Op::Random, and runs a fixed number of trips.
namespace drey::model {

/// Gamma with shape `alpha` and rate 1; Marsaglia and Tsang, ACM TOMS 26, 2000, at most 24 attempts (each
/// accepted with probability over 0.95).
NodeRef gamma_draw(Checker& checker, NodeRef alpha);
/// Standard normal.
NodeRef normal_draw(Checker& checker);
/// One draw of a univariate distribution with scalar parameters.
NodeRef univariate_draw(Checker& checker, const Distribution& d, const std::vector<NodeRef>& args,
                        const std::string& where);
/// An index of 0 .. K - 1 with the probabilities of a vector that sums to 1.
NodeRef categorical_draw(Checker& checker, NodeRef theta);

}  // namespace drey::model
