#pragma once

#include <cstddef>
#include <memory>

#include <erl_nif.h>

#include "term/term.h"

/// Terms of the VM as values and back, without the external term format for what is common.
namespace drey::nif {

/// An environment of its own, freed with its last owner.
using SharedEnv = std::shared_ptr<ErlNifEnv>;
SharedEnv make_env();

/// \param env    owns `value`; binaries longer than 64 bytes become views that keep it alive
/// \throws Error{bad_term} when the term is nested deeper than 256 or has more than 2^24 elements
term::Term from_vm(const SharedEnv& env, ERL_NIF_TERM value);

/// Binaries of a page and more become resource binaries over the bytes they are, without a copy.
/// \param binaries the resource type of such bytes, made by open_binaries
/// \throws Error{not_finite}, Error{bad_term}
ERL_NIF_TERM to_vm(ErlNifEnv* env, const term::Term& value, ErlNifResourceType* binaries);

/// Opens or takes over the resource type of large binaries; null when the VM refuses.
ErlNifResourceType* open_binaries(ErlNifEnv* env);

}  // namespace drey::nif
