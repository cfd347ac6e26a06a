#pragma once

#include <string>
#include <vector>

/// The types a model may declare.
namespace drey::model {

/// Their names: "real", "simplex". `int` is no parameter's; `array` stands around the others.
const std::vector<std::string>& type_names();

}  // namespace drey::model
