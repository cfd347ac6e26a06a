#include "nuts/kernels.h"

#include <gtest/gtest.h>

#include "error.h"
#include "grad/differentiate.h"
#include "support/device.h"
#include "support/erlang_text.h"

// Kernels made when they are asked for or ahead: the same.
namespace drey::nuts {
namespace {

using testing::device;

/// A model with what its kernels are made of.
struct Made {
  explicit Made(const std::string& text)
      : model(model::compile(test::erlang(text))),
        density(grad::differentiate(model.density, model.dimension)),
        coordinates(model::find_coordinates(model)) {}
  model::Model model;
  model::Program density;
  model::Coordinates coordinates;
  Kernels kernels{device(), model, density, coordinates};
};

const char* const kText =
    "#{parameters => [{mu, real}, {sigma, real, [{lower, 0}]}], "
    "model => [{'~', mu, {normal, 0, 1}}, {'~', sigma, {half_normal, 1}}, {'~', 0.5, {normal, mu, sigma}}]}";

std::vector<std::byte> some_chains(ChainKernel& kernel) {
  Chains chains(kernel, 8, 4, false);
  chains.set_scale(std::vector<double>(Chains::scale_size(kernel.shape), 1));
  chains.start_dispersed();
  RunOptions run;
  run.seed = 3;
  run.limit = 4;
  run.step_size = 0.5;
  chains.run(run);
  return chains.save_record(4, 0);
}

TEST(Kernels, AreTheSameHoweverTheyWereMade) {
  Made asked(kText), begun(kText), apart(kText);
  const ChainForm form;
  begun.kernels.begin(form, false);
  apart.kernels.begin(form, true);
  const auto expected = some_chains(asked.kernels.chain(form));
  EXPECT_EQ(some_chains(begun.kernels.chain(form)), expected);
  EXPECT_EQ(some_chains(apart.kernels.chain(form)), expected);
  EXPECT_EQ(&begun.kernels.chain(form).device, &device());
  // The caller's own queue is free for other kernels where a driver compiles in it.
  EXPECT_EQ(&apart.kernels.chain(form).device != &device(), device().info().type == "cpu");
  EXPECT_GT(asked.kernels.waited_ms(), 0);
}

TEST(Kernels, OfShallowTreesAreThoseOfTheUsualDepth) {
  Made made(kText);
  ChainForm shallow, deep;
  shallow.max_depth = 4;
  deep.max_depth = 12;
  ChainKernel& usual = made.kernels.chain({});
  EXPECT_EQ(&made.kernels.chain(shallow), &usual);
  EXPECT_NE(&made.kernels.chain(deep), &usual);
}

TEST(Kernels, OfDrawsAreOnTheirChainsDevice) {
  Made apart(kText);
  apart.kernels.begin({}, true);
  ChainForm dense;
  dense.dense = true;
  ChainKernel &diagonal = apart.kernels.chain({}), &other = apart.kernels.chain(dense);
  for (ChainKernel* kernel : {&diagonal, &other}) {
    Chains chains(*kernel, 3, 2, false);
    chains.set_scale(std::vector<double>(Chains::scale_size(kernel->shape), 1));
    chains.start_at(std::vector<double>{1, 0, 2, 0.5, 3, 1});
    RunOptions run;
    run.limit = 2;
    run.step_size = 1e-9;  // nothing moves far
    chains.run(run);
    DrawsKernel* draws = apart.kernels.draws(*kernel);
    ASSERT_TRUE(draws);
    draws->begin(chains, run, 2, 0);
    const auto bytes = draws->finish();
    ASSERT_EQ(bytes.size(), 2u * 3 * 2 * 4);
    const auto* pairs = reinterpret_cast<const float*>(bytes.data());
    for (int slot = 0; slot < 2; ++slot)
      for (int c = 0; c < 3; ++c)
        EXPECT_NEAR(pairs[(slot * 3 + c) * 2 + 1], std::exp(0.5 * c), 1e-3) << slot << " " << c;
  }
}

TEST(Kernels, OfDrawsAreNotMadeForCoordinates) {
  Made made("#{parameters => [{mu, {vector, 2}}], model => [{'~', mu, {normal, 0, 1}}]}");
  made.kernels.begin({}, false);
  EXPECT_EQ(made.kernels.draws(made.kernels.chain({})), nullptr);
}

TEST(Kernels, ThatFailAreTheAskersAndMayBeAskedForAgain) {
  // A loop of more trips than a software driver makes.
  Made made(
      "#{data => #{n => 70000}, parameters => [{mu, real}], "
      "model => [{for, i, 1, n, [{target, {'*', mu, i}}]}]}");
  if (!device().info().trip_limit) GTEST_SKIP() << "this device has no limit to exceed";
  made.kernels.begin({}, true);
  for (int i = 0; i < 2; ++i) {
    try {
      made.kernels.chain({});
      ADD_FAILURE() << "made";
    } catch (const Error& error) {
      EXPECT_EQ(error.reason(), "device_limit");
    }
  }
}

TEST(Kernels, ThatNobodyAsksForEndWithTheirOwner) {
  Made made(kText);
  made.kernels.begin({}, true);
}

}  // namespace
}  // namespace drey::nuts
