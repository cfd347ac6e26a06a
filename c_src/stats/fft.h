#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace drey::stats {

/// The discrete Fourier transform of a power-of-two length, radix 2, in place. Plans its twiddle factors
/// once.
class Fft {
 public:
  /// \param size a power of two, at least 2
  explicit Fft(std::size_t size);
  std::size_t size() const { return size_; }
  /// sum_t x[t] exp(-2 pi i k t / size)
  void forward(std::span<std::complex<double>> x) const;

 private:
  std::size_t size_;
  std::vector<std::complex<double>> twiddles_;
};

}  // namespace drey::stats
