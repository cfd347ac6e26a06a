// The random numbers of the generated block: 20,000 draws of each univariate distribution against its distribution
// function, by the bound of Dvoretzky, Kiefer, Wolfowitz and Massart: P(sup |F_n - F| > e) <= 2 exp(-2 n e^2), for any
// F. Each comparison's false-alarm rate is at most 1e-6; seeds are fixed. Vector distributions by their moments.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/quadrature/tanh_sinh.hpp>
#include <cmath>
#include <random>
#include <set>

#include "model/vector_distributions.h"
#include "support/compiled.h"
#include "support/values.h"

namespace drey {
namespace {

using nlohmann::json;

const json& table() {
  static const json values = test::read_values(DREY_TEST_DATA, "distributions.json");
  return values;
}

constexpr int draws = 20000;
const double bound = std::sqrt(std::log(2 / 1e-6) / (2.0 * draws));

std::vector<double> generate(const std::string& generated, std::uint64_t seed) {
  const test::Compiled compiled("#{parameters => [{unused, real}], generated => [{x, " + generated + "}]}");
  std::mt19937_64 random(seed);
  auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double point[] = {0.0};
  const model::Output& x = compiled.model().outputs.at(1);
  const std::vector<double> all = compiled.outputs(point, uniform);
  return {all.begin() + static_cast<std::ptrdiff_t>(x.offset),
          all.begin() + static_cast<std::ptrdiff_t>(x.offset + x.size)};
}

std::string list(const std::vector<double>& values, bool whole) {
  json all = json::array();
  for (double x : values)
    if (whole)
      all.push_back(static_cast<std::int64_t>(x));
    else
      all.push_back(x);
  return test::erlang_text(all);
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, entry] : table().items())
    if (entry["kind"] != "multivariate") all.push_back(name);
  return all;
}

class Generator : public testing::TestWithParam<std::string> {};

TEST_P(Generator, DrawsFromItsDistribution) {
  const std::string name = GetParam();
  const json& entry = table()[name];
  const std::size_t count = entry["arguments"].size();
  const bool discrete = entry["kind"] == "discrete";
  std::set<std::string> done;
  for (const json& row : entry["lpdf"]) {
    std::string arguments;
    bool moderate = true;
    for (std::size_t i = 0; i < count; ++i) {
      arguments += ", " + test::erlang_text(row[i + 1]);
      const double a = std::abs(row[i + 1].get<double>());
      moderate = moderate && a < 1500 && (a == 0 || a >= 1e-3);
    }
    if (!moderate || done.size() >= 6 || !done.insert(arguments).second) continue;
    std::vector<double> x =
        generate("{" + name + "_rng" + arguments + ", " + std::to_string(draws) + "}", done.size());
    ASSERT_EQ(x.size(), static_cast<std::size_t>(draws));
    std::sort(x.begin(), x.end());
    ASSERT_TRUE(std::isfinite(x.front()) && std::isfinite(x.back())) << name << arguments;
    // The distinct values, and how many draws are at most each.
    std::vector<double> at, fraction;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (i + 1 == x.size() || x[i + 1] != x[i]) {
        at.push_back(x[i]);
        fraction.push_back(static_cast<double>(i + 1) / draws);
      }
    std::vector<double> expected;
    if (name == "von_mises") {
      const double mu = row[1].get<double>();
      const test::Compiled density("#{parameters => [{y, real}], model => [{'~', y, {von_mises" + arguments +
                                   "}}]}");
      boost::math::quadrature::tanh_sinh<double> integrator;
      auto f = [&](double y) { return std::exp(density.value(std::span<const double>(&y, 1))); };
      // Wrapped to one turn around mu; a grid is as good as all points here.
      for (double& y : x) y = mu + std::remainder(y - mu, 2 * M_PI);
      std::sort(x.begin(), x.end());
      at.clear(), fraction.clear();
      for (int k = -20; k <= 20; ++k) {
        const double y = mu + k * M_PI / 21;
        at.push_back(y);
        fraction.push_back(static_cast<double>(std::upper_bound(x.begin(), x.end(), y) - x.begin()) / draws);
        expected.push_back(integrator.integrate(f, mu - M_PI, y));
      }
    } else if (name == "hypergeometric") {
      // Its distribution function takes one integer that is known.
      const double point[] = {0.0};
      for (double y : at) {
        const std::string one = std::to_string(static_cast<int>(y));
        const test::Compiled cdf(
            "#{parameters => [{unused, real}], transformed => [{p, {hypergeometric_cdf, " + one + arguments +
            "}}]}");
        expected.push_back(cdf.output("p", point).at(0));
      }
    } else {
      const test::Compiled cdf("#{data => #{y => " + list(at, discrete) +
                               "}, parameters => [{unused, real}], transformed => [{p, {" + name + "_cdf, y" +
                               arguments + "}}]}");
      const double point[] = {0.0};
      expected = cdf.output("p", point);
    }
    ASSERT_EQ(expected.size(), at.size());
    double worst = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      worst = std::max(worst, std::abs(fraction[i] - expected[i]));
      // Just below a jump of the sample too; but doubles are too coarse for what crowds below 1.
      if (!discrete && i > 0 && name != "von_mises" && std::abs(at[i] - 1) > 1e-12)
        worst = std::max(worst, std::abs(fraction[i - 1] - expected[i]));
    }
    EXPECT_LE(worst, bound) << name << arguments;
  }
  EXPECT_FALSE(done.empty());
}

INSTANTIATE_TEST_SUITE_P(Table, Generator, testing::ValuesIn(names()),
                         [](const auto& instance) { return instance.param; });

struct Truncated {
  const char* name;  ///< of the distribution
  const char* arguments;
  double lower, upper;  ///< infinite: none
  bool whole = false;
};

// Draws between bounds, far tails too, against what the distribution function leaves between them.
TEST(TruncatedGenerators, DrawFromWhatIsLeft) {
  constexpr int some = 4000;
  const double allowance = std::sqrt(std::log(2 / 1e-6) / (2.0 * some));
  const double inf = std::numeric_limits<double>::infinity();
  const Truncated cases[] = {{"normal", ", 0.5, 2.0", -1, 1.5},
                             {"normal", ", 0.0, 1.0", 7, inf},
                             {"normal", ", 0.0, 1.0", -inf, -9},
                             {"student_t", ", 4.0, 0.0, 1.0", 2, 30},
                             {"gamma", ", 2.5, 1.5", 0.2, inf},
                             {"beta", ", 2.0, 3.0", 0.1, 0.4},
                             {"exponential", ", 2.0", 3, 4},
                             {"poisson", ", 4.5", 2, 6, true},
                             {"poisson", ", 4.5", 9, inf, true},
                             {"binomial", ", 12, 0.3", -inf, 4, true},
                             {"neg_binomial_2", ", 3.0, 1.5", 1, inf, true}};
  for (const Truncated& t : cases) {
    auto limit = [](double x) { return std::isinf(x) ? std::string("none") : test::erlang_text(json(x)); };
    const std::string first = std::string(t.arguments).substr(2);
    const std::size_t comma = first.find(',');
    // Many at once: the last parameter as a vector.
    const std::string head = comma == std::string::npos ? "" : first.substr(0, first.rfind(',') + 1) + " ";
    const std::string last = comma == std::string::npos ? first : first.substr(first.rfind(',') + 2);
    std::vector<double> x =
        generate("{truncate_rng, {" + std::string(t.name) + ", " + head + "{rep, " + last + ", " +
                     std::to_string(some) + "}}, " + limit(t.lower) + ", " + limit(t.upper) + "}",
                 3);
    std::sort(x.begin(), x.end());
    ASSERT_GE(x.front(), t.lower) << t.name;
    ASSERT_LE(x.back(), t.upper) << t.name;
    std::vector<double> at, fraction;
    for (std::size_t i = 0; i < x.size(); i += t.whole ? 1 : 20)
      if (i + 1 >= x.size() || !t.whole || x[i + 1] != x[i]) {
        at.push_back(x[i]);
        fraction.push_back(static_cast<double>(i + 1) / some);
      }
    auto tail = [&](const char* form, const std::vector<double>& y) {
      const test::Compiled model("#{data => #{y => " + list(y, t.whole) +
                                 "}, parameters => [{unused, real}], transformed => [{p, {" + t.name + "_" +
                                 form + ", y" + t.arguments + "}}]}");
      const double point[] = {0.0};
      return model.output("p", point);
    };
    // Of the lower tail where that is the smaller one, else of the upper.
    const bool low = std::isinf(t.lower) || (!std::isinf(t.upper) && t.upper < 0);
    const char* form = low ? "lcdf" : "lccdf";
    const double before =
        std::isinf(t.lower) ? (low ? 0 : 1) : std::exp(tail(form, {t.whole ? t.lower - 1 : t.lower})[0]);
    const double after = std::isinf(t.upper) ? (low ? 1 : 0) : std::exp(tail(form, {t.upper})[0]);
    const std::vector<double> logs = tail(form, at);
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double expected = (std::exp(logs[i]) - before) / (after - before);
      EXPECT_NEAR(fraction[i], expected, allowance + 1e-9) << t.name << t.arguments << " at " << at[i];
    }
  }
}

/// Means of the elements of n vectors against what they should be: |z| < 6 each, a false-alarm rate below 1e-8.
void check_means(const std::vector<std::vector<double>>& samples, const std::vector<double>& expected) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    double sum = 0, squares = 0;
    for (const auto& s : samples) sum += s[k], squares += s[k] * s[k];
    const double n = static_cast<double>(samples.size()), mean = sum / n;
    const double error = std::sqrt((squares / n - mean * mean) / n);
    EXPECT_LT(std::abs(mean - expected[k]), 6 * error + 1e-12) << "element " << k + 1 << " has mean " << mean;
  }
}

std::vector<std::vector<double>> repeat(const std::string& generated, int times) {
  const test::Compiled compiled("#{parameters => [{unused, real}], generated => [{x, " + generated + "}]}");
  std::mt19937_64 random(11);
  auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double point[] = {0.0};
  std::vector<std::vector<double>> all;
  for (int i = 0; i < times; ++i) {
    std::vector<double> draw = compiled.outputs(point, uniform);
    draw.erase(draw.begin());
    all.push_back(std::move(draw));
  }
  return all;
}

TEST(VectorGenerators, MultiNormal) {
  for (const char* generated :
       {"{multi_normal_rng, [1.0, -2.0], [[1.5, 0.4], [0.4, 0.8]]}",
        "{multi_normal_cholesky_rng, [1.0, -2.0], {cholesky, [[1.5, 0.4], [0.4, 0.8]]}}"}) {
    auto samples = repeat(generated, draws);
    for (auto& s : samples)
      s = {s[0], s[1], (s[0] - 1) * (s[0] - 1), (s[0] - 1) * (s[1] + 2), (s[1] + 2) * (s[1] + 2)};
    check_means(samples, {1, -2, 1.5, 0.4, 0.8});
  }
}

TEST(VectorGenerators, Multinomial) {
  auto samples = repeat("{multinomial_rng, [0.2, 0.5, 0.3], 12}", draws);
  for (auto& s : samples) {
    ASSERT_EQ(s[0] + s[1] + s[2], 12);
    s.push_back(s[0] * s[1]);
    s.push_back(s[2] * s[2]);
  }
  check_means(samples, {2.4, 6, 3.6, 12 * 11 * 0.1, 12 * 0.3 * 0.7 + 3.6 * 3.6});
}

TEST(VectorGenerators, LkjCorrelations) {
  const double eta = 1.5, k = 3;
  const double point[] = {0.0};
  auto at_identity = [&](double shape) {
    const test::Compiled density(
        "#{parameters => [{unused, real}], transformed => [{p, {lkj_corr_lpdf, {identity_matrix, "
        "3}, " +
        test::erlang_text(json(shape)) + "}}]}");
    return density.output("p", point).at(0);
  };
  // E det^1 is a quotient of normalising constants.
  const double determinant = std::exp(at_identity(eta) - at_identity(eta + 1));
  const double square = 1 / (2 * eta + k - 1);  // of a correlation: beta marginals on (-1, 1)
  for (const bool factor : {false, true}) {
    auto samples =
        repeat(factor ? "{tcrossprod, {lkj_corr_cholesky_rng, 3, 1.5}}" : "{lkj_corr_rng, 3, 1.5}", draws);
    for (auto& s : samples) {
      ASSERT_NEAR(s[0], 1, 1e-12);
      ASSERT_NEAR(s[4], 1, 1e-12);
      const double a = s[1], b = s[2], c = s[5];
      s = {a, b, c, a * a, b * b, c * c, 1 + 2 * a * b * c - a * a - b * b - c * c};
    }
    check_means(samples, {0, 0, 0, square, square, square, determinant});
  }
}

TEST(VectorGenerators, WishartAndItsInverse) {
  const double s11 = 1.5, s12 = 0.4, s22 = 0.8, nu = 7.5;
  const std::string arguments = ", 7.5, [[1.5, 0.4], [0.4, 0.8]]}";
  auto samples = repeat("{wishart_rng" + arguments, draws);
  for (auto& s : samples) s = {s[0], s[1], s[2], s[3], s[0] * s[0], s[1] * s[1]};
  check_means(samples, {nu * s11, nu * s12, nu * s12, nu * s22, 2 * nu * s11 * s11 + nu * nu * s11 * s11,
                        nu * (s12 * s12 + s11 * s22) + nu * nu * s12 * s12});
  samples = repeat("{inv_wishart_rng" + arguments, draws);
  const double m = nu - 3;
  for (auto& s : samples) s = {s[0], s[1], s[2], s[3], s[3] * s[3]};
  check_means(samples,
              {s11 / m, s12 / m, s12 / m, s22 / m, s22 * s22 / (m * m) + 2 * s22 * s22 / (m * m * (m - 2))});
}

TEST(VectorGenerators, RandomWalk) {
  auto samples = repeat("{gaussian_random_walk_rng, 2.0, 0.5, 4}", draws);
  for (auto& s : samples)
    s = {s[0], s[3], (s[0] - 2) * (s[0] - 2), (s[3] - 2) * (s[3] - 2), (s[1] - 2) * (s[3] - 2)};
  check_means(samples, {2, 2, 0.25, 1, 0.5});
}

TEST(VectorGenerators, GeneralisedLinearModels) {
  const std::string linear = "_rng, [[1.0, 0.5], [0.0, -2.0], [0.3, 0.1]], 0.2, [0.4, 0.6]";
  const double eta[] = {0.2 + 0.4 + 0.3, 0.2 - 1.2, 0.2 + 0.12 + 0.06};
  auto with_square = [](std::vector<std::vector<double>> samples) {
    for (auto& s : samples) s.push_back(s[0] * s[0]);
    return samples;
  };
  check_means(with_square(repeat("{normal_id_glm" + linear + ", 0.7}", draws)),
              {eta[0], eta[1], eta[2], eta[0] * eta[0] + 0.49});
  std::vector<double> logit, rate;
  for (const double e : eta) logit.push_back(1 / (1 + std::exp(-e))), rate.push_back(std::exp(e));
  check_means(repeat("{bernoulli_logit_glm" + linear + "}", draws), logit);
  rate.push_back(rate[0] + rate[0] * rate[0]);
  check_means(with_square(repeat("{poisson_log_glm" + linear + "}", draws)), rate);
  rate[3] += rate[0] * rate[0] / 3.5;
  check_means(with_square(repeat("{neg_binomial_2_log_glm" + linear + ", 3.5}", draws)), rate);
}

// Every row of the tables draws; whoever adds one is asked for its generator.
TEST(VectorGenerators, EveryDistributionHasOne) {
  for (const model::VectorDistribution& d : model::vector_distributions())
    EXPECT_NE(d.generator, nullptr) << d.name;
}

TEST(VectorGenerators, Dirichlet) {
  auto samples = repeat("{dirichlet_rng, [0.5, 2.0, 4.5]}", draws);
  for (auto& s : samples) {
    ASSERT_NEAR(s[0] + s[1] + s[2], 1, 1e-12);
    s.push_back(s[0] * s[0]);
  }
  check_means(samples, {0.5 / 7, 2.0 / 7, 4.5 / 7, 0.5 * 1.5 / (7.0 * 8.0)});
}

TEST(VectorGenerators, Categories) {
  auto indicators = [](std::vector<std::vector<double>> samples) {
    for (auto& s : samples) s = {s[0] == 1 ? 1.0 : 0.0, s[0] == 2 ? 1.0 : 0.0, s[0] == 3 ? 1.0 : 0.0};
    return samples;
  };
  check_means(indicators(repeat("{categorical_rng, [0.2, 0.5, 0.3]}", draws)), {0.2, 0.5, 0.3});
  const double total = std::exp(-1.0) + std::exp(0.5) + 1;
  check_means(indicators(repeat("{categorical_logit_rng, [-1.0, 0.5, 0.0]}", draws)),
              {std::exp(-1.0) / total, std::exp(0.5) / total, 1 / total});
  auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  check_means(indicators(repeat("{ordered_logistic_rng, 0.4, [-1.0, 1.5]}", draws)),
              {1 - logistic(1.4), logistic(1.4) - logistic(-1.1), logistic(-1.1)});
}

}  // namespace
}  // namespace drey
