#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/model.h"

/// Programs as GLSL text. The same text serves both precisions: `real` is a macro for float or double.
namespace drey::glsl {

enum class Precision : std::uint8_t { F32, F64 };

/// A buffer the emitted code reads, to be bound at `binding` of descriptor set 0.
struct DataBuffer {
  std::uint32_t binding = 0;
  bool uniform = false;  ///< a uniform buffer (std140, vec4 elements); else a storage buffer (std430)
  std::vector<std::uint8_t> bytes;  ///< the data in the device's precision, rows padded as the code expects
};

/// A program ready to be included in a kernel.
///
/// The text declares, at global scope, the data buffers and
///     real model_point[D];      // input, filled by the kernel
///     real model_gradient[D];   // output; only in differentiated programs
///     real model_target;        // output; not in draw programs
///     void model_run();         // runs the program
/// A draw program calls `void model_output(uint element, real value)` and `real model_random()`, which the
/// kernel defines before including the text.
struct Source {
  std::string text;
  std::vector<DataBuffer> data;
  /// Loop trips one model_run() makes at most, all loops together (unrolled ones count nothing).
  std::uint64_t trips = 0;
  /// Arithmetic operations one model_run() makes, roughly: for the cost model.
  std::uint64_t operations = 0;
  /// Vectors of data that one model_run() has from another lane instead of loading them itself.
  std::uint64_t shared_loads = 0;
  /// Numbers of data that lanes of one chain load each from another place, one model_run().
  std::uint64_t gathers = 0;
  /// Bytes of private arrays.
  std::uint64_t private_bytes = 0;
  /// Whether the text has `void model_prepare()`, which the kernel calls once a dispatch, before the first model_run().
  bool prepares = false;
};

struct EmitOptions {
  Precision precision = Precision::F32;
  std::uint32_t first_binding = 0;      ///< data buffers take bindings from here
  std::uint64_t uniform_range = 65536;  ///< bytes; larger data goes to storage buffers
  /// Not 0: the kernel promises that subgroups have exactly this many invocations and that all of them call
  /// model_run() together: none has left, none waits in another branch. Every lane then loads another vector
  /// of the data and they tell one another, instead of all loading the same. Worth it where loads from one
  /// address by many lanes are not cheap, as on a software driver; it needs GL_KHR_shader_subgroup_shuffle.
  std::uint32_t uniform_lanes = 0;
  /// Vectors of data, so many at most, that model_prepare() puts into variables: those the program reads at places that
  /// do not move. For a program that runs many times a dispatch where every load is made lane by lane, as on a software
  /// driver.
  std::uint32_t near_vectors = 0;
  /// Not 0: the lanes of a subgroup, so many, run the program together for one chain. All call model_run(), and
  /// element e of the point and of the gradient lies in slot e / lanes of lane e % lanes:
  ///     real model_point[slots], model_gradient[slots];   // slots = D / lanes, rounded up
  /// model_target is the same in all. The kernel calls model_prepare() once a dispatch, before the first
  /// model_run(), and defines before the text `real drey_lane_sum(real x)`, the sum over the lanes, the same in
  /// each. It needs GL_KHR_shader_subgroup_shuffle. Only for programs without Output memories.
  std::uint32_t chain_lanes = 0;
  /// Numbers of data that a lane may keep in registers through a dispatch; with chain_lanes only.
  std::uint32_t lane_values = 256;
};

/// \param program a density program (differentiated or not) or a draw program of `model`
Source emit(const model::Program& program, const model::Model& model, const EmitOptions& options);

}  // namespace drey::glsl
