#include "model/model.h"

#include "model/check.h"
#include "model/lower.h"
#include "model/parse.h"

namespace drey::model {

Model compile(const term::Term& term) {
  Checked checked = check(parse(term));
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
