#include "service/collector.h"

#include <gtest/gtest.h>

#include "service/arrays.h"

namespace drey::service {
namespace {

using term::Term;

struct TwoOutputs {
  model::Output a{"a", model::OutputKind::Parameter, model::Type::Real, {}, 0, 1};
  model::Output b{"b", model::OutputKind::Generated, model::Type::Real, {2, 3}, 1, 6};
};

/// Chains [chain, chain + chains) of draws [draw, draw + draws); element k of draw s of chain c is 1000 c + 10 s + k.
nuts::Window window(std::uint64_t chain, std::uint64_t chains, std::uint64_t draw, std::uint64_t draws) {
  nuts::Window w;
  w.first_chain = chain;
  w.first_draw = draw;
  w.draws.chains = chains;
  w.draws.draws = draws;
  w.draws.output_size = 7;
  for (std::uint64_t c = chain; c < chain + chains; ++c)
    for (std::uint64_t s = draw; s < draw + draws; ++s) {
      for (std::uint64_t k = 0; k < 7; ++k)
        w.draws.outputs.push_back(static_cast<double>(1000 * c + 10 * s + k));
      w.draws.lp.push_back(static_cast<double>(1000 * c + s));
      w.draws.accept.push_back(0.5);
      w.draws.energy.push_back(static_cast<double>(s));
      w.draws.depth.push_back(static_cast<std::int32_t>(c));
      w.draws.leapfrogs.push_back(static_cast<std::int32_t>(s));
      w.draws.divergent.push_back(static_cast<std::uint8_t>(s % 2));
    }
  return w;
}

TEST(Collector, WindowsInAnyOrderAndAnyRoomAreTheWhole) {
  const TwoOutputs outputs;
  for (const bool f64 : {false, true}) {
    Collector whole({&outputs.a, &outputs.b}, {}, 3, f64),
        parts({&outputs.a, &outputs.b}, {&outputs.a}, 3, f64);
    whole.reserve(6);
    whole.take(window(0, 3, 0, 6));
    parts.reserve(2);
    parts.take(window(1, 2, 0, 2));
    parts.take(window(0, 1, 0, 1));
    parts.reserve(4);
    parts.reserve(9);
    parts.take(window(0, 1, 1, 5));
    parts.take(window(1, 2, 2, 7));
    parts.finish(6);
    const Term draws = whole.draws_term();
    EXPECT_EQ(parts.draws_term(), draws);
    EXPECT_EQ(parts.stats_term(), whole.stats_term());
    EXPECT_TRUE(draws.find("a")->as<term::Tuple>()->elements[0].is_atom(f64 ? "f64" : "f32"));
    const Numbers b = read_numbers(*draws.find("b"), "b");
    EXPECT_EQ(b.shape, (Shape{3, 6, 2, 3}));
    EXPECT_EQ(b.values[(2 * 6 + 4) * 6 + 5], 2046);
  }
}

TEST(Collector, WhatIsOnlyWatchedIsNotReturned) {
  const TwoOutputs outputs;
  Collector collector({&outputs.b}, {&outputs.a, &outputs.b}, 2, false, 10);
  collector.reserve(2);
  collector.take(window(0, 2, 10, 2));
  const auto all = [](const Collector::Column&) { return true; };
  EXPECT_EQ(summarize(collector, 2, all, {}, [] { return false; }).size(), 7u);
  std::vector<double> series(4);
  collector.series(collector.columns()[1], 0, 2, series);
  EXPECT_EQ(series, (std::vector<double>{100, 110, 1100, 1110}));
  const Term draws = collector.draws_term();
  EXPECT_EQ(draws.find("a"), nullptr);
  EXPECT_NE(draws.find("b"), nullptr);
}

TEST(Collector, ASummaryRowForEachElement) {
  const TwoOutputs outputs;
  Collector collector({&outputs.a, &outputs.b}, {}, 2, false);
  collector.reserve(3);
  collector.take(window(0, 2, 0, 3));
  const auto returned = [](const Collector::Column& column) { return column.returned; };
  const auto rows = summarize(collector, 3, returned, {}, [] { return false; });
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[1].name, "b[1,1]");
  EXPECT_EQ(rows[1].mean, 511);
  EXPECT_EQ(rows[6].name, "b[2,3]");
  EXPECT_EQ(summarize(collector, 2, returned, {}, [] { return false; })[1].mean, 506)
      << "the first two draws";
  int asked = 0;
  EXPECT_TRUE(summarize(collector, 3, returned, {}, [&] { return ++asked > 3; }).empty());
}

}  // namespace
}  // namespace drey::service
