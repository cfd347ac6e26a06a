#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/device.h"
#include "support/erlang_text.h"

/// The models of the race, from their terms to a kernel: log densities against the published ones, gradients
/// against the evaluator's.
namespace drey::glsl {
namespace {

struct Race {
  const char* name;
  const char* text;  ///< without data
};

const Race races[] = {
    {"simple", R"(#{parameters => [{mu, real}, {sigma, real, [{lower, 0}]}],
        model => [{'~', mu, {normal, 0, 10}}, {'~', sigma, {exponential, 1}}, {'~', y, {normal, mu, sigma}}]})"},
    {"medium",
     R"(#{parameters => [{mu_global, real}, {sigma_global, real, [{lower, 0}]}, {alpha, real}, {beta, real},
                         {sigma_obs, real, [{lower, 0}]}],
        model => [{'~', mu_global, {normal, 0, 10}}, {'~', sigma_global, {exponential, 1}},
                  {'~', alpha, {normal, mu_global, sigma_global}}, {'~', beta, {normal, mu_global, sigma_global}},
                  {'~', sigma_obs, {exponential, 2}}, {'~', y_a, {normal, alpha, sigma_obs}},
                  {'~', y_b, {normal, beta, sigma_obs}}]})"},
    {"stress", R"(#{parameters => [{mu_pop, real}, {sigma_pop, real, [{lower, 0}]}, {group, {vector, 3}},
                                   {noise, {vector, 3}, [{lower, 0}]}],
        model => [{'~', mu_pop, {normal, 0, 10}}, {'~', sigma_pop, {exponential, 0.5}},
                  {'~', group, {normal, mu_pop, sigma_pop}}, {'~', noise, {exponential, 1}},
                  {'~', y_1, {normal, {at, group, 1}, {at, noise, 1}}},
                  {'~', y_2, {normal, {at, group, 2}, {at, noise, 2}}},
                  {'~', y_3, {normal, {at, group, 3}, {at, noise, 3}}}]})"},
    {"eight_schools", R"(#{parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {theta, {vector, 8}}],
        model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_normal, 5}}, {'~', theta, {normal, mu, tau}},
                  {'~', y, {normal, theta, sigma}}]})"},
    {"funnel", R"(#{parameters => [{v, real}, {x, {vector, 9}}],
        model => [{'~', v, {normal, 0, 3}}, {'~', x, {normal, 0, {exp, {'/', v, 2}}}}]})"},
    {"logistic", R"(#{parameters => [{alpha, real}, {beta, {vector, 20}}],
        model => [{'~', alpha, {normal, 0, 10}}, {'~', beta, {normal, 0, 10}},
                  {'let', eta, {'+', alpha, {matmul, 'X', beta}}}, {'~', y, {bernoulli_logit, eta}}]})"},
    {"sv", R"(#{parameters => [{sigma, real, [{lower, 0}]}, {nu, real, [{lower, 0}]}, {s, {vector, 100}}],
        model => [{'~', sigma, {exponential, 50}}, {'~', nu, {exponential, 0.1}}, {'~', {at, s, 1}, {normal, 0, sigma}},
                  {for, t, 2, 100, [{'~', {at, s, t}, {normal, {at, s, {'-', t, 1}}, sigma}}]},
                  {'~', returns, {student_t, nu, 0, {exp, s}}}]})"},
};

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

model::Model build(const Race& race) {
  const term::Term text = test::erlang(race.text);
  term::Map entries;
  const nlohmann::json data = read("data.json").at(race.name);
  for (const auto& [key, value] : data.items()) entries.pairs.emplace_back(term::atom(key), to_term(value));
  term::Map map = *text.as<term::Map>();
  map.pairs.emplace_back(term::atom("data"), term::Term(entries));
  return model::compile(term::Term(map));
}

class RaceKernel : public ::testing::TestWithParam<Race> {};

TEST_P(RaceKernel, AgreesWithThePublishedDensities) {
  const model::Model model = build(GetParam());
  const model::Program program = grad::differentiate(model.density, model.dimension);
  const nlohmann::json points = read("log_density.json").at(GetParam().name);
  const auto count = static_cast<std::uint32_t>(points.size());
  std::vector<double> input(model.dimension * count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto z = points[i].at("z").get<std::vector<double>>();
    ASSERT_EQ(z.size(), model.dimension);
    for (std::size_t d = 0; d < z.size(); ++d) input[d * count + i] = z[d];
  }
  model::Evaluator evaluator(program, model.data);
  for (const Precision precision : {Precision::F64, Precision::F32}) {
    auto runner = testing::program_runner(program, model, precision);
    const auto output = runner.run(input, count, model.dimension + 1);
    const double tolerance = precision == Precision::F64 ? 1e-9 : 1e-4;
    for (std::uint32_t i = 0; i < count; ++i) {
      const double expected = points[i].at("log_density").get<double>();
      EXPECT_NEAR(output[i], expected, tolerance * std::abs(expected)) << "point " << i;
      const auto z = points[i].at("z").get<std::vector<double>>();
      const auto host = evaluator.run(z);
      double size = 1;
      for (const double g : host.gradient) size = std::max(size, std::abs(g));
      for (std::size_t d = 0; d < z.size(); ++d)
        EXPECT_NEAR(output[(d + 1) * count + i], host.gradient[d], tolerance * size)
            << "point " << i << " d" << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, RaceKernel, ::testing::ValuesIn(races),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace drey::glsl
