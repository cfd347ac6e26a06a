// Every constraint of the language: elementwise ones against values computed apart from the engine; structured ones
// by what defines them: they land in their set, and the log density of a model without statements is the log of the
// Jacobian's determinant, here taken numerically in the coordinates Lebesgue measure is meant on.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/compiled.h"
#include "support/values.h"

namespace drey {
namespace {

using nlohmann::json;
using Matrix = std::vector<std::vector<double>>;

const json& table() {
  static const json values = test::read_values(DREY_TEST_DATA, "constraints.json");
  return values;
}

void check_rows(const test::Compiled& compiled, const json& rows) {
  for (const json& row : rows) {
    const std::size_t n = (row.size() - 1) / 2;
    std::vector<double> all;
    test::flatten(row, all);
    const std::span<const double> x(all.data(), n);
    const std::vector<double> got = compiled.output("x", x);
    ASSERT_EQ(got.size(), n);
    for (std::size_t i = 0; i < n; ++i)
      EXPECT_NEAR(got[i], all[n + i], 4e-15 * std::max(std::abs(all[n + i]), 1e-3)) << row.dump();
    EXPECT_NEAR(compiled.value(x), all.back(), 1e-13 * std::max(1.0, std::abs(all.back()))) << row.dump();
  }
}

std::string model(const std::string& type, const std::string& modifiers = "") {
  return "#{parameters => [{x, " + type + (modifiers.empty() ? "" : ", [" + modifiers + "]") + "}]}";
}

std::pair<std::string, std::string> two(const std::string& text) {
  const std::size_t comma = text.find(',');
  auto real = [](const std::string& number) { return test::erlang_text(json(std::stod(number))); };
  return {real(text.substr(0, comma)), real(text.substr(comma + 1))};
}

TEST(ConstraintValues, Lower) {
  for (const auto& [bound, rows] : table()["lower"].items())
    check_rows(test::Compiled(model("real", "{lower, " + bound + "}")), rows);
}

TEST(ConstraintValues, Upper) {
  for (const auto& [bound, rows] : table()["upper"].items())
    check_rows(test::Compiled(model("real", "{upper, " + bound + "}")), rows);
}

TEST(ConstraintValues, LowerAndUpper) {
  for (const auto& [bounds, rows] : table()["both"].items()) {
    const auto [lower, upper] = two(bounds);
    check_rows(test::Compiled(model("real", "{lower, " + lower + "}, {upper, " + upper + "}")), rows);
  }
}

TEST(ConstraintValues, OffsetAndMultiplier) {
  for (const auto& [both, rows] : table()["offset_multiplier"].items()) {
    const auto [offset, multiplier] = two(both);
    check_rows(test::Compiled(model("real", "{offset, " + offset + "}, {multiplier, " + multiplier + "}")),
               rows);
  }
}

TEST(ConstraintValues, Ordered) {
  check_rows(test::Compiled(model("{ordered, 3}")), table()["ordered"]["3"]);
}

TEST(ConstraintValues, PositiveOrdered) {
  check_rows(test::Compiled(model("{positive_ordered, 3}")), table()["positive_ordered"]["3"]);
}

// Far out the constrained value sticks to its bound, and the log density stays finite.
TEST(ConstraintValues, FarPointsStayFinite) {
  for (const char* modifiers : {"{lower, 0}", "{upper, 0}", "{lower, 0}, {upper, 1}"}) {
    const test::Compiled compiled(model("real", modifiers));
    for (double x : {-700.0, -100.0, 100.0, 700.0}) {
      const double point[] = {x};
      EXPECT_TRUE(std::isfinite(compiled.value(point))) << modifiers << " at " << x;
      const auto [value, gradient] = compiled.value_and_gradient(point);
      EXPECT_TRUE(std::isfinite(gradient[0])) << modifiers << " at " << x;
    }
  }
}

// ---------------------------------------------------------------- structures

double log_abs_determinant(Matrix a) {
  double total = 0;
  const std::size_t n = a.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    total += std::log(std::abs(a[k][k]));
    for (std::size_t i = k + 1; i < n; ++i)
      for (std::size_t j = n; j-- > k;) a[i][j] -= a[i][k] / a[k][k] * a[k][j];
  }
  return total;
}

std::vector<std::vector<double>> points(std::size_t dimension) {
  std::mt19937_64 random(7);
  std::vector<std::vector<double>> all(4, std::vector<double>(dimension));
  for (std::size_t p = 0; p < all.size(); ++p)
    for (double& x : all[p]) x = p == 0 ? 0.0 : (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 3;
  return all;
}

/// log |det d (the outputs at `coordinates`) / d point| against the model's log density.
void check_jacobian(const test::Compiled& compiled, const std::vector<std::size_t>& coordinates,
                    double further = 0) {
  const std::size_t n = compiled.model().dimension;
  ASSERT_EQ(coordinates.size(), n);
  for (const std::vector<double>& point : points(n)) {
    Matrix jacobian(n, std::vector<double>(n));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        jacobian[i][j] =
            test::derivative<double>(
                [&](std::span<const double> x) { return compiled.output("x", x)[coordinates[i]]; }, point, j)
                .value;
    EXPECT_NEAR(compiled.value(point), log_abs_determinant(jacobian) + further, 1e-7);
    const auto [value, gradient] = compiled.value_and_gradient(point);
    for (std::size_t j = 0; j < n; ++j) {
      const auto slope =
          test::derivative<double>([&](std::span<const double> x) { return compiled.value(x); }, point, j);
      EXPECT_NEAR(gradient[j], slope.value, 1e-7 * std::max(1.0, std::abs(slope.value)) + 4 * slope.error);
    }
  }
}

Matrix square(const std::vector<double>& x, std::size_t k) {
  Matrix m(k, std::vector<double>(k));
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) m[i][j] = x[i * k + j];
  return m;
}

bool positive_definite(Matrix a) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!(a[k][k] > 0)) return false;
    for (std::size_t i = k + 1; i < a.size(); ++i)
      for (std::size_t j = a.size(); j-- > k;) a[i][j] -= a[i][k] / a[k][k] * a[k][j];
  }
  return true;
}

std::vector<std::size_t> lower_triangle(std::size_t k, bool diagonal) {
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < i + (diagonal ? 1 : 0); ++j) at.push_back(i * k + j);
  return at;
}

TEST(ConstraintStructures, Simplex) {
  for (std::size_t k : {2, 3, 6}) {
    const test::Compiled compiled(model("{simplex, " + std::to_string(k) + "}"));
    ASSERT_EQ(compiled.model().dimension, k - 1);
    for (const auto& point : points(k - 1)) {
      double sum = 0;
      for (double x : compiled.output("x", point)) {
        EXPECT_GT(x, 0);
        sum += x;
      }
      EXPECT_NEAR(sum, 1, 1e-15 * static_cast<double>(k));
    }
    // 0 is the middle.
    for (double x : compiled.output("x", std::vector<double>(k - 1, 0.0)))
      EXPECT_NEAR(x, 1.0 / static_cast<double>(k), 1e-15);
    std::vector<std::size_t> first(k - 1);
    for (std::size_t i = 0; i + 1 < k; ++i) first[i] = i;
    check_jacobian(compiled, first);
  }
}

TEST(ConstraintStructures, SimplexOfOneElementIsTheNumberOne) {
  const test::Compiled compiled("#{parameters => [{z, real}, {x, {simplex, 1}}]}");
  EXPECT_EQ(compiled.model().dimension, 1U);
  const double point[] = {0.3};
  EXPECT_EQ(compiled.output("x", point), std::vector<double>{1.0});
  EXPECT_EQ(compiled.value(point), 0.0);
}

TEST(ConstraintStructures, OrderedIncreases) {
  for (const char* type : {"ordered", "positive_ordered"}) {
    const test::Compiled compiled(model(std::string("{") + type + ", 5}"));
    for (const auto& point : points(5)) {
      const std::vector<double> x = compiled.output("x", point);
      for (std::size_t i = 1; i < x.size(); ++i) EXPECT_GT(x[i], x[i - 1]);
      if (std::string(type) == "positive_ordered") {
        EXPECT_GT(x[0], 0);
      }
    }
    check_jacobian(compiled, {0, 1, 2, 3, 4});
  }
}

// The unit vector's density must be proper and its direction uniform: at a point x of length r the radius carries
// a density of its own, here a chi distribution's, so that the point is standard normal.
TEST(ConstraintStructures, UnitVector) {
  const test::Compiled compiled(model("{unit_vector, 3}"));
  ASSERT_EQ(compiled.model().dimension, 3U);
  double offset = 0;
  for (const auto& point : points(3)) {
    double squares = 0;
    for (double x : point) squares += x * x;
    if (squares == 0) continue;
    double sum = 0;
    for (double x : compiled.output("x", point)) sum += x * x;
    EXPECT_NEAR(sum, 1, 1e-14);
    const double constant = compiled.value(point) + squares / 2;
    if (offset == 0) offset = constant;
    EXPECT_NEAR(constant, offset, 1e-12);
  }
}

TEST(ConstraintStructures, CholeskyCorr) {
  for (std::size_t k : {2, 4}) {
    const test::Compiled compiled(model("{cholesky_corr, " + std::to_string(k) + "}"));
    ASSERT_EQ(compiled.model().dimension, k * (k - 1) / 2);
    for (const auto& point : points(k * (k - 1) / 2)) {
      const Matrix l = square(compiled.output("x", point), k);
      for (std::size_t i = 0; i < k; ++i) {
        double squares = 0;
        for (std::size_t j = 0; j < k; ++j) {
          squares += l[i][j] * l[i][j];
          if (j > i) {
            EXPECT_EQ(l[i][j], 0);
          }
        }
        EXPECT_NEAR(squares, 1, 1e-14);
        EXPECT_GT(l[i][i], 0);
      }
    }
    check_jacobian(compiled, lower_triangle(k, false));
  }
}

TEST(ConstraintStructures, CorrMatrix) {
  for (std::size_t k : {2, 4}) {
    const test::Compiled compiled(model("{corr_matrix, " + std::to_string(k) + "}"));
    ASSERT_EQ(compiled.model().dimension, k * (k - 1) / 2);
    for (const auto& point : points(k * (k - 1) / 2)) {
      const Matrix r = square(compiled.output("x", point), k);
      for (std::size_t i = 0; i < k; ++i) {
        EXPECT_NEAR(r[i][i], 1, 1e-14);
        for (std::size_t j = 0; j < k; ++j) EXPECT_NEAR(r[i][j], r[j][i], 1e-15);
      }
      EXPECT_TRUE(positive_definite(r));
    }
    check_jacobian(compiled, lower_triangle(k, false));
  }
}

TEST(ConstraintStructures, CovMatrix) {
  for (std::size_t k : {1, 2, 3}) {
    const test::Compiled compiled(model("{cov_matrix, " + std::to_string(k) + "}"));
    ASSERT_EQ(compiled.model().dimension, k * (k + 1) / 2);
    for (const auto& point : points(k * (k + 1) / 2)) {
      const Matrix s = square(compiled.output("x", point), k);
      for (std::size_t i = 0; i < k; ++i)
        for (std::size_t j = 0; j < k; ++j) EXPECT_NEAR(s[i][j], s[j][i], 1e-14 * (std::abs(s[i][j]) + 1));
      EXPECT_TRUE(positive_definite(s));
    }
    check_jacobian(compiled, lower_triangle(k, true));
  }
}

TEST(ConstraintStructures, CholeskyCov) {
  const test::Compiled compiled(model("{cholesky_cov, 3}"));
  ASSERT_EQ(compiled.model().dimension, 6U);
  for (const auto& point : points(6)) {
    const Matrix l = square(compiled.output("x", point), 3);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_GT(l[i][i], 0);
      for (std::size_t j = i + 1; j < 3; ++j) EXPECT_EQ(l[i][j], 0);
    }
  }
  check_jacobian(compiled, lower_triangle(3, true));
}

// Arrays of structures are structures one after the other.
TEST(ConstraintStructures, ArraysOfStructures) {
  for (const char* type :
       {"{simplex, 3}", "{ordered, 3}", "{positive_ordered, 2}", "{unit_vector, 3}", "{cholesky_corr, 3}",
        "{corr_matrix, 3}", "{cov_matrix, 2}", "{cholesky_cov, 2}"}) {
    const test::Compiled one(model(type));
    const test::Compiled all(model(std::string("{array, [2, 2], ") + type + "}"));
    const std::size_t n = one.model().dimension;
    ASSERT_EQ(all.model().dimension, 4 * n) << type;
    for (const auto& point : points(4 * n)) {
      if (point[0] == 0 && std::string(type).starts_with("{unit")) continue;
      const std::vector<double> found = all.output("x", point);
      double total = 0;
      std::vector<double> expected;
      for (std::size_t i = 0; i < 4; ++i) {
        const std::span<const double> part(point.data() + i * n, n);
        total += one.value(part);
        const std::vector<double> x = one.output("x", part);
        expected.insert(expected.end(), x.begin(), x.end());
      }
      ASSERT_EQ(found.size(), expected.size()) << type;
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-14) << type;
      EXPECT_NEAR(all.value(point), total, 1e-12 * std::max(1.0, std::abs(total))) << type;
      const auto [value, gradient] = all.value_and_gradient(point);
      for (std::size_t i = 0; i < 4; ++i) {
        const auto [part_value, part] =
            one.value_and_gradient(std::span<const double>(point.data() + i * n, n));
        for (std::size_t j = 0; j < n; ++j)
          EXPECT_NEAR(gradient[i * n + j], part[j], 1e-12 * std::max(1.0, std::abs(part[j]))) << type;
      }
    }
  }
}

// Bounds may be expressions of parameters declared before; the Jacobian then has cross terms.
TEST(ConstraintStructures, BoundsOfOtherParameters) {
  const test::Compiled compiled(
      "#{parameters => [{a, real, [{lower, 0}]}, {x, real, [{lower, {'-', 0, a}}, {upper, {'*', 2, a}}]}]}");
  for (const auto& point : points(2)) {
    const double a = std::exp(point[0]), p = 1 / (1 + std::exp(-point[1]));
    EXPECT_NEAR(compiled.output("x", point)[0], -a + 3 * a * p, 1e-13);
    EXPECT_NEAR(compiled.value(point), point[0] + std::log(3 * a) + std::log(p) + std::log(1 - p), 1e-13);
    const auto [value, gradient] = compiled.value_and_gradient(point);
    EXPECT_NEAR(gradient[0], 2, 1e-13);
    EXPECT_NEAR(gradient[1], 1 - 2 * p, 1e-13);
  }
}

}  // namespace
}  // namespace drey
