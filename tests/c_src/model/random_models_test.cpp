// Random programs of the language: the compiled program, and its gradient, against a tree walk over the term in long
// double and differences of that. Seeds are fixed; a failure prints the smallest model found that still fails.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "error.h"
#include "grad/optimise.h"
#include "support/compiled.h"
#include "support/interpreter.h"
#include "support/random_program.h"
#include "support/strict_evaluator.h"

namespace drey {
namespace {

using Number = test::Interpreter::Number;

std::vector<double> random_point(std::uint64_t seed, std::size_t dimension) {
  std::mt19937_64 random(seed);
  std::vector<double> point(dimension);
  for (double& x : point) x = (static_cast<double>(random() >> 11) * 0x1p-53 - 0.5) * 2.4;
  return point;
}

enum class Verdict { Agrees, Wild, Differs };

struct Outcome {
  Verdict verdict = Verdict::Agrees;
  std::string what;
};

bool close(Number got, Number expected, Number relative, Number scale) {
  return std::abs(got - expected) <= relative * std::max({Number(1), std::abs(expected), scale});
}

Outcome compared(const test::RandomProgram& program);

/// As compared(), a broken promise or an interpreter's refusal being a difference.
Outcome compare(const test::RandomProgram& program) {
  try {
    return compared(program);
  } catch (const std::exception& error) {
    return {Verdict::Differs, error.what()};
  }
}

/// Compares one program at two points. Wild: the program's values say nothing (not finite, or huge).
Outcome compared(const test::RandomProgram& program) {
  const term::Term term = test::erlang(program.text());
  std::unique_ptr<test::Compiled> compiled;
  try {
    compiled = std::make_unique<test::Compiled>(term);
  } catch (const Error& error) {
    return {Verdict::Differs, "refused: " + error.reason() + ": " + error.message() + " at " + error.where()};
  }
  test::Interpreter interpreter(term);
  for (std::uint64_t seed : {1, 2}) {
    const std::vector<double> point = random_point(seed, compiled->model().dimension);
    std::vector<Number> exact(point.begin(), point.end());
    const Number expected = interpreter.run(exact);
    if (!std::isfinite(expected) || std::abs(expected) > 1e6) return {Verdict::Wild, ""};
    for (const std::string& name : program.recorded) {
      const std::vector<Number> values = interpreter.value(name).values;
      const std::vector<double> output = compiled->output(name, point);
      if (values.size() != output.size()) return {Verdict::Differs, "output " + name + " has another size"};
      for (std::size_t i = 0; i < output.size(); ++i)
        if (!close(output[i], values[i], 1e-9, 0))
          return {Verdict::Differs, fmt::format("output {}[{}] is {}, expected {}", name, i + 1, output[i],
                                                static_cast<double>(values[i]))};
    }
    const double density = compiled->value(point);
    if (!close(density, expected, 1e-9, 0))
      return {Verdict::Differs,
              fmt::format("log density {:.15g}, expected {:.15g}", density, static_cast<double>(expected))};
    const auto [value, gradient] = compiled->value_and_gradient(point);
    if (!close(value, expected, 1e-9, 0))
      return {Verdict::Differs, fmt::format("the gradient's log density {:.15g}, expected {:.15g}", value,
                                            static_cast<double>(expected))};
    // The promises of program.h, at run time: the forward program's, then those the reversed one keeps too.
    const test::StrictEvaluator::Result strict =
        test::StrictEvaluator(compiled->model().density, compiled->model().data, true).run(point);
    if (!close(strict.target, expected, 1e-9, 0))
      return {Verdict::Differs, "independent loops backwards give another value"};
    // What is differentiated is the program with short loops written out.
    test::StrictEvaluator(
        grad::optimise(compiled->model().density, {.unroll_trips = 128, .unroll_values = 800}),
        compiled->model().data, true)
        .run(point);
    const test::StrictEvaluator::Result reversed =
        test::StrictEvaluator(compiled->gradient(), compiled->model().data, false).run(point);
    for (std::size_t i = 0; i < point.size(); ++i)
      if (!close(reversed.gradient.at(i), gradient.at(i), 1e-9, std::abs(expected)))
        return {Verdict::Differs, "independent loops backwards give another gradient"};
    test::StrictEvaluator(compiled->model().draws, compiled->model().data, false).run(point);
    if (gradient.size() != point.size()) return {Verdict::Differs, "the gradient has another size"};
    for (std::size_t i = 0; i < point.size(); ++i) {
      const auto slope =
          test::central_difference([&](std::span<const Number> x) { return interpreter.run(x); }, exact, i);
      // A kink nearby: min, max, abs, or a comparison.
      if (!(slope.error <= 1e-8 * std::max(Number(1), std::abs(slope.value)))) continue;
      if (!close(gradient[i], slope.value, 1e-7, 1e-2 * std::abs(expected)))
        return {Verdict::Differs, fmt::format("derivative {} is {:.12g}, expected {:.12g}", i + 1,
                                              gradient[i], static_cast<double>(slope.value))};
    }
  }
  return {};
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
         {&test::RandomProgram::model, &test::RandomProgram::transformed})
      for (std::size_t i = 0; i < (program.*list).size(); ++i) {
        test::RandomProgram candidate = program;
        (candidate.*list).erase((candidate.*list).begin() + static_cast<std::ptrdiff_t>(i));
        if (list == &test::RandomProgram::transformed) {
          // What is no longer defined is no longer recorded.
          std::string rest;
          for (const std::string& s : candidate.transformed) rest += s;
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

class RandomModels : public testing::TestWithParam<int> {};

TEST_P(RandomModels, MeanWhatTheirTermsSay) {
  constexpr int programs = 30;
  int wild = 0, differing = 0;
  for (int i = 0; i < programs && differing < 3; ++i) {
    const std::uint64_t seed = static_cast<std::uint64_t>(GetParam()) * 1000 + static_cast<std::uint64_t>(i);
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

// Sums partly written out when the budget for that runs dry.
TEST(RandomModelsOnce, Agree) {
  for (std::uint64_t seed : {119014}) {
    const Outcome outcome = compare(test::ProgramGenerator(seed).make());
    EXPECT_EQ(outcome.verdict, Verdict::Agrees) << "seed " << seed << ": " << outcome.what;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModels, testing::Range(1, 11));

}  // namespace
}  // namespace drey
