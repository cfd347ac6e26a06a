#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drey::glsl {

/// GLSL to SPIR-V with glslang, in this process, its unused functions left out. `#include "x.glsl"` finds the
/// embedded files of shaders/. Thread-safe.
/// \param source a whole compute shader
/// \throws Error{internal} with glslang's log and the numbered lines around it
std::vector<std::uint32_t> compile(const std::string& source);

/// Makes glslang's tables, the tenth of a second that a process's first compile() costs beside its own: for a program
/// that knows it will compile, as it starts. Thread-safe.
void prepare();

/// As compile, through the cache on disk ($DREY_CACHE_DIR, else $XDG_CACHE_HOME/drey, else ~/.cache/drey;
/// $DREY_CACHE_DIR empty: none). Keyed by the source and the versions of emitter and glslang. Safe under
/// concurrent nodes, bounded in size.
std::vector<std::uint32_t> compile_cached(const std::string& source);

}  // namespace drey::glsl
