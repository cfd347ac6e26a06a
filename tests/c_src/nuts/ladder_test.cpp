#include "c_src/nuts/ladder.h"

#include "c_src/nuts/climb.h"

/// The sampler's kernels, as they ship, on rungs 4, 6 and 7: every form, both precisions, shallow caps and deep trees,
/// dispatches cut after seven ticks and left alone.
namespace drey::nuts {
namespace {

using ladder::Rung;

[[maybe_unused]] const auto* const printed = testing::AddGlobalTestEnvironment(new ladder::PrintReport);

struct Climber {
  Form form = Form::Invocation;
  bool f64 = false;
  ladder::Way way;
};

std::vector<Climber> climbers() {
  std::vector<Climber> all;
  for (const Form form : kForms)
    for (const bool f64 : {false, true})
      for (const int depth : {10, 3})
        for (const std::uint64_t budget : {7, 0}) {
          // The selection has each of both at least once with each of the others.
          const bool selected = form != Form::Invocation && (depth == 10) == (budget == 7);
          if (selected || ladder::full()) all.push_back({form, f64, {depth, budget}});
        }
  return all;
}

class Ladder : public OnDevice, public testing::WithParamInterface<Climber> {};

TEST_P(Ladder, IsClimbedToTheTop) {
  const auto& [form, f64, way] = GetParam();
  if (!can_run(device().info(), form)) GTEST_SKIP() << "no subgroups that can shuffle";
  if (f64 && !has_f64()) GTEST_SKIP() << "no f64";
  std::vector<std::string> row = {name_of(form), f64 ? "f64" : "f32", std::to_string(way.depth_cap),
                                  way.budget ? std::to_string(way.budget) : "-"};
  for (const Rung rung : ladder::kRungs) {
    const auto outcome = ladder::climb(device(), form, f64, rung, way,
                                       ladder::full() ? ladder::Effort::much() : ladder::Effort::some());
    EXPECT_TRUE(outcome.passed) << name_of(rung) << ": " << outcome.what;
    row.push_back(outcome.what + (outcome.passed ? "" : " FAILED"));
    ladder::Report::get().compared(outcome.comparisons);
  }
  ladder::Report::get().kernel(std::move(row));
}

std::string name_of(const testing::TestParamInfo<Climber>& info) {
  const Climber& climber = info.param;
  return fmt::format("{}_{}_depth_{}{}", nuts::name_of(climber.form), climber.f64 ? "f64" : "f32",
                     climber.way.depth_cap, climber.way.budget ? "_cut" : "");
}
INSTANTIATE_TEST_SUITE_P(All, Ladder, testing::ValuesIn(climbers()), name_of);

}  // namespace
}  // namespace drey::nuts
