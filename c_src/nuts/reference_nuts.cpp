#include "nuts/reference_nuts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace drey::nuts {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Vector plus(const Vector& a, const Vector& b) {
  Vector sum(a);
  for (std::size_t i = 0; i < a.size(); ++i) sum[i] += b[i];
  return sum;
}

double log_sum_exp(double a, double b) {
  const double high = std::max(a, b);
  return std::isinf(high) && high < 0 ? high : high + std::log(std::exp(a - high) + std::exp(b - high));
}

/// A phase point; the momentum is in the coordinates where the metric is the identity.
struct Point {
  Vector q, p, gradient;
  double lp = 0;
};

/// A finished subtree: momenta at its two ends in the order it was built, and their sum.
struct Subtree {
  bool valid = false;
  Vector first, last, rho;
};

bool goes_on(const Vector& rho, const Vector& first, const Vector& last) {
  return dot(rho, first) > 0 && dot(rho, last) > 0;
}

class Transition {
 public:
  Transition(const LogDensity& density, const ReferenceOptions& options, std::uint32_t iteration)
      : density_(density), options_(options), iteration_(iteration) {}

  ReferenceDraw run(std::span<const double> start) {
    const std::size_t dimension = start.size();
    Point origin{Vector(start.begin(), start.end()), Vector(dimension), Vector(dimension)};
    origin.lp = density_(origin.q, origin.gradient);
    for (std::size_t d = 0; d < dimension; d += 4) {
      const auto words = philox(at(static_cast<std::uint32_t>(d / 4), Purpose::Momentum), options_.seed);
      const auto first = normals(words[0], words[1]), second = normals(words[2], words[3]);
      const double four[] = {first[0], first[1], second[0], second[1]};
      for (std::size_t k = 0; k < 4 && d + k < dimension; ++k) origin.p[d + k] = four[k];
    }
    start_energy_ = 0.5 * dot(origin.p, origin.p) - origin.lp;
    const std::uint32_t directions = philox(at(0, Purpose::Direction), options_.seed)[0];

    Point ends[2] = {origin, origin};  // backward, forward
    int steps[2] = {0, 0};
    Vector rho = origin.p;
    double log_weight = 0;
    sample_ = origin;
    double sample_w = 0;
    ReferenceDraw draw;
    while (draw.depth < options_.max_depth) {
      depth_ = draw.depth;
      forward_ = directions >> depth_ & 1;
      Point& end = ends[forward_];
      const Vector seam_old = end.p, far = ends[!forward_].p;
      leaf_ = 0;
      sub_log_weight_ = -std::numeric_limits<double>::infinity();
      steps_ = &steps[forward_];
      const Subtree subtree = build(end, depth_);
      if (!subtree.valid) break;
      const double gain = sub_log_weight_ - log_weight;
      const auto word =
          philox(at(static_cast<std::uint32_t>(depth_) / 4, Purpose::Merge), options_.seed)[depth_ % 4];
      if (gain >= 0 || uniform(word) < std::exp(gain)) {
        sample_ = proposal_;
        sample_w = proposal_w_;
        draw.selected = proposal_steps_;
      }
      log_weight = log_sum_exp(log_weight, sub_log_weight_);
      ++draw.depth;
      const Vector whole = plus(rho, subtree.rho);
      const bool on = goes_on(whole, far, subtree.last) &&
                      goes_on(plus(rho, subtree.first), far, subtree.first) &&
                      goes_on(plus(subtree.rho, seam_old), seam_old, subtree.last);
      rho = whole;
      if (!on) break;
    }
    draw.point = sample_.q;
    draw.lp = sample_.lp;
    draw.energy = start_energy_ - sample_w;
    draw.leapfrogs = leapfrogs_;
    draw.divergent = divergent_;
    draw.accept = accept_ / std::max(1, leapfrogs_);
    return draw;
  }

 private:
  Words at(std::uint32_t index, Purpose purpose) const {
    return counter(index, iteration_, options_.chain, purpose, options_.phase);
  }

  Subtree build(Point& end, int depth) {
    if (depth == 0) return leaf(end);
    const Subtree left = build(end, depth - 1);
    if (!left.valid) return {};
    const Subtree right = build(end, depth - 1);
    if (!right.valid) return {};
    Subtree whole{true, left.first, right.last, plus(left.rho, right.rho)};
    whole.valid = goes_on(whole.rho, whole.first, whole.last) &&
                  goes_on(plus(left.rho, right.first), left.first, right.first) &&
                  goes_on(plus(right.rho, left.last), left.last, right.last);
    return whole;
  }

  /// target += step * L by, or with the transpose of L; L the root of the inverse metric.
  void move(std::vector<double>& target, double step, const std::vector<double>& by, bool transposed) const {
    const auto entry = [&](std::size_t row, std::size_t column) {
      if (options_.factor.empty()) return row == column ? options_.scale[row] : 0;
      return column > row ? 0 : options_.factor[row * (row + 1) / 2 + column];
    };
    for (std::size_t i = 0; i < target.size(); ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < by.size(); ++j) sum += (transposed ? entry(j, i) : entry(i, j)) * by[j];
      target[i] += step * sum;
    }
  }

  Subtree leaf(Point& end) {
    const double step = forward_ ? options_.step_size : -options_.step_size;
    const auto kick = [&] { move(end.p, 0.5 * step, end.gradient, true); };
    kick();
    move(end.q, step, end.p, false);
    end.lp = density_(end.q, end.gradient);
    kick();
    ++leapfrogs_;
    *steps_ += forward_ ? 1 : -1;
    const double w = start_energy_ - (0.5 * dot(end.p, end.p) - end.lp);
    if (w > -1000) accept_ += std::exp(std::min(w, 0.0));
    if (!(w > -1000) || !std::isfinite(w)) {
      divergent_ = true;
      return {};
    }
    const std::uint32_t number = (1u << depth_) + leaf_;
    const auto word = philox(at(number / 4, Purpose::Leaf), options_.seed)[number % 4];
    sub_log_weight_ = log_sum_exp(sub_log_weight_, w);
    if (leaf_ == 0 || uniform(word) < std::exp(w - sub_log_weight_)) {
      proposal_ = end;
      proposal_w_ = w;
      proposal_steps_ = *steps_;
    }
    ++leaf_;
    return {true, end.p, end.p, end.p};
  }

  const LogDensity& density_;
  const ReferenceOptions& options_;
  std::uint32_t iteration_;
  double start_energy_ = 0, sub_log_weight_ = 0, proposal_w_ = 0, accept_ = 0;
  Point sample_, proposal_;
  int depth_ = 0, leapfrogs_ = 0, proposal_steps_ = 0;
  int* steps_ = nullptr;
  std::uint32_t leaf_ = 0;
  bool forward_ = false, divergent_ = false;
};

}  // namespace

ReferenceDraw reference_transition(const LogDensity& density, const ReferenceOptions& options,
                                   std::uint32_t iteration, std::span<const double> point) {
  return Transition(density, options, iteration).run(point);
}

}  // namespace drey::nuts
