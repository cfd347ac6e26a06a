#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "glsl/compile.h"
#include "glsl/emit.h"
#include "gpu/buffer.h"
#include "gpu/commands.h"
#include "gpu/device.h"
#include "gpu/kernel.h"

/// Small kernels for tests: a shader over an array of inputs, and an emitted program at given points.
namespace drey::testing {

inline gpu::Device& device() {
  static gpu::Device opened(gpu::default_device());
  return opened;
}

inline std::string preamble(glsl::Precision precision) {
  return precision == glsl::Precision::F64 ? "#version 450\n#define DREY_F64 1\n#define real double\n"
                                           : "#version 450\n#define real float\n";
}

inline std::vector<std::byte> to_device(const std::vector<double>& values, glsl::Precision precision) {
  std::vector<std::byte> bytes;
  if (precision == glsl::Precision::F64) {
    bytes.resize(values.size() * sizeof(double));
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else {
    const std::vector<float> narrow(values.begin(), values.end());
    bytes.resize(narrow.size() * sizeof(float));
    std::memcpy(bytes.data(), narrow.data(), bytes.size());
  }
  return bytes;
}

inline std::vector<double> from_device(const gpu::Buffer& buffer, std::size_t count,
                                       glsl::Precision precision) {
  if (precision == glsl::Precision::F64) return buffer.read_all<double>(count);
  const auto narrow = buffer.read_all<float>(count);
  return {narrow.begin(), narrow.end()};
}

/// A kernel that reads `inputs` reals an invocation from binding 0 and writes `outputs` to binding 1, both
/// [component][invocation]; `body` is text after the preamble and defines
/// `void run(uint lane, uint count)` over `real in_[]` and `real out_[]`.
class Runner {
 public:
  Runner(glsl::Precision precision, const std::string& body, std::vector<glsl::DataBuffer> data = {},
         std::uint32_t local_size = 64)
      : precision_(precision), local_size_(local_size) {
    const std::string text = preamble(precision) +
                             fmt::format("layout(local_size_x = {}) in;\n", local_size) +
                             "layout(std430, set = 0, binding = 0) readonly buffer In { real in_[]; };\n"
                             "layout(std430, set = 0, binding = 1) writeonly buffer Out { real out_[]; };\n"
                             "layout(push_constant) uniform Push { uint count; uint repeats; } push;\n" +
                             body +
                             "\nvoid main() { const uint lane = gl_GlobalInvocationID.x; if (lane < "
                             "push.count) run(lane, push.count); }\n";
    std::vector<gpu::BindingSlot> slots = {{0, gpu::BufferKind::Storage}, {1, gpu::BufferKind::Storage}};
    for (const auto& d : data)
      slots.push_back({d.binding, d.uniform ? gpu::BufferKind::Uniform : gpu::BufferKind::Storage});
    kernel_ = std::make_unique<gpu::Kernel>(device(), glsl::compile_cached(text), slots, 8u);
    for (const auto& d : data) {
      data_.emplace_back(d.binding, std::make_unique<gpu::Buffer>(
                                        device(), d.bytes.size(),
                                        d.uniform ? gpu::BufferKind::Uniform : gpu::BufferKind::Storage));
      data_.back().second->write(std::as_bytes(std::span(d.bytes)));
    }
  }

  /// \param input [component][count]
  std::vector<double> run(const std::vector<double>& input, std::uint32_t count, std::size_t outputs,
                          std::uint32_t repeats = 1) {
    const std::size_t size = precision_ == glsl::Precision::F64 ? 8 : 4;
    gpu::Buffer in(device(), std::max<std::size_t>(input.size(), 1) * size, gpu::BufferKind::Storage,
                   gpu::Placement::Host);
    gpu::Buffer out(device(), outputs * count * size, gpu::BufferKind::Storage, gpu::Placement::Host);
    in.write(to_device(input, precision_));
    std::vector<std::pair<std::uint32_t, const gpu::Buffer*>> bound = {{0, &in}, {1, &out}};
    for (const auto& [binding, buffer] : data_) bound.emplace_back(binding, buffer.get());
    gpu::Arguments arguments(device(), *kernel_, bound);
    gpu::Commands commands(device());
    const std::uint32_t push[2] = {count, repeats};
    commands.begin();
    commands.dispatch(arguments, std::as_bytes(std::span(push)), (count + local_size_ - 1) / local_size_);
    device().wait(commands.submit());
    return from_device(out, outputs * count, precision_);
  }

 private:
  glsl::Precision precision_;
  std::uint32_t local_size_;
  std::unique_ptr<gpu::Kernel> kernel_;
  std::vector<std::pair<std::uint32_t, std::unique_ptr<gpu::Buffer>>> data_;
};

/// The program of a model as a kernel: target and gradient at points.
inline Runner program_runner(const model::Program& program, const model::Model& model,
                             glsl::Precision precision, std::uint64_t uniform_range = 65536,
                             std::uint32_t local_size = 64, std::uint32_t uniform_lanes = 0) {
  const glsl::Source source = glsl::emit(program, model,
                                         {.precision = precision,
                                          .first_binding = 2,
                                          .uniform_range = uniform_range,
                                          .uniform_lanes = uniform_lanes});
  const std::string body = source.text + fmt::format(R"(
void run(uint lane, uint count) {{
  real total = real(0.0);
  for (uint i = 0u; i < push.repeats; ++i) {{
    for (int d = 0; d < {0}; ++d) model_point[d] = in_[uint(d) * count + lane] + total * real(1e-30);
    model_run();
    total = model_target;
  }}
  out_[lane] = model_target;
  for (int d = 0; d < {0}; ++d) out_[uint(d + 1) * count + lane] = model_gradient[d];
}}
)",
                                                     model.dimension);
  return Runner(precision, body, source.data, local_size);
}

}  // namespace drey::testing
