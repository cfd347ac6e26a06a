#include "stats/fft.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace drey::stats {

Fft::Fft(std::size_t size) : size_(size) {
  twiddles_.reserve(size / 2);
  for (std::size_t k = 0; k < size / 2; ++k)
    twiddles_.push_back(std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size)));
}

void Fft::forward(std::span<std::complex<double>> x) const {
  for (std::size_t i = 1, j = 0; i < size_; ++i) {
    std::size_t bit = size_ >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t half = 1; half < size_; half *= 2) {
    const std::size_t stride = size_ / (2 * half);
    for (std::size_t start = 0; start < size_; start += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const std::complex<double> w = twiddles_[k * stride];
        const std::complex<double> b = x[start + k + half];
        // Spelled out: operator* checks for NaN, which costs more than the product.
        const std::complex<double> t(w.real() * b.real() - w.imag() * b.imag(),
                                     w.real() * b.imag() + w.imag() * b.real());
        const std::complex<double> a = x[start + k];
        x[start + k] = a + t;
        x[start + k + half] = a - t;
      }
    }
  }
}

}  // namespace drey::stats
