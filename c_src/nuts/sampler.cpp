#include "nuts/sampler.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <tuple>

#include "error.h"
#include "glsl/compile.h"
#include "glsl/emit.h"
#include "gpu/device.h"
#include "grad/differentiate.h"
#include "model/evaluator.h"
#include "nuts/adaptation.h"
#include "nuts/chains.h"
#include "nuts/density.h"
#include "nuts/warmup.h"

namespace drey::nuts {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string sha256_hex(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Error("internal", "SHA-256 failed");
  std::string hex;
  for (unsigned int i = 0; i < 16; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

/// Deepest trees a kernel is made for: 2^15 leapfrogs a transition.
constexpr int kMostDepth = 15;
/// Bytes that the records of one window may take.
constexpr std::uint64_t kRecordBytes = std::uint64_t{128} << 20;
/// f32 is good enough where its log density errs by less than this, in its differences, and its gradient by
/// less than that, relative.
constexpr double kMostNoise = 0.01, kMostGradientNoise = 1e-3;

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
      : device(on), model(std::move(of)), key(sha256_hex(model::canonical_bytes(model->density))) {
    if (model->dimension == 0)
      throw Error("no_parameters", "the model has no parameters: there is nothing to sample");
    density = grad::differentiate(model->density, model->dimension);
  }

  KernelShape shape(bool f64, int max_depth) const {
    KernelShape shape;
    shape.f64 = f64;
    shape.dimension = model->dimension;
    shape.max_depth = std::max(10, max_depth);
    shape.local_size = device.info().type == "cpu" ? 8 : 32;
    return shape;
  }

  glsl::Source emit(const model::Program& program, bool f64) const {
    glsl::EmitOptions options;
    options.precision = f64 ? glsl::Precision::F64 : glsl::Precision::F32;
    options.first_binding = kFirstDataBinding;
    options.uniform_range = device.info().uniform_range;
    return glsl::emit(program, *model, options);
  }

  void need_f64(bool f64) const {
    if (f64 && !device.info().f64)
      throw Error("device_limit", fmt::format("{} has no f64 arithmetic; use precision f32 or another device",
                                              device.info().name));
  }

  template <typename Kernel, typename Key, typename Make>
  Kernel& cached(std::map<Key, std::unique_ptr<Kernel>>& cache, const Key& at, const Make& make) {
    auto& slot = cache[at];
    if (!slot) {
      const auto start = Clock::now();
      slot = make();
      compile_ms += ms_since(start);
    }
    return *slot;
  }

  ChainKernel& chain_kernel(bool f64, int max_depth, bool dense) {
    need_f64(f64);
    auto of = shape(f64, max_depth);
    of.dense = dense;
    return cached(chain_kernels, std::tuple(f64, of.max_depth, dense), [&] {
      return std::make_unique<ChainKernel>(device, of, emit(density, f64), glsl::compile_cached);
    });
  }

  DensityKernel& density_kernel(bool f64) {
    need_f64(f64);
    return cached(density_kernels, f64, [&] {
      return std::make_unique<DensityKernel>(device, shape(f64, 10), emit(density, f64),
                                             glsl::compile_cached);
    });
  }

  DrawsKernel& draws_kernel(bool f64) {
    return cached(draws_kernels, f64, [&] {
      return std::make_unique<DrawsKernel>(device, shape(f64, 10), emit(model->draws, f64),
                                           model->output_size, glsl::compile_cached);
    });
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
    const PooledWarmup schedule;
    if (options.metric == MetricKind::LowRank)
      throw Error("bad_option", "`metric` low_rank is not offered; use dense, diagonal or auto");
    const auto kernels = [&](bool f64) {
      return [this, &options, f64](bool dense) -> ChainKernel& {
        return chain_kernel(f64, options.max_depth, dense);
      };
    };
    const bool may_choose = options.precision == PrecisionChoice::Auto;
    if (progress) progress({"compile", 0, 0, 0});
    std::vector<double> starts;
    if (options.precision != PrecisionChoice::F64) {
      try {
        Tuning tuning = schedule.run(kernels(false), options, {}, progress, stop);
        tuning.model_key = key;
        if (!may_choose || !device.info().f64 ||
            single_is_enough(chain_kernel(false, options.max_depth, tuning.metric == MetricKind::Dense),
                             tuning.positions))
          return tuning;
        starts = std::move(tuning.positions);
      } catch (const Error& error) {
        // What f32 cannot evaluate, f64 may.
        if (!may_choose || !device.info().f64 || error.reason() != "bad_start") throw;
      }
    }
    Tuning tuning = schedule.run(kernels(true), options, starts, progress, stop);
    tuning.model_key = key;
    return tuning;
  }

  void check_tuning(const Tuning& tuning) const {
    const auto refuse = [](const std::string& message) { throw Error("wrong_tuning", message); };
    if (tuning.model_key != key) refuse("the tuning is of another model (or another shape of this one)");
    if (tuning.dimension != model->dimension)
      refuse(fmt::format("the tuning has {} dimensions, the model {}", tuning.dimension, model->dimension));
    if (tuning.mapping != "invocation") refuse(fmt::format("no mapping \"{}\"", tuning.mapping));
    if (tuning.metric != MetricKind::Diagonal && tuning.metric != MetricKind::Dense)
      refuse("only diagonal and dense metrics can be used");
    const bool dense = tuning.metric == MetricKind::Dense;
    const std::uint64_t numbers = dense ? tuning.dimension * tuning.dimension : tuning.dimension;
    if (tuning.inverse_metric.size() != numbers)
      refuse(fmt::format("the inverse metric has {} numbers instead of {}", tuning.inverse_metric.size(),
                         numbers));
    for (const double m : tuning.inverse_metric)
      if (!(m > 0 || dense) || !std::isfinite(m))
        refuse(fmt::format("the inverse metric holds {}; it must be positive", m));
    if (!(tuning.step_size > 0) || !std::isfinite(tuning.step_size))
      refuse(fmt::format("the step size is {}; it must be positive", tuning.step_size));
    if (tuning.positions.size() != tuning.position_count * tuning.dimension)
      refuse(fmt::format("{} numbers are no {} positions of {} dimensions", tuning.positions.size(),
                         tuning.position_count, tuning.dimension));
    for (const double q : tuning.positions)
      if (!std::isfinite(q)) refuse("a position is not finite");
  }

  Draws sample(const Tuning& tuning, const Options& options, const OnProgress& progress,
               std::stop_token stop) {
    check_options(options);
    check_tuning(tuning);
    if (progress) progress({"compile", 0, 0, 0});
    const bool dense = tuning.metric == MetricKind::Dense;
    auto& kernel = chain_kernel(tuning.f64, options.max_depth, dense);
    DrawsKernel* outputs = model->output_size ? &draws_kernel(tuning.f64) : nullptr;

    Draws result;
    result.chains = options.chains;
    result.draws = options.draws;
    result.dimension = model->dimension;
    result.output_size = model->output_size;
    const std::uint64_t kept = options.chains * options.draws;
    result.points.resize(kept * result.dimension);
    result.outputs.resize(kept * result.output_size);
    for (auto* values : {&result.lp, &result.accept, &result.energy}) values->resize(kept);
    result.depth.resize(kept);
    result.leapfrogs.resize(kept);
    result.divergent.resize(kept);

    // As many chains at once as their state allows, as many draws of them as fit beside.
    const std::uint64_t real = tuning.f64 ? 8 : 4;
    const std::uint64_t room = std::min(kRecordBytes, device.info().storage_range);
    const std::uint64_t state = Chains::state_bytes(kernel.shape);
    const std::uint64_t slot =
        std::max<std::uint64_t>(Chains::slot_bytes(kernel.shape, false), model->output_size * real);
    if (state > room || slot > room)
      throw Error("device_limit",
                  fmt::format("a chain of this model takes {} bytes and a draw {}, and buffers of {} "
                              "hold {} at most",
                              state, slot, device.info().name, room));
    const std::uint64_t group = std::min(options.chains, std::min(room / state, room / slot));
    const std::uint64_t window = std::clamp<std::uint64_t>(room / (group * slot), 1, options.draws);

    Progress told{"sampling", 0, options.chains * options.draws * options.thin, 0};
    const auto scale = [&] {
      if (dense) return metric_factor(tuning.inverse_metric, tuning.dimension);
      std::vector<double> roots(tuning.inverse_metric);
      for (double& m : roots) m = std::sqrt(m);
      return roots;
    }();
    for (std::uint64_t first = 0; first < options.chains; first += group) {
      const std::uint64_t count = std::min(group, options.chains - first);
      Chains chains(kernel, count, window, false);
      start(chains, tuning, options.first_chain + first);
      chains.set_scale(scale);
      const std::uint64_t told_before = told.done;
      for (std::uint64_t base = 0; base < options.draws; base += window) {
        const std::uint64_t slots = std::min(window, options.draws - base);
        RunOptions run;
        run.seed = options.seed;
        run.first_chain = options.first_chain + first;
        run.base = static_cast<std::uint32_t>(base);
        run.thin = static_cast<std::uint32_t>(options.thin);
        run.limit = static_cast<std::uint32_t>((base + slots) * options.thin);
        run.depth_cap = options.max_depth;
        run.step_size = tuning.step_size;
        run.budget = options.budget;
        const auto started = Clock::now();
        const auto status = chains.run(
            run,
            [&](const ChainStatus& at) {
              told.done = told_before + at.transitions;
              if (progress) progress(told);
            },
            stop);
        result.sampling_ms += ms_since(started);
        if (status.failed)
          throw Error("bad_start", fmt::format("{} of {} chains have no finite density where they start",
                                               status.failed, count));
        store(result, chains.record(slots), first, base, slots, told);
        if (outputs) {
          const auto before = Clock::now();
          const auto values = outputs->outputs(chains, run, slots);
          const std::uint64_t size = model->output_size;
          turn(count, slots, [&](std::uint64_t s, std::uint64_t from, std::uint64_t to) {
            for (std::uint64_t e = 0; e < size; ++e)
              for (std::uint64_t c = from; c < to; ++c)
                result.outputs[((first + c) * options.draws + base + s) * size + e] =
                    values[(s * size + e) * count + c];
          });
          result.outputs_ms += ms_since(before);
        }
      }
    }
    warn(result, tuning, options);
    return result;
  }

  /// Chain `number` starts from position number % count, or dispersed where there are none.
  void start(Chains& chains, const Tuning& tuning, std::uint64_t first) const {
    if (tuning.position_count == 0) return chains.start_dispersed();
    std::vector<double> positions(chains.count() * tuning.dimension);
    for (std::uint64_t c = 0; c < chains.count(); ++c) {
      const std::uint64_t from = (first + c) % tuning.position_count * tuning.dimension;
      std::copy_n(tuning.positions.begin() + static_cast<std::ptrdiff_t>(from), tuning.dimension,
                  positions.begin() + static_cast<std::ptrdiff_t>(c * tuning.dimension));
    }
    chains.start_at(positions);
  }

  static void store(Draws& result, const Chains::Record& record, std::uint64_t first, std::uint64_t base,
                    std::uint64_t slots, Progress& told) {
    turn(record.stride, slots, [&](std::uint64_t s, std::uint64_t from, std::uint64_t to) {
      const std::uint64_t row = first * result.draws + base + s;  // of chain 0 of the record
      for (std::uint64_t d = 0; d < result.dimension; ++d)
        for (std::uint64_t c = from; c < to; ++c)
          result.points[(row + c * result.draws) * result.dimension + d] = record.point(s, c, d);
      for (std::uint64_t c = from; c < to; ++c) {
        const std::uint64_t at = row + c * result.draws;
        result.lp[at] = record.lp(s, c);
        result.accept[at] = record.accept(s, c);
        result.energy[at] = record.energy(s, c);
        result.depth[at] = static_cast<std::int32_t>(record.word(s, 0, c));
        result.leapfrogs[at] = static_cast<std::int32_t>(record.word(s, 1, c));
        result.divergent[at] = static_cast<std::uint8_t>(record.word(s, 2, c));
        result.gradients += record.word(s, 1, c);
        told.divergent += record.word(s, 2, c);
      }
    });
  }

  /// From the device's order, chains last, to the result's, chains first: calls visit(slot, from, to) for some chains
  /// [from, to) at a time, so that what is read and what is written both stay in the processor's caches.
  template <typename Visit>
  static void turn(std::uint64_t chains, std::uint64_t slots, const Visit& visit) {
    constexpr std::uint64_t kChainsAtOnce = 16;
    for (std::uint64_t from = 0; from < chains; from += kChainsAtOnce)
      for (std::uint64_t s = 0; s < slots; ++s) visit(s, from, std::min(chains, from + kChainsAtOnce));
  }

  void warn(Draws& result, const Tuning& tuning, const Options& options) const {
    const std::uint64_t kept = result.divergent.size();
    std::uint64_t divergent = 0, deep = 0;
    for (std::uint64_t i = 0; i < kept; ++i) {
      divergent += result.divergent[i];
      if (result.depth[i] >= options.max_depth) ++deep;
    }
    if (divergent)
      result.warnings.push_back(
          fmt::format("{} of {} transitions diverged: parts of the posterior may be missed; raise "
                      "target_accept, or write the "
                      "model in other parameters (a non-centred hierarchy)",
                      divergent, kept));
    if (deep)
      result.warnings.push_back(
          fmt::format("{} of {} transitions reached max_depth {}: draws are more correlated than "
                      "they need be; raise max_depth or rescale the model",
                      deep, kept, options.max_depth));
    if (options.precision == PrecisionChoice::Auto)
      result.warnings.push_back(
          tuning.f64          ? "precision auto chose f64: f32 is too coarse for this model and data"
          : device.info().f64 ? "precision auto chose f32: its energy error is negligible here"
                              : "precision auto took f32: this device has no f64");
    if (tuning.position_count == 0)
      result.warnings.push_back(
          "the tuning has no positions: chains start dispersed, and their first draws are on "
          "their way in");
    else if (options.first_chain + options.chains > tuning.position_count)
      result.warnings.push_back(
          fmt::format("{} warmed positions are shared by chains {} to {}: chains of one position "
                      "start alike, which R-hat does not see",
                      tuning.position_count, options.first_chain, options.first_chain + options.chains - 1));
  }

  gpu::Device& device;
  std::shared_ptr<const model::Model> model;
  std::string key;
  model::Program density;
  double compile_ms = 0;
  std::map<std::tuple<bool, int, bool>, std::unique_ptr<ChainKernel>> chain_kernels;
  std::map<bool, std::unique_ptr<DensityKernel>> density_kernels;
  std::map<bool, std::unique_ptr<DrawsKernel>> draws_kernels;
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
  return impl_->sample(tuning, options, progress, std::move(stop));
}

std::vector<Evaluation> Sampler::log_density(const std::vector<double>& points, bool f64) {
  if (points.size() % impl_->model->dimension)
    throw Error("wrong_shape", fmt::format("{} numbers are no points of {} dimensions", points.size(),
                                           impl_->model->dimension));
  if (points.empty()) return {};
  return impl_->density_kernel(f64).evaluate(points);
}

double Sampler::compile_ms() const { return impl_->compile_ms; }
const std::string& Sampler::model_key() const { return impl_->key; }

}  // namespace drey::nuts
