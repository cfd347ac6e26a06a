#pragma once

#include <cstdint>
#include <vector>

#include "nuts/chains.h"
#include "nuts/sampler.h"

namespace drey::nuts {

/// Log density and gradient of a program at many points in one dispatch.
class DensityKernel {
 public:
  DensityKernel(gpu::Device& device, const KernelShape& shape, const glsl::Source& density,
                const Compile& compile);
  /// \param points [count][dimension]
  /// \throws Error{internal} when the device left a loop early
  std::vector<Evaluation> evaluate(std::span<const double> points);

 private:
  gpu::Device& device_;
  KernelShape shape_;
  std::vector<std::pair<std::uint32_t, gpu::Buffer>> data_;
  gpu::Kernel kernel_;
};

/// The outputs of recorded draws: a draw an invocation, on the device, straight from the sampler's record.
class DrawsKernel {
 public:
  /// \param draws a model's draw program
  DrawsKernel(gpu::Device& device, const KernelShape& shape, const glsl::Source& draws,
              std::uint64_t output_size, const Compile& compile);
  /// \param slots recorded in `chains` by `run`, from slot `first` on
  /// \returns [slot][element][chain]
  std::vector<double> outputs(const Chains& chains, const RunOptions& run, std::uint64_t slots,
                              std::uint64_t first = 0);

 private:
  gpu::Device& device_;
  KernelShape shape_;
  std::uint64_t output_size_;
  std::vector<std::pair<std::uint32_t, gpu::Buffer>> data_;
  gpu::Kernel kernel_;
};

}  // namespace drey::nuts
