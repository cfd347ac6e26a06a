#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "nuts/chains.h"
#include "nuts/sampler.h"

namespace drey::nuts {

/// How warm-ups are made: a schedule that moves chains and learns step size, metric and positions. The
/// Sampler calls it; another schedule can take its place.
class WarmupSchedule {
 public:
  using Kernels = std::function<ChainKernel&(bool dense)>;
  virtual ~WarmupSchedule() = default;
  /// \param kernels gives the sampler's kernel for a diagonal or a dense metric, in the precision the tuning is to be
  ///               used in
  /// \param starts  positions to start from, [count][dimension]; empty: dispersed
  /// \throws Error{bad_start} when no chain finds a finite density
  virtual Tuning run(const Kernels& kernels, const Options& options, std::span<const double> starts,
                     const OnProgress& progress, std::stop_token stop) const = 0;
};

/// All chains of the job learn together: one metric and one step size from pooled draws, gradients and
/// acceptances, so that few transitions a chain are enough. Where the job has few chains, others that only
/// the warm-up sees are run beside them.
class PooledWarmup : public WarmupSchedule {
 public:
  Tuning run(const Kernels& kernels, const Options& options, std::span<const double> starts,
             const OnProgress& progress, std::stop_token stop) const override;

  /// Chains that a warm-up runs for a job of `chains`: never depends on the device.
  static std::uint64_t pool_size(std::uint64_t chains, const KernelShape& shape);
};

}  // namespace drey::nuts
