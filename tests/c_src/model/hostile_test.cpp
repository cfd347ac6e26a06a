#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "error.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "support/erlang_text.h"

namespace drey::model {
namespace {

/// The models shown in docs/model.md: one of nearly every form of the language.
std::vector<term::Term> examples() {
  std::ifstream in(std::string(DREY_TEST_DATA) + "/../../docs/model.md");
  std::stringstream stream;
  stream << in.rdbuf();
  const std::string text = stream.str();
  std::vector<term::Term> out;
  for (std::size_t at = text.find("```erlang\n#{"); at != std::string::npos;
       at = text.find("```erlang\n#{", at + 1))
    out.push_back(test::erlang(std::string_view(text).substr(at + 10, text.find("```", at + 10) - at - 10)));
  out.push_back(test::erlang(
      "#{data => #{y => [1, 2, 0], m => [[2.0, 0.5], [0.5, 1.0]]}, functions => #{f => {[a, b], {'+', a, "
      "b}}}, "
      "transformed_data => [{declare, c, {vector, 3}}, {for, i, 1, 3, [{set, {at, c, i}, {'*', 2, {at, y, "
      "i}}}]}], "
      "parameters => [{s, {simplex, 3}}, {l, {cholesky_corr, 2}}, {o, {ordered, 2}}, {u, {unit_vector, 3}}, "
      "{v, {cov_matrix, 2}}, {r, real, [{offset, 1}, {multiplier, 2}]}], "
      "model => [{'~', y, {multinomial, s}}, {'~', l, {lkj_corr_cholesky, 2}}, {'~', o, {multi_normal, [0, "
      "0], v}}, "
      "{'if', {'<', {at, y, 1}, 2}, [{target, {f, r, 1}}], []}, {'~', r, {truncate, {normal, 0, 1}, -1, 2}}, "
      "{'~', v, {wishart, 4, m}}, {target, {log_mix, {at, s, 1}, r, {sum, c}}}], "
      "generated => [{g, {gamma_rng, 2, 3}}, {k, {categorical_rng, s}}, {p, {poisson_rng, {exp, r}}}]}"));
  return out;
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  /// A copy with one place changed.
  term::Term mutate(const term::Term& term) {
    term::Term copy = term;
    term::Term* at = &copy;
    for (int depth = 0; depth < 12; ++depth) {
      auto* elements = children(*at);
      if (!elements || elements->empty() || pick(6) == 0) break;
      at = (*elements)[pick(elements->size())];
    }
    change(*at);
    return copy;
  }

 private:
  std::size_t pick(std::size_t n) { return random_() % n; }

  std::vector<term::Term*>* children(term::Term& term) {
    found_.clear();
    // Terms are values; their parts are reached by rebuilding const access.
    auto& value = const_cast<term::Term::Value&>(term.value());
    if (auto* tuple = std::get_if<term::Tuple>(&value))
      for (auto& e : tuple->elements) found_.push_back(&e);
    if (auto* list = std::get_if<term::List>(&value))
      for (auto& e : list->elements) found_.push_back(&e);
    if (auto* map = std::get_if<term::Map>(&value))
      for (auto& [k, v] : map->pairs) found_.push_back(&v);
    return found_.empty() ? nullptr : &found_;
  }

  void change(term::Term& at) {
    static const char* atoms[] = {"y",        "real", "normal", "sum",    "at", "x",
                                  "infinity", "nan",  "all",    "vector", "mu", "'+'"};
    auto& value = const_cast<term::Term::Value&>(at.value());
    switch (pick(9)) {
      case 0:
        at = term::Term(static_cast<std::int64_t>(pick(5)) - 2);
        break;
      case 1:
        at = term::Term(std::int64_t{1} << pick(62));
        break;
      case 2:
        at = term::Term(1e300);
        break;
      case 3:
        at = term::atom(atoms[pick(std::size(atoms))]);
        break;
      case 4:
        at = term::tuple({});
        break;
      case 5:
        at = term::list({at, at});
        break;
      case 6:
        at = term::text("text");
        break;
      case 7:
        if (auto* tuple = std::get_if<term::Tuple>(&value)) {
          if (pick(2) && !tuple->elements.empty())
            tuple->elements.pop_back();
          else if (!tuple->elements.empty())
            tuple->elements.push_back(tuple->elements.back());
        }
        break;
      default:
        if (auto* tuple = std::get_if<term::Tuple>(&value); tuple && tuple->elements.size() > 1)
          std::swap(tuple->elements[pick(tuple->elements.size())],
                    tuple->elements[pick(tuple->elements.size())]);
        break;
    }
  }

  std::mt19937_64 random_;
  std::vector<term::Term*> found_;
};

// Whatever a term is made of, compile() answers with a model that runs or with an Error that is no `internal`
// one.
TEST(Hostile, MutatedModelsCompileOrSayWhyNot) {
  const auto models = examples();
  ASSERT_GE(models.size(), 6u);
  int compiled = 0, refused = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    Mutator mutator(seed);
    term::Term term = mutator.mutate(models[seed % models.size()]);
    if (seed % 3 == 0) term = mutator.mutate(term);
    try {
      Model model = compile(term);
      ++compiled;
      ASSERT_GT(model.dimension, 0u);
      std::vector<double> point(model.dimension, 0.1);
      Evaluator(model.density, model.data).run(point);
      Evaluator(model.draws, model.data).run(point, [] { return 0.4; });
    } catch (const Error& error) {
      ++refused;
      EXPECT_NE(error.reason(), "internal") << error.message() << " at " << error.where() << "\n"
                                            << to_string(term, 3000);
      EXPECT_FALSE(error.message().empty());
    } catch (const std::exception& other) {
      ADD_FAILURE() << "seed " << seed << ": " << other.what() << "\n" << to_string(term, 3000);
    }
  }
  EXPECT_GT(compiled, 200);
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace drey::model
