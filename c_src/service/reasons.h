#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace drey::service {

/// Every `reason` a call can answer, and what it says. docs/calls.md lists this table.
inline constexpr auto reasons = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"bad_option", "an option has a value it cannot have"},
    {"bad_start", "no start with a finite log density was found"},
    {"bad_term", "a term is malformed, too deep or has too many elements"},
    {"bad_tuning", "a tuning is damaged, of another version, or contradicts the options"},
    {"busy", "as many jobs as allowed run and wait"},
    {"cancelled", "the job was cancelled, its caller died, or the engine ends"},
    {"deadline", "deadline_ms passed"},
    {"device_error", "the device or its driver refused something it should do"},
    {"device_limit", "the model does not fit the device; the message says which limit, and by how much"},
    {"device_lost", "the device stopped working; the next call opens it again"},
    {"device_memory", "the device has not the memory"},
    {"internal", "a defect of Drey"},
    {"invalid_data", "data are not what the model's statements need"},
    {"invalid_model", "the term is no model; where says at which place"},
    {"nif_version", "drey_nif.so and the module drey_nif are of different versions"},
    {"no_device", "there is no Vulkan device"},
    {"no_parameters", "the model has nothing to sample"},
    {"no_such_job", "the job is not, or no longer, here"},
    {"noproc", "the calling process is gone"},
    {"not_finite", "a number is NaN or infinite where it must not be"},
    {"not_set", "a declared variable is read before it is set"},
    {"out_of_memory", "the host has not the memory"},
    {"out_of_range", "an index or a size is outside its range"},
    {"out_of_support", "data lie outside their distribution's support"},
    {"too_deep", "an expression is nested too deeply"},
    {"too_large", "an array, a model or a result is larger than allowed"},
    {"undef", "there is no such call"},
    {"unknown_distribution", "a distribution is not known, or not of the kind wanted; the nearest is named"},
    {"unknown_function", "a function is not known; the nearest is named"},
    {"unknown_name", "a name is not known; the nearest is named"},
    {"unknown_option", "the call takes no such option; the nearest is named"},
    {"unknown_type", "a type is not known; the nearest is named"},
    {"wrong_arity", "a function or distribution got the wrong number of arguments"},
    {"wrong_checkpoint", "a checkpoint is damaged, or of another model or version"},
    {"wrong_shape", "an array has another shape than needed"},
    {"wrong_tuning", "a tuning is of another model, or of a kind this device does not run"},
    {"wrong_type", "a value is of another kind than needed"},
});

}  // namespace drey::service
