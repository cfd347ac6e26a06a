#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/model.h"
#include "service/options.h"
#include "stats/summary.h"
#include "term/term.h"

/// Draws as the terms callers see.
namespace drey::service {

/// The outputs a caller asked for, in the model's order.
/// \throws Error{unknown_name} with the nearest one
std::vector<const model::Output*> select_outputs(const model::Model& model, const Options& options);

/// The name of an element: "mu", "theta[3]", "omega[2,1]"; indices from 1, row-major.
std::string element_name(const std::string& name, const model::Shape& shape, std::uint64_t element);

term::Term row_term(const stats::Row& row);
term::Term rows_term(const std::vector<stats::Row>& rows);

}  // namespace drey::service
