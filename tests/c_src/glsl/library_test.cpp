#include "glsl/library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "model/functions.h"
#include "shaders/shaders.h"

namespace drey::glsl {
namespace {

/// The largest value a macro of that file is defined as.
std::uint64_t defined(const std::string& file, const std::string& macro) {
  const std::string text(shaders::text(file));
  std::uint64_t most = 0;
  for (std::size_t at = text.find("#define " + macro + " "); at != std::string::npos;
       at = text.find("#define " + macro + " ", at + 1))
    most = std::max<std::uint64_t>(most, std::stoul(text.substr(at + 9 + macro.size())));
  return most;
}

TEST(Library, StatesTheTripsOfItsLoops) {
  const std::string file = "math_incomplete.glsl";
  const auto gamma = std::max(defined(file, "DREY_GAMMA_TRIPS"), defined(file, "DREY_SERIES_TRIPS"));
  ASSERT_GT(gamma, 0u);
  EXPECT_GT(library_trips("gamma_p"), gamma);
  EXPECT_GT(library_trips("gamma_q"), gamma);
  EXPECT_GT(library_trips("gamma_q_da"), gamma);
  // From the step of that number down to the step 0.
  EXPECT_GT(library_trips("inc_beta"), defined(file, "DREY_BETA_TRIPS") + 1);
  EXPECT_GT(library_trips("inc_beta_da"), defined(file, "DREY_BETA_TRIPS") + 1);
  EXPECT_EQ(library_trips("exp"), 0u);
}

TEST(Library, NoOtherFileHasALoop) {
  for (const std::string_view name : shaders::names()) {
    if (!name.starts_with("math") || name == "math_incomplete.glsl") continue;
    const std::string_view text = shaders::text(name);
    EXPECT_EQ(text.find("for ("), std::string_view::npos) << name;
    EXPECT_EQ(text.find("while ("), std::string_view::npos) << name;
  }
}

TEST(Library, DefinesEveryFunctionThatTheTableNames) {
  std::string text;
  for (const std::string_view name : shaders::names())
    if (name.starts_with("math")) text += shaders::text(name);
  for (const model::Function& f : model::functions())
    for (std::size_t at = f.glsl.find("drey_"); at != std::string::npos; at = f.glsl.find("drey_", at + 1)) {
      const std::string called = f.glsl.substr(at, f.glsl.find('(', at) - at);
      EXPECT_NE(text.find("real " + called + "(real"), std::string::npos) << called;
    }
}

}  // namespace
}  // namespace drey::glsl
