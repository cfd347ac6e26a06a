#include "nuts/density.h"

#include <gtest/gtest.h>

#include "error.h"
#include "grad/differentiate.h"
#include "support/erlang_text.h"

/// Densities asked for on the host; kernels of them are compared with these in sampler_test.cpp.
namespace drey::nuts {
namespace {

std::vector<Evaluation> ask(const std::string& text, std::span<const double> points,
                            const std::function<void()>& between = {}) {
  const auto model = model::compile(test::erlang(text));
  return evaluate_on_host(grad::differentiate(model.density, model.dimension), model, points, between);
}

TEST(DensityOnTheHost, IsOfEachPoint) {
  const auto found = ask("#{parameters => [{x, {vector, 2}}], model => [{'~', x, {normal, 1, 2}}]}",
                         std::vector<double>{1, 1, 3, -1});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].gradient, (std::vector<double>{0, 0}));
  EXPECT_NEAR(found[1].value - found[0].value, -1, 1e-14);
  EXPECT_EQ(found[1].gradient, (std::vector<double>{-0.5, 0.5}));
}

TEST(DensityOnTheHost, HasAGradientWhereItDependsOnNoParameter) {
  const auto found = ask("#{parameters => [{x, {vector, 3}}], model => []}", std::vector<double>{1, 2, 3});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].value, 0);
  EXPECT_EQ(found[0].gradient, (std::vector<double>{0, 0, 0}));
}

TEST(DensityOnTheHost, MayBeLeftBetweenPoints) {
  int asked = 0;
  EXPECT_THROW(
      ask("#{parameters => [{x, real}], model => [{'~', x, {normal, 0, 1}}]}", std::vector<double>{1, 2, 3},
          [&] {
            if (++asked == 2) throw Error("cancelled", "enough");
          }),
      Error);
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace drey::nuts
