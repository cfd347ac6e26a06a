#pragma once

#include <compare>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "gpu/device.h"
#include "model/coordinates.h"
#include "model/model.h"
#include "model/program.h"
#include "nuts/chains.h"
#include "nuts/density.h"
#include "nuts/mapping.h"

/// The kernels of one model: made when they are asked for, or ahead of that on threads of their own, and kept. Called by
/// the Sampler, from one thread; knows nothing of what is done with them.
namespace drey::nuts {

/// Which of a model's sampler kernels.
struct ChainForm {
  bool f64 = false;
  int max_depth = 10;
  bool dense = false;
  std::uint32_t rank = 0;                 ///< of a low-rank metric
  Mapping mapping = Mapping::Invocation;  ///< not Auto
  auto operator<=>(const ChainForm&) const = default;
};

class Kernels {
 public:
  /// All must outlive it. \param density the model's, differentiated
  Kernels(gpu::Device& device, const model::Model& model, const model::Program& density,
          const model::Coordinates& coordinates);
  /// Waits for what is under way.
  ~Kernels();

  /// Dimension, precision, depth and workgroup of a kernel; what plan_kernel() begins with.
  KernelShape shape(bool f64, int max_depth) const;
  /// Of the density with its gradient, as glsl::Source::operations.
  std::uint64_t operations() const { return emit(density_, false).operations; }
  /// The mapping that Mapping::Auto stands for.
  Mapping mapping(bool f64, int max_depth, std::uint64_t chains) const;

  /// The kernel for a form, or for densities and their gradients.
  /// \throws Error{device_limit} when the model does not fit the device
  ChainKernel& chain(const ChainForm& form);
  DensityKernel& density(bool f64);
  /// For the draws of `chains`: on its device. Null: there is nothing to compute.
  DrawsKernel* draws(const ChainKernel& chains);

  /// Has the kernel for `form`, and the one for its draws, made while the caller does something else.
  /// \param evaluates the caller asks density() meanwhile: where a driver compiles a kernel as it is first dispatched, one
  ///                  after another, this one is made on a logical device of its own, and dispatched once
  void begin(const ChainForm& form, bool evaluates);

  /// Milliseconds that the caller has waited for kernels.
  double waited_ms() const { return waited_ms_; }

 private:
  template <typename Kernel>
  using Made = std::shared_future<std::unique_ptr<Kernel>>;
  using DrawsForm = std::pair<gpu::Device*, bool>;

  void need_f64(bool f64) const;
  glsl::Source emit(const model::Program& program, bool f64) const;
  std::unique_ptr<ChainKernel> make_chain(gpu::Device& on, const ChainForm& form) const;
  std::unique_ptr<DrawsKernel> make_draws(gpu::Device& on, bool f64) const;
  template <typename Key, typename Kernel, typename Make>
  Kernel& get(std::map<Key, Made<Kernel>>& kernels, const Key& key, const Make& make);

  gpu::Device& device_;
  const model::Model& model_;
  const model::Program& density_;
  const model::Coordinates& coordinates_;
  double waited_ms_ = 0;
  std::optional<gpu::Device> apart_;  ///< before the kernels: it outlives them
  std::map<ChainForm, Made<ChainKernel>> chains_;
  std::map<bool, Made<DensityKernel>> densities_;
  std::map<DrawsForm, Made<DrawsKernel>> draws_;
};

}  // namespace drey::nuts
