// Every model of bench/posteriordb and bench/race with small synthetic data of the right shapes: it compiles, has
// the dimension and outputs its parameters say, and its log density and gradient are those of a tree walk over the
// term. A model without data here fails, so that a new case cannot go unexamined.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "support/compiled.h"
#include "support/interpreter.h"

namespace drey {
namespace {

using Number = test::Interpreter::Number;

/// Erlang text of made-up data.
class Data {
 public:
  Data& with(const std::string& name, const std::string& value) {
    text_ += (text_.empty() ? "" : ", ") +
             (std::isupper(static_cast<unsigned char>(name[0])) ? "'" + name + "'" : name) + " => " + value;
    return *this;
  }
  Data& with(const std::string& name, int value) { return with(name, std::to_string(value)); }
  Data& reals(const std::string& name, std::size_t count, double from, double to) {
    return with(name, vector(count, from, to));
  }
  Data& matrix(const std::string& name, std::size_t rows, std::size_t columns, double from, double to) {
    std::string all;
    for (std::size_t i = 0; i < rows; ++i) all += (i ? ", " : "") + vector(columns, from, to);
    return with(name, "[" + all + "]");
  }
  Data& integers(const std::string& name, std::size_t count, int from, int to) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
      all += (i ? ", " : "") + std::to_string(from + static_cast<int>(uniform() * (to - from + 1)));
    return with(name, "[" + all + "]");
  }
  std::string text() const { return "#{" + text_ + "}"; }

 private:
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::string vector(std::size_t count, double from, double to) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
      all += (i ? ", " : "") + fmt::format("{:.5f}", from + (to - from) * uniform());
    return "[" + all + "]";
  }
  std::string text_;
  std::mt19937_64 random_{20240601};
};

struct Case {
  std::size_t dimension = 0;
  Data data;
  double spread = 0.5;       ///< points have coordinates in +- spread
  double tolerance = 1e-10;  ///< of the log density, relative; of an ODE, that of its solver
};

const std::map<std::string, Case>& cases() {
  static const std::map<std::string, Case> all = {
      {"posteriordb/arK-arK", {7, Data().with("K", 5).with("T", 14).reals("y", 14, -2, 2)}},
      {"posteriordb/diamonds-diamonds",
       {5, Data()
               .with("N", 11)
               .with("K", 4)
               .matrix("X", 11, 4, -1, 3)
               .reals("Y", 11, 6, 10)
               .with("prior_only", 0)}},
      {"posteriordb/earnings-logearn_interaction",
       {5,
        Data()
            .with("N", 12)
            .reals("earn", 12, 500, 90000)
            .reals("height", 12, 60, 75)
            .integers("male", 12, 0, 1),
        0.05}},
      {"posteriordb/eight_schools-eight_schools_noncentered",
       {6, Data().with("J", 4).reals("y", 4, -5, 20).integers("sigma", 4, 9, 18)}},
      {"posteriordb/garch-garch11", {4, Data().with("T", 15).reals("y", 15, -3, 3).with("sigma1", "0.5")}},
      {"posteriordb/gp_pois_regr-gp_regr",
       {3, Data().with("N", 6).reals("x", 6, -10, 10).reals("y", 6, -3, 6).integers("k", 6, 0, 60)}},
      {"posteriordb/hmm_example-hmm_example", {4, Data().with("N", 12).with("K", 2).reals("y", 12, 1, 12)}},
      {"posteriordb/hudson_lynx_hare-lotka_volterra",
       {8,
        Data().with("N", 4).with("ts", "[1, 2, 3, 4]").with("y_init", "[3.0, 4.0]").matrix("y", 4, 2, 2, 9),
        0.15, 1e-5}},
      {"posteriordb/kidiq-kidscore_momhsiq",
       {4, Data()
               .with("N", 12)
               .integers("kid_score", 12, 20, 140)
               .integers("mom_hs", 12, 0, 1)
               .reals("mom_iq", 12, 70, 140)}},
      {"posteriordb/kilpisjarvi_mod-kilpisjarvi",
       {3,
        Data()
            .with("N", 12)
            .reals("x", 12, 1952, 2013)
            .reals("y", 12, 5, 12)
            .with("xpred", 2016)
            .with("pmualpha", "9.31")
            .with("psalpha", 100)
            .with("pmubeta", 0)
            .with("psbeta", "0.0333"),
        0.01}},
      {"posteriordb/low_dim_gauss_mix-low_dim_gauss_mix", {5, Data().with("N", 14).reals("y", 14, -4, 4)}},
      {"posteriordb/mesquite-logmesquite",
       {8, Data()
               .with("N", 15)
               .reals("weight", 15, 60, 2000)
               .reals("diam1", 15, 0.8, 5)
               .reals("diam2", 15, 0.4, 4)
               .reals("canopy_height", 15, 0.5, 2.5)
               .reals("total_height", 15, 0.6, 3)
               .integers("density", 15, 1, 7)
               .integers("group", 15, 0, 1)}},
      {"posteriordb/nes1980-nes",
       {10, Data()
                .with("N", 16)
                .reals("partyid7", 16, 1, 7)
                .reals("real_ideo", 16, 1, 7)
                .reals("race_adj", 16, 1, 2)
                .integers("age_discrete", 16, 1, 4)
                .reals("educ1", 16, 1, 4)
                .reals("gender", 16, 1, 2)
                .reals("income", 16, 1, 5)}},
      {"posteriordb/sblri-blr",
       {6, Data().with("N", 12).with("D", 5).matrix("X", 12, 5, -1, 1).reals("y", 12, -8, 8)}},
      {"race/eight_schools", {10, Data().reals("y", 8, -5, 28).integers("sigma", 8, 9, 18)}},
      {"race/eight_schools_nc", {10, Data().reals("y", 8, -5, 28).integers("sigma", 8, 9, 18)}},
      {"race/funnel", {10, Data()}},
      {"race/funnel_nc", {10, Data()}},
      {"race/logistic", {21, Data().matrix("X", 30, 20, -2, 2).integers("y", 30, 0, 1)}},
      {"race/medium", {5, Data().reals("y_a", 10, -2, 3).reals("y_b", 7, -2, 3)}},
      {"race/simple", {2, Data().reals("y", 10, -2, 3)}},
      {"race/stress", {8, Data().reals("y_1", 10, -2, 3).reals("y_2", 7, -2, 3).reals("y_3", 5, -2, 3)}},
      {"race/sv", {102, Data().reals("returns", 100, -0.1, 0.1)}},
  };
  return all;
}

const std::filesystem::path bench = std::filesystem::path(DREY_TEST_DATA) / ".." / ".." / "bench";

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const char* folder : {"posteriordb", "race"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(bench / folder, error))
      if (entry.path().extension() == ".model") all.push_back(folder + ("/" + entry.path().stem().string()));
  }
  std::sort(all.begin(), all.end());
  return all;
}

class BenchModel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto found = cases().find(GetParam());
    ASSERT_NE(found, cases().end()) << "no synthetic data for bench/" << GetParam() << ".model";
    chosen = found->second;
    std::ifstream file(bench / (GetParam() + ".model"));
    std::ostringstream text;
    text << file.rdbuf();
    term::Map map = *test::erlang(text.str()).as<term::Map>();
    map.pairs.emplace_back(term::Atom{"data"}, test::erlang(chosen.data.text()));
    model = map;
  }
  std::vector<double> point(std::uint64_t seed) const {
    std::mt19937_64 random(seed);
    std::vector<double> x(chosen.dimension);
    for (double& v : x) v = (static_cast<double>(random() >> 11) * 0x1p-52 - 1) * chosen.spread;
    return x;
  }

  Case chosen;
  term::Term model;
};

TEST_P(BenchModel, HasItsParametersAndOutputs) {
  const test::Compiled compiled(model);
  EXPECT_EQ(compiled.model().dimension, chosen.dimension);
  std::vector<std::string> expected, found;
  for (const char* key : {"parameters", "transformed", "generated"})
    if (const term::Term* block = model.find(key))
      for (const term::Term& entry : block->as<term::List>()->elements) {
        const auto& e = entry.as<term::Tuple>()->elements;
        const std::string tag = e[0].as<term::Atom>()->name;
        if (tag == "set" || tag == "for" || tag == "if") continue;
        expected.push_back(tag == "let" || tag == "declare" ? e[1].as<term::Atom>()->name : tag);
      }
  for (const model::Output& output : compiled.model().outputs) found.push_back(output.name);
  EXPECT_EQ(found, expected);
  const std::vector<double> draw = compiled.outputs(point(1));
  EXPECT_EQ(draw.size(), compiled.model().output_size);
  for (double x : draw) EXPECT_TRUE(std::isfinite(x));
}

TEST_P(BenchModel, DensityOutputsAndGradientAreThoseOfTheTerm) {
  const test::Compiled compiled(model);
  test::Interpreter interpreter(model);
  for (std::uint64_t seed : {1, 2, 3}) {
    if (chosen.tolerance > 1e-6 && seed > 1) break;  // solving an ODE in a tree walk takes its time
    const std::vector<double> x = point(seed);
    const std::vector<Number> exact(x.begin(), x.end());
    const Number expected = interpreter.run(exact);
    ASSERT_TRUE(std::isfinite(expected));
    EXPECT_NEAR(compiled.value(x), expected, chosen.tolerance * std::max(Number(1), std::abs(expected)));
    for (const model::Output& output : compiled.model().outputs) {
      const std::vector<Number> values = interpreter.value(output.name).values;
      const std::vector<double> found = compiled.output(output.name, x);
      ASSERT_EQ(found.size(), values.size()) << output.name;
      for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], values[i], chosen.tolerance * std::max(Number(1), std::abs(values[i])))
            << output.name << i;
    }
    const auto [value, gradient] = compiled.value_and_gradient(x);
    EXPECT_NEAR(value, expected, chosen.tolerance * std::max(Number(1), std::abs(expected)));
    ASSERT_EQ(gradient.size(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto slope =
          test::central_difference([&](std::span<const Number> at) { return interpreter.run(at); }, exact, i);
      EXPECT_LE(slope.error, 1e-5 * std::max(Number(1), std::abs(slope.value)));
      EXPECT_NEAR(gradient[i], slope.value,
                  100 * chosen.tolerance * std::max(Number(1), std::abs(slope.value)) + 4 * slope.error)
          << "derivative " << i + 1;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Bench, BenchModel, testing::ValuesIn(names()), [](const auto& instance) {
  std::string name = instance.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(BenchModels, AreThere) { EXPECT_EQ(names().size(), cases().size()); }

}  // namespace
}  // namespace drey
