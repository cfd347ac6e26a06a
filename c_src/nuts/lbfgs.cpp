#include "nuts/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace drey::nuts {
namespace {

// Weak Wolfe conditions, and evaluations of one line at most.
constexpr double kRise = 1e-4, kSlope = 0.9, kGrow = 4;
constexpr int kMostTries = 16;
// A path ends after so many steps in a row that gain next to nothing: what f32 cannot see is nothing either.
constexpr int kPoorSteps = 3;
constexpr double kLeastGain = 1e-2, kLeastRelativeGain = 2e-7;
/// When fewer than one path in so many is under way, the others are not kept waiting.
constexpr std::size_t kStragglers = 8;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

bool finite(const Evaluation& at) {
  return std::isfinite(at.value) &&
         std::all_of(at.gradient.begin(), at.gradient.end(), [](double g) { return std::isfinite(g); });
}

/// One path and the line that it searches.
class Climber {
 public:
  Climber(std::span<const double> start) : trial_(start.begin(), start.end()) {}

  bool done() const { return done_; }
  /// Where it wants the density next.
  const std::vector<double>& trial() const { return trial_; }

  void take(const Evaluation& at) {
    if (path_.empty()) return begin(at);
    const PathPoint& here = path_.back();
    ++tries_;
    if (!finite(at) || at.value < here.at.value + kRise * length_ * slope_) {
      most_ = length_;
      // A foot outside the support says nothing of how far to go back.
      length_ = least_ + (most_ - least_) * (finite(at) ? 0.5 : 0.1);
    } else {
      best_ = {trial_, at, {}};
      if (dot(at.gradient, direction_) <= kSlope * slope_) return accept();
      least_ = length_;
      length_ = std::isfinite(most_) ? 0.5 * (least_ + most_) : kGrow * length_;
    }
    if (tries_ >= kMostTries) {
      if (!best_.position.empty()) return accept();
      return give_up();
    }
    aim();
  }

  Path path() && { return {std::move(path_), done_}; }

 private:
  void begin(const Evaluation& at) {
    if (!finite(at)) {
      done_ = true;
      return;
    }
    PathPoint start{trial_, at, {}};
    start.curvature.diagonal.assign(trial_.size(), 1.0);
    path_.push_back(std::move(start));
    set_out();
  }

  void set_out() {
    const PathPoint& here = path_.back();
    direction_ = here.curvature.times(here.at.gradient);
    slope_ = dot(direction_, here.at.gradient);
    if (!(slope_ > 0) || !std::isfinite(slope_)) return give_up();
    // Nothing is known of the scale of a first step: it is one long.
    length_ = here.curvature.steps.empty() ? std::min(1.0, 1 / std::sqrt(dot(direction_, direction_))) : 1.0;
    least_ = 0;
    most_ = std::numeric_limits<double>::infinity();
    tries_ = 0;
    best_.position.clear();
    aim();
  }

  void aim() {
    const auto& from = path_.back().position;
    for (std::size_t d = 0; d < from.size(); ++d) trial_[d] = from[d] + length_ * direction_[d];
  }

  void accept() {
    const PathPoint& here = path_.back();
    std::vector<double> step(trial_.size()), bend(trial_.size());
    for (std::size_t d = 0; d < step.size(); ++d) {
      step[d] = best_.position[d] - here.position[d];
      bend[d] = here.at.gradient[d] - best_.at.gradient[d];
    }
    const double gain = best_.at.value - here.at.value;
    best_.curvature = here.curvature;
    best_.curvature.add(std::move(step), std::move(bend));
    path_.push_back(std::move(best_));
    best_ = {};
    const bool poor = gain < kLeastGain || gain < kLeastRelativeGain * std::abs(path_.back().at.value);
    poor_ = poor ? poor_ + 1 : 0;
    if (poor_ >= kPoorSteps)
      done_ = true;
    else
      set_out();
  }

  /// A direction that leads nowhere is the fault of the curvature remembered, once.
  void give_up() {
    if (path_.back().curvature.steps.empty() || forgot_) {
      done_ = true;
      return;
    }
    forgot_ = true;
    path_.back().curvature.steps.clear();
    path_.back().curvature.bends.clear();
    set_out();
  }

  std::vector<PathPoint> path_;
  std::vector<double> trial_, direction_;
  PathPoint best_;
  double slope_ = 0, length_ = 0, least_ = 0, most_ = 0;
  int tries_ = 0, poor_ = 0;
  bool done_ = false, forgot_ = false;
};

}  // namespace

bool Curvature::add(std::vector<double> step, std::vector<double> bend) {
  const double curve = dot(step, bend), size = dot(bend, bend);
  if (!(curve > 1e-12 * size) || !std::isfinite(curve) || !std::isfinite(size)) return false;
  double a = 0, c = 0;
  for (std::size_t d = 0; d < step.size(); ++d) {
    a += bend[d] * diagonal[d] * bend[d];
    c += step[d] * step[d] / diagonal[d];
  }
  for (std::size_t d = 0; d < step.size(); ++d) {
    const double precision = a / (curve * diagonal[d]) + bend[d] * bend[d] / curve -
                             a * step[d] * step[d] / (curve * c * diagonal[d] * diagonal[d]);
    if (precision > 0 && std::isfinite(1 / precision)) diagonal[d] = 1 / precision;
  }
  if (steps.size() == kHistory) {
    steps.erase(steps.begin());
    bends.erase(bends.begin());
  }
  steps.push_back(std::move(step));
  bends.push_back(std::move(bend));
  return true;
}

std::vector<double> Curvature::times(std::span<const double> vector) const {
  std::vector<double> result(vector.begin(), vector.end()), shares(steps.size());
  for (std::size_t i = steps.size(); i-- > 0;) {
    shares[i] = dot(steps[i], result) / dot(steps[i], bends[i]);
    for (std::size_t d = 0; d < result.size(); ++d) result[d] -= shares[i] * bends[i][d];
  }
  for (std::size_t d = 0; d < result.size(); ++d) result[d] *= diagonal[d];
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double share = shares[i] - dot(bends[i], result) / dot(steps[i], bends[i]);
    for (std::size_t d = 0; d < result.size(); ++d) result[d] += share * steps[i][d];
  }
  return result;
}

std::vector<Path> climb(const EvaluateBatch& evaluate, std::span<const double> starts,
                        std::uint64_t dimension, std::uint32_t most) {
  std::vector<Climber> climbers;
  for (std::size_t at = 0; at < starts.size(); at += dimension)
    climbers.emplace_back(starts.subspan(at, dimension));
  for (std::uint32_t made = 0; made < most; ++made) {
    std::vector<double> points;
    std::vector<Climber*> under_way;
    for (Climber& climber : climbers) {
      if (climber.done()) continue;
      under_way.push_back(&climber);
      points.insert(points.end(), climber.trial().begin(), climber.trial().end());
    }
    if (under_way.empty() || (made >= most / 2 && under_way.size() * kStragglers < climbers.size())) break;
    const auto evaluations = evaluate(points);
    for (std::size_t i = 0; i < under_way.size(); ++i) under_way[i]->take(evaluations[i]);
  }
  std::vector<Path> paths;
  for (auto& climber : climbers) paths.push_back(std::move(climber).path());
  return paths;
}

}  // namespace drey::nuts
