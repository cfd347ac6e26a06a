#pragma once

#include "cnode/exports.h"

/// What tools that look at nodes ask for.
namespace drey::cnode {

class Node;

/// Adds `observer_backend:sys_info/0`, the keys that observer's System page reads, and the questions that it asks before:
/// `code:ensure_loaded/1` and `erlang:function_exported/3`, which tell what is exported and load nothing; and
/// `erlang:node/0`. The node must outlive whoever holds the exports.
void export_sys_info(Exports& exports, const Node& node);

}  // namespace drey::cnode
