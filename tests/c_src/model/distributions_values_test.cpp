// Every distribution of the language against values computed apart from the engine: log densities, distribution
// functions, the edges of the support, gradients against extrapolated differences, and that densities are
// normalised. One group of tests a distribution: the names below are the language's promise, so a missing one fails.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/quadrature/exp_sinh.hpp>
#include <boost/math/quadrature/tanh_sinh.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "error.h"
#include "model/distributions.h"
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

std::vector<std::string> names(const std::set<std::string>& kinds) {
  std::vector<std::string> all;
  for (const auto& [name, entry] : table().items())
    if (kinds.contains(entry["kind"].get<std::string>())) all.push_back(name);
  return all;
}

/// Arguments that are counts: they are data, and stand in the model as literals.
bool is_count(const std::string& argument) { return argument == "N" || argument == "a" || argument == "b"; }

/// Relative error allowed of a log density; of a distribution function. The distribution functions of the incomplete
/// gamma and beta families are allowed more.
double density_tolerance(const std::string& name) {
  static const std::map<std::string, double> stated = {{"von_mises", 1e-11}, {"skew_normal", 1e-11}};
  auto found = stated.find(name);
  return found == stated.end() ? 1e-12 : found->second;
}
double cdf_tolerance(const std::string& name) {
  static const std::set<std::string> closed = {
      "normal",   "std_normal", "half_normal", "lognormal",   "cauchy",         "half_cauchy",
      "laplace",  "logistic",   "gumbel",      "exponential", "weibull",        "frechet",
      "rayleigh", "pareto",     "uniform",     "bernoulli",   "bernoulli_logit"};
  return closed.contains(name) ? 1e-12 : 1e-9;
}

/// A univariate distribution: the outcome and what is not a count are parameters, so that one compiled model
/// serves all points of the same counts.
struct Univariate {
  explicit Univariate(const std::string& distribution)
      : name(distribution), entry(table()[distribution]), discrete(entry["kind"] == "discrete") {
    for (const auto& argument : entry["arguments"]) arguments.push_back(argument.get<std::string>());
  }

  /// The statement '~', or the function `form` (lpdf, lcdf, ...), at a row [y, arguments...]; counts literal, the
  /// rest parameters of the model.
  std::string text(const std::string& form, const json& row) const {
    std::string parameters, all;
    auto add = [&](const std::string& argument, const json& value, bool literal) {
      if (literal) return test::erlang_text(value);
      parameters += (parameters.empty() ? "{x_" : ", {x_") + argument + ", real}";
      return "x_" + argument;
    };
    const std::string outcome = add("y", row[0], discrete);
    for (std::size_t i = 0; i < arguments.size(); ++i)
      all += ", " + add(arguments[i], row[i + 1], discrete && is_count(arguments[i]));
    if (parameters.empty()) parameters = "{unused, real}";
    const std::string statement = form == "~"
                                      ? "{'~', " + outcome + ", {" + name + all + "}}"
                                      : "{target, {" + name + "_" + form + ", " + outcome + all + "}}";
    return "#{parameters => [" + parameters + "], model => [" + statement + "]}";
  }

  std::vector<double> point(const json& row) const {
    std::vector<double> x;
    if (!discrete) x.push_back(row[0].get<double>());
    for (std::size_t i = 0; i < arguments.size(); ++i)
      if (!(discrete && is_count(arguments[i]))) x.push_back(row[i + 1].get<double>());
    if (x.empty()) x.push_back(0.5);
    return x;
  }

  const test::Compiled& compiled(const std::string& suffix, const json& row) {
    const std::string model = text(suffix, row);
    auto found = cache.find(model);
    if (found == cache.end()) found = cache.emplace(model, test::Compiled(model)).first;
    return found->second;
  }

  std::string density() const { return discrete ? "lpmf" : "lpdf"; }

  std::string name;
  const json& entry;
  bool discrete;
  std::vector<std::string> arguments;
  std::map<std::string, test::Compiled> cache;
};

/// What the row states; nullopt past its end.
double allowed(const json& row, std::size_t arguments, double expected, double tolerance) {
  const double cancelled = row.size() > arguments + 2 ? row[arguments + 2].get<double>() : 0;
  return tolerance * std::max(1.0, std::abs(expected)) + 8e-16 * cancelled;
}

class UnivariateDistribution : public testing::TestWithParam<std::string> {
 protected:
  Univariate d{GetParam()};

  /// Both programs' gradients against differences of the density, at every row of `rows`.
  void check_gradients(const std::string& form, const json& rows) {
    int checked = 0, seen = 0;
    for (const json& row : rows) {
      const std::vector<double> x = d.point(row);
      const test::Compiled& compiled = d.compiled(form, row);
      if (d.text(form, row).find("unused") != std::string::npos) continue;
      const auto [value, gradient] = compiled.value_and_gradient(x);
      EXPECT_NEAR(value, compiled.value(x), 1e-13 * std::max(1.0, std::abs(value))) << row.dump();
      ASSERT_EQ(gradient.size(), x.size());
      // What the value is the sum of: the row says; logarithms of probabilities near 1 are sums of order 1.
      double summand = form == "~" ? 0 : 1;
      if (form == "~" && row.size() > d.arguments.size() + 2)
        summand = row[d.arguments.size() + 2].get<double>();
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (d.name == "laplace" && x[0] == x[1] && i < 2) continue;  // a kink
        const auto expected = test::derivative<double>(
            [&](std::span<const double> at) { return compiled.value(at); }, x, i, 8, summand);
        ++seen;
        EXPECT_FALSE(std::isnan(gradient[i])) << d.name << "_" << form << row.dump() << " argument " << i;
        // Where differences of doubles have few digits, what they have must still agree.
        if (expected.error <= 1e-7 * std::abs(expected.value) ||
            std::abs(expected.value) + expected.error < 1e-12)
          ++checked;
        // The slope of a probability in a shape keeps its absolute digits: far out in the tail its logarithm's has few.
        const double tail = form == "~" ? 0 : 4e-16 * std::exp(std::max(0.0, -value));
        EXPECT_NEAR(gradient[i], expected.value, 1e-6 * std::abs(expected.value) + 4 * expected.error + tail)
            << d.name << "_" << form << row.dump() << " argument " << i;
      }
    }
    EXPECT_GE(checked * 2, seen) << "differences were accurate at too few points to say anything";
  }
};

TEST_P(UnivariateDistribution, LogDensityIsTheIndependentOne) {
  for (const json& row : d.entry["lpdf"]) {
    const double expected = test::number(row[d.arguments.size() + 1]);
    const double got = d.compiled("~", row).value(d.point(row));
    if (std::isinf(expected))
      EXPECT_EQ(got, expected) << d.name << row.dump();
    else
      EXPECT_NEAR(got, expected, allowed(row, d.arguments.size(), expected, density_tolerance(d.name)))
          << d.name << row.dump();
  }
}

TEST_P(UnivariateDistribution, IsAFunctionToo) {
  const json& row = d.entry["lpdf"][0];
  EXPECT_EQ(d.compiled(d.density(), row).value(d.point(row)), d.compiled("~", row).value(d.point(row)));
}

// The same with everything data, where the front end may compute ahead or reduce.
TEST_P(UnivariateDistribution, LogDensityOfDataIsTheIndependentOne) {
  double sum = 0, sum_allowed = 0;
  std::string outcomes;
  std::vector<std::string> columns(d.arguments.size());
  for (const json& row : d.entry["lpdf"]) {
    const double expected = test::number(row[d.arguments.size() + 1]);
    if (std::isinf(expected)) continue;
    std::string distribution = "{" + d.name;
    for (std::size_t i = 0; i < d.arguments.size(); ++i) distribution += ", " + test::erlang_text(row[i + 1]);
    const test::Compiled compiled("#{data => #{y => " + test::erlang_text(row[0]) +
                                  "}, parameters => [{unused, real}], model => [{'~', y, " + distribution +
                                  "}}]}");
    const double one[] = {0.5};
    EXPECT_NEAR(compiled.value(one), expected,
                allowed(row, d.arguments.size(), expected, density_tolerance(d.name)))
        << d.name << row.dump();
    sum += expected;
    sum_allowed += allowed(row, d.arguments.size(), expected, density_tolerance(d.name));
    outcomes += (outcomes.empty() ? "" : ", ") + test::erlang_text(row[0]);
    for (std::size_t i = 0; i < d.arguments.size(); ++i)
      columns[i] += (columns[i].empty() ? "" : ", ") + test::erlang_text(row[i + 1]);
  }
  // All rows as one vectorised statement.
  std::string data = "y => [" + outcomes + "]", distribution = "{" + d.name;
  for (std::size_t i = 0; i < d.arguments.size(); ++i) {
    data += ", x_" + d.arguments[i] + " => [" + columns[i] + "]";
    distribution += ", x_" + d.arguments[i];
  }
  const test::Compiled all("#{data => #{" + data + "}, parameters => [{unused, real}], model => [{'~', y, " +
                           distribution + "}}]}");
  const double one[] = {0.5};
  EXPECT_NEAR(all.value(one), sum, sum_allowed + 1e-13 * std::abs(sum)) << d.name << " vectorised";
}

// At the bounds of the support the density is what its limit says, outside it is 0; NaN nowhere.
TEST_P(UnivariateDistribution, EdgesAreNeverNaN) {
  for (const json& row : d.entry["edges"]) {
    const double expected = test::number(row[d.arguments.size() + 1]);
    double got = 0;
    try {
      got = d.compiled("~", row).value(d.point(row));
    } catch (const Error& error) {
      // An outcome that cannot be may be refused when it stands in the model.
      EXPECT_TRUE(std::isinf(expected)) << d.name << row.dump() << ": " << error.what();
      continue;
    }
    if (std::isinf(expected))
      EXPECT_EQ(got, expected) << d.name << row.dump();
    else
      EXPECT_NEAR(got, expected, 1e-12) << d.name << row.dump();
  }
}

TEST_P(UnivariateDistribution, GradientIsThatOfTheDensity) { check_gradients("~", d.entry["lpdf"]); }

TEST_P(UnivariateDistribution, DistributionFunctionsAreTheIndependentOnes) {
  for (const char* suffix : {"cdf", "lcdf", "lccdf"}) {
    if (!d.entry.contains(suffix)) continue;
    for (const json& row : d.entry[suffix]) {
      const double expected = test::number(row[d.arguments.size() + 1]);
      const double got = d.compiled(suffix, row).value(d.point(row));
      const bool logarithm = suffix[0] == 'l';
      EXPECT_NEAR(got, expected,
                  cdf_tolerance(d.name) * (logarithm ? std::max(1.0, std::abs(expected)) : expected))
          << d.name << "_" << suffix << row.dump();
    }
  }
}

// Everywhere, and with the parameters of every row: probabilities, their logarithms, complements of one another.
TEST_P(UnivariateDistribution, DistributionFunctionsAtTheEdges) {
  if (d.discrete || !d.entry.contains("cdf")) return;
  const double far = std::numeric_limits<double>::infinity();
  for (json row : d.entry["cdf"])
    for (const double y : {-far, -1e300, -1e30, -1.0, -1e-300, 0.0, 1e-300, 1e-30, 1.0, 1e30, 1e300, far}) {
      std::vector<double> x = d.point(row);
      x[0] = y;
      const double cdf = d.compiled("cdf", row).value(x), lcdf = d.compiled("lcdf", row).value(x),
                   lccdf = d.compiled("lccdf", row).value(x);
      const std::string at = d.name + " " + std::to_string(y) + " " + row.dump();
      EXPECT_TRUE(cdf >= 0 && cdf <= 1) << cdf << at;
      EXPECT_TRUE(lcdf <= 0) << lcdf << at;
      EXPECT_TRUE(lccdf <= 0) << lccdf << at;
      EXPECT_NEAR(std::exp(lcdf), cdf, 1e-9) << at;
      EXPECT_NEAR(std::exp(lccdf), 1 - cdf, 1e-9) << at;
      if (std::isinf(y)) {
        EXPECT_EQ(cdf, y > 0 ? 1 : 0) << at;
      }
    }
}

TEST_P(UnivariateDistribution, GradientsOfDistributionFunctions) {
  for (const char* suffix : {"lcdf", "lccdf"})
    if (d.entry.contains(suffix)) check_gradients(suffix, d.entry[suffix]);
}

TEST_P(UnivariateDistribution, IsNormalised) {
  // A few parameters of moderate scale: those of the rows that come up first, distinct.
  std::set<std::vector<double>> done;
  for (const json& row : d.entry["lpdf"]) {
    std::vector<double> arguments;
    for (std::size_t i = 0; i < d.arguments.size(); ++i) arguments.push_back(row[i + 1].get<double>());
    if (done.size() >= 4) break;
    if (std::any_of(arguments.begin(), arguments.end(),
                    [](double a) { return std::abs(a) > 100 || (a != 0 && std::abs(a) < 0.1); }))
      continue;
    if (!done.insert(arguments).second) continue;
    json at = row;
    if (d.discrete) {
      double total = 0;
      const std::string support = d.name.substr(0, 9) == "bernoulli" ? "binary" : "count";
      const int last = support == "binary"     ? 1
                       : d.arguments[0] == "N" ? static_cast<int>(arguments[0])
                                               : 3000;
      for (int y = 0; y <= last; ++y) {
        at[0] = y;
        double value;
        try {
          value = d.compiled("~", at).value(d.point(at));
        } catch (const Error&) {
          continue;  // an outcome of probability 0 may be refused
        }
        ASSERT_FALSE(std::isnan(value)) << at.dump();
        total += std::exp(value);
        if (y > 30 && value < -60) break;
      }
      EXPECT_NEAR(total, 1, 1e-10) << d.name << row.dump();
      continue;
    }
    const test::Compiled& compiled = d.compiled("~", row);
    std::vector<double> x = d.point(row);
    auto density = [&](double y) {
      x[0] = y;
      const double value = std::exp(compiled.value(x));
      return std::isfinite(value) ? value : 0.0;
    };
    const std::string support = d.entry["support"];
    double total = 0;
    boost::math::quadrature::tanh_sinh<double> finite(12);
    boost::math::quadrature::exp_sinh<double> half(12);
    auto above = [&](double from) { return half.integrate([&](double t) { return density(from + t); }); };
    auto below = [&](double from) { return half.integrate([&](double t) { return density(from - t); }); };
    if (support == "real") {
      // Halves meet at the location: densities with a kink there lose nothing.
      const double centre = d.arguments.empty() ? 0 : arguments[d.arguments[0] == "nu" ? 1 : 0];
      total = above(centre) + below(centre);
    } else if (support == "positive") {
      total = finite.integrate(density, 0.0, 1.0) + above(1.0);
    } else if (support == "pareto") {
      total = above(arguments[0]);
    } else if (support == "unit") {
      total = finite.integrate(density, 0.0, 0.5) + finite.integrate(density, 0.5, 1.0);
    } else if (support == "interval") {
      total = finite.integrate(density, arguments[0], arguments[1]);
    } else {
      total = finite.integrate(density, arguments[0] - M_PI, arguments[0] + M_PI);
    }
    EXPECT_NEAR(total, 1, support == "unit" ? 1e-5 : 1e-8) << d.name << row.dump();
  }
  EXPECT_FALSE(done.empty() && !d.arguments.empty());
}

auto test_name = [](const auto& instance) { return instance.param; };

INSTANTIATE_TEST_SUITE_P(Table, UnivariateDistribution, testing::ValuesIn(names({"continuous", "discrete"})),
                         test_name);

// ---------------------------------------------------------------- many outcomes, or vectors of parameters

class MultivariateDistribution : public testing::TestWithParam<std::string> {
 protected:
  const json& entry = table()[GetParam()];
  std::size_t count = entry["arguments"].size();

  bool integer_outcome() const { return entry["support"] == "count" || entry["support"] == "category"; }

  static std::string type_of(const json& value) {
    if (!value.is_array()) return "real";
    if (!value[0].is_array()) return "{vector, " + std::to_string(value.size()) + "}";
    return "{matrix, " + std::to_string(value.size()) + ", " + std::to_string(value[0].size()) + "}";
  }

  /// Everything real as parameters. Design matrices stay data, as do integers.
  std::string as_parameters(const json& row, std::vector<double>& point, bool function = false) const {
    std::string data, parameters, all;
    auto add = [&](const std::string& name, const json& value, bool literal) {
      all += ", " + name;
      if (literal) {
        data += (data.empty() ? "" : ", ") + name + " => " + test::erlang_text(value);
        return;
      }
      parameters += (parameters.empty() ? "{" : ", {") + name + ", " + type_of(value) + "}";
      test::flatten(value, point);
    };
    add("y", row[0], integer_outcome());
    for (std::size_t i = 0; i < count; ++i) {
      const std::string argument = entry["arguments"][i];
      add("x_" + argument, row[i + 1], argument == "X");
    }
    const std::string statement =
        function ? "{target, {" + GetParam() + (integer_outcome() ? "_lpmf" : "_lpdf") + all + "}}"
                 : "{'~', y, {" + GetParam() + all.substr(3) + "}}";
    return "#{data => #{" + data + "}, parameters => [" + parameters + "], model => [" + statement + "]}";
  }

  std::string as_data(const json& row) const {
    std::string data = "y => " + test::erlang_text(row[0]), distribution = "{" + GetParam();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "x_" + entry["arguments"][i].get<std::string>();
      data += ", " + name + " => " + test::erlang_text(row[i + 1]);
      distribution += ", " + name;
    }
    return "#{data => #{" + data + "}, parameters => [{unused, real}], model => [{'~', y, " + distribution +
           "}}]}";
  }

  // The quadratic forms lose what their matrix's condition takes; the tables' matrices are mild.
  static constexpr double tolerance = 1e-11;
};

TEST_P(MultivariateDistribution, LogDensityIsTheIndependentOne) {
  for (const json& row : entry["lpdf"]) {
    const double expected = test::number(row[count + 1]);
    std::vector<double> point;
    const test::Compiled compiled(as_parameters(row, point));
    EXPECT_NEAR(compiled.value(point), expected, tolerance * std::max(1.0, std::abs(expected))) << row.dump();
  }
}

TEST_P(MultivariateDistribution, IsAFunctionToo) {
  std::vector<double> point, again;
  const test::Compiled statement(as_parameters(entry["lpdf"][0], point));
  const test::Compiled function(as_parameters(entry["lpdf"][0], again, true));
  EXPECT_EQ(function.value(point), statement.value(point));
}

TEST_P(MultivariateDistribution, LogDensityOfDataIsTheIndependentOne) {
  for (const json& row : entry["lpdf"]) {
    const double expected = test::number(row[count + 1]);
    const test::Compiled compiled(as_data(row));
    const double one[] = {0.5};
    EXPECT_NEAR(compiled.value(one), expected, tolerance * std::max(1.0, std::abs(expected))) << row.dump();
  }
}

TEST_P(MultivariateDistribution, GradientIsThatOfTheDensity) {
  int checked = 0, seen = 0;
  for (const json& row : entry["lpdf"]) {
    std::vector<double> point;
    const test::Compiled compiled(as_parameters(row, point));
    const auto [value, gradient] = compiled.value_and_gradient(point);
    ASSERT_EQ(gradient.size(), point.size());
    for (std::size_t i = 0; i < point.size(); ++i) {
      const auto expected =
          test::derivative<double>([&](std::span<const double> at) { return compiled.value(at); }, point, i,
                                   64, GetParam() == "multi_student_t" ? 1e4 : 0.0);
      ++seen;
      EXPECT_FALSE(std::isnan(gradient[i])) << row.dump() << " element " << i;
      if (expected.error <= 1e-6 * std::abs(expected.value) ||
          std::abs(expected.value) + expected.error < 1e-8)
        ++checked;
      // Differences of digammas carry the rounding of each, some 2e-15, however small they are.
      EXPECT_NEAR(gradient[i], expected.value, 1e-6 * std::abs(expected.value) + 4 * expected.error + 4e-15)
          << row.dump() << " element " << i;
    }
  }
  EXPECT_GE(checked * 2, seen);
}

INSTANTIATE_TEST_SUITE_P(Table, MultivariateDistribution, testing::ValuesIn(names({"multivariate"})),
                         test_name);

// Whoever adds a distribution adds the values it is examined against.
TEST(DistributionTable, EveryEntryHasIndependentValues) {
  for (const model::Distribution& d : model::distributions()) {
    ASSERT_TRUE(table().contains(d.name)) << d.name << " has no row in tests/data/values/make_values.py";
    for (const char* form : {"lpdf", "cdf", "lcdf", "lccdf"})
      EXPECT_GE(table()[d.name][form].size(), std::string(form) == "lpdf" ? 5u : 1u) << d.name << " " << form;
  }
  for (const model::VectorDistribution& d : model::vector_distributions())
    EXPECT_TRUE(table().contains(d.name)) << d.name << " has no row in tests/data/values/make_values.py";
}

}  // namespace
}  // namespace drey
