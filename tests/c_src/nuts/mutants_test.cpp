#include "c_src/nuts/mutants.h"

#include "c_src/nuts/climb.h"
#include "error.h"

/// Rung 8. Broken samplers: each defect, planted in the kernel's text, must fail a rung, in every form of the kernel. A
/// rung that catches none of what it is there for proves nothing.
namespace drey::nuts {
namespace {

using ladder::Mutant;
using ladder::Rung;

class Mutants : public OnDevice, public testing::WithParamInterface<Mutant> {};

/// Whether a rung catches the mutant. \param planted whether its text was found
bool caught(gpu::Device& device, const Mutant& mutant, Form form, bool f64, Rung rung, bool& planted) {
  const Compile compile = [&](const std::string& text) {
    std::string changed = text;
    planted = ladder::plant(mutant, changed) || planted;
    return glsl::compile(changed);
  };
  const auto outcome = [&] {
    try {
      return ladder::climb(device, form, f64, rung, {}, ladder::Effort::some(), compile);
    } catch (const Error& error) {
      // That a dispatch was cut short is a catch; that the text is no GLSL is not.
      if (std::string_view(error.what()).find("left the sampler's loop") == std::string_view::npos) throw;
      return ladder::Outcome{false, 0, "cut short"};
    }
  }();
  return !outcome.passed;
}

TEST_P(Mutants, FailARung) {
  const auto& mutant = GetParam();
  std::vector<std::string> row = {mutant.name};
  for (const Form form : kForms) {
    const bool selected = form == Form::Together || form == Form::Stored || form == Form::Subgroup;
    const bool wanted = (!mutant.only_subgroup || by_subgroup(form)) && can_run(device().info(), form) &&
                        (ladder::full() || selected);
    std::string cell;
    bool planted = false, by_its_own = false;
    for (const Rung rung : ladder::kRungs)
      for (const bool f64 : {true, false}) {
        if (f64 && rung != Rung::Trees) continue;
        // In the selection: on the rung that is there for it.
        const bool its_own = rung == mutant.by && (rung != Rung::Trees || f64 != mutant.in_f32);
        if (!wanted || (f64 && !has_f64()) || (!its_own && !ladder::full())) {
          cell += '-';
          continue;
        }
        const bool fails = caught(device(), mutant, form, f64, rung, planted);
        by_its_own = by_its_own || (fails && its_own);
        cell += fails ? (f64 ? 'T' : name_of(rung)[0]) : '.';
      }
    if (wanted && (mutant.by != Rung::Trees || mutant.in_f32 || has_f64())) {
      EXPECT_TRUE(planted) << mutant.name << ": its text is no longer in the kernel (" << name_of(form)
                           << ")";
      EXPECT_TRUE(by_its_own) << mutant.name << " passes the rung " << name_of(mutant.by) << " ("
                              << name_of(form) << ": " << cell << ")";
    }
    row.push_back(cell);
  }
  ladder::Report::get().mutant(std::move(row));
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, testing::ValuesIn(ladder::mutants()), [](const auto& instance) {
  std::string name = instance.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace drey::nuts
