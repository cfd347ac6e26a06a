#include "service/results.h"

#include <cmath>

#include <gtest/gtest.h>

#include "error.h"
#include "service/arrays.h"
#include "service/diagnostics.h"
#include "service/tuning.h"

namespace drey::service {
namespace {

using term::Term;

model::Model two_outputs() {
  model::Model model;
  model.outputs.push_back({"a", model::OutputKind::Parameter, model::Type::Real, {}, 0, 1});
  model.outputs.push_back({"b", model::OutputKind::Generated, model::Type::Real, {2, 3}, 1, 6});
  model.output_size = 7;
  return model;
}

TEST(Results, ElementsAreNamedFromOneRowMajor) {
  EXPECT_EQ(element_name("mu", {}, 0), "mu");
  EXPECT_EQ(element_name("theta", {8}, 2), "theta[3]");
  EXPECT_EQ(element_name("omega", {2, 3}, 3), "omega[2,1]");
  EXPECT_EQ(element_name("x", {2, 3, 4}, 23), "x[2,3,4]");
}

TEST(Results, OutputsAreSelectedInTheModelsOrder) {
  const model::Model model = two_outputs();
  Options options;
  options.outputs = {"b", "a"};
  const auto both = select_outputs(model, options);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0]->name, "a");
  options.outputs = {"bb"};
  EXPECT_THROW(select_outputs(model, options), Error);
  options.outputs.emplace();
  EXPECT_TRUE(select_outputs(model, options).empty());
}

TEST(Tuning, GoesThroughATermUnchanged) {
  nuts::Tuning tuning;
  tuning.f64 = true;
  tuning.mapping = "subgroup";
  tuning.step_size = 0.1234567890123456789;
  tuning.dimension = 2;
  tuning.inverse_metric = {1.5, 0.25};
  tuning.positions = {1, 2, 3, 4, 5, 6};
  tuning.position_count = 3;
  tuning.model_key = "key";
  tuning.transitions = 100;
  tuning.gradients = 1000;
  tuning.divergent = 2;
  const nuts::Tuning back = read_tuning(tuning_term(tuning));
  EXPECT_EQ(back.f64, tuning.f64);
  EXPECT_EQ(back.mapping, tuning.mapping);
  EXPECT_EQ(back.step_size, tuning.step_size);
  EXPECT_EQ(back.inverse_metric, tuning.inverse_metric);
  EXPECT_EQ(back.positions, tuning.positions);
  EXPECT_EQ(back.position_count, tuning.position_count);
  EXPECT_EQ(back.model_key, tuning.model_key);
  EXPECT_EQ(back.divergent, tuning.divergent);
  EXPECT_EQ(back.transitions, tuning.transitions);
  EXPECT_EQ(back.gradients, tuning.gradients);

  Options options;
  EXPECT_NO_THROW(check_tuning(back, 2, "key", options));
  EXPECT_THROW(check_tuning(back, 3, "key", options), Error);
  EXPECT_THROW(check_tuning(back, 2, "yek", options), Error);
  options.precision_given = true;
  options.sampling.precision = nuts::PrecisionChoice::F32;
  EXPECT_THROW(check_tuning(back, 2, "key", options), Error);
}

TEST(Diagnostics, EachSignGetsOneWarningWithARemedy) {
  std::vector<double> energy;
  for (int i = 0; i < 200; ++i) energy.push_back(i % 2);
  std::vector<stats::Row> rows(2);
  rows[0].name = "mu";
  rows[0].rhat = 1.001;
  rows[0].ess_bulk = rows[0].ess_tail = 500;
  rows[1] = rows[0];
  EXPECT_TRUE(warnings(2, ebfmi(energy, 2), rows).empty());
  EXPECT_TRUE(std::isnan(ebfmi(std::vector<double>(98, 1.0), 2)[0])) << "too few draws to say";

  for (int i = 0; i < 200; ++i) energy[static_cast<std::size_t>(i)] = i;
  rows[1].name = "tau";
  rows[1].rhat = 1.2;
  rows[1].ess_tail = 150;
  const auto found = warnings(2, ebfmi(energy, 2), rows);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_NE(found[0].find("E-BFMI"), std::string::npos);
  EXPECT_NE(found[1].find("tau"), std::string::npos);
  EXPECT_NE(found[2].find("150"), std::string::npos);

  // 150 in two chains are too few for R-hat to be near 1; 400 are not.
  EXPECT_NE(found[1].find("too short for R-hat to tell: about 75 effective draws each"), std::string::npos);
  rows[1].ess_tail = 400;
  EXPECT_NE(warnings(2, ebfmi(energy, 2), rows)[1].find("have not mixed; take more warm-up"),
            std::string::npos);
}

}  // namespace
}  // namespace drey::service
