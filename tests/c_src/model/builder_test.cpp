#include "model/builder.h"

#include <gmock/gmock.h>

#include "error.h"
#include "model/evaluator.h"
#include "support/programs.h"

namespace drey::model {
namespace {

std::size_t lets(const Block& body) {
  std::size_t count = 0;
  for (const Statement& s : body)
    count += (s.kind == StatementKind::Let ? 1 : 0) + lets(s.body) + lets(s.otherwise);
  return count;
}

const Statement& only_loop(const Program& program) {
  for (const Statement& s : program.body)
    if (s.kind == StatementKind::For) return s;
  throw std::logic_error("no loop");
}

TEST(Builder, EqualValuesAreOne) {
  testing::CaseBuilder b(2);
  EXPECT_EQ(b.point(0), b.point(0));
  EXPECT_EQ(b.call("exp", {b.point(1)}), b.call("exp", {b.point(1)}));
  EXPECT_NE(b.point(0), b.point(1));
  EXPECT_EQ(b.real(0.5), b.real(0.5));
  EXPECT_NE(b.real(0.0), b.real(-0.0));
}

TEST(Builder, ConstantsFoldAndNeutralOperationsVanish) {
  testing::CaseBuilder b(1);
  const ValueId x = b.point(0);
  EXPECT_EQ(b.value(b.call("exp", {b.real(0)})).number, 1);
  EXPECT_EQ(b.add(x, b.real(0)), x);
  EXPECT_EQ(b.mul(b.real(1), x), x);
  EXPECT_EQ(b.neg(b.neg(x)), x);
  EXPECT_EQ(b.div(x, b.real(4)), b.mul(b.real(0.25), x));
  EXPECT_EQ(b.value(b.op(Op::MulI, {b.integer(6), b.integer(7)})).integer, 42);
}

TEST(Builder, InvariantsLeaveLoopsButNotBranches) {
  testing::CaseBuilder b(1);
  const auto data = b.data(std::vector<double>{1, 2, 3});
  const auto loop = b.begin_for(0, 3, true);
  b.add_to_target(b.mul(b.load(data, b.index(loop)), b.call("exp", {b.point(0)})));
  b.begin_if(b.op(Op::LessI, {b.index(loop), b.integer(1)}));
  b.add_to_target(b.call("sin", {b.point(0)}));
  b.end_if();
  b.end_for();
  const testing::Case c = b.done("");
  // Inside: the load, the product, the condition; in the branch the sine.
  EXPECT_EQ(lets(only_loop(c.model.density).body), 4u);
}

TEST(Builder, DivisionByAnInvariantIsAProduct) {
  testing::CaseBuilder b(1);
  const auto data = b.data(std::vector<double>{1, 2, 3});
  const auto loop = b.begin_for(0, 3, true);
  b.add_to_target(b.div(b.load(data, b.index(loop)), b.point(0)));
  b.end_for();
  const testing::Case c = b.done("");
  EXPECT_EQ(lets(c.model.density.body) - lets(only_loop(c.model.density).body),
            2u);  // the point, its reciprocal
  const double x = 0.7;
  EXPECT_NEAR(Evaluator(c.model.density, c.model.data).run(std::span(&x, 1)).target, 6 / 0.7, 1e-14);
}

TEST(Builder, ALocalRemembersWhatWasStored) {
  testing::CaseBuilder b(2);
  const auto m = b.local(2);
  b.store(m, b.integer(0), b.point(0));
  b.store(m, b.integer(1), b.point(1));
  EXPECT_EQ(b.at(m, 0), b.point(0));
  b.accumulate(m, b.integer(0), b.point(1));
  EXPECT_EQ(b.at(m, 0), b.add(b.point(0), b.point(1)));
  EXPECT_EQ(b.at(m, 1), b.point(1));
  const auto loop = b.begin_for(0, 2, false);
  b.store(m, b.index(loop), b.real(3));
  b.end_for();
  EXPECT_EQ(b.value(b.at(m, 0)).op, Op::Load);
}

TEST(Builder, ALoadIsNotSharedAcrossAStore) {
  testing::CaseBuilder b(1);
  const auto m = b.local(1), out = b.local(1);
  b.store(m, b.integer(0), b.real(0));
  b.store(out, b.integer(0), b.real(0));
  b.begin_for(0, 5, false);
  const ValueId before = b.at(m, 0);
  b.store(m, b.integer(0), b.add(before, b.real(1)));
  b.accumulate(out, b.integer(0), b.at(m, 0));
  b.end_for();
  b.add_to_target(b.at(out, 0));
  const testing::Case c = b.done("");
  const double x = 0;
  EXPECT_EQ(Evaluator(c.model.density, c.model.data).run(std::span(&x, 1)).target, 1 + 2 + 3 + 4 + 5);
}

TEST(Builder, MistakesAreErrors) {
  testing::CaseBuilder b(1);
  EXPECT_THROW(b.add(b.integer(1), b.point(0)), Error);
  EXPECT_THROW(b.end_for(), Error);
  EXPECT_THROW(b.text("x + nowhere", {{"x", b.point(0)}}), Error);
  const auto loop = b.begin_for(0, 2, true);
  const ValueId inner = b.load(b.point(), b.index(loop));
  b.end_for();
  EXPECT_THROW(b.add_to_target(b.call("exp", {inner})), Error);
}

}  // namespace
}  // namespace drey::model
