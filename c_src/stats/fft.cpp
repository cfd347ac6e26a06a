#include "stats/fft.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace drey::stats {

Fft::Fft(std::size_t size) : size_(size) {
  // Stage by stage, each stage's factors side by side.
  twiddles_.reserve(size);
  for (std::size_t half = 1; half < size; half *= 2)
    for (std::size_t k = 0; k < half; ++k)
      twiddles_.push_back(
          std::polar(1.0, -std::numbers::pi * static_cast<double>(k) / static_cast<double>(half)));
}

void Fft::forward(std::span<std::complex<double>> values) const {
  for (std::size_t i = 1, j = 0; i < size_; ++i) {
    std::size_t bit = size_ >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  // As pairs of doubles (which std::complex guarantees): its operator* checks for NaN, which costs more than
  // the product.
  double* x = reinterpret_cast<double*>(values.data());
  const double* factors = reinterpret_cast<const double*>(twiddles_.data());
  for (std::size_t half = 1; half < size_; half *= 2) {
    for (double *a = x, *end = x + 2 * size_; a < end; a += 4 * half) {
      double* b = a + 2 * half;
      for (std::size_t k = 0; k < 2 * half; k += 2) {
        const double re = factors[k] * b[k] - factors[k + 1] * b[k + 1];
        const double im = factors[k] * b[k + 1] + factors[k + 1] * b[k];
        b[k] = a[k] - re;
        b[k + 1] = a[k + 1] - im;
        a[k] += re;
        a[k + 1] += im;
      }
    }
    factors += 2 * half;
  }
}

}  // namespace drey::stats
