#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/table.h"
#include "error.h"
#include "tests/c_src/glsl/math_fixture.h"

/// The shaders' functions: what a call costs, and (--accuracy) the table of docs/functions.md.
namespace drey::bench {
namespace {

constexpr std::uint32_t kLanes = 1024, kCalls = 250;

struct Timed {
  std::string name, expression;
  double low, high;
  bool builtin = false;  ///< the driver's own, of f32 only
};

const std::vector<Timed> timed_functions = {
    {"(nothing)", "a", 0.1, 2},
    {"exp, builtin", "exp(a)", -5, 5, true},
    {"exp", "drey_exp(a)", -5, 5},
    {"log, builtin", "log(a)", 0.1, 20, true},
    {"log", "drey_log(a)", 0.1, 20},
    {"log1p", "drey_log1p(a)", -0.5, 2},
    {"expm1", "drey_expm1(a)", -5, 5},
    {"log1p_exp, builtins", "(max(a, 0.0) + log(1.0 + exp(-abs(a))))", -5, 5, true},
    {"log1p_exp", "drey_log1p_exp(a)", -5, 5},
    {"inv_logit, builtins", "(1.0 / (1.0 + exp(-a)))", -5, 5, true},
    {"inv_logit", "drey_inv_logit(a)", -5, 5},
    {"log1p_exp and inv_logit", "(drey_log1p_exp(a) + drey_inv_logit(a))", -5, 5},
    {"log_sum_exp", "drey_log_sum_exp(a, real(0.5))", -5, 5},
    {"pow, builtin", "pow(a, 1.7)", 0.1, 20, true},
    {"pow", "drey_pow(a, real(1.7))", 0.1, 20},
    {"sin, builtin", "sin(a)", -5, 5, true},
    {"sin", "drey_sin(a)", -5, 5},
    {"tanh, builtin", "tanh(a)", -5, 5, true},
    {"tanh", "drey_tanh(a)", -5, 5},
    {"Phi", "drey_Phi(a)", -5, 5},
    {"log_Phi", "drey_log_Phi(a)", -5, 5},
    {"lgamma", "drey_lgamma(a)", 0.5, 20},
    {"digamma", "drey_digamma(a)", 0.5, 20},
    {"lbeta", "drey_lbeta(a, real(3.0))", 0.5, 20},
    {"gamma_p", "drey_gamma_p(a, real(3.0))", 0.5, 20},
    {"inc_beta", "drey_inc_beta(a, real(3.0), real(0.4))", 0.5, 20},
};

/// A kernel that calls one function in a loop, and the shortest it took so far.
template <typename T>
class Loop {
 public:
  Loop(gpu::Device& device, const Timed& f)
      : device_(device),
        values_(device, 2 * kLanes * sizeof(T)),
        kernel_(device, glsl::compile(source(f.expression)), {{0, gpu::BufferKind::Storage}}, 4),
        arguments_(device, kernel_, {{0, &values_}}),
        commands_(device) {
    std::vector<T> all(2 * kLanes, T(0));
    for (std::uint32_t i = 0; i < kLanes; ++i)
      all[i] = static_cast<T>(f.low + (f.high - f.low) * (i * 2654435761u) / 4294967296.0);
    values_.write_all(all);
    commands_.begin();
    commands_.dispatch(arguments_, gpu::bytes_of(kCalls), kLanes / 64);
    device_.wait(commands_.submit());
  }

  void repeat() {
    const auto start = std::chrono::steady_clock::now();
    device_.wait(commands_.resubmit());
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best_ = std::min(best_, took.count());
  }

  double nanoseconds_per_call() const { return best_ / (static_cast<double>(kLanes) * kCalls); }

 private:
  static std::string source(const std::string& expression) {
    return std::string("#version 450\n") +
           (sizeof(T) == 8 ? "#define DREY_F64 1\n#define real double\n" : "#define real float\n") +
           "#include \"math.glsl\"\n"
           "layout(local_size_x = 64) in;\n"
           "layout(std430, set = 0, binding = 0) buffer Values { real values[]; };\n"
           "layout(push_constant) uniform Push { uint calls; } push;\n"
           "void main() {\n"
           "  real a = values[gl_GlobalInvocationID.x], sum = real(0.0);\n"
           "  for (uint i = 0u; i < push.calls; ++i) {\n"
           "    sum += " +
           expression +
           ";\n"
           "    a *= real(1.0001);\n"
           "  }\n"
           "  values[gl_GlobalInvocationID.x + " +
           std::to_string(kLanes) + "u] = sum;\n}\n";
  }

  gpu::Device& device_;
  gpu::Buffer values_;
  gpu::Kernel kernel_;
  gpu::Arguments arguments_;
  gpu::Commands commands_;
  double best_ = 1e300;
};

/// The shortest of several rounds over all functions: what else the machine does comes in bursts.
void print_speed(gpu::Device& device) {
  std::vector<std::unique_ptr<Loop<float>>> f32;
  std::vector<std::unique_ptr<Loop<double>>> f64;
  for (const Timed& f : timed_functions) {
    f32.push_back(std::make_unique<Loop<float>>(device, f));
    f64.push_back(f.builtin || !device.info().f64 ? nullptr : std::make_unique<Loop<double>>(device, f));
  }
  for (int round = 0; round < 100; ++round) {
    for (auto& loop : f32) loop->repeat();
    for (auto& loop : f64)
      if (loop) loop->repeat();
  }
  Table table({"function", "f32 ns", "f64 ns"});
  for (std::size_t i = 0; i < timed_functions.size(); ++i)
    table.add({timed_functions[i].name, fmt::format("{:.3f}", f32[i]->nanoseconds_per_call()),
               f64[i] ? fmt::format("{:.3f}", f64[i]->nanoseconds_per_call()) : ""});
  fmt::print("ns a call and lane on {}\n\n", device.info().name);
  table.print();
}

std::string text_of(const std::vector<glsl::Range>& ranges) {
  std::string text;
  for (const glsl::Range& range : ranges) {
    if (!text.empty()) text += " × ";
    const bool both = range.logarithmic && range.low < 0 && range.high > 0;
    text += both ? fmt::format("±[{:.4g}, {:.4g}]", range.high * 1e-6, range.high)
                 : fmt::format("[{:.6g}, {:.6g}]", range.low, range.high);
  }
  return text;
}

void print_accuracy(gpu::Device& device) {
  fmt::print("| function | f32 domain | f32 worst | f32 bound | f64 domain | f64 worst | f64 bound |\n");
  fmt::print("|---|---|---:|---:|---|---:|---:|\n");
  for (const glsl::MathCase& c : glsl::math_cases()) {
    const double f32 = glsl::measure<float>(device, c).ulp;
    const double f64 = device.info().f64 ? glsl::measure<double>(device, c).ulp : 0;
    fmt::print("| `{}`{} | {} | {:.2f} | {} | {} | {:.2f} | {} |\n", c.name, c.scale != nullptr ? " *" : "",
               text_of(c.f32), f32, c.bound_f32, text_of(c.f64), f64, c.bound_f64);
  }
}

int run(int argc, char** argv) {
  CLI::App app("The shaders' functions: what a call costs, how far they are off");
  bool accuracy = false;
  app.add_flag("--accuracy", accuracy, "measure errors instead of times: the table of docs/functions.md");
  CLI11_PARSE(app, argc, argv);
  try {
    gpu::Device device(gpu::default_device());
    if (accuracy)
      print_accuracy(device);
    else
      print_speed(device);
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {}\n", error.reason(), error.message());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace drey::bench

int main(int argc, char** argv) { return drey::bench::run(argc, argv); }
