// Random programs of the language: the compiled program, and its gradient, against a tree walk over the term in long
// double and differences of that. Seeds are fixed; a failure prints the smallest model found that still fails.

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/agreement.h"
#include "support/random_program.h"

namespace drey {
namespace {

using test::Outcome;
using test::Verdict;

Outcome compare(const test::RandomProgram& program) {
  return test::compare(program.text(), program.recorded);
}

/// The program with statements left out while it still differs.
test::RandomProgram smallest(test::RandomProgram program) {
  const std::string first = compare(program).what;
  auto fails = [&](const test::RandomProgram& candidate) {
    const Outcome outcome = compare(candidate);
    // The same kind of difference: "refused", "derivative", "output", ...
    return outcome.verdict == Verdict::Differs && outcome.what.substr(0, 7) == first.substr(0, 7) &&
           outcome.what.find("unknown_name") == std::string::npos &&
           outcome.what.find("is read before anything") == std::string::npos;
  };
  for (bool again = true; again;) {
    again = false;
    for (std::vector<std::string> test::RandomProgram::*list :
         {&test::RandomProgram::model, &test::RandomProgram::generated, &test::RandomProgram::transformed})
      for (std::size_t i = 0; i < (program.*list).size(); ++i) {
        test::RandomProgram candidate = program;
        (candidate.*list).erase((candidate.*list).begin() + static_cast<std::ptrdiff_t>(i));
        if (list != &test::RandomProgram::model) {
          // What is no longer defined is no longer recorded.
          std::string rest;
          for (const std::string& s : candidate.transformed) rest += s;
          for (const std::string& s : candidate.generated) rest += s;
          std::erase_if(candidate.recorded, [&](const std::string& name) {
            return rest.find("'let', " + name + ",") == std::string::npos &&
                   rest.find("{declare, " + name + ",") == std::string::npos;
          });
        }
        if (fails(candidate)) {
          program = std::move(candidate);
          again = true;
          break;
        }
      }
  }
  return program;
}

/// Compares `programs` programs from a first seed on.
void expect_agreement(std::uint64_t first, int programs) {
  int wild = 0, differing = 0;
  for (int i = 0; i < programs && differing < 3; ++i) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(i);
    const test::RandomProgram program = test::ProgramGenerator(seed).make();
    const Outcome outcome = compare(program);
    wild += outcome.verdict == Verdict::Wild;
    if (outcome.verdict != Verdict::Differs) continue;
    ++differing;
    const test::RandomProgram small = smallest(program);
    ADD_FAILURE() << "seed " << seed << ": " << outcome.what << "\nsmallest: " << compare(small).what << "\n"
                  << small.text();
  }
  EXPECT_LE(wild, programs / 4) << "too many programs whose values are not finite or huge";
}

class RandomModels : public testing::TestWithParam<int> {};

TEST_P(RandomModels, MeanWhatTheirTermsSay) {
  expect_agreement(static_cast<std::uint64_t>(GetParam()) * 1000, 30);
}

// DREY_RANDOM_MODELS=N: N other programs.
TEST(RandomModelsOnce, AsManyAsAreAskedFor) {
  const char* asked = std::getenv("DREY_RANDOM_MODELS");
  if (!asked) GTEST_SKIP() << "DREY_RANDOM_MODELS is not set";
  expect_agreement(1'000'000, std::atoi(asked));
}

// Every form of statement and expression that the grammar has does come up.
TEST(RandomModelsOnce, HaveAllOfTheLanguage) {
  std::string all;
  for (std::uint64_t seed = 1000; seed < 1200; ++seed) all += test::ProgramGenerator(seed).make().text();
  for (const char* part : {"{truncate,",      "{censor,",
                           "{multi_normal,",  "{multi_normal_cholesky,",
                           "{ode_rk4,",       "{ode_rk45,",
                           "{ode_rk45_tol,",  "{ode_rodas,",
                           "{ode_rodas_tol,", "{gp_exp_quad_cov,",
                           "{solve_lower,",   "{solve_spd,",
                           "{cholesky,",      "{log_determinant_spd,",
                           "{cholesky_corr,", "{corr_matrix,",
                           "{cholesky_cov,",  "{cov_matrix,",
                           "{unit_vector,",   "{simplex,",
                           "{offset,",        "{'if',",
                           "{chain,",         "{at, idx,",
                           "_lccdf,",         "{log_mix,",
                           "{append,",        "generated => [{"})
    EXPECT_NE(all.find(part), std::string::npos) << part;
}

// Sums partly written out when the budget for that runs dry; the initial time of an ODE as a parameter.
TEST(RandomModelsOnce, Agree) {
  for (std::uint64_t seed : {119014, 1000561, 1000952}) {
    const Outcome outcome = compare(test::ProgramGenerator(seed).make());
    EXPECT_EQ(outcome.verdict, Verdict::Agrees) << "seed " << seed << ": " << outcome.what;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModels, testing::Range(1, 11));

}  // namespace
}  // namespace drey
