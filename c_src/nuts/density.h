#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
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

/// The same on the host, in f64. \param density a model's, differentiated \param between called before each point
std::vector<Evaluation> evaluate_on_host(const model::Program& density, const model::Model& model,
                                         std::span<const double> points,
                                         const std::function<void()>& between = {});

/// The outputs of recorded draws: a draw an invocation, on the device, straight from the sampler's record. They are
/// asked for and fetched in two calls, so that the device goes on drawing while the host looks at them.
class DrawsKernel {
 public:
  /// \param draws a model's draw program, or what of it is to be computed
  /// \param computed for each output whether that stores it
  DrawsKernel(gpu::Device& device, const KernelShape& shape, const glsl::Source& draws,
              const std::vector<bool>& computed, const Compile& compile);

  /// Draws of so many chains that one call may ask for.
  std::uint64_t most_slots(std::uint64_t chains) const;
  /// Asks for the outputs of the draws that `run` recorded in slots [first, first + slots) of `chains`, whose record
  /// must stay until finish() or wait(). What was asked for before is given up.
  void begin(const Chains& chains, const RunOptions& run, std::uint64_t slots, std::uint64_t first);
  /// Waits for them. \returns [slot][pair][chain][2], by pairs of elements, in the device's precision, until the next
  /// begin(); those not computed are anything
  /// \throws Error{internal} when the device left a loop early
  std::span<const std::byte> finish();
  /// Waits until the device is done with what was asked for, whatever came of it.
  void wait() noexcept;

 private:
  gpu::Device& device_;
  KernelShape shape_;
  std::uint64_t slot_bytes_;  ///< of one draw of one chain
  std::vector<std::pair<std::uint32_t, gpu::Buffer>> data_;
  gpu::Kernel kernel_;
  std::optional<gpu::Buffer> out_, markers_;
  std::optional<gpu::Arguments> arguments_;
  gpu::Commands commands_;
  std::uint64_t submission_ = 0, asked_ = 0;  ///< `asked_`: draws
  std::uint32_t stamp_ = 0;
};

}  // namespace drey::nuts
