#include "nuts/pathfinder.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>

#include "error.h"
#include "nuts/philox.h"

namespace drey::nuts {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Batches that a climb may take; places of a path whose approximations are tried; draws that estimate the ELBO of one;
/// draws of the best.
constexpr std::uint32_t kMostBatches = 200;
constexpr std::size_t kPlaces = 10, kElboDraws = 4, kDraws = 16;
/// Weights with a tail heavier than this are not to be trusted (Vehtari et al. 2024).
constexpr double kMostK = 0.7;
/// Of a mode whose weights cannot be trusted: within reach if a chain would be found there in one of so many jobs, the
/// error of an ELBO allowed for in standard deviations of a normal's log density.
constexpr double kJobs = 100, kErrors = 3;
/// Draws that share the weight, a dimension, for a metric of weighted draws.
constexpr double kWeighted = 8;
/// Multiplications that mixing the approximations' densities may take; beyond, a draw is weighed by its own.
constexpr double kMostMixing = 3e8, kMixingWork = 2 * Curvature::kHistory;

double log_sum_exp(std::span<const double> values) {
  const double most = *std::max_element(values.begin(), values.end());
  if (!std::isfinite(most)) return most;
  double sum = 0;
  for (const double v : values) sum += std::exp(v - most);
  return most + std::log(sum);
}

/// Standard normals for draw `number` of a path.
std::vector<double> normals_of(std::uint64_t seed, std::uint64_t path, std::uint32_t number,
                               std::uint64_t dimension) {
  std::vector<double> values;
  for (std::uint32_t block = 0; values.size() < dimension; ++block) {
    const auto words = philox(counter(block, number, path, Purpose::Approximation, Phase::Warmup), seed);
    for (int half = 0; half < 2; ++half)
      for (const double v : normals(words[2 * half], words[2 * half + 1])) values.push_back(v);
  }
  values.resize(dimension);
  return values;
}

struct Draw {
  std::vector<double> position;
  Evaluation at;
  double own = 0;  ///< log density under the approximation that it is of
};

/// A path's approximations, and the draws of its best.
struct Finder {
  std::vector<NormalApproximation> places;
  std::vector<std::vector<Draw>> draws;  ///< [place]
  std::size_t best = 0;
  double elbo = -kInfinity;
};

/// One draw of a place of every path that has it, in one batch. \param places which place of each path
void draw_all(std::vector<Finder>& finders, const std::vector<std::size_t>& places, std::uint32_t number,
              const EvaluateBatch& evaluate, std::uint64_t dimension, std::uint64_t seed,
              std::uint64_t first_chain) {
  std::vector<double> points;
  std::vector<Draw*> drawn;
  for (std::size_t f = 0; f < finders.size(); ++f) {
    auto& finder = finders[f];
    if (places[f] >= finder.places.size()) continue;
    const auto& place = finder.places[places[f]];
    Draw draw;
    draw.position = place.draw(normals_of(seed, first_chain + f, number, dimension));
    draw.own = place.log_density(draw.position).front();
    points.insert(points.end(), draw.position.begin(), draw.position.end());
    finder.draws[places[f]].push_back(std::move(draw));
    drawn.push_back(&finder.draws[places[f]].back());
  }
  auto evaluations = evaluate(points);
  for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i]->at = std::move(evaluations[i]);
}

double elbo_of(const std::vector<Draw>& draws) {
  double sum = 0;
  for (const Draw& draw : draws) sum += draw.at.value - draw.own;
  return std::isfinite(sum) ? sum / static_cast<double>(draws.size()) : -kInfinity;
}

/// `count` indices drawn in proportion to weights, by systematic resampling from one uniform.
std::vector<std::size_t> resample(const std::vector<double>& log_weights, std::uint64_t count, double u) {
  const double total = log_sum_exp(log_weights);
  std::vector<std::size_t> chosen;
  double reached = 0;
  std::size_t i = 0;
  for (std::uint64_t k = 0; k < count; ++k) {
    const double aim = (static_cast<double>(k) + u) / static_cast<double>(count);
    while (i + 1 < log_weights.size() && reached + std::exp(log_weights[i] - total) < aim)
      reached += std::exp(log_weights[i++] - total);
    chosen.push_back(i);
  }
  return chosen;
}

}  // namespace

NormalApproximation::NormalApproximation(const PathPoint& point) {
  const auto dimension = static_cast<Eigen::Index>(point.position.size());
  const auto pairs = static_cast<Eigen::Index>(point.curvature.steps.size());
  const auto vector = [&](const std::vector<double>& values) {
    return Eigen::Map<const Eigen::VectorXd>(values.data(), dimension);
  };
  root_ = vector(point.curvature.diagonal).cwiseSqrt();
  const auto newton = point.curvature.times(point.at.gradient);
  mean_ = vector(point.position) + vector(newton);
  log_determinant_ = root_.array().log().sum();
  const Eigen::Index width = std::min(dimension, 2 * pairs);
  basis_.resize(dimension, width);
  lower_ = Eigen::MatrixXd::Identity(width, width);
  if (pairs > 0) {
    Eigen::MatrixXd steps(dimension, pairs), bends(dimension, pairs);
    for (Eigen::Index i = 0; i < pairs; ++i) {
      steps.col(i) = vector(point.curvature.steps[static_cast<std::size_t>(i)]);
      bends.col(i) = vector(point.curvature.bends[static_cast<std::size_t>(i)]);
    }
    const Eigen::MatrixXd products = steps.transpose() * bends;
    const Eigen::MatrixXd inverse =
        products.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(pairs, pairs));
    const Eigen::MatrixXd scaled_bends = root_.asDiagonal() * bends;
    Eigen::MatrixXd middle = scaled_bends.transpose() * scaled_bends;
    middle.diagonal() += products.diagonal();
    Eigen::MatrixXd gamma = Eigen::MatrixXd::Zero(2 * pairs, 2 * pairs);
    gamma.topLeftCorner(pairs, pairs) = inverse.transpose() * middle * inverse;
    gamma.topRightCorner(pairs, pairs) = -inverse.transpose();
    gamma.bottomLeftCorner(pairs, pairs) = -inverse;
    Eigen::MatrixXd sides(dimension, 2 * pairs);
    sides << root_.cwiseInverse().asDiagonal() * steps, scaled_bends;
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(sides);
    basis_ = qr.householderQ() * Eigen::MatrixXd::Identity(dimension, width);
    const Eigen::MatrixXd inner = basis_.transpose() * sides;
    Eigen::MatrixXd shape = inner * gamma * inner.transpose();
    shape += Eigen::MatrixXd::Identity(width, width);
    const Eigen::LLT<Eigen::MatrixXd> cholesky(0.5 * (shape + shape.transpose()));
    valid_ = cholesky.info() == Eigen::Success;
    if (valid_) lower_ = cholesky.matrixL();
    log_determinant_ += lower_.diagonal().array().log().sum();
  }
  valid_ = valid_ && mean_.allFinite() && lower_.allFinite() && std::isfinite(log_determinant_);
}

std::vector<double> NormalApproximation::draw(std::span<const double> normals) const {
  const Eigen::Map<const Eigen::VectorXd> u(normals.data(), mean_.size());
  const Eigen::VectorXd within = basis_.transpose() * u;
  const Eigen::VectorXd x = mean_ + root_.cwiseProduct(u + basis_ * (lower_ * within - within));
  return {x.data(), x.data() + x.size()};
}

std::vector<double> NormalApproximation::log_density(std::span<const double> points) const {
  const Eigen::Index dimension = mean_.size(),
                     count = static_cast<Eigen::Index>(points.size()) / std::max<Eigen::Index>(1, dimension);
  const Eigen::Map<const Eigen::MatrixXd> x(points.data(), dimension, count);
  const Eigen::MatrixXd u = root_.cwiseInverse().asDiagonal() * (x.colwise() - mean_);
  const Eigen::MatrixXd within = basis_.transpose() * u,
                        whitened = lower_.triangularView<Eigen::Lower>().solve(within);
  const double constant =
      -0.5 * static_cast<double>(dimension) * std::log(2 * std::numbers::pi) - log_determinant_;
  std::vector<double> result(static_cast<std::size_t>(count));
  for (Eigen::Index i = 0; i < count; ++i) {
    const double outside = std::max(0.0, u.col(i).squaredNorm() - within.col(i).squaredNorm());
    result[static_cast<std::size_t>(i)] = constant - 0.5 * (outside + whitened.col(i).squaredNorm());
  }
  return result;
}

double smooth_weights(std::vector<double>& log_weights) {
  const std::size_t count = log_weights.size();
  const auto tail = static_cast<std::size_t>(
      std::min(0.2 * static_cast<double>(count), 3 * std::sqrt(static_cast<double>(count))));
  if (tail < 5) return kInfinity;
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return log_weights[a] < log_weights[b]; });
  const double most = log_weights[order.back()];
  if (!std::isfinite(most)) return kInfinity;
  const double cut = std::exp(log_weights[order[count - tail - 1]] - most);
  std::vector<double> excess;
  for (std::size_t i = count - tail; i < count; ++i)
    excess.push_back(std::exp(log_weights[order[i]] - most) - cut);
  const double quarter = excess[static_cast<std::size_t>(static_cast<double>(tail) / 4 + 0.5) - 1],
               largest = excess.back();
  // Weights that are all alike have no tail.
  if (!(largest > 1e-10)) return -kInfinity;
  if (!(quarter > 0)) return kInfinity;
  const auto n = static_cast<double>(tail);
  const auto grid = static_cast<std::size_t>(20 + std::sqrt(n));
  std::vector<double> theta, profile;
  const auto shape = [&](double t) {
    double sum = 0;
    for (const double x : excess) sum += std::log1p(-t * x);
    return sum / n;
  };
  for (std::size_t i = 1; i <= grid; ++i) {
    const double t =
        1 / largest +
        (1 - std::sqrt(static_cast<double>(grid) / (static_cast<double>(i) - 0.5))) / (3 * quarter);
    const double k = shape(t);
    const double l = n * (std::log(-t / k) - k - 1);
    if (!std::isfinite(l)) continue;
    theta.push_back(t);
    profile.push_back(l);
  }
  if (theta.empty()) return kInfinity;
  const double total = log_sum_exp(profile);
  double t = 0;
  for (std::size_t i = 0; i < theta.size(); ++i) t += theta[i] * std::exp(profile[i] - total);
  double k = shape(t);
  const double sigma = -k / t;
  k = (k * n + 0.5 * 10) / (n + 10);
  for (std::size_t i = 0; i < tail; ++i) {
    const double p = (static_cast<double>(i) + 0.5) / n;
    const double quantile =
        std::abs(k) < 1e-8 ? -sigma * std::log1p(-p) : sigma * std::expm1(-k * std::log1p(-p)) / k;
    log_weights[order[count - tail + i]] = most + std::min(0.0, std::log(cut + quantile));
  }
  return k;
}

std::vector<double> dispersed_starts(const EvaluateBatch& evaluate, std::uint64_t dimension,
                                     std::uint64_t count, std::uint64_t seed, std::uint64_t first_chain) {
  std::vector<double> starts(count * dimension);
  std::vector<bool> found(count);
  for (std::uint32_t attempt = 0; attempt < kStartAttempts; ++attempt) {
    for (std::uint64_t c = 0; c < count; ++c) {
      if (!found[c])
        dispersed_start(std::span(starts).subspan(c * dimension, dimension), seed, first_chain + c,
                        Phase::Warmup, attempt);
    }
    const auto evaluations = evaluate(starts);
    bool all = true;
    for (std::uint64_t c = 0; c < count; ++c) {
      double size = std::abs(evaluations[c].value);
      for (const double g : evaluations[c].gradient) size += std::abs(g);
      found[c] = std::isfinite(size);
      all = all && found[c];
    }
    if (all) break;
  }
  return starts;
}

PathfinderResult pathfinder(const EvaluateBatch& evaluate, std::span<const double> starts,
                            std::uint64_t dimension, std::uint64_t count, std::uint64_t seed,
                            std::uint64_t first_chain) {
  PathfinderResult result;
  result.samples.dimension = dimension;
  const EvaluateBatch counted = [&](std::span<const double> points) {
    result.evaluations += points.size() / dimension;
    return evaluate(points);
  };
  const auto paths = climb(counted, starts, dimension, kMostBatches);
  const auto draw = [&](std::vector<Finder>& finders, const std::vector<std::size_t>& places,
                        std::uint32_t number) {
    draw_all(finders, places, number, counted, dimension, seed, first_chain);
  };

  std::vector<Finder> finders(paths.size());
  std::size_t most_places = 0;
  for (std::size_t p = 0; p < paths.size(); ++p) {
    auto& finder = finders[p];
    const auto& points = paths[p].points;
    if (points.size() < 2) continue;
    const std::size_t last = points.size() - 1, wanted = std::min(last, kPlaces);
    for (std::size_t i = 1; i <= wanted; ++i) {
      NormalApproximation place(points[last * i / wanted]);
      if (place.valid()) finder.places.push_back(std::move(place));
    }
    finder.draws.resize(finder.places.size());
    most_places = std::max(most_places, finder.places.size());
  }
  std::uint32_t number = 0;
  for (std::size_t place = 0; place < most_places; ++place)
    for (std::size_t i = 0; i < kElboDraws; ++i)
      draw(finders, std::vector<std::size_t>(finders.size(), place), number++);
  std::vector<std::size_t> best(finders.size());
  for (std::size_t f = 0; f < finders.size(); ++f) {
    auto& finder = finders[f];
    best[f] = finder.places.size();
    for (std::size_t place = 0; place < finder.places.size(); ++place)
      if (const double elbo = elbo_of(finder.draws[place]); elbo > finder.elbo) {
        finder.elbo = elbo;
        best[f] = finder.best = place;
      }
  }
  for (std::size_t i = kElboDraws; i < kDraws; ++i) draw(finders, best, number++);

  double greatest = -kInfinity;
  std::size_t useful = 0;
  for (std::size_t f = 0; f < finders.size(); ++f) {
    if (best[f] == finders[f].places.size()) continue;
    greatest = std::max(greatest, finders[f].elbo);
    ++useful;
  }
  if (!std::isfinite(greatest)) return result;
  const double reach = std::log(kJobs * static_cast<double>(count)) +
                       kErrors * std::max(1.0, std::sqrt(0.5 * static_cast<double>(dimension)));
  std::size_t within = 0, astray = 0;
  for (std::size_t f = 0; f < finders.size(); ++f) {
    if (finders[f].elbo < greatest - reach) continue;
    ++within;
    astray += !paths[f].arrived && 2 * finders[f].best < finders[f].places.size();
  }
  if (2 * astray > within) return result;

  std::vector<const Draw*> draws;
  std::vector<std::size_t> of;  // the finder of each
  std::vector<double> points;
  for (std::size_t f = 0; f < finders.size(); ++f) {
    if (best[f] == finders[f].places.size()) continue;
    for (const Draw& one : finders[f].draws[best[f]]) {
      if (!std::isfinite(one.at.value)) continue;
      draws.push_back(&one);
      of.push_back(f);
      points.insert(points.end(), one.position.begin(), one.position.end());
    }
  }
  std::vector<double> own, mixed;
  for (const Draw* one : draws) own.push_back(one->at.value - one->own);
  if (static_cast<double>(useful * useful * kDraws * dimension) * kMixingWork < kMostMixing) {
    std::vector<std::vector<double>> densities;
    for (std::size_t f = 0; f < finders.size(); ++f)
      if (best[f] < finders[f].places.size())
        densities.push_back(finders[f].places[best[f]].log_density(points));
    std::vector<double> all(densities.size());
    for (std::size_t i = 0; i < draws.size(); ++i) {
      for (std::size_t g = 0; g < densities.size(); ++g) all[g] = densities[g][i];
      mixed.push_back(draws[i]->at.value - log_sum_exp(all));
    }
  } else {
    mixed = own;
  }
  result.pareto_k = smooth_weights(mixed);
  if (!(result.pareto_k <= kMostK)) {
    // Every mode within reach keeps its paths; within a path the better draws are likelier.
    std::vector<double> totals(finders.size(), -kInfinity);
    for (std::size_t i = 0; i < draws.size(); ++i) {
      const double pair[] = {totals[of[i]], own[i]};
      totals[of[i]] = log_sum_exp(pair);
    }
    for (std::size_t i = 0; i < draws.size(); ++i)
      mixed[i] = finders[of[i]].elbo >= greatest - reach ? own[i] - totals[of[i]] : -kInfinity;
  }
  const double u =
      uniform(philox(counter(0, 0xffffffff, first_chain, Purpose::Approximation, Phase::Warmup), seed)[0]);
  for (const std::size_t i : resample(mixed, count, u))
    result.positions.insert(result.positions.end(), draws[i]->position.begin(), draws[i]->position.end());

  // For a metric: draws by their weights where many share the weight, else all of the modes that have mass.
  const double total = log_sum_exp(mixed);
  double squares = 0;
  for (const double w : mixed) squares += std::exp(2 * (w - total));
  const auto sample = [&](std::size_t i) {
    result.samples.points.insert(result.samples.points.end(), draws[i]->position.begin(),
                                 draws[i]->position.end());
    result.samples.gradients.insert(result.samples.gradients.end(), draws[i]->at.gradient.begin(),
                                    draws[i]->at.gradient.end());
  };
  if (1 / squares >= kWeighted * static_cast<double>(dimension)) {
    for (const std::size_t i : resample(mixed, draws.size(), u)) sample(i);
  } else {
    for (std::size_t i = 0; i < draws.size(); ++i)
      if (finders[of[i]].elbo >= greatest - reach) sample(i);
  }
  return result;
}

}  // namespace drey::nuts
