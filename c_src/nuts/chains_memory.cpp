#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "error.h"
#include "nuts/chain_state.h"
#include "nuts/chains.h"

// What the host writes to the chains' memory and reads there.
namespace drey::nuts {

void Chains::write_reals(std::uint64_t component, std::span<const double> values, std::uint64_t width) {
  const bool f64 = kernel_.shape.f64;
  const std::uint64_t real = f64 ? 8 : 4, from = 2 * kernel_.layout.pairs + component;
  if (kernel_.shape.lanes) {
    for (std::uint64_t c = 0; c < count_; ++c)
      state_real_.write(reals_to_bytes(values.subspan(c * width, width), f64),
                        (c * kernel_.layout.reals + from) * real);
    return;
  }
  std::vector<double> turned(values.size());
  for (std::uint64_t c = 0; c < count_; ++c)
    for (std::uint64_t d = 0; d < width; ++d) turned[d * count_ + c] = values[c * width + d];
  state_real_.write(reals_to_bytes(turned, f64), from * count_ * real);
}

std::vector<double> Chains::reals(std::uint64_t component, std::uint64_t width) const {
  const bool f64 = kernel_.shape.f64;
  const std::uint64_t from = 2 * kernel_.layout.pairs + component;
  std::vector<double> values(width * count_);
  if (kernel_.shape.lanes) {
    for (std::uint64_t c = 0; c < count_; ++c)
      std::ranges::copy(read_reals(state_real_, width, c * kernel_.layout.reals + from, f64),
                        values.begin() + static_cast<std::ptrdiff_t>(c * width));
    return values;
  }
  const auto turned = read_reals(state_real_, width * count_, from * count_, f64);
  for (std::uint64_t c = 0; c < count_; ++c)
    for (std::uint64_t i = 0; i < width; ++i) values[c * width + i] = turned[i * count_ + c];
  return values;
}

std::vector<double> Chains::halves(std::uint64_t pair, std::uint64_t half) const {
  const bool f64 = kernel_.shape.f64;
  const std::uint64_t width = kernel_.shape.dimension;
  std::vector<double> values(width * count_);
  const auto turned = kernel_.shape.lanes
                          ? std::vector<double>()
                          : read_reals(state_real_, 2 * width * count_, 2 * pair * count_, f64);
  for (std::uint64_t c = 0; c < count_; ++c) {
    const auto own = kernel_.shape.lanes
                         ? read_reals(state_real_, 2 * width, c * kernel_.layout.reals + 2 * pair, f64)
                         : std::vector<double>();
    for (std::uint64_t i = 0; i < width; ++i)
      values[c * width + i] = kernel_.shape.lanes ? own[2 * i + half] : turned[2 * (i * count_ + c) + half];
  }
  return values;
}

void Chains::start_at(std::span<const double> positions) {
  if (positions.size() != count_ * kernel_.shape.dimension)
    throw Error("internal", "positions of another size");
  state_real_.fill(0);
  write_reals(kernel_.layout.position, positions, kernel_.shape.dimension);
  state_word_.fill(0);
  state_word_.write_all(std::vector<std::uint32_t>(count_, mode::kGiven));
  least_ = 0;
  stands_ = true;
}

void Chains::move_to(std::span<const double> positions) {
  const std::uint64_t dimension = kernel_.shape.dimension;
  if (positions.size() != count_ * dimension) throw Error("internal", "positions of another size");
  write_reals(kernel_.layout.position, positions, dimension);
  // A given start is evaluated by a step of length 0, which a momentum or gradient of infinity would spoil.
  const std::vector<double> zeros(count_ * dimension);
  write_reals(kernel_.layout.momentum, zeros, dimension);
  write_reals(kernel_.layout.gradient, zeros, dimension);
  state_word_.write_all(std::vector<std::uint32_t>(count_, mode::kGiven), word::kMode * count_ * 4);
}

void Chains::rewind(std::uint32_t iteration) {
  if (!stands_ && iteration)
    throw Error("internal", "chains that do not stand yet are to be at a transition");
  state_word_.write_all(std::vector<std::uint32_t>(count_, iteration), word::kIteration * count_ * 4);
  least_ = iteration;
}

void Chains::set_scale(std::span<const double> scale) {
  if (scale.size() != scale_size(kernel_.shape)) throw Error("internal", "a metric of another size");
  scale_.write(reals_to_bytes(scale, kernel_.shape.f64));
}

std::vector<double> Chains::positions() const { return halves(kernel_.layout.sample, 0); }

Chains::Ends Chains::ends() const {
  const std::uint64_t d = kernel_.shape.dimension;
  const auto of = [&](std::uint64_t component, std::uint64_t width) { return reals(component, width); };
  Ends ends{of(kernel_.layout.position, d), {}, of(kernel_.layout.start, 1), of(kernel_.layout.start + 1, 1)};
  const auto momenta = of(kernel_.layout.momentum, d);
  for (std::uint64_t c = 0; c < count_; ++c) {
    double squares = 0;
    for (std::uint64_t i = 0; i < d; ++i) squares += momenta[c * d + i] * momenta[c * d + i];
    ends.kinetic.push_back(0.5 * squares);
  }
  return ends;
}

std::vector<Evaluation> Chains::evaluations() const {
  const std::uint64_t d = kernel_.shape.dimension;
  const auto values = reals(kernel_.layout.sample_lp, 1), gradients = halves(kernel_.layout.sample, 1);
  const auto modes = state_word_.read_all<std::uint32_t>(count_, word::kMode * count_ * 4);
  std::vector<Evaluation> result(count_);
  for (std::uint64_t c = 0; c < count_; ++c) {
    result[c].value = modes[c] == mode::kFailed ? std::numeric_limits<double>::quiet_NaN() : values[c];
    const auto from = gradients.begin() + static_cast<std::ptrdiff_t>(c * d);
    result[c].gradient.assign(from, from + static_cast<std::ptrdiff_t>(d));
  }
  return result;
}

std::vector<std::byte> Chains::save() const {
  std::vector<std::byte> bytes(state_real_.size() + state_word_.size());
  state_real_.read(std::span(bytes).first(state_real_.size()));
  state_word_.read(std::span(bytes).subspan(state_real_.size()));
  return bytes;
}

void Chains::restore(std::span<const std::byte> state) {
  if (state.size() != state_real_.size() + state_word_.size())
    throw Error("wrong_checkpoint", fmt::format("a checkpoint of {} bytes for chains that take {}",
                                                state.size(), state_real_.size() + state_word_.size()));
  state_real_.write(state.first(state_real_.size()));
  state_word_.write(state.subspan(state_real_.size()));
  least_ = 0;
  stands_ = true;
}

std::vector<std::byte> Chains::save_record(std::uint64_t slots, std::uint64_t first) const {
  const std::uint64_t slot = count_ * slot_bytes(kernel_.shape, gradients_);
  return record_.read_all<std::byte>(slots * slot, first * slot);
}

void Chains::restore_record(std::span<const std::byte> record, std::uint64_t slots) {
  if (slots > slots_ || record.size() != slots * count_ * slot_bytes(kernel_.shape, gradients_))
    throw Error("wrong_checkpoint",
                fmt::format("{} recorded draws of {} chains in {} bytes", slots, count_, record.size()));
  record_.write(record);
}

Chains::Record Chains::record(std::uint64_t slots, std::uint64_t first) const {
  const std::uint64_t d = kernel_.shape.dimension, numbers = layout_.pairs * 2 * count_;
  const auto raw = read_reals(record_, slots * numbers, first * numbers, kernel_.shape.f64);
  Record record;
  record.stride = count_;
  record.components = d * (gradients_ ? 2 : 1) + 3;
  record.dimension = d;
  record.reals.resize(slots * record.components * count_);
  record.words.resize(slots * 3 * count_);
  for (std::uint64_t s = 0; s < slots; ++s)
    for (std::uint64_t c = 0; c < count_; ++c) {
      const auto number = [&](std::uint64_t which) { return raw[layout_.at(s, which, c, count_)]; };
      const auto put = [&](std::uint64_t component, double value) {
        record.reals[(s * record.components + component) * count_ + c] = value;
      };
      for (std::uint64_t k = 0; k < d; ++k) put(k, number(layout_.position + k));
      for (std::uint64_t k = 0; k < 3; ++k) put(d + k, number(k));
      for (std::uint64_t k = 0; gradients_ && k < d; ++k) put(d + 3 + k, number(layout_.gradient + k));
      const double counts = number(RecordLayout::kCounts);
      const std::uint32_t words[] = {RecordLayout::depth(counts), RecordLayout::leapfrogs(counts),
                                     RecordLayout::divergent(counts)};
      for (std::uint64_t k = 0; k < 3; ++k) record.words[(s * 3 + k) * count_ + c] = words[k];
    }
  return record;
}

std::span<const std::byte> Chains::record_bytes(std::uint64_t slots, std::uint64_t first,
                                                std::vector<std::byte>& held) const {
  const std::uint64_t slot = count_ * slot_bytes(kernel_.shape, gradients_);
  if (const std::byte* mapped = record_.mapped()) return {mapped + first * slot, slots * slot};
  held.resize(slots * slot);
  record_.read(held, first * slot);
  return held;
}

}  // namespace drey::nuts
