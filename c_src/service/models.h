#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "model/model.h"
#include "nuts/sampler.h"
#include "term/codec.h"
#include "term/term.h"

/// What is kept between calls, so that the second call with a model neither checks nor compiles it again.
namespace drey::service {

/// Checked models, by the bytes of their terms. Thread-safe.
class Models {
 public:
  /// \param most_bytes the terms kept may have in all; larger ones are compiled and not kept
  explicit Models(std::size_t most_models = 16, std::size_t most_bytes = std::size_t{256} << 20)
      : most_models_(most_models), most_bytes_(most_bytes) {}

  /// \throws Error of model::compile
  std::shared_ptr<const model::Model> get(const term::Term& term);

 private:
  struct Entry {
    std::size_t hash;
    term::Encoded key;
    std::shared_ptr<const model::Model> model;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;  ///< most recently used first
  std::size_t bytes_ = 0;
  std::size_t most_models_, most_bytes_;
};

/// Samplers made ready on one device. For that device's worker thread only.
class Samplers {
 public:
  explicit Samplers(gpu::Device& device, std::size_t most = 4) : device_(device), most_(most) {}

  nuts::Sampler& get(const std::shared_ptr<const model::Model>& model);
  /// Drops one whose state is in doubt after an error.
  void forget(const std::shared_ptr<const model::Model>& model);
  gpu::Device& device() { return device_; }

 private:
  struct Entry {
    std::shared_ptr<const model::Model> model;
    nuts::Sampler sampler;
  };
  gpu::Device& device_;
  std::size_t most_;
  std::list<Entry> entries_;  ///< most recently used first
};

}  // namespace drey::service
