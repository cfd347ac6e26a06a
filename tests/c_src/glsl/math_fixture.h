#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "glsl/compile.h"
#include "gpu/commands.h"
#include "gpu/device.h"
#include "math_cases.h"

/// Runs a GLSL expression over many arguments on a device, and measures its errors in ulp.
namespace drey::glsl {

template <typename T>
std::string apply_kernel(const std::string& expression) {
  const bool f64 = sizeof(T) == 8;
  return std::string("#version 450\n") +
         (f64 ? "#define DREY_F64 1\n#define real double\n" : "#define real float\n") +
         "#include \"math.glsl\"\n"
         "layout(local_size_x = 64) in;\n"
         "layout(std430, set = 0, binding = 0) readonly buffer In { real values[]; };\n"
         "layout(std430, set = 0, binding = 1) writeonly buffer Out { real results[]; };\n"
         "layout(push_constant) uniform Push { uint count; } push;\n"
         "void main() {\n"
         "  const uint i = gl_GlobalInvocationID.x;\n"
         "  if (i >= push.count) return;\n"
         "  const real a = values[i], b = values[i + push.count], c = values[i + 2u * push.count];\n"
         "  results[i] = " +
         expression +
         ";\n"
         "}\n";
}

/// A GLSL expression over a, b, c, made ready to be applied.
template <typename T>
class Applied {
 public:
  Applied(gpu::Device& device, const std::string& expression)
      : device_(device),
        kernel_(device, compile(apply_kernel<T>(expression)),
                {{0, gpu::BufferKind::Storage}, {1, gpu::BufferKind::Storage}}, 4) {}

  /// \param values the first arguments of all points, then the second, then the third
  std::vector<T> operator()(const std::vector<T>& values) const {
    const auto count = static_cast<std::uint32_t>(values.size() / 3);
    gpu::Buffer in(device_, values.size() * sizeof(T)), out(device_, count * sizeof(T));
    in.write_all(values);
    out.fill(0);
    const gpu::Arguments arguments(device_, kernel_, {{0, &in}, {1, &out}});
    gpu::Commands commands(device_);
    commands.begin();
    commands.dispatch(arguments, gpu::bytes_of(count), (count + 63) / 64);
    if (!device_.wait(commands.submit())) return {};
    return out.read_all<T>(count);
  }

 private:
  gpu::Device& device_;
  gpu::Kernel kernel_;
};

template <typename T>
std::vector<T> sample(const std::vector<Range>& ranges, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> values(3 * count, T(0));
  for (std::size_t r = 0; r < ranges.size(); ++r)
    for (std::size_t i = 0; i < count; ++i) {
      // Stratified in the first argument.
      const double u = static_cast<double>(random() >> 11) * 0x1p-53;
      const double at = r == 0 ? (static_cast<double>(i) + u) / static_cast<double>(count) : u;
      const Range& range = ranges[r];
      double x = range.low + at * (range.high - range.low);
      if (range.logarithmic && range.low > 0) {
        x = std::exp(std::log(range.low) + at * (std::log(range.high) - std::log(range.low)));
      } else if (range.logarithmic && range.high < 0) {
        x = -std::exp(std::log(-range.high) + at * (std::log(-range.low) - std::log(-range.high)));
      } else if (range.logarithmic) {
        const double side = at < 0.5 ? -1 : 1, part = at < 0.5 ? 2 * at : 2 * at - 1;
        x = side * range.high * std::exp((part - 1) * std::log(1e6));
      }
      values[r * count + i] = static_cast<T>(x);
    }
  return values;
}

/// The distance of two neighbours of type T around |x|, as for normal numbers.
template <typename T>
long double ulp_of(long double x) {
  int exponent = 0;
  std::frexp(x, &exponent);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  return std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
}

struct Measurement {
  double ulp = 0;  ///< the worst
  double at[3] = {0, 0, 0};
  double got = 0;
  long double expected = 0;
};

template <typename T>
Measurement measure(gpu::Device& device, const MathCase& c) {
  const std::size_t count = c.points;
  const auto& ranges = sizeof(T) == 8 ? c.f64 : c.f32;
  const std::vector<T> values = sample<T>(ranges, count, 20260701);
  const std::vector<T> results = Applied<T>(device, c.expression)(values);
  Measurement worst;
  worst.ulp = results.size() == count ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const long double arguments[3] = {values[i], values[i + count], values[i + 2 * count]};
    const long double expected = c.truth(arguments);
    if (std::isnan(expected) && std::isnan(results[i])) continue;
    long double size = std::abs(expected);
    if (c.scale != nullptr) size = std::max(size, std::abs(c.scale(arguments)));
    // Below the smallest normal number only the distance to it counts.
    long double error = std::abs(static_cast<long double>(results[i]) - expected) / ulp_of<T>(size);
    if (std::abs(expected) < std::numeric_limits<T>::min() && results[i] == 0) error = 0;
    if (!(error <= worst.ulp)) {
      worst.ulp = std::isnan(error) ? std::numeric_limits<double>::infinity() : static_cast<double>(error);
      for (int k = 0; k < 3; ++k) worst.at[k] = static_cast<double>(arguments[k]);
      worst.got = static_cast<double>(results[i]);
      worst.expected = expected;
      if (std::isinf(worst.ulp)) break;
    }
  }
  return worst;
}

}  // namespace drey::glsl
