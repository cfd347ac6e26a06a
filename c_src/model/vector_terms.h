#pragma once

#include <string>

#include "error.h"
#include "model/checker.h"
#include "model/graph.h"

/// What the densities and the generators of vectors and matrices say alike. Seen by those two alone.
namespace drey::model {

/// \throws Error{wrong_shape} with the message, unless the condition holds
inline void need(bool condition, const std::string& message, const std::string& where) {
  if (!condition) throw Error("wrong_shape", message, where);
}

inline NodeRef half(Graph& g, NodeRef x) { return g.mul(g.real(0.5), x); }

/// A vector or matrix that is read at any index: kept unless it already is plain.
inline NodeRef plain(Checker& c, NodeRef x, const char* name) {
  const bool stored =
      x->kind == NodeKind::Variable || x->kind == NodeKind::Point || x->kind == NodeKind::Data;
  return stored || x->scalar() || x->data_only ? x : c.keep(x, name);
}

}  // namespace drey::model
