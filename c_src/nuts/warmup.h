#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "nuts/chains.h"
#include "nuts/lbfgs.h"
#include "nuts/metric.h"
#include "nuts/sampler.h"

namespace drey::nuts {

/// How warm-ups are made: a schedule that moves chains and learns step size, metric and positions. The
/// Sampler calls it; another schedule can take its place.
class WarmupSchedule {
 public:
  using Kernels = std::function<ChainKernel&(const Metric& metric)>;
  virtual ~WarmupSchedule() = default;
  /// \param kernels gives the sampler's kernel for metrics of this kind and rank, in the precision the tuning is to be
  ///               used in
  /// \param starts  positions to start from, [count][dimension]; empty: dispersed
  /// \throws Error{bad_start} when no chain finds a finite density
  virtual Tuning run(const Kernels& kernels, const Options& options, std::span<const double> starts,
                     const OnProgress& progress, std::stop_token stop) const = 0;
};

/// All chains of the job learn together: one metric and one step size from pooled draws, gradients and
/// acceptances, so that few transitions a chain are enough. Where the job has few chains, others that only
/// the warm-up sees are run beside them. Chains that find themselves where there is next to no mass are moved to
/// where it is; modes of comparable mass keep theirs. It ends when the metric has settled.
class PooledWarmup : public WarmupSchedule {
 public:
  /// Without Pathfinder: chains start dispersed whatever the options say.
  PooledWarmup() = default;
  /// \param density log density and gradient in the precision of the kernels, for Pathfinder
  /// \param shape   of the kernels; its metric does not matter
  PooledWarmup(EvaluateBatch density, const KernelShape& shape)
      : density_(std::move(density)), shape_(shape) {}
  Tuning run(const Kernels& kernels, const Options& options, std::span<const double> starts,
             const OnProgress& progress, std::stop_token stop) const override;

  /// Chains that a warm-up runs for a job of `chains`: never depends on the device.
  static std::uint64_t pool_size(std::uint64_t chains, const KernelShape& shape);

 private:
  EvaluateBatch density_;
  KernelShape shape_;
};

}  // namespace drey::nuts
