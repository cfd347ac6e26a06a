#pragma once

#include "model/checked.h"
#include "model/host.h"

/// Checked model to Programs: vectorised expressions become loops, what is needed twice and dear becomes a
/// local, the rest is computed where it is used.
namespace drey::model {

/// Fills density, draws, data and outputs' places of `model`; parameters and dimension are the checker's.
void lower(Checked& checked, Model& model);

}  // namespace drey::model
