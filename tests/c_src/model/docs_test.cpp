#include <cctype>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/constraints.h"
#include "model/distributions.h"
#include "model/functions.h"
#include "model/library.h"
#include "model/model.h"
#include "model/vector_distributions.h"
#include "support/erlang_text.h"

/// docs/model.md holds tables made of the code's own. DREY_WRITE_DOCS=1 writes them anew:
///     DREY_WRITE_DOCS=1 build/dev/tests/c_src/model/drey_model_tests --gtest_filter='ModelDocs.*'
namespace drey::model {
namespace {

const std::string path = std::string(DREY_TEST_DATA) + "/../../docs/model.md";

std::string read() {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string cell(std::string text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string forms_table() {
  std::string out = "| form | meaning |\n|---|---|\n";
  for (const Form& form : forms())
    out += fmt::format("| `{}` | {} |\n", cell(form.signature), cell(form.meaning));
  return out;
}

std::string functions_table() {
  static const char* letters[] = {"A", "B", "C"};
  std::string out = "| function | derivatives, by a, b, c (r: the value) |\n|---|---|\n";
  for (const Function& f : functions()) {
    std::string call =
        "{" + (std::isalpha(static_cast<unsigned char>(f.name[0])) ? f.name : "'" + f.name + "'");
    for (int i = 0; i < f.arity; ++i) call += fmt::format(", {}", letters[i]);
    std::string derivatives;
    for (const std::string& d : f.derivatives)
      derivatives += (derivatives.empty() ? "`" : ", `") + (d.empty() ? "0" : d) + "`";
    out += fmt::format("| `{}}}` | {} |\n", call, cell(derivatives));
  }
  return out;
}

std::string distributions_table() {
  std::string out = "| distribution | outcome | log density | parameters |\n|---|---|---|---|\n";
  for (const Distribution& d : distributions()) {
    std::string call = "{" + d.name;
    for (const auto& p : d.parameters) call += ", " + p.name;
    std::string support = domain_text(d.outcome);
    if (!d.lower.empty()) support += fmt::format(", {} {}", d.open ? ">" : ">=", d.lower);
    if (!d.upper.empty()) support += fmt::format(", <= {}", d.upper);
    out += fmt::format("| `{}}}` | {} | `{}` | {} |\n", call, support, cell(d.log_density), cell(d.source));
  }
  return out;
}

std::string vectors_table() {
  std::string out = "| distribution | outcome | generator | parameters |\n|---|---|---|---|\n";
  for (const VectorDistribution& d : vector_distributions())
    out +=
        fmt::format("| `{{{}, {}}}` | {} | `{{{}_rng, {}}}` | {} |\n", d.name, fmt::join(d.parameters, ", "),
                    d.outcome, d.name, fmt::join(d.generator_parameters(), ", "), cell(d.source));
  return out;
}

TEST(ModelDocs, TablesAreTheCodes) {
  std::string text = read();
  ASSERT_FALSE(text.empty()) << path;
  const std::pair<const char*, std::string> tables[] = {{"forms", forms_table()},
                                                        {"functions", functions_table()},
                                                        {"distributions", distributions_table()},
                                                        {"vector distributions", vectors_table()}};
  for (const auto& [name, table] : tables) {
    const std::string begin = fmt::format("<!-- {}: made of the code's table -->\n", name),
                      end = "<!-- end -->";
    const std::size_t from = text.find(begin);
    ASSERT_NE(from, std::string::npos) << name;
    const std::size_t start = from + begin.size(), to = text.find(end, start);
    ASSERT_NE(to, std::string::npos) << name;
    if (std::getenv("DREY_WRITE_DOCS"))
      text.replace(start, to - start, table);
    else
      EXPECT_EQ(text.substr(start, to - start), table) << "docs/model.md has drifted: " << name;
  }
  if (std::getenv("DREY_WRITE_DOCS")) std::ofstream(path) << text;
}

// What the table from Stan's names writes is of this language.
TEST(ModelDocs, StansNamesHaveOursThatExist) {
  std::set<std::string> known = {"~",      "target", "let",   "declare", "set",
                                 "for",    "if",     "at",    "range",   "truncate",
                                 "censor", "lower",  "upper", "offset",  "multiplier"};
  for (const Form& form : forms()) known.insert(form.name);
  for (const Function& f : functions()) known.insert(f.name);
  for (const std::string& t : type_names()) known.insert(t);
  for (const Distribution& d : distributions())
    for (const char* suffix : {"", "_lpdf", "_lpmf", "_lcdf", "_lccdf", "_rng"})
      known.insert(d.name + suffix);
  for (const VectorDistribution& d : vector_distributions())
    for (const char* suffix : {"", "_lpdf", "_lpmf", "_rng"}) known.insert(d.name + suffix);
  std::stringstream text(read().substr(read().find("## From Stan")));
  int names = 0;
  for (std::string row; std::getline(text, row);) {
    if (!row.starts_with("| `")) continue;
    const std::string ours = row.substr(row.rfind(" | ") + 3);
    for (std::size_t at = ours.find('{'); at != std::string::npos; at = ours.find('{', at + 1)) {
      std::string name = ours.substr(at + 1, ours.find_first_of(",}", at) - at - 1);
      std::erase(name, '\'');
      // `{x, real, ...}` declares a name of the caller's own.
      if (name.empty() || name == "x" || name == "theta" || name == "l" ||
          std::isupper(static_cast<unsigned char>(name[0])))
        continue;
      ++names;
      EXPECT_TRUE(known.count(name)) << name << " in " << row;
    }
  }
  EXPECT_GT(names, 30);
}

// Every model shown on the page compiles.
TEST(ModelDocs, ExamplesCompile) {
  const std::string text = read();
  int examples = 0;
  for (std::size_t at = text.find("```erlang\n"); at != std::string::npos;
       at = text.find("```erlang\n", at + 1)) {
    const std::size_t start = at + 10, end = text.find("```", start);
    const std::string example = text.substr(start, end - start);
    if (example.rfind("#{", 0) != 0) continue;
    ++examples;
    EXPECT_NO_THROW(compile(test::erlang(example))) << example;
  }
  EXPECT_GE(examples, 5);
}

}  // namespace
}  // namespace drey::model
