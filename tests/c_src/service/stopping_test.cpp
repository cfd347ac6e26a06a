#include "service/stopping.h"

#include <cmath>

#include <gtest/gtest.h>

#include "error.h"

namespace drey::service {
namespace {

TEST(Stopping, MarksGrowByAQuarterAndEndAtTheCap) {
  EXPECT_EQ(stop_marks(10), (std::vector<std::uint64_t>{10}));
  EXPECT_EQ(stop_marks(50), (std::vector<std::uint64_t>{50}));
  const auto marks = stop_marks(100'001);
  EXPECT_EQ(marks.front(), 50u);
  EXPECT_EQ(marks.back(), 100'001u);
  for (std::size_t i = 1; i + 1 < marks.size(); ++i) {
    EXPECT_EQ(marks[i] % 2, 0u);
    EXPECT_GT(marks[i], marks[i - 1]);
    EXPECT_LE(marks[i], marks[i - 1] + marks[i - 1] / 4 + 2);
  }
  // A larger cap does not move the marks before it.
  const auto more = stop_marks(1'000'000);
  for (std::size_t i = 0; i + 1 < marks.size(); ++i) EXPECT_EQ(more[i], marks[i]);
}

TEST(Stopping, TheWorstDecides) {
  std::vector<stats::Row> rows(3);
  rows[0].name = "a";
  rows[0].ess_bulk = 400;
  rows[0].rhat = 1.02;
  rows[1].name = "b";
  rows[1].ess_bulk = 300;
  rows[1].rhat = 1.001;
  rows[2].name = "constant";
  rows[2].ess_bulk = rows[2].rhat = std::nan("");
  const auto worst = convergence(rows);
  EXPECT_EQ(worst.ess, 300);
  EXPECT_EQ(worst.least_name, "b");
  EXPECT_EQ(worst.rhat, 1.02);
  EXPECT_EQ(worst.largest_name, "a");
  EXPECT_TRUE(reached({300.0, {}}, worst));
  EXPECT_FALSE(reached({301.0, {}}, worst));
  EXPECT_TRUE(reached({{}, 1.02}, worst));
  EXPECT_FALSE(reached({100.0, 1.01}, worst));
  EXPECT_NE(stop_warning({301.0, 1.01}, 60, worst).find("R-hat of a is 1.02"), std::string::npos);
  const auto none = convergence({rows[2]});
  EXPECT_FALSE(reached({1.0, {}}, none)) << "what is undefined is not reached";
  EXPECT_FALSE(reached({{}, 2.0}, none));
}

}  // namespace
}  // namespace drey::service
