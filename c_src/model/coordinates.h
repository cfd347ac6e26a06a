#pragma once

#include <cstdint>
#include <vector>

#include "model/model.h"

/// Outputs that are coordinates of the point, unchanged: an unbounded parameter is recorded as it stands in the point.
/// Called by the sampler, which has the point already and need not have it computed.
namespace drey::model {

struct Coordinates {
  /// For each element of Space::Output the element of the point that it equals, or `none`.
  std::vector<std::uint32_t> of;
  /// The draw program without their stores: it leaves those elements alone, stores the others, and draws the same
  /// random numbers. Without statements where nothing is left.
  Program rest;
};

/// Finds those that are stored straight from a load, outside branches, at indices that follow from the model's data
/// alone; others stay in the rest.
Coordinates find_coordinates(const Model& model);

}  // namespace drey::model
