#pragma once

#include <string_view>

#include "model/program.h"

namespace drey::glsl {

/// The same program with calls of a long function gathered into loops, so that the function's text stands once where
/// drivers copy it to every call (half a second of compiling each on lavapipe). Long are
/// the library's functions that have loops of their own. Statements of a block move only down, past others that they do
/// not touch, until no call waits for another; what is computed, and the order of a memory's stores, stay as they were.
/// \param is_long by the function's name in the language; null: as said
model::Program batch_calls(const model::Program& program, bool (*is_long)(std::string_view) = nullptr);

}  // namespace drey::glsl
