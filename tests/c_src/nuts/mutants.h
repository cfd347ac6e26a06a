#pragma once

#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "c_src/nuts/climb.h"

/// Defects of a sampler, as changes of its kernel's text.
namespace drey::nuts::ladder {

struct Edit {
  std::string from,
      to;  ///< plain text, spaces aside; # stands for a dimension, in code that is written out for each or loops
};

struct Mutant {
  std::string name;
  Rung by;                     ///< the rung that is there for it; others may catch it too
  std::vector<Edit> edits;     ///< all of them
  bool in_f32 = false;         ///< of Rung::Trees: in f32, where it shows
  bool only_subgroup = false;  ///< where a chain per invocation has no such text
};

/// Where `what` stands in `text` from `at` on, spaces aside: [begin, end).
inline std::optional<std::pair<std::size_t, std::size_t>> find_loosely(const std::string& text,
                                                                       const std::string& what,
                                                                       std::size_t at) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  for (; at < text.size(); ++at) {
    if (text[at] != what[0]) continue;
    std::size_t i = at, k = 0;
    while (k < what.size() && i < text.size()) {
      if (space(what[k]))
        ++k;
      else if (space(text[i]))
        ++i;
      else if (text[i++] != what[k++])
        break;
      else if (k == what.size())
        return std::pair(at, i);
    }
  }
  return {};
}

/// Plants a mutant everywhere its text stands. \returns whether it stands anywhere
inline bool plant(const Mutant& mutant, std::string& text) {
  bool all = true;
  for (const Edit& edit : mutant.edits) {
    bool planted = false;
    const auto replace = [&](const std::string& from, const std::string& to) {
      std::size_t at = 0;
      while (const auto found = find_loosely(text, from, at)) {
        text.replace(found->first, found->second - found->first, to);
        at = found->first + to.size();
        planted = true;
      }
    };
    if (edit.from.find('#') == std::string::npos) replace(edit.from, edit.to);
    for (int dimension = 0; dimension <= 16 && edit.from.find('#') != std::string::npos; ++dimension) {
      const auto of = [&](std::string with) {
        const std::string number = dimension < 16 ? std::to_string(dimension) : "d_";
        for (std::size_t at = 0; (at = with.find('#', at)) != std::string::npos; at += number.size())
          with.replace(at, 1, number);
        return with;
      };
      replace(of(edit.from), of(edit.to));
    }
    all = all && planted;
  }
  return all;
}

inline const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = {
      // The tree.
      {"turned subtree merged",
       Rung::Trees,
       {{"if (stop) mode = FINISHED;",
         "if (stop && (leaf < (1u << depth) || divergent == 1u)) mode = FINISHED;"},
        {"mode = stop ? FINISHED : RUNNING;", "mode = stop && leaf < (1u << depth) ? FINISHED : RUNNING;"}}},
      {"no U-turn check of pairs",
       Rung::Trees,
       {{"if ((leaf & 1u) == 1u) stop = !(pair_begin > real(0.0) && pair_end > real(0.0));", ""}}},
      {"no U-turn check of deep subtrees", Rung::Trees, {{"k < merges && !stop; ++k", "false; ++k"}}},
      {"no check across the seam of four",
       Rung::Trees,
       {{"if (depth > 1u) stop = TURNED;",
         "if (depth > 1u) stop = !(whole_begin > real(0.0) && whole_end > real(0.0));"}}},
      {"no check across deep seams",
       Rung::Trees,
       {{"SUM_SEAMS stop = TURNED;",
         "SUM_SEAMS stop = !(whole_begin > real(0.0) && whole_end > real(0.0));"}}},
      {"checkpoint one row off",
       Rung::Trees,
       {{"uint left = row - k;", "uint left = row - min(row, k + 1u);"}}},
      {"sum misses the first leaf",
       Rung::Trees,
       {{"PAIR(before.x, before.y); } }", "PAIR(before.x, before.y + begin); } }"}}},
      {"sum misses the start",
       Rung::Trees,
       {{"SET_PAIR(other_p, rho, #, p_d, p_d)", "SET_PAIR(other_p, rho, #, p_d, real(0.0))"}}},
      {"ends not swapped on turning back",
       Rung::Trees,
       {{"(directions >> (depth - 1u))) & 1u) == 1u", "(directions >> (depth - 1u))) & 1u) == 2u"}}},
      {"steps backward go forward",
       Rung::Trees,
       {{"& 1u) == 1u ? real(1.0) : real(-1.0))", "& 1u) == 1u ? real(1.0) : real(1.0))"}}},
      {"divergence by an energy that falls",
       Rung::Trees,
       {{"const bool good = w > -MAX_ENERGY_ERROR && w < real(1e30);",
         "const bool good = abs(w) < MAX_ENERGY_ERROR;"}}},
      // The choice of a leaf.
      {"merge at the top always taken",
       Rung::Ranks,
       {{"if (drey_uniform(word) * old_weight < new_weight)", "if (true)"}}},
      {"merge at the top without its bias",
       Rung::Trees,
       {{"if (drey_uniform(word) * old_weight < new_weight)",
         "if (drey_uniform(word) * (old_weight + new_weight) < new_weight)"}}},
      {"leaf's weight swapped with the others'",
       Rung::Ranks,
       {{"drey_uniform(word) * sub_weight < own", "drey_uniform(word) * sub_weight > own"}}},
      {"leaf taken with its weight against the last only",
       Rung::Trees,
       {{"sub_weight = gain > real(0.0) ? sub_weight * e + real(1.0) : sub_weight + e;",
         "sub_weight = gain > real(0.0) ? real(1.0) : e;"}}},
      // Random numbers.
      {"one random number for all leaves",
       Rung::Trees,
       {{"drey_counter(((1u << depth) + leaf) >> 2, iteration", "drey_counter(1u, iteration"},
        {"const uint word = (heap & 2u) == 0u ?", "const uint word = false ?"},
        {": ((heap & 1u) == 0u ? leaf_words.z : leaf_words.w)", ": leaf_words.y"}}},
      {"random numbers shared between transitions",
       Rung::Moments,
       {{", iteration, chain, DREY_MOMENTUM", ", iteration & 0xfffffff0u, chain, DREY_MOMENTUM"}}},
      {"random numbers shared between chains",
       Rung::Trees,
       {{", iteration, chain, DREY_MOMENTUM", ", iteration, uvec2(0u), DREY_MOMENTUM"}}},
      {"directions reused as merges",
       Rung::Trees,
       {{"drey_counter(depth >> 2, iteration, chain, DREY_MERGE, phase)",
         "drey_counter(0u, iteration, chain, DREY_DIRECTION, phase)"}}},
      {"uniforms of half their range",
       Rung::Moments,
       {{"{ return (real(word) + real(0.5)) * real(2.3283064365386963e-10); }",
         "{ return (real(word >> 1) + real(0.5)) * real(2.3283064365386963e-10); }"}}},
      {"momentum not refreshed",
       Rung::Moments,
       {{"READ(p_d, p, #) GET_PAIR(chosen,",
         "if (iteration > 0u) { GET_PAIR(old, other_p, rho, #) WRITE(p, #, old.x) } READ(p_d, p, #) GET_PAIR(chosen,"}}},
      // What is remembered.
      {"stale log density", Rung::Ranks, {{"sample_lp = proposal_lp;", ""}}},
      {"log density of another leaf", Rung::Ranks, {{"proposal_lp = lp;", "proposal_lp = start_lp;"}}},
      {"stale gradient at the start",
       Rung::Ranks,
       {{"GET_PAIR(chosen, sample_q, sample_g, #)",
         "GET_PAIR(right, sample_q, sample_g, #) GET_PAIR(old, other_q, other_g, #) "
         "const real2 chosen = real2(right.x, old.y);"}}},
      {"stale gradient at the moving end alone",
       Rung::Trees,
       {{"WRITE(g, #, chosen.y)", "GET_PAIR(old, other_q, other_g, #) WRITE(g, #, old.y)"}}},
      // The integrator.
      {"metric in place of its inverse",
       Rung::Trees,
       {{"q[#] += sign * h[#] * p[#];", "q[#] += sign * (push.step_size * push.step_size / h[#]) * p[#];"}}},
      {"kinetic energy without the metric",
       Rung::Ranks,
       {{"kinetic += p[#] * p[#]; }",
         "kinetic += p[#] * p[#] * h[#] * h[#] / (push.step_size * push.step_size); }"}}},
      {"kinetic energy halved",
       Rung::Ranks,
       {{"real w = (lp - start_lp) + (start_kinetic - real(0.5) * kinetic);",
         "real w = (lp - start_lp) + real(0.5) * (start_kinetic - real(0.5) * kinetic);"}}},
      {"gradient 1% wrong",
       Rung::Trees,
       {{"g[#] = model_gradient[#];", "g[#] = real(1.01) * model_gradient[#];"}}},
      {"gradient of one dimension 1% wrong",
       Rung::Trees,
       {{"g[0] = model_gradient[0];", "g[0] = real(1.01) * model_gradient[0];"}}},
      {"half kick left out",
       Rung::Trees,
       {{"p[#] += real(0.5) * sign * h[#] * g[#]; kinetic",
         "p[#] += real(0.4) * sign * h[#] * g[#]; kinetic"}}},
      {"second kick always forward",
       Rung::Trees,
       {{"p[#] += real(0.5) * sign * h[#] * g[#]; kinetic", "p[#] += real(0.5) * h[#] * g[#]; kinetic"}}},
      // The density.
      {"density of another scale",
       Rung::Ranks,
       {{"const real lp = model_target;", "const real lp = real(1.2) * model_target;"}}},
      {"term of the density left out",
       Rung::Ranks,
       {{"const real lp = model_target;", "const real lp = model_target + real(0.1) * q[0] * q[0];"}}},
      {"log density summed around a million",
       Rung::Trees,
       {{"const real lp = model_target;", "precise const real lp = (model_target + real(1e6)) - real(1e6);"}},
       true},
      // The model (calibration.h).
      {"Jacobian left out",
       Rung::Calibration,
       {{"model_target += s;", ""}, {"model_gradient[1] += real(1.0);", ""}}},
      {"Jacobian of the other sign",
       Rung::Calibration,
       {{"model_target += s;", "model_target -= s;"},
        {"model_gradient[1] += real(1.0);", "model_gradient[1] -= real(1.0);"}}},
      {"prior of another scale",
       Rung::Calibration,
       {{"real(-12.5)", "real(-3.125)"}, {"real(-25.0)", "real(-6.25)"}}},
      {"data loop cut short",
       Rung::Calibration,
       {{"n < 5u", "n < 4u"}, {"real(5.0) * s", "real(4.0) * s"}, {"-= real(5.0)", "-= real(4.0)"}}},
      {"loop left before its end", Rung::Calibration, {{"n < 5u", "n < 4u"}}},
      {"likelihood counted twice",
       Rung::Calibration,
       {{"n < 5u", "n < 10u"},
        {"CHAIN * 5u + n]", "CHAIN * 5u + n % 5u]"},
        {"real(5.0) * s", "real(10.0) * s"},
        {"-= real(5.0)", "-= real(10.0)"}}},
      {"data of another chain", Rung::Calibration, {{"CHAIN * 5u", "(CHAIN ^ 1u) * 5u"}}},
      {"data not looked at",
       Rung::Calibration,
       {{"n < 5u", "n < 0u"}, {"real(5.0) * s", "real(0.0) * s"}, {"-= real(5.0)", "-= real(0.0)"}}},
      // A chain per subgroup.
      {"sum of one lane alone",
       Rung::Trees,
       {{"real drey_lane_sum(real x) {", "real drey_lane_sum(real x) {\n  return subgroupShuffle(x, 0u);"}},
       false,
       true},
      {"momenta of one lane's number in all",
       Rung::Trees,
       {{"block = ELEMENT(k) >> 2, word = ELEMENT(k) & 3u", "block = k >> 2, word = k & 3u"}},
       false,
       true},
  };
  return all;
}

}  // namespace drey::nuts::ladder
