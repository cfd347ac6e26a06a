#include "nuts/sampler.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "error.h"
#include "gpu/device.h"
#include "grad/differentiate.h"
#include "model/coordinates.h"
#include "model/evaluator.h"
#include "nuts/adaptation.h"
#include "nuts/chains.h"
#include "nuts/density.h"
#include "nuts/kernels.h"
#include "nuts/low_rank.h"
#include "nuts/run.h"
#include "nuts/warmup.h"

namespace drey::nuts {
namespace {

std::string sha256_hex(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Error("internal", "SHA-256 failed");
  std::string hex;
  for (unsigned int i = 0; i < 16; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

/// Vectors of a low-rank metric at most.
constexpr std::uint64_t kMostRank = 16;
/// Deepest trees a kernel is made for: 2^15 leapfrogs a transition.
constexpr int kMostDepth = 15;
/// f32 is good enough where its log density errs by less than this, in its differences, and its gradient by
/// less than that, relative.
constexpr double kMostNoise = 0.01, kMostGradientNoise = 1e-3;

/// Pathfinder's few thousand evaluations of a density of so few operations take the host no longer than a driver takes to
/// compile a kernel for them, which takes the longer the more dimensions there are.
constexpr std::uint64_t kHostOperations = 3'000, kHostOperationsADimension = 50;

/// A model's programs and data, for a digest.
std::string data_bytes(const model::Model& model) {
  std::string bytes = model::canonical_bytes(model.density) + model::canonical_bytes(model.draws);
  for (const model::Array& array : model.data)
    std::visit(
        [&](const auto& values) {
          const std::uint64_t size = values.size();
          bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
          bytes.append(reinterpret_cast<const char*>(values.data()), size * sizeof values[0]);
        },
        array);
  return bytes;
}

void check_options(const Options& options) {
  const auto refuse = [](const std::string& message) { throw Error("bad_option", message); };
  if (options.chains == 0) refuse("`chains` is 0; give 1 or more");
  if (options.draws == 0) refuse("`draws` is 0; give 1 or more");
  if (options.thin == 0) refuse("`thin` is 0; give 1 to keep every transition");
  if (options.max_depth < 1 || options.max_depth > kMostDepth)
    refuse(fmt::format("`max_depth` is {}; give 1 to {}", options.max_depth, kMostDepth));
  if (!(options.target_accept > 0 && options.target_accept < 1))
    refuse(fmt::format("`target_accept` is {}; give a number between 0 and 1", options.target_accept));
  if (options.draws > 0x7fffffff / options.thin)
    refuse(fmt::format("`draws` * `thin` is more than {} transitions", 0x7fffffff));
  if ((options.first_chain + options.chains) >> 56) refuse("chain numbers go up to 2^56");
}

}  // namespace

class Sampler::Impl {
 public:
  Impl(gpu::Device& on, std::shared_ptr<const model::Model> of)
      : device(on),
        model(std::move(of)),
        key(sha256_hex(model::canonical_bytes(model->density))),
        coordinates(model::find_coordinates(*model)),
        kernels(on, *model, density, coordinates) {
    if (model->dimension == 0)
      throw Error("no_parameters", "the model has no parameters: there is nothing to sample");
    density = grad::differentiate(model->density, model->dimension);
  }

  /// Whether Pathfinder had better ask the host.
  bool is_cheap() {
    if (!cheap)
      cheap = kernels.operations() <= kHostOperations + kHostOperationsADimension * model->dimension;
    return *cheap;
  }

  /// What Pathfinder asks for log densities and gradients.
  EvaluateBatch evaluations(bool f64) {
    if (is_cheap())
      return [this](std::span<const double> points) { return evaluate_on_host(density, *model, points); };
    return [this, f64](std::span<const double> points) { return kernels.density(f64).evaluate(points); };
  }

  /// Whether f32 is good enough at these positions, against the host in f64. Asks the kernel that just warmed
  /// up: another would have to be compiled.
  bool single_is_enough(ChainKernel& kernel, std::span<const double> positions) {
    const std::uint64_t dimension = model->dimension, count = positions.size() / dimension;
    const std::uint64_t looked = std::min<std::uint64_t>(count, 32);
    Chains chains(kernel, looked, 1, false);
    chains.start_at(positions.first(looked * dimension));
    chains.set_scale(std::vector<double>(Chains::scale_size(kernel.shape)));
    RunOptions evaluate;
    evaluate.limit = 0;
    if (chains.run(evaluate).failed) return false;
    const auto single = chains.evaluations();
    model::Evaluator evaluator(density, model->data);
    double sum = 0, squares = 0, gradient_error = 0, gradient_size = 0;
    for (std::uint64_t i = 0; i < looked; ++i) {
      const auto exact = evaluator.run(positions.subspan(i * dimension, dimension));
      const double error = single[i].value - exact.target;
      if (!std::isfinite(error)) return false;
      sum += error;
      squares += error * error;
      for (std::uint64_t d = 0; d < dimension; ++d) {
        gradient_error += std::pow(single[i].gradient[d] - exact.gradient[d], 2);
        gradient_size += std::pow(exact.gradient[d], 2);
      }
    }
    const auto n = static_cast<double>(looked);
    const double variance = looked > 1 ? (squares - sum * sum / n) / (n - 1) : squares;
    return std::sqrt(std::max(0.0, variance)) < kMostNoise &&
           std::sqrt(gradient_error) <= kMostGradientNoise * std::sqrt(gradient_size);
  }

  Tuning warmup(const Options& options, const OnProgress& progress, std::stop_token stop) {
    check_options(options);
    const auto schedule = [&](bool f64) {
      return PooledWarmup(evaluations(f64), kernels.shape(f64, options.max_depth));
    };
    const auto kernel_for = [&](bool f64) {
      const Mapping to = options.mapping != Mapping::Auto
                             ? options.mapping
                             : kernels.mapping(f64, options.max_depth, options.chains);
      const auto form = [=, depth = options.max_depth](bool dense, std::uint32_t rank) {
        return ChainForm{f64, depth, dense, rank, to};
      };
      // What a diagonal metric wants is made while Pathfinder is under way.
      kernels.begin(form(false, 0), options.start == StartKind::Pathfinder && !is_cheap());
      return [this, form](const Metric& metric) -> ChainKernel& {
        return kernels.chain(
            form(metric.kind == MetricKind::Dense, static_cast<std::uint32_t>(metric.rank())));
      };
    };
    const bool may_choose = options.precision == PrecisionChoice::Auto;
    if (progress) progress({"compile", 0, 0, 0});
    std::vector<double> starts;
    if (options.precision != PrecisionChoice::F64) {
      try {
        Tuning tuning = schedule(false).run(kernel_for(false), options, {}, progress, stop);
        tuning.model_key = key;
        if (!may_choose || !device.info().f64 ||
            single_is_enough(kernels.chain(form_of(tuning, options)), tuning.positions))
          return tuning;
        starts = std::move(tuning.positions);
      } catch (const Error& error) {
        // What f32 cannot evaluate, f64 may.
        if (!may_choose || !device.info().f64 || error.reason() != "bad_start") throw;
      }
    }
    Tuning tuning = schedule(true).run(kernel_for(true), options, starts, progress, stop);
    tuning.model_key = key;
    return tuning;
  }

  static ChainForm form_of(const Tuning& tuning, const Options& options) {
    return {tuning.f64, options.max_depth, tuning.metric == MetricKind::Dense, rank_of(tuning),
            tuning.mapping == "subgroup" ? Mapping::Subgroup : Mapping::Invocation};
  }

  /// Vectors of a low-rank metric.
  static std::uint32_t rank_of(const Tuning& tuning) {
    if (tuning.metric != MetricKind::LowRank) return 0;
    const auto rank = low_rank_of(tuning.inverse_metric, tuning.dimension);
    if (!rank || *rank > kMostRank)
      throw Error("wrong_tuning",
                  fmt::format("a low-rank metric of {} dimensions and up to {} vectors does not have {} "
                              "numbers",
                              tuning.dimension, kMostRank, tuning.inverse_metric.size()));
    return static_cast<std::uint32_t>(*rank);
  }

  void check_tuning(const Tuning& tuning) const {
    const auto refuse = [](const std::string& message) { throw Error("wrong_tuning", message); };
    if (tuning.model_key != key) refuse("the tuning is of another model (or another shape of this one)");
    if (tuning.dimension != model->dimension)
      refuse(fmt::format("the tuning has {} dimensions, the model {}", tuning.dimension, model->dimension));
    if (tuning.mapping != "invocation" && tuning.mapping != "subgroup")
      refuse(fmt::format("no mapping \"{}\"", tuning.mapping));
    const bool dense = tuning.metric == MetricKind::Dense;
    std::uint64_t numbers = dense ? tuning.dimension * tuning.dimension : tuning.dimension;
    if (tuning.metric == MetricKind::LowRank) numbers += rank_of(tuning) * (tuning.dimension + 1);
    if (tuning.inverse_metric.size() != numbers)
      refuse(fmt::format("the inverse metric has {} numbers instead of {}", tuning.inverse_metric.size(),
                         numbers));
    // The diagonal and the eigenvalues; vectors have entries of either sign.
    const std::uint64_t positive = dense ? 0 : tuning.dimension + rank_of(tuning);
    for (std::uint64_t i = 0; i < numbers; ++i)
      if (const double m = tuning.inverse_metric[i]; !(m > 0 || i >= positive) || !std::isfinite(m))
        refuse(fmt::format("the inverse metric holds {}; it must be positive", m));
    if (!(tuning.step_size > 0) || !std::isfinite(tuning.step_size))
      refuse(fmt::format("the step size is {}; it must be positive", tuning.step_size));
    if (tuning.positions.size() != tuning.position_count * tuning.dimension)
      refuse(fmt::format("{} numbers are no {} positions of {} dimensions", tuning.positions.size(),
                         tuning.position_count, tuning.dimension));
    for (const double q : tuning.positions)
      if (!std::isfinite(q)) refuse("a position is not finite");
  }

  std::unique_ptr<Run> run(const Tuning& tuning, const Options& options, RunPlan plan,
                           const Snapshot* snapshot) {
    check_options(options);
    check_tuning(tuning);
    auto& chains = kernels.chain(form_of(tuning, options));
    const RunKernels borrowed{chains.device, *model, density, chains, kernels.draws(chains), coordinates};
    if (snapshot) return std::make_unique<Run>(borrowed, tuning, options, std::move(plan), *snapshot);
    return std::make_unique<Run>(borrowed, tuning, options, std::move(plan));
  }

  Draws sample(const Tuning& tuning, const Options& options, const OnProgress& progress,
               const std::stop_token& stop) {
    if (progress) progress({"compile", 0, 0, 0});
    RunPlan plan;
    plan.points = true;
    const auto drawing = run(tuning, options, std::move(plan), nullptr);
    Draws result;
    result.chains = options.chains;
    result.draws = options.draws;
    result.dimension = model->dimension;
    result.output_size = model->output_size;
    const std::uint64_t kept = options.chains * options.draws;
    result.points.resize(kept * result.dimension);
    result.outputs.resize(kept * result.output_size);
    for (auto* values : {&result.lp, &result.accept, &result.energy}) values->resize(kept);
    for (auto* values : {&result.depth, &result.leapfrogs}) values->resize(kept);
    result.divergent.resize(kept);
    const auto end = drawing->draw(
        [&](Window&& window) {
          place(result, window);
          return true;
        },
        progress, stop);
    if (end != Run::End::Done) throw Error("cancelled", "the job was cancelled");
    result.gradients = drawing->gradients();
    result.live_share = drawing->live_share();
    result.sampling_ms = drawing->sampling_ms();
    result.outputs_ms = drawing->outputs_ms();
    result.divergences = drawing->divergences(stop);
    result.warnings = drawing->warnings();
    return result;
  }

  static void place(Draws& result, Window& window) {
    if (window.draws.chains == result.chains && window.draws.draws == result.draws) {
      result = std::move(window.draws);
      return;
    }
    const auto rows = [&](auto& to, const auto& from, std::uint64_t width) {
      for (std::uint64_t c = 0; c < window.draws.chains; ++c)
        std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(c * window.draws.draws * width),
                    window.draws.draws * width,
                    to.begin() + static_cast<std::ptrdiff_t>(
                                     ((window.first_chain + c) * result.draws + window.first_draw) * width));
    };
    rows(result.points, window.draws.points, result.dimension);
    rows(result.outputs, window.draws.outputs, result.output_size);
    rows(result.lp, window.draws.lp, 1);
    rows(result.accept, window.draws.accept, 1);
    rows(result.energy, window.draws.energy, 1);
    rows(result.depth, window.draws.depth, 1);
    rows(result.leapfrogs, window.draws.leapfrogs, 1);
    rows(result.divergent, window.draws.divergent, 1);
  }

  const std::string& data_identity() {
    if (data_key.empty()) data_key = sha256_hex(data_bytes(*model));
    return data_key;
  }

  gpu::Device& device;
  std::shared_ptr<const model::Model> model;
  std::string key, data_key;
  model::Program density;
  std::optional<bool> cheap;  // the density, for the host; from its program alone
  model::Coordinates coordinates;
  Kernels kernels;
};

Sampler::Sampler(gpu::Device& device, std::shared_ptr<const model::Model> model)
    : impl_(std::make_unique<Impl>(device, std::move(model))) {}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;

Tuning Sampler::warmup(const Options& options, const OnProgress& progress, std::stop_token stop) {
  return impl_->warmup(options, progress, std::move(stop));
}

Draws Sampler::sample(const Tuning& tuning, const Options& options, const OnProgress& progress,
                      std::stop_token stop) {
  return impl_->sample(tuning, options, progress, stop);
}

std::unique_ptr<Run> Sampler::run(const Tuning& tuning, const Options& options, RunPlan plan,
                                  const Snapshot* snapshot) {
  return impl_->run(tuning, options, std::move(plan), snapshot);
}

std::vector<Evaluation> Sampler::log_density(const std::vector<double>& points, bool f64) {
  if (points.size() % impl_->model->dimension)
    throw Error("wrong_shape", fmt::format("{} numbers are no points of {} dimensions", points.size(),
                                           impl_->model->dimension));
  if (points.empty()) return {};
  return impl_->kernels.density(f64).evaluate(points);
}

double Sampler::compile_ms() const { return impl_->kernels.waited_ms(); }
const std::string& Sampler::model_key() const { return impl_->key; }
const std::string& Sampler::data_key() const { return impl_->data_identity(); }

}  // namespace drey::nuts
