#pragma once

#include "model/program.h"

namespace drey::model {

/// The program without statements, values, memories and loops that no output needs, the rest numbered in the
/// order it stands.
Program prune(const Program& program);

}  // namespace drey::model
