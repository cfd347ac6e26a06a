#pragma once

#include "term/term.h"

/// Models as callers would send them.
namespace drey::service::models {

using term::atom;
using term::list;
using term::map;
using term::Term;
using term::tuple;

inline Term distributed(Term lhs, Term distribution) {
  return tuple({atom("~"), std::move(lhs), std::move(distribution)});
}

/// x ~ normal(0, 1).
inline Term normal() {
  return map({{"parameters", list({tuple({atom("x"), atom("real")})})},
              {"model", list({distributed(atom("x"), tuple({atom("normal"), 0, 1}))})}});
}

/// Non-centred eight schools.
inline Term eight_schools() {
  return map(
      {{"data", map({{"y", list({28, 8, -3, 7, -1, 1, 18, 12})}, {"sigma", list({15, 10, 16, 11, 9, 11, 10, 18})}})},
       {"parameters", list({tuple({atom("mu"), atom("real")}),
                            tuple({atom("tau"), atom("real"), list({tuple({atom("lower"), 0})})}),
                            tuple({atom("eta"), tuple({atom("vector"), 8})})})},
       {"transformed",
        list({tuple({atom("theta"),
                     tuple({atom("+"), atom("mu"), tuple({atom("*"), atom("tau"), atom("eta")})})})})},
       {"model", list({distributed(atom("mu"), tuple({atom("normal"), 0, 5})),
                       distributed(atom("tau"), tuple({atom("half_cauchy"), 5})),
                       distributed(atom("eta"), tuple({atom("normal"), 0, 1})),
                       distributed(atom("y"), tuple({atom("normal"), atom("theta"), atom("sigma")}))})}});
}

}  // namespace drey::service::models
