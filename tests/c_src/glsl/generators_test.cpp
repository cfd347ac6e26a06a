// Every generator of the language on the device: in f64 the draws of the host evaluator from the same uniform numbers, in
// both precisions draws from the distribution, by its distribution function and the bound of Dvoretzky, Kiefer, Wolfowitz
// and Massart: P(sup |F_n - F| > e) <= 2 exp(-2 n e^2), for any F. Each comparison's false-alarm rate is 2e-8, of all
// together (some 400) below 1e-5; seeds are fixed. Distributions of vectors by elements and sums of elements whose own
// distribution is known. The tables are the code's own: an entry that has no case here fails.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/distributions.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "model/vector_distributions.h"
#include "support/compiled.h"
#include "support/device.h"
#include "support/values.h"

namespace drey::glsl {
namespace {

using nlohmann::json;

constexpr std::uint32_t draws = 12288;  // of each set of parameters
const double bound = std::sqrt(std::log(2 / 2e-8) / (2.0 * draws));

/// A number that the generated block draws, and its distribution function over `y`, one a set of parameters.
struct Drawn {
  std::string name;
  std::vector<std::string> cdf;
  bool whole = false;
};

struct Entry {
  std::string name;
  std::string parameters;                 ///< real ones, each a number of the point
  std::string generated;                  ///< statements; those named as `drawn` are looked at
  std::vector<std::vector<double>> sets;  ///< what the parameters are
  std::vector<Drawn> drawn;
};

struct Pack {
  std::string name;
  std::vector<Entry> entries;
};

void PrintTo(const Pack& pack, std::ostream* out) { *out << pack.name; }

// ---- univariate distributions

/// Up to three sets of moderate parameters from the table of values.
Entry univariate(const model::Distribution& d) {
  static const json values = test::read_values(DREY_TEST_DATA, "distributions.json");
  Entry entry{d.name, "", "", {}, {{"x_" + d.name, {}, d.outcome != model::Domain::Real}}};
  std::string call = d.name + "_rng";
  std::set<std::vector<double>> seen;
  std::vector<double> whole;
  for (const json& row : values.contains(d.name) ? values[d.name]["lpdf"] : json::array()) {
    std::vector<double> set, integers;
    std::string literals, arguments, declared;
    bool moderate = true;
    for (std::size_t i = 0; i < d.parameters.size(); ++i) {
      const double a = row[i + 1].get<double>();
      const auto domain = d.parameters[i].domain;
      const bool integer = domain == model::Domain::Count || domain == model::Domain::Integer;
      // In f32 the draws of tiny shapes are 0 or 1.
      moderate = moderate && std::abs(a) <= 1000 && (integer || a == 0 || std::abs(a) >= 0.05);
      literals += ", " + test::erlang_text(row[i + 1]);
      if (integer) {
        integers.push_back(a);
        arguments += fmt::format(", {}", static_cast<std::int64_t>(a));
      } else {
        const std::string name = fmt::format("{}_{}", d.parameters[i].name, d.name);
        declared += (declared.empty() ? "" : ", ") + fmt::format("{{{}, real}}", name);
        arguments += ", " + name;
        set.push_back(a);
      }
    }
    // Integers stand in the text, so one choice of them.
    if (!moderate || (!seen.empty() && integers != whole) || entry.sets.size() == 3) continue;
    std::vector<double> all = set;
    all.insert(all.end(), integers.begin(), integers.end());
    if (!seen.insert(all).second) continue;
    whole = integers, entry.parameters = declared;
    entry.generated = fmt::format("{{x_{0}, {{{0}_rng{1}}}}}", d.name, arguments);
    entry.sets.push_back(set);
    entry.drawn[0].cdf.push_back(fmt::format("{{{}_cdf, y{}}}", d.name, literals));
  }
  return entry;
}

// ---- the others

/// Of the text of one draw: what is looked at as {expression over x, its distribution function over y, whole}.
struct Look {
  std::string expression, cdf;
  bool whole = false;
};
struct Case {
  std::string draw;
  std::vector<Look> looks;
};

const std::string covariance = "[[1.5, 0.4], [0.4, 0.8]]";
const std::string design = "[[1.0, 0.5], [0.0, -2.0]], 0.2, [0.4, 0.6]";  // means 0.9, -1.0

const std::map<std::string, std::vector<Case>>& cases() {
  const std::string first = "{at, x, 1}", both = "{'+', {at, x, 1}, {at, x, 2}}";
  const auto is = [](int k) { return fmt::format("{{if_else, {{'==', x, {}}}, 1, 0}}", k); };
  const std::vector<Look> normals = {{first, "{normal_cdf, y, 1.0, {sqrt, 1.5}}"},
                                     {both, "{normal_cdf, y, -1.0, {sqrt, 3.1}}"}};
  const std::string all = "{'+', {at, x, 1, 1}, {at, x, 1, 2}, {at, x, 2, 1}, {at, x, 2, 2}}";
  const std::string chosen = "{at, {softmax, [-1.0, 0.5, 0.0]}, ";
  static const std::map<std::string, std::vector<Case>> table = {
      {"categorical",
       {{"{categorical_rng, [0.2, 0.5, 0.3]}",
         {{is(1), "{bernoulli_cdf, y, 0.2}", true}, {is(3), "{bernoulli_cdf, y, 0.3}", true}}}}},
      {"categorical_logit",
       {{"{categorical_logit_rng, [-1.0, 0.5, 0.0]}",
         {{is(1), "{bernoulli_cdf, y, " + chosen + "1}}", true},
          {is(3), "{bernoulli_cdf, y, " + chosen + "3}}", true}}}}},
      {"ordered_logistic",
       {{"{ordered_logistic_rng, 0.4, [-1.0, 1.5]}",
         {{is(1), "{bernoulli_logit_cdf, y, -1.4}", true},
          {is(3), "{bernoulli_logit_cdf, y, -1.1}", true}}}}},
      {"multinomial",
       {{"{multinomial_rng, [0.2, 0.5, 0.3], 12}",
         {{first, "{binomial_cdf, y, 12, 0.2}", true}, {both, "{binomial_cdf, y, 12, 0.7}", true}}}}},
      {"dirichlet",
       {{"{dirichlet_rng, [0.5, 2.0, 4.5]}",
         {{first, "{beta_cdf, y, 0.5, 6.5}"}, {both, "{beta_cdf, y, 2.5, 4.5}"}}}}},
      {"multi_normal", {{"{multi_normal_rng, [1.0, -2.0], " + covariance + "}", normals}}},
      {"multi_normal_cholesky",
       {{"{multi_normal_cholesky_rng, [1.0, -2.0], {cholesky, " + covariance + "}}", normals}}},
      {"multi_student_t",
       {{"{multi_student_t_rng, 4.0, [1.0, -2.0], " + covariance + "}",
         {{first, "{student_t_cdf, y, 4.0, 1.0, {sqrt, 1.5}}"},
          {both, "{student_t_cdf, y, 4.0, -1.0, {sqrt, 3.1}}"}}}}},
      // (1 + r) / 2 of each correlation r is beta(eta - 1 + K / 2, the same).
      {"lkj_corr",
       {{"{lkj_corr_rng, 3, 1.5}",
         {{"{'*', 0.5, {'+', 1, {at, x, 1, 2}}}", "{beta_cdf, y, 2.0, 2.0}"},
          {"{'*', 0.5, {'+', 1, {at, x, 3, 2}}}", "{beta_cdf, y, 2.0, 2.0}"}}}}},
      {"lkj_corr_cholesky",
       {{"{lkj_corr_cholesky_rng, 3, 1.5}",
         {{"{'*', 0.5, {'+', 1, {at, x, 2, 1}}}", "{beta_cdf, y, 2.0, 2.0}"},
          {"{'*', 0.5, {'+', 1, {dot, {at, x, 2}, {at, x, 3}}}}", "{beta_cdf, y, 2.0, 2.0}"}}}}},
      // a' W a / a' S a is chi-square; a' X a of the inverse Wishart inverse gamma.
      {"wishart",
       {{"{wishart_rng, 7.5, " + covariance + "}",
         {{"{'/', {at, x, 1, 1}, 1.5}", "{chi_square_cdf, y, 7.5}"},
          {"{'/', " + all + ", 3.1}", "{chi_square_cdf, y, 7.5}"}}}}},
      {"inv_wishart",
       {{"{inv_wishart_rng, 7.5, " + covariance + "}",
         {{"{at, x, 1, 1}", "{inv_gamma_cdf, y, 3.25, 0.75}"}, {all, "{inv_gamma_cdf, y, 3.25, 1.55}"}}}}},
      {"gaussian_random_walk",
       {{"{gaussian_random_walk_rng, 2.0, 0.5, 4}",
         {{"{at, x, 4}", "{normal_cdf, y, 2.0, 1.0}"},
          {"{'-', {at, x, 4}, {at, x, 2}}", "{normal_cdf, y, 0.0, {sqrt, 0.5}}"}}}}},
      {"normal_id_glm",
       {{"{normal_id_glm_rng, " + design + ", 0.7}",
         {{first, "{normal_cdf, y, 0.9, 0.7}"}, {"{at, x, 2}", "{normal_cdf, y, -1.0, 0.7}"}}}}},
      {"bernoulli_logit_glm",
       {{"{bernoulli_logit_glm_rng, " + design + "}",
         {{first, "{bernoulli_logit_cdf, y, 0.9}", true},
          {"{at, x, 2}", "{bernoulli_logit_cdf, y, -1.0}", true}}}}},
      {"poisson_log_glm",
       {{"{poisson_log_glm_rng, " + design + "}",
         {{first, "{poisson_log_cdf, y, 0.9}", true}, {"{at, x, 2}", "{poisson_log_cdf, y, -1.0}", true}}}}},
      {"neg_binomial_2_log_glm",
       {{"{neg_binomial_2_log_glm_rng, " + design + ", 3.5}",
         {{first, "{neg_binomial_2_log_cdf, y, 0.9, 3.5}", true},
          {"{at, x, 2}", "{neg_binomial_2_log_cdf, y, -1.0, 3.5}", true}}}}},
      {"truncate",
       {{"{truncate_rng, {normal, 0, 1}, 6, none}",
         {{"x", "{'-', 1, {exp, {'-', {normal_lccdf, y, 0, 1}, {normal_lccdf, 6, 0, 1}}}}"}}},
        {"{truncate_rng, {gamma, 2.5, 1.5}, 0.2, 2}",
         {{"x",
           "{'/', {'-', {gamma_cdf, y, 2.5, 1.5}, {gamma_cdf, 0.2, 2.5, 1.5}}, {'-', {gamma_cdf, 2, 2.5, 1.5}, {gamma_cdf, 0.2, 2.5, 1.5}}}"}}},
        {"{truncate_rng, {poisson, 4.5}, 2, 6}",
         {{"x",
           "{'/', {'-', {poisson_cdf, y, 4.5}, {poisson_cdf, 1, 4.5}}, {'-', {poisson_cdf, 6, 4.5}, {poisson_cdf, 1, 4.5}}}",
           true}}}}},
      {"many_at_once",
       {{"{student_t_rng, 4, 1, 0.5, 3}", {{"{at, x, 3}", "{student_t_cdf, y, 4.0, 1.0, 0.5}"}}}}},
  };
  return table;
}

Entry of(const std::string& name, const std::vector<Case>& all) {
  Entry entry{name, "", "", {{}}, {}};
  int serial = 0;
  for (const Case& c : all) {
    const std::string x = fmt::format("x{}_{}", ++serial, name);
    const auto add = [&](const std::string& text) {
      entry.generated += (entry.generated.empty() ? "" : ", ") + text;
    };
    add("{" + x + ", " + c.draw + "}");
    int looked = 0;
    for (const Look& look : c.looks) {
      const std::string y = fmt::format("y{}_{}_{}", serial, ++looked, name);
      std::string expression;
      for (std::size_t i = 0; i < look.expression.size(); ++i) {
        const auto letter = [&](std::size_t at) {
          return at < look.expression.size() && std::isalpha(static_cast<unsigned char>(look.expression[at]));
        };
        const bool alone = look.expression[i] == 'x' && !(i > 0 && letter(i - 1)) && !letter(i + 1);
        expression += alone ? x : std::string(1, look.expression[i]);
      }
      add(fmt::format("{{{}, {}}}", y, expression));
      entry.drawn.push_back({y, {look.cdf}, look.whole});
    }
  }
  return entry;
}

std::vector<Pack> packs() {
  std::vector<Entry> entries;
  for (const model::Distribution& d : model::distributions()) entries.push_back(univariate(d));
  for (const auto& [name, all] : cases()) entries.push_back(of(name, all));
  std::vector<Pack> result;
  constexpr std::size_t members = 8;
  for (std::size_t i = 0; i < entries.size(); i += members) {
    const std::size_t end = std::min(entries.size(), i + members);
    result.push_back({entries[i].name + "_to_" + entries[end - 1].name,
                      {entries.begin() + static_cast<std::ptrdiff_t>(i),
                       entries.begin() + static_cast<std::ptrdiff_t>(end)}});
  }
  return result;
}

// ---- the device's draws

/// Uniform numbers by a small generator; in some lanes the smallest or the largest one again and again.
constexpr const char* random_text = R"(
#include "philox.glsl"
uint random_state, random_extreme;
real model_random() {
  random_state = random_state * 747796405u + 2891336453u;
  uint w = ((random_state >> ((random_state >> 28u) + 4u)) ^ random_state) * 277803737u;
  w = random_extreme == 1u ? 0u : random_extreme == 2u ? 0xffffffffu : (w >> 22u) ^ w;
  return drey_open_uniform(w);
}
uint output_lane, output_count;
void model_output(uint i, real value) { out_[i * output_count + output_lane] = value; }
)";

double next_random(std::uint32_t& state) {
  state = state * 747796405u + 2891336453u;
  std::uint32_t w = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  w = (w >> 22u) ^ w;
  return (static_cast<double>(w) + 0.5) * 2.3283064365386963e-10;
}

std::uint32_t first_state(std::uint32_t lane) { return lane * 2654435761u + 12345u; }

/// Sup |F_n - F| over at most 400 of the sample's points.
double distance(std::vector<double> x, const Drawn& drawn, std::size_t set) {
  const std::string& cdf = drawn.cdf[set];
  const bool circular = drawn.name == "x_von_mises";
  std::sort(x.begin(), x.end());
  std::vector<double> at, fraction;
  const auto at_most = [&](double y) {
    return static_cast<double>(std::upper_bound(x.begin(), x.end(), y) - x.begin()) /
           static_cast<double>(x.size());
  };
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::isfinite(x[i]) && (drawn.whole ? at.empty() || at.back() != x[i] : i % (x.size() / 400) == 0)) {
      at.push_back(x[i]);
      fraction.push_back(at_most(x[i]));
    }
  std::vector<double> expected;
  const auto values = [&](const std::string& y, const std::string& f) {
    const test::Compiled model("#{data => #{y => " + y +
                               "}, parameters => [{unused, real}], transformed => [{p, " + f + "}]}");
    const double point[] = {0.0};
    return model.output("p", point);
  };
  if (drawn.name == "x_hypergeometric") {  // its distribution function takes one integer that is known
    for (const double y : at) expected.push_back(values(std::to_string(static_cast<int>(y)), cdf).at(0));
  } else {
    json list = json::array();
    for (const double y : at)
      if (drawn.whole)
        list.push_back(static_cast<std::int64_t>(y));
      else
        list.push_back(y);
    expected = values(test::erlang_text(list), cdf);
  }
  double worst = expected.size() == at.size() && !at.empty() ? 0 : 1;
  // Of angles only differences of the distribution function are known: both start at the first point.
  const double start = circular ? expected.at(0) - fraction.at(0) : 0;
  for (std::size_t i = 0; i < std::min(at.size(), expected.size()); ++i)
    worst = std::max(worst, std::abs(fraction[i] + start - expected[i]));
  return worst;
}

class GeneratorKernel : public ::testing::TestWithParam<Pack> {};

TEST_P(GeneratorKernel, DrawsFromItsDistribution) {
  const Pack& pack = GetParam();
  std::string parameters, generated;
  std::size_t sets = 1;
  for (const Entry& e : pack.entries) {
    ASSERT_FALSE(e.sets.empty()) << e.name << " has no moderate parameters in the table of values";
    if (!e.parameters.empty()) parameters += e.parameters + ", ";
    generated += (generated.empty() ? "" : ",\n  ") + e.generated;
    sets = std::max(sets, e.sets.size());
  }
  const model::Model model = model::compile(
      test::erlang("#{parameters => [" + parameters + "{unused, real}], generated => [" + generated + "]}"));
  const std::uint32_t sampled = static_cast<std::uint32_t>(sets) * draws, lanes = sampled + 64;
  std::vector<double> input(model.dimension * lanes);
  std::vector<std::vector<double>> points(sets);
  for (std::size_t s = 0; s < sets; ++s) {
    for (const Entry& e : pack.entries) {
      const std::vector<double>& set = e.sets[s % e.sets.size()];
      points[s].insert(points[s].end(), set.begin(), set.end());
    }
    points[s].push_back(0);
  }
  for (std::uint32_t lane = 0; lane < lanes; ++lane)
    for (std::uint64_t d = 0; d < model.dimension; ++d)
      input[d * lanes + lane] = points[lane / draws % sets][d];
  std::vector<double> wide;
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    const Source source =
        emit(model.draws, model, {.precision = precision, .first_binding = 2, .uniform_range = 65536});
    const std::string body = random_text + source.text +
                             fmt::format(R"(
void run(uint lane, uint count) {{
  for (int d = 0; d < {}; ++d) model_point[d] = in_[uint(d) * count + lane];
  random_state = lane * 2654435761u + 12345u;
  random_extreme = lane < {}u ? 0u : 1u + (lane & 1u);
  output_lane = lane, output_count = count;
  model_run();
}})",
                                         model.dimension, sampled);
    const auto output = testing::Runner(precision, body, source.data).run(input, lanes, model.output_size);
    if (precision == Precision::F64) wide = output;
    const char* where = precision == Precision::F64 ? "f64" : "f32";
    const auto find = [&](const std::string& name) {
      for (const model::Output& o : model.outputs)
        if (o.name == name) return o;
      throw std::logic_error("no output " + name);
    };
    if (precision == Precision::F64) {
      model::Evaluator evaluator(model.draws, model.data);
      for (std::uint32_t k = 0; k < 24 * sets && !HasFailure(); ++k) {
        const std::uint32_t lane = k % 24 + static_cast<std::uint32_t>(k / 24) * draws;
        std::uint32_t state = first_state(lane);
        const auto expected = evaluator.run(points[lane / draws], [&] { return next_random(state); }).output;
        for (const model::Output& o : model.outputs)
          for (std::size_t i = o.offset; i < o.offset + o.size; ++i)
            EXPECT_NEAR(output[i * lanes + lane], expected[i], 1e-9 * (1 + std::abs(expected[i])))
                << o.name << " lane " << lane;
      }
    }
    for (const Entry& e : pack.entries)
      for (const Drawn& drawn : e.drawn) {
        const std::size_t at = find(drawn.name).offset;
        for (std::size_t s = 0; s < drawn.cdf.size(); ++s) {
          const auto from = output.begin() + static_cast<std::ptrdiff_t>(at * lanes + s * draws);
          EXPECT_LE(distance({from, from + draws}, drawn, s), bound) << drawn.cdf[s] << " " << where;
        }
        // Of the smallest and the largest uniform numbers only: finite, where f32 has such a number.
        for (std::uint32_t lane = sampled; lane < lanes; ++lane) {
          const double x = output[at * lanes + lane];
          EXPECT_TRUE(std::isfinite(x) || (!std::isnan(x) && std::abs(wide[at * lanes + lane]) > 3e38))
              << drawn.name << " lane " << lane << " " << where;
        }
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Packs, GeneratorKernel, ::testing::ValuesIn(packs()),
                         [](const auto& one) { return one.param.name; });

TEST(GeneratorKernels, EveryDistributionOfVectorsHasItsCase) {
  for (const auto& d : model::vector_distributions()) EXPECT_TRUE(cases().count(d.name)) << d.name;
}

}  // namespace
}  // namespace drey::glsl
