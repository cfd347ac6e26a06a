#pragma once

#include <string>
#include <vector>

#include "model/checker.h"

/// Random numbers of the distributions of vectors and matrices, for the generated block. Each takes the
/// arguments its row of vector_distributions.cpp names, checks their shapes, and returns one draw.
namespace drey::model {

using GeneratorArgs = std::vector<NodeRef>;

NodeRef categorical_index(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef categorical_logit_index(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef ordered_logistic_index(Checker& c, const GeneratorArgs& a, const std::string& where);
/// theta, how many in all.
NodeRef multinomial_counts(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef dirichlet_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef multi_normal_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef multi_normal_cholesky_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef multi_student_t_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
/// K, eta.
NodeRef lkj_corr_cholesky_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef lkj_corr_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef wishart_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
NodeRef inv_wishart_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
/// start, sigma, how many steps.
NodeRef gaussian_random_walk_draw(Checker& c, const GeneratorArgs& a, const std::string& where);
/// X, alpha, beta and what else `distribution` takes after its linear predictor.
NodeRef glm_draw(Checker& c, const char* distribution, const GeneratorArgs& a, const std::string& where);

}  // namespace drey::model
