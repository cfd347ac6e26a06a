#include "grad/unroll.h"

#include <gtest/gtest.h>

#include "grad/differentiate.h"
#include "model/builder.h"
#include "support/programs.h"

namespace drey::grad {
namespace {

using model::Block;
using model::Builder;
using model::LoopId;
using model::Program;
using model::Space;
using model::Statement;
using model::StatementKind;

constexpr OptimiseOptions kWriteOut{.unroll_trips = 256, .unroll_values = 1024};

std::size_t stores(const Block& body) {
  std::size_t count = 0;
  for (const Statement& s : body)
    count += (s.kind == StatementKind::Store) + stores(s.body) + stores(s.otherwise);
  return count;
}

/// x[i] = 0 for `filled` elements, then a recursion of `trips` trips along x.
Program recursion(std::int64_t filled, std::int64_t trips) {
  Builder b;
  const auto point = b.memory({.space = Space::Point, .type = model::Type::Real, .size = 1, .name = "point"});
  const auto x = b.local(static_cast<std::uint64_t>(std::max(filled, trips + 1)), "x");
  const LoopId fill = b.begin_for(0, filled, true);
  b.store(x, b.index(fill), b.real(0));
  b.end_for();
  const LoopId walk = b.begin_for(0, trips, false);
  const auto next = b.add(b.mul(b.load(x, b.index(walk)), b.load(point, b.integer(0))), b.real(1));
  b.store(x, b.add_i(b.index(walk), b.integer(1)), next);
  b.end_for();
  b.add_to_target(b.load(x, b.integer(trips)));
  return b.finish();
}

TEST(Unroll, LoopsOverAnArrayThatStaysOneStayLoops) {
  // The recursion is too long to write out, so x stays an array, and clearing it stays a loop.
  EXPECT_EQ(stores(optimise(recursion(200, 2000), kWriteOut).body), 2U);
}

TEST(Unroll, VeryShortOnesAreWrittenOutAnyway) {
  EXPECT_EQ(stores(optimise(recursion(8, 2000), kWriteOut).body), 9U);
}

TEST(Unroll, LoopsOverAnArrayThatDissolvesAreWrittenOut) {
  // All indices become constants: what is left is arithmetic.
  const Program program = optimise(recursion(50, 40), kWriteOut);
  for (const Statement& s : program.body) EXPECT_NE(s.kind, StatementKind::For);
}

TEST(Unroll, TheAdjointOfARecursionIsClearedByALoop) {
  const testing::Case garch = testing::garch(200);
  const Program reversed = optimise(differentiate(garch.model.density, garch.model.dimension), kWriteOut);
  EXPECT_LT(stores(reversed.body), 40U);
}

}  // namespace
}  // namespace drey::grad
