#include "nuts/sampler.h"

#include <gmock/gmock.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "c_src/nuts/fixture.h"
#include "error.h"
#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "stats/summary.h"
#include "support/erlang_text.h"

namespace drey::nuts {
namespace {

const std::map<std::string, std::string>& race_models() {
  static const std::map<std::string, std::string> models = {
      {"simple", R"(#{parameters => [{mu, real}, {sigma, real, [{lower, 0}]}],
         model => [{'~', mu, {normal, 0, 10}}, {'~', sigma, {exponential, 1}}, {'~', y, {normal, mu, sigma}}]})"},
      {"eight_schools_nc", R"(#{parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {eta, {vector, 8}}],
         transformed => [{theta, {'+', mu, {'*', tau, eta}}}],
         model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_normal, 5}}, {'~', eta, {normal, 0, 1}},
                   {'~', y, {normal, theta, sigma}}]})"},
      {"logistic", R"(#{parameters => [{alpha, real}, {beta, {vector, 20}}],
         model => [{'~', alpha, {normal, 0, 10}}, {'~', beta, {normal, 0, 10}},
                   {'let', eta, {'+', alpha, {matmul, 'X', beta}}}, {'~', y, {bernoulli_logit, eta}}]})"}};
  return models;
}

nlohmann::json read(const std::string& file) {
  std::ifstream in(std::string(DREY_TEST_DATA) + "/race/" + file);
  return nlohmann::json::parse(in);
}

term::Term to_term(const nlohmann::json& json) {
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  std::vector<term::Term> elements;
  for (const auto& element : json) elements.push_back(to_term(element));
  return term::list(std::move(elements));
}

std::shared_ptr<const model::Model> build(const std::string& text, const nlohmann::json& data = {}) {
  term::Map map = *test::erlang(text).as<term::Map>();
  if (!data.is_null()) {
    term::Map entries;
    for (const auto& [key, value] : data.items()) entries.pairs.emplace_back(term::atom(key), to_term(value));
    map.pairs.emplace_back(term::atom("data"), term::Term(entries));
  }
  return std::make_shared<const model::Model>(model::compile(term::Term(map)));
}

std::shared_ptr<const model::Model> race_model(const std::string& name) {
  const std::string data = name == "eight_schools_nc" ? "eight_schools" : name;
  return build(race_models().at(name), read("data.json").at(data));
}

class Samplers : public OnDevice {
 protected:
  static Options options(std::uint64_t chains, std::uint64_t draws) {
    Options options;
    options.chains = chains;
    options.draws = draws;
    options.seed = 20;
    return options;
  }
};

/// Rung 6 for three of the race's models: means and sds against quadrature or long chains. 70 numbers; a z
/// of 5.7 has probability 1.2e-8, so a false alarm 1e-6.
TEST_F(Samplers, GatherThePublishedPosteriors) {
  const auto references = read("reference.json").at("models");
  for (const auto& [name, text] : race_models()) {
    SCOPED_TRACE(name);
    const auto model = race_model(name);
    Sampler sampler(device(), model);
    auto of = options(64, name == "logistic" ? 200 : 500);
    const Tuning tuning = sampler.warmup(of);
    const Draws draws = sampler.sample(tuning, of);
    const auto reference_name = references.contains(name) ? name : std::string("eight_schools");
    const auto& reference = references.at(reference_name);
    int compared = 0;
    for (const auto& output : model->outputs)
      for (std::uint64_t i = 0; i < output.size; ++i) {
        const std::string element = output.name + "[" + std::to_string(i + 1) + "]";
        if (!reference.contains(output.name)) continue;
        const auto& published =
            output.shape.empty() ? reference.at(output.name) : reference.at(output.name).at(i);
        std::vector<double> means(draws.chains), squares(draws.chains);
        const double mean = published[0], sd = published[1];
        const double mcse = published.size() > 2 ? published[2].get<double>() : 0;
        for (std::uint64_t c = 0; c < draws.chains; ++c)
          for (std::uint64_t s = 0; s < draws.draws; ++s) {
            const double x = draws.outputs[(c * draws.draws + s) * draws.output_size + output.offset + i];
            means[c] += x / static_cast<double>(draws.draws);
            squares[c] += (x - mean) * (x - mean) / static_cast<double>(draws.draws);
          }
        const auto z = [&](const std::vector<double>& values, double truth, double truth_error) {
          const double own = z_score(values, truth);
          double at = 0;
          for (const double v : values) at += v / static_cast<double>(values.size());
          const double error = own != 0 ? (at - truth) / own : 0;
          return (at - truth) / std::hypot(error, truth_error);
        };
        EXPECT_LT(std::abs(z(means, mean, mcse)), 5.7) << element;
        // The reference's sd is good to about its mean's error times 1 / sqrt(2), or to its last digit.
        EXPECT_LT(std::abs(z(squares, sd * sd, 2 * sd * std::max(mcse, 1e-6))), 5.7)
            << element << " (variance)";
        ++compared;
      }
    EXPECT_EQ(compared, name == "simple" ? 2 : name == "logistic" ? 21 : 10);
    EXPECT_LT(draws.gradients, 64u * of.draws * 40u);
  }
}

TEST_F(Samplers, OutputsAreTheModelsAtTheRecordedPoints) {
  const auto model = race_model("eight_schools_nc");
  for (const auto precision : {PrecisionChoice::F32, PrecisionChoice::F64}) {
    if (precision == PrecisionChoice::F64 && !has_f64()) continue;
    Sampler sampler(device(), model);
    auto of = options(4, 20);
    of.precision = precision;
    const Draws draws = sampler.sample(sampler.warmup(of), of);
    model::Evaluator outputs(model->draws, model->data), density(model->density, model->data);
    const double tolerance = precision == PrecisionChoice::F64 ? 1e-10 : 1e-4;
    for (std::uint64_t i = 0; i < 80; ++i) {
      const std::span point(draws.points.data() + i * draws.dimension, draws.dimension);
      const auto expected = outputs.run(point).output;
      ASSERT_EQ(expected.size(), draws.output_size);
      for (std::size_t e = 0; e < expected.size(); ++e)
        ASSERT_NEAR(draws.outputs[i * draws.output_size + e], expected[e],
                    tolerance * (1 + std::abs(expected[e])));
      ASSERT_NEAR(draws.lp[i], density.run(point).target, tolerance * 100);
    }
  }
}

TEST_F(Samplers, DrawTheSameBytesInOneJobOrInSeveral) {
  const auto model = race_model("eight_schools_nc");
  Sampler sampler(device(), model);
  auto of = options(12, 40);
  const Tuning tuning = sampler.warmup(of);
  const Draws whole = sampler.sample(tuning, of);
  Sampler other(device(), model);
  for (const std::uint64_t first : {0, 5, 11}) {
    auto part_of = of;
    part_of.first_chain = first;
    part_of.chains = first == 5 ? 6 : 1;
    part_of.budget = 1 + first;
    const Draws part = other.sample(tuning, part_of);
    const auto same = [&](const auto& a, const auto& b, std::uint64_t width) {
      return std::equal(b.begin(), b.end(),
                        a.begin() + static_cast<std::ptrdiff_t>(first * of.draws * width));
    };
    EXPECT_TRUE(same(whole.points, part.points, part.dimension));
    EXPECT_TRUE(same(whole.outputs, part.outputs, part.output_size));
    EXPECT_TRUE(same(whole.lp, part.lp, 1));
    EXPECT_TRUE(same(whole.energy, part.energy, 1));
    EXPECT_TRUE(same(whole.leapfrogs, part.leapfrogs, 1));
  }
}

TEST_F(Samplers, DrawOtherBytesFromOtherSeeds) {
  const auto model = race_model("simple");
  Sampler sampler(device(), model);
  auto of = options(4, 10);
  const Tuning tuning = sampler.warmup(of);
  const Draws one = sampler.sample(tuning, of);
  of.seed = 21;
  EXPECT_NE(sampler.sample(tuning, of).points, one.points);
}

TEST_F(Samplers, LogDensityIsTheHostsInBothPrecisions) {
  const auto model = race_model("logistic");
  Sampler sampler(device(), model);
  const auto differentiated = grad::differentiate(model->density, model->dimension);
  model::Evaluator host(differentiated, model->data);
  std::vector<double> points(3 * model->dimension);
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i] = static_cast<float>(0.7 * std::sin(3.0 * static_cast<double>(i)));
  for (const bool f64 : {false, true}) {
    if (f64 && !has_f64()) continue;
    const auto values = sampler.log_density(points, f64);
    ASSERT_EQ(values.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto expected = host.run(std::span(points).subspan(i * model->dimension, model->dimension));
      const double tolerance = f64 ? 1e-9 : 1e-4;
      EXPECT_NEAR(values[i].value, expected.target, tolerance * (1 + std::abs(expected.target)));
      for (std::size_t d = 0; d < model->dimension; ++d)
        EXPECT_NEAR(values[i].gradient[d], expected.gradient[d],
                    tolerance * (10 + std::abs(expected.gradient[d])));
    }
  }
  EXPECT_THROW(sampler.log_density({1, 2, 3}, false), Error);
  EXPECT_TRUE(sampler.log_density({}, false).empty());
}

TEST_F(Samplers, AutoTakesF64WhereF32IsTooCoarse) {
  if (!has_f64()) GTEST_SKIP() << "no f64";
  // The log density is 1e7 large and moves by units: f32 cannot see it move.
  const auto coarse =
      build("#{parameters => [{mu, real}], model => [{'~', mu, {normal, 0, 1}}, {target, 1.0e7}]}");
  Sampler sampler(device(), coarse);
  auto of = options(4, 10);
  const Tuning tuning = sampler.warmup(of);
  EXPECT_TRUE(tuning.f64);
  EXPECT_THAT(sampler.sample(tuning, of).warnings, testing::Contains(testing::HasSubstr("f64")));
  Sampler fine(device(), race_model("simple"));
  EXPECT_FALSE(fine.warmup(of).f64);
}

TEST_F(Samplers, SplitWhatDoesNotFitAndDrawTheSame) {
  // 20,000 outputs a draw: the records of a window fill the room soon.
  const std::string text =
      "#{parameters => [{mu, real}], model => [{'~', mu, {normal, 0, 1}}], "
      "generated => [{big, {'+', mu, x}}]}";
  nlohmann::json data;
  data["x"] = std::vector<double>(20'000, 0.5);
  const auto model = build(text, data);
  Sampler sampler(device(), model);
  auto of = options(40, 60);  // 40 * 60 * 80 kB = 192 MB
  const Tuning tuning = sampler.warmup(of);
  const Draws draws = sampler.sample(tuning, of);
  auto one = of;
  one.chains = 1;
  one.first_chain = 39;
  const Draws last = sampler.sample(tuning, one);
  for (std::uint64_t s = 0; s < of.draws; ++s) {
    const double mu = draws.points[39 * of.draws + s];
    ASSERT_EQ(mu, last.points[s]);
    for (const std::uint64_t e : {0u, 1u, 10'000u, 20'000u})
      ASSERT_NEAR(draws.outputs[(39 * of.draws + s) * draws.output_size + e], e == 0 ? mu : mu + 0.5, 1e-5);
  }
}

TEST_F(Samplers, RefuseOptionsAndTuningsThatMakeNoSense) {
  Sampler sampler(device(), race_model("simple"));
  const auto of = options(4, 10);
  const Tuning good = sampler.warmup(of);
  const auto reason = [&](const Tuning& tuning, const Options& with) {
    try {
      sampler.sample(tuning, with);
    } catch (const Error& error) {
      return error.reason();
    }
    return std::string("taken");
  };
  for (auto change : std::vector<std::function<void(Options&)>>{
           [](Options& o) { o.chains = 0; }, [](Options& o) { o.draws = 0; }, [](Options& o) { o.thin = 0; },
           [](Options& o) { o.max_depth = 0; }, [](Options& o) { o.max_depth = 99; },
           [](Options& o) { o.target_accept = 1; }, [](Options& o) { o.draws = std::uint64_t{1} << 40; }}) {
    auto bad = of;
    change(bad);
    EXPECT_EQ(reason(good, bad), "bad_option");
  }
  for (auto change : std::vector<std::function<void(Tuning&)>>{
           [](Tuning& t) { t.model_key = "x"; }, [](Tuning& t) { t.step_size = 0; },
           [](Tuning& t) { t.step_size = std::nan(""); }, [](Tuning& t) { t.inverse_metric[0] = -1; },
           [](Tuning& t) { t.inverse_metric.pop_back(); }, [](Tuning& t) { t.positions.pop_back(); },
           [](Tuning& t) { t.positions[0] = std::nan(""); }, [](Tuning& t) { t.mapping = "magic"; }}) {
    auto bad = good;
    change(bad);
    EXPECT_EQ(reason(bad, of), "wrong_tuning");
  }
}

TEST_F(Samplers, SayWhenPositionsAreShared) {
  Sampler sampler(device(), race_model("simple"));
  auto of = options(2, 5);
  const Tuning tuning = sampler.warmup(of);
  of.chains = 6;
  EXPECT_THAT(sampler.sample(tuning, of).warnings, testing::Contains(testing::HasSubstr("shared")));
}

TEST_F(Samplers, StopWhenAskedAndTellHowFarTheyAre) {
  Sampler sampler(device(), race_model("simple"));
  auto of = options(8, 100'000);
  const Tuning tuning = sampler.warmup(options(8, 10));
  std::stop_source source;
  Progress last;
  try {
    sampler.sample(
        tuning, of,
        [&](const Progress& progress) {
          last = progress;
          if (progress.done > 1000) source.request_stop();
        },
        source.get_token());
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "cancelled");
  }
  EXPECT_STREQ(last.phase, "sampling");
  EXPECT_EQ(last.total, 800'000u);
}

}  // namespace
}  // namespace drey::nuts
