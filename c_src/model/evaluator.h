#pragma once

#include <complex>
#include <functional>
#include <span>
#include <vector>

#include "model/model.h"

namespace drey::model {

/// Runs a program on the host in f64: the oracle of every kernel, and `check`'s way to see that a start is
/// impossible. Slow and plain on purpose.
class Evaluator {
 public:
  /// `program` and `data` must outlive the evaluator.
  Evaluator(const Program& program, const std::vector<Array>& data);

  /// What a run writes. `gradient` and `output` are empty where the program has no such memory.
  struct Result {
    double target = 0;
    std::vector<double> gradient;
    std::vector<double> output;
  };

  /// \param point  dimension numbers
  /// \param random called for each Op::Random; null when the program has none
  Result run(std::span<const double> point, const std::function<double()>& random = nullptr);

 private:
  const Program& program_;
  const std::vector<Array>& data_;
};

}  // namespace drey::model
