#pragma once

#include "cnode/exports.h"
#include "service/engine.h"

/// The module `drey` of the node: the calls of the service, and nothing else.
namespace drey::cnode {

/// Binds the engine's calls. The engine must outlive whoever holds the exports.
void export_drey(Exports& exports, service::Engine& engine);

}  // namespace drey::cnode
