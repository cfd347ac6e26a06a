#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "model/model.h"
#include "nuts/run.h"
#include "term/term.h"

/// What bounds the draws that are on their way to a subscriber: windows that it has not acknowledged, where it gave a
/// credit, and bytes that the door still holds. The sampling thread waits here, and its chains with it.
namespace drey::service {

class Outflow : public std::enable_shared_from_this<Outflow> {
 public:
  /// \param credit     windows that may be sent; none: any number, of which the subscriber tells nothing
  /// \param most_bytes that may be held by messages; 0: any number
  Outflow(std::optional<std::uint64_t> credit, std::size_t most_bytes)
      : credit_(credit), most_bytes_(most_bytes) {}

  /// Waits until a window may go, and counts it; one may always go while none is held. False: a stop was requested.
  bool take(const std::stop_token& stop);
  /// The subscriber takes so many more.
  /// \return false when it gave no credit in the first place
  bool grant(std::uint64_t windows);
  /// What a message holds for as long as it lives.
  std::shared_ptr<const void> lease(std::size_t bytes);
  std::size_t held() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<std::uint64_t> credit_;
  const std::size_t most_bytes_;
  std::size_t held_ = 0;
};

/// A window as a subscriber gets it: `#{first_chain, first_draw, draws, stats}`, arrays as in a result. Its large binaries
/// hold a lease of `outflow`.
/// \param first_chain the global number of the job's first chain
term::Term window_term(const nuts::Window& window, const std::vector<const model::Output*>& outputs, bool f64,
                       std::uint64_t first_chain, Outflow& outflow);

}  // namespace drey::service
