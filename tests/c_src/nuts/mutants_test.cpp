#include <iostream>

#include "c_src/nuts/ladder.h"

/// Broken samplers: each defect, planted in the kernel's text, must fail a rung. A rung that catches none of
/// what it is there for proves nothing.
namespace drey::nuts {
namespace {

struct Mutant {
  std::string name;
  std::string from, to;  ///< plain text; # stands for a dimension, in code that is written out for each
};

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = {
      {"turned subtree merged", "if (stop) {\n          mode = FINISHED;\n        } else if (depth > 2u",
       "if (stop && (leaf < (1u << depth) || divergent == 1u)) {\n          mode = FINISHED;\n        } else "
       "if (depth > "
       "2u"},
      {"no U-turn check of pairs", "stop = !(pair_begin > real(0.0) && pair_end > real(0.0));", ""},
      {"no U-turn check of deep subtrees", "k < merges && !stop; ++k", "false; ++k"},
      {"no check across the seam of four",
       "whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&\n                             c > "
       "real(0.0) && e2 > "
       "real(0.0));",
       "whole_end > real(0.0));"},
      {"no check across deep seams",
       "whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&\n                 c > real(0.0) && e2 > "
       "real(0.0));",
       "whole_end > real(0.0));"},
      {"merge at the top not biased", "if (gain >= real(0.0) || drey_uniform(word) < nuts_exp(gain))",
       "if (true)"},
      {"leaf taken with its weight against the last only", "sub_log_weight = max(w, sub_log_weight) +",
       "sub_log_weight = w + real(0.0) *"},
      {"one random number for all leaves", "const uint heap = (1u << depth) + leaf;",
       "const uint heap = 5u;"},
      {"random numbers shared between transitions",
       "drey_counter(uint(#), iteration, chain, DREY_MOMENTUM, push.phase)",
       "drey_counter(uint(#), iteration & 0xfffffff0u, chain, DREY_MOMENTUM, push.phase)"},
      {"directions reused as merges", "drey_counter(depth >> 2, iteration, chain, DREY_MERGE, push.phase)",
       "drey_counter(0u, iteration, chain, DREY_DIRECTION, push.phase)"},
      {"stale log density", "sample_lp = proposal_lp;", ""},
      {"stale gradient at the start", " g[#] = sample_g[#];", " g[#] = other_g[#];"},
      {"momentum not refreshed", "p[4 * #] = first.x;", "p[4 * #] = iteration == 0u ? first.x : other_p[0];"},
      {"checkpoint one row off", "const uint left = (row - k) *",
       "const uint left = (row - min(row, k + 1u)) *"},
      {"sum misses the first leaf", "before_rho[row * uint(SLOTS) + uint(#)] = last_four_rho[#];",
       "before_rho[row * uint(SLOTS) + uint(#)] = last_four_rho[#] + first_p[#];"},
      {"ends not swapped on turning back", "(directions >> (depth - 1u))) & 1u) == 1u",
       "(directions >> (depth - 1u))) & 1u) == 2u"},
      {"kinetic energy halved", "const real w = (lp - start_lp) + (start_kinetic - real(0.5) * kinetic);",
       "const real w = (lp - start_lp) + real(0.5) * (start_kinetic - real(0.5) * kinetic);"},
      {"gradient 1% wrong", "g[#] = model_gradient[#];", "g[#] = real(1.01) * model_gradient[#];"},
      {"half kick left out", "p[#] += real(0.5) * sign * h[#] * g[#];\n        kinetic",
       "p[#] += real(0.4) * sign * h[#] * g[#];\n        kinetic"},
      {"uniforms of half their range", "{ return (real(word) + real(0.5)) * real(2.3283064365386963e-10); }",
       "{ return (real(word >> 1) + real(0.5)) * real(2.3283064365386963e-10); }"},
      {"density of another scale", "const real lp = model_target;",
       "const real lp = real(1.05) * model_target;"},
      {"term of the density left out", "const real lp = model_target;",
       "const real lp = model_target + real(0.5) * q[0] * q[0] / real(10.0);"},
  };
  return all;
}

/// Which rungs a kernel compiled this way passes: trees, moments, ranks.
class Rungs : public OnDevice {
 protected:
  std::vector<bool> rungs(const Compile& compile);
};
class Mutants : public Rungs, public testing::WithParamInterface<Mutant> {};

std::vector<bool> Rungs::rungs(const Compile& compile) {
  const auto target = normals_target(3);
  const auto correlated = correlated_target();
  const auto exact = [](std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    std::vector<double> q(3);
    for (int d = 0; d < 3; ++d) q[d] = d + (1 + 0.5 * d) * normal(random);
    return q;
  };
  std::vector<ladder::Moment> moments;
  for (int d = 0; d < 2; ++d) moments.push_back({"variance", [d](const auto& q) { return q[d] * q[d]; }, 1});
  moments.push_back({"covariance", [](const auto& q) { return q[0] * q[1]; }, 0.95});
  std::vector<bool> passed;
  auto normals = kernel(target, false, compile), turning = kernel(correlated, false, compile);
  const bool trees_seen = has_f64();
  if (trees_seen) {
    auto exact_trees = kernel(target, true, compile), deep_trees = kernel(correlated, true, compile);
    passed.push_back(ladder::trees_match(exact_trees, target, 0.5, 8, 40) &&
                     ladder::trees_match(deep_trees, correlated, 0.05, 8, 20));
  } else {
    passed.push_back(true);
  }
  passed.push_back(ladder::moments_p(normals, {0, 1, 2}, 0.9, {1, 1, 1}, ladder::moments_of_normals(3), 128,
                                     200, 20) > ladder::kLeastP &&
                   ladder::moments_p(turning, {0, 0}, 0.2, {1, 1}, moments, 128, 200, 20) > ladder::kLeastP);
  passed.push_back(ladder::rank_p(normals, 0.6, {1, 1.2, 1.5}, exact, 4096, 16) > ladder::kLeastP);
  return passed;
}

TEST_F(Rungs, TheKernelItselfPasses) {
  EXPECT_EQ(rungs(glsl::compile), (std::vector<bool>{true, true, true}));
}

TEST_P(Mutants, FailsARung) {
  const auto& mutant = GetParam();
  bool planted = false;
  const auto passed = rungs([&](const std::string& text) {
    std::string changed = text;
    for (const char* dimension : {"#", "0", "1", "2"}) {
      const auto at_dimension = [&](std::string with) {
        for (std::size_t at = 0; (at = with.find('#', at)) != std::string::npos; ++at)
          with.replace(at, 1, dimension);
        return with;
      };
      const std::string from = at_dimension(mutant.from), to = at_dimension(mutant.to);
      if (*dimension == '#' && from.find('#') != std::string::npos) continue;
      for (std::size_t at = 0; (at = changed.find(from, at)) != std::string::npos; at += to.size()) {
        changed.replace(at, from.size(), to);
        planted = true;
      }
      if (*dimension == '#') break;
    }
    return glsl::compile(changed);
  });
  EXPECT_TRUE(planted) << mutant.name << ": its text is no longer in the kernel";
  EXPECT_FALSE(passed[0] && passed[1] && passed[2]) << mutant.name << " passes every rung";
  const std::string report = mutant.name + ": caught by" + (passed[0] ? "" : " trees") +
                             (passed[1] ? "" : " moments") + (passed[2] ? "" : " ranks");
  RecordProperty("report", report);
  std::cout << report << "\n";
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, testing::ValuesIn(mutants()), [](const auto& instance) {
  std::string name = instance.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace drey::nuts
