#pragma once

#include <cstdint>
#include <string_view>

#include "nuts/sampler.h"
#include "service/options.h"
#include "term/term.h"

/// A tuning as a term: what `warmup` answers and `sample` takes, on this node or another.
namespace drey::service {

/// `#{version => 1, precision, mapping, metric, step_size, inverse_metric, dimension, positions, model_key,
/// transitions, gradients, divergent}`.
term::Term tuning_term(const nuts::Tuning& tuning);

/// Reads and checks a tuning: its version, sizes, that every number is finite, step size and metric positive.
/// \throws Error{bad_tuning}
nuts::Tuning read_tuning(const term::Term& value);

/// Checks that a tuning fits the model and does not contradict the options given beside it.
/// \throws Error{bad_tuning}
void check_tuning(const nuts::Tuning& tuning, std::uint64_t dimension, std::string_view model_key,
                  const Options& options);

}  // namespace drey::service
