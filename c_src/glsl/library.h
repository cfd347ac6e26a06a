#pragma once

#include <cstdint>
#include <string_view>

/// What the emitter has to know of the function library in shaders/math.glsl besides the names.
namespace drey::glsl {

/// Loop trips that one call of a function of the model language makes at most inside the library; 0 for all
/// that have no loop. Devices that count trips (gpu::DeviceInfo::trip_limit) count these too.
/// \param function its name in the language, such as "gamma_p"
constexpr std::uint64_t library_trips(std::string_view function) {
  // As shaders/math_incomplete.glsl bounds its loops in f64, which has the larger bounds; one for leaving
  // them.
  if (function == "gamma_p" || function == "gamma_q" || function == "gamma_q_da") return 112 + 1;
  // With the small-parameter form's own loop.
  if (function == "log_gamma_p" || function == "log_gamma_q" || function == "log_gamma_p_da" ||
      function == "log_gamma_q_da" || function == "log_gamma_p_dx" || function == "log_gamma_q_dx")
    return 112 + 20 + 2;
  if (function == "inc_beta" || function == "inc_beta_da") return 256 + 2;
  return 0;
}

}  // namespace drey::glsl
