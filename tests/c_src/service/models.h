#pragma once

#include "support/erlang_text.h"
#include "term/term.h"

/// Models as callers would send them.
namespace drey::service::models {

inline term::Term normal() {
  return test::erlang("#{parameters => [{x, real}], model => [{'~', x, {normal, 0, 1}}]}");
}

inline term::Term eight_schools() {
  return test::erlang(R"(
    #{data => #{y => [28, 8, -3, 7, -1, 1, 18, 12], sigma => [15, 10, 16, 11, 9, 11, 10, 18]},
      parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {eta, {vector, 8}}],
      transformed => [{theta, {'+', mu, {'*', tau, eta}}}],
      model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_cauchy, 5}}, {'~', eta, {normal, 0, 1}},
                {'~', y, {normal, theta, sigma}}]})");
}

}  // namespace drey::service::models
