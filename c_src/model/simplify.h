#pragma once

#include "model/checked.h"

namespace drey::model {

/// Rewrites a checked model's actions without changing what they mean: stores that nothing reads go, and a
/// loop that only adds elements to the target becomes vectors added to it, which lowering fuses and reduces
/// like those written as vectors.
void simplify(Checked& checked);

}  // namespace drey::model
