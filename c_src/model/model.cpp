#include "model/model.h"

#include <set>
#include <string>

#include "error.h"
#include "model/check.h"
#include "model/lower.h"
#include "model/parse.h"

namespace drey::model {
namespace {

/// Which names are set again is known only once the model was walked: then it is checked with that known.
Checked checked_model(const term::Term& term) {
  std::set<std::string> overwritten;
  for (;;) {
    const std::size_t known = overwritten.size();
    try {
      Checked checked = check(parse(term), overwritten);
      if (overwritten.size() == known) return checked;
    } catch (const Error&) {
      if (overwritten.size() == known) throw;
    }
  }
}

}  // namespace

Model compile(const term::Term& term) {
  Checked checked = checked_model(term);
  Model model;
  model.dimension = checked.dimension;
  model.parameters = checked.parameters;
  model.warnings = checked.warnings;
  lower(checked, model);
  validate(model.density);
  validate(model.draws);
  return model;
}

}  // namespace drey::model
