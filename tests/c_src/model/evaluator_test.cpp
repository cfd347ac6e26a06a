#include "model/evaluator.h"

#include <gmock/gmock.h>

#include "error.h"
#include "support/programs.h"

namespace drey::model {
namespace {

double target(const testing::Case& c, std::vector<double> point) {
  return Evaluator(c.model.density, c.model.data).run(point).target;
}

TEST(Evaluator, EightSchoolsByHand) {
  const std::vector<double> y = {28, 8, -3, 7, -1, 1, 18, 12}, sigma = {15, 10, 16, 11, 9, 11, 10, 18};
  std::vector<double> point = {1.5, 0.3, 0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8};
  const double tau = std::exp(point[1]);
  const auto normal = [](double x, double mu, double s) {
    return -0.5 * std::pow((x - mu) / s, 2) - std::log(s) - 0.91893853320467274178;
  };
  double expected = point[1] + normal(point[0], 0, 5) - std::log1p(tau * tau / 25) - 2.0610608496;
  for (std::size_t i = 0; i < 8; ++i)
    expected += normal(point[i + 2], 0, 1) + normal(y[i], point[0] + tau * point[i + 2], sigma[i]);
  EXPECT_NEAR(target(testing::eight_schools(), point), expected, 1e-12 * std::abs(expected));
}

TEST(Evaluator, RecursionByHand) {
  testing::CaseBuilder b(1);
  const auto s = b.local(6);
  b.store(s, b.integer(0), b.real(1));
  const auto t = b.begin_for(1, 6, false);
  b.store(s, b.index(t), b.mul(b.point(0), b.load(s, b.sub_i(b.index(t), b.integer(1)))));
  b.end_for();
  b.add_to_target(b.at(s, 5));
  EXPECT_NEAR(target(b.done(""), {1.1}), std::pow(1.1, 5), 1e-15 * 2);
}

TEST(Evaluator, AnIndexOutsideItsMemoryIsAnError) {
  testing::CaseBuilder b(1);
  const auto data = b.data(std::vector<double>{1, 2});
  b.add_to_target(b.at(data, 2));
  const testing::Case c = b.done("");
  EXPECT_THROW(target(c, {0}), Error);
}

TEST(Evaluator, BranchesSelectsAndConversions) {
  testing::CaseBuilder b(1);
  const ValueId x = b.point(0);
  b.begin_if(b.op(Op::LessR, {x, b.real(0)}));
  b.add_to_target(b.real(10));
  b.begin_else();
  b.add_to_target(b.real(20));
  b.end_if();
  b.add_to_target(b.select(b.op(Op::EqualR, {x, b.real(2)}), b.real(1), b.real(2)));
  b.add_to_target(b.to_real(b.op(Op::ToInteger, {b.mul(x, b.real(1.9))})));
  const testing::Case c = b.done("");
  EXPECT_EQ(target(c, {-1}), 10 + 2 - 1);
  EXPECT_EQ(target(c, {2}), 20 + 1 + 3);
}

TEST(Evaluator, RandomNumbersComeInOrder) {
  testing::CaseBuilder b(1);
  const ValueId first = b.random(), second = b.random();
  b.add_to_target(b.sub(first, b.mul(b.real(10), second)));
  const testing::Case c = b.done("");
  double next = 0;
  const double x = 0;
  const auto result =
      Evaluator(c.model.density, c.model.data).run(std::span(&x, 1), [&] { return next += 0.25; });
  EXPECT_EQ(result.target, 0.25 - 5);
  EXPECT_THROW(Evaluator(c.model.density, c.model.data).run(std::span(&x, 1)), Error);
}

}  // namespace
}  // namespace drey::model
