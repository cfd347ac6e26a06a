#include "cnode/pace.h"

namespace drey::cnode {

bool Pace::open(Time now) const { return expired_ >= deaf || written_ - read_ < window(now); }

std::uint64_t Pace::probe() {
  probed_ = written_;
  probes_.push_back({next_, written_});
  return next_++;
}

std::uint64_t Pace::wrote(std::size_t bytes, Time now) {
  if (expired_ >= deaf) return 0;
  if (written_ == read_) since_ = now;
  written_ += bytes;
  return written_ - probed_ >= (window(now) + 1) / 2 ? probe() : 0;
}

std::uint64_t Pace::hurried(Time now) {
  narrow_until_ = now + times_.hurry;
  return expired_ < deaf && written_ > probed_ ? probe() : 0;
}

void Pace::answered(std::uint64_t number, Time now) {
  if (number >= next_) return;
  expired_ = 0;
  since_ = now;
  while (!probes_.empty() && probes_.front().number <= number) {
    read_ = probes_.front().bytes_before;
    probes_.pop_front();
  }
}

void Pace::expired() {
  ++expired_;
  read_ = probed_ = written_;
  probes_.clear();
}

}  // namespace drey::cnode
