#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/model.h"
#include "nuts/sampler.h"
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

/// `#{Name => {f32 | f64, [Chains, Draws | Shape], Binary}}`: f32 where the draws were computed in f32, which
/// loses nothing. Takes `draws.outputs` where it can serve as it is, so that nothing large is copied or
/// outlives its use.
term::Term draws_term(nuts::Draws& draws, const std::vector<const model::Output*>& outputs, bool f64);

/// `#{lp, accept, energy, depth, leapfrogs, divergent}`, each `[Chains, Draws]`; takes those arrays.
term::Term stats_term(nuts::Draws& draws);

/// A row for each element of each output; on all cores where it is much.
/// \param superchain see stats/summary.h
/// \param stopped    asked between rows, from several threads; true ends early with no rows
std::vector<stats::Row> summarize(const nuts::Draws& draws, const std::vector<const model::Output*>& outputs,
                                  const std::vector<std::uint32_t>& superchain,
                                  const std::function<bool()>& stopped);

term::Term row_term(const stats::Row& row);
term::Term rows_term(const std::vector<stats::Row>& rows);

}  // namespace drey::service
