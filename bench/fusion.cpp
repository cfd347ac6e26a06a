// The fused kernel against the same leapfrog as one dispatch a tensor operation, on eight schools
// (non-centred), and what a dispatch costs: `./dev bench fusion`.
//
// The baseline is real: every operation of the density, its gradient and the leapfrog is a kernel of its own
// over all chains, and a few leapfrogs are checked against the host. It is run twice: waiting for every
// operation (a fence each, as an eager backend does), and recorded whole with one wait a leapfrog. It is
// spared the tree: an iteration is its time a leapfrog by the leapfrogs a transition of the fused run took.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "bench/table.h"
#include "error.h"
#include "glsl/compile.h"
#include "gpu/commands.h"
#include "nuts/chains.h"
#include "shaders/shaders.h"
#include "tests/c_src/nuts/targets.h"

namespace drey::bench {
namespace {

using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

constexpr double kStep = 0.6;
constexpr int kY[] = {28, 8, -3, 7, -1, 1, 18, 12}, kSigma[] = {15, 10, 16, 11, 9, 11, 10, 18};

/// A tensor [rows][chains] in the device's memory.
struct Tensor {
  std::uint32_t at = 0, rows = 0;
};

/// Eight schools by tensor operations. Point: mu, log tau, eta[8].
class Unfused {
 public:
  Unfused(gpu::Device& device, std::uint32_t chains)
      : device_(device),
        chains_(chains),
        memory_(device, std::uint64_t{200} * chains * 4),
        kernel_(device, glsl::compile_cached(std::string(shaders::text("tensor.comp"))),
                {{0, gpu::BufferKind::Storage}}, sizeof(Push)),
        arguments_(device, kernel_, {{0, &memory_}}),
        commands_(device),
        recording_(device) {
    q = make(10);
    p = make(10);
    g = make(10);
    lp = make(1);
    kinetic = make(1);
    y_ = make(8);
    weight_ = make(8);
    for (auto* t : {&theta_, &r_, &z_, &zw_, &work_}) *t = make(8);
    tau_ = make(1);
    for (auto& t : scalar_) t = make(1);
    pp_ = make(10);
    memory_.fill(0);
    std::vector<double> y, w;
    for (int i = 0; i < 8; ++i) {
      y.push_back(kY[i]);
      w.push_back(1.0 / kSigma[i]);
    }
    write(y_, y);
    write(weight_, w);
  }

  Tensor q, p, g, lp, kinetic;

  /// The same column for every chain.
  void write(Tensor t, const std::vector<double>& column) {
    std::vector<float> values;
    for (const double x : column) values.insert(values.end(), chains_, static_cast<float>(x));
    memory_.write_all(values, std::uint64_t{t.at} * 4);
  }
  /// The last chain's column.
  std::vector<double> read(Tensor t) {
    const auto values = memory_.read_all<float>(std::uint64_t{t.rows} * chains_, std::uint64_t{t.at} * 4);
    std::vector<double> column;
    for (std::uint32_t row = 0; row < t.rows; ++row) column.push_back(values[(row + 1) * chains_ - 1]);
    return column;
  }

  void gradient() {
    run(false, [&] { density(); });
  }

  /// One leapfrog of every chain, waiting after each operation.
  void leapfrog_fenced() {
    run(true, [&] { leapfrog(); });
  }
  /// One leapfrog of every chain, recorded once, one wait.
  void leapfrog_batched() {
    if (recorded_) {
      device_.wait(recording_.resubmit());
      return;
    }
    std::swap(commands_, recording_);
    run(false, [&] { leapfrog(); });
    std::swap(commands_, recording_);
    recorded_ = true;
  }
  int operations() const { return operations_; }

 private:
  struct Push {
    std::uint32_t operation, result, a, b, rows, chains, a_rows, b_rows;
    float constant;
  };
  enum Operation : std::uint32_t {
    Add,
    Subtract,
    Multiply,
    Divide,
    Exp,
    Log,
    AddScaled,
    Scale,
    Sum,
    AddConstant
  };

  Tensor make(std::uint32_t rows) {
    const Tensor tensor{used_, rows};
    used_ += rows * chains_;
    return tensor;
  }
  Tensor row(Tensor t, std::uint32_t first, std::uint32_t rows = 1) const {
    return {t.at + first * chains_, rows};
  }

  void op(Operation operation, Tensor result, Tensor a, Tensor b, double constant = 0) {
    const std::uint32_t rows = operation == Sum ? a.rows : result.rows;
    const Push push{operation,  result.at,  a.at,
                    b.at,       rows,       chains_,
                    a.rows > 1, b.rows > 1, static_cast<float>(constant)};
    if (fenced_) commands_.begin();
    commands_.dispatch(arguments_, gpu::bytes_of(push), (rows * chains_ + 63) / 64);
    commands_.barrier();
    if (fenced_) device_.wait(commands_.submit());
    ++operations_;
  }

  void run(bool fenced, const std::function<void()>& body) {
    fenced_ = fenced;
    operations_ = 0;
    if (!fenced) commands_.begin();
    body();
    if (!fenced) device_.wait(commands_.submit());
  }

  void density() {
    const Tensor mu = row(q, 0), log_tau = row(q, 1), eta = row(q, 2, 8), ratio = scalar_[0],
                 one = scalar_[1], log_one = scalar_[2], sum = scalar_[3], tau_bar = scalar_[4],
                 mu_bar = scalar_[5];
    op(Exp, tau_, log_tau, log_tau);
    op(Multiply, theta_, eta, tau_);
    op(Add, theta_, theta_, mu);
    op(Subtract, r_, y_, theta_);
    op(Multiply, z_, r_, weight_);
    op(Multiply, zw_, z_, weight_);
    op(Multiply, ratio, tau_, tau_);
    op(Scale, ratio, ratio, ratio, 1.0 / 25);
    op(AddConstant, one, ratio, ratio, 1);
    op(Log, log_one, one, one);
    op(Subtract, lp, log_tau, log_one);
    op(Multiply, sum, mu, mu);
    op(AddScaled, lp, lp, sum, -1.0 / 50);
    op(Multiply, work_, z_, z_);
    op(Sum, sum, work_, work_);
    op(AddScaled, lp, lp, sum, -0.5);
    op(Multiply, work_, eta, eta);
    op(Sum, sum, work_, work_);
    op(AddScaled, lp, lp, sum, -0.5);
    op(Sum, mu_bar, zw_, zw_);
    op(AddScaled, row(g, 0), mu_bar, mu, -1.0 / 25);
    op(Multiply, work_, zw_, eta);
    op(Sum, tau_bar, work_, work_);
    op(Multiply, tau_bar, tau_bar, tau_);
    op(Divide, ratio, ratio, one);
    op(AddScaled, tau_bar, tau_bar, ratio, -2);
    op(AddConstant, row(g, 1), tau_bar, tau_bar, 1);
    op(Multiply, work_, zw_, tau_);
    op(Subtract, row(g, 2, 8), work_, eta);
  }

  void leapfrog() {
    op(AddScaled, p, p, g, 0.5 * kStep);
    op(AddScaled, q, q, p, kStep);
    density();
    op(AddScaled, p, p, g, 0.5 * kStep);
    op(Multiply, pp_, p, p);
    op(Sum, kinetic, pp_, pp_);
  }

  gpu::Device& device_;
  std::uint32_t chains_, used_ = 0;
  gpu::Buffer memory_;
  gpu::Kernel kernel_;
  gpu::Arguments arguments_;
  gpu::Commands commands_, recording_;
  Tensor y_, weight_, theta_, r_, z_, zw_, work_, tau_, pp_, scalar_[6];
  bool fenced_ = false, recorded_ = false;
  int operations_ = 0;
};

/// Whether three leapfrogs of the baseline are those of the host.
void check(gpu::Device& device) {
  const auto target = nuts::eight_schools_target();
  Unfused unfused(device, 3);
  std::vector<double> q(10), p(10), g(10);
  for (int d = 0; d < 10; ++d) {
    q[d] = 0.1 * d - 0.3;
    p[d] = 0.5 - 0.1 * d;
  }
  unfused.write(unfused.q, q);
  unfused.write(unfused.p, p);
  unfused.gradient();
  double lp = target.host(q, g);
  for (int i = 0; i < 3; ++i) {
    i == 1 ? unfused.leapfrog_fenced() : unfused.leapfrog_batched();
    for (int d = 0; d < 10; ++d) p[d] += 0.5 * kStep * g[d];
    for (int d = 0; d < 10; ++d) q[d] += kStep * p[d];
    lp = target.host(q, g);
    for (int d = 0; d < 10; ++d) p[d] += 0.5 * kStep * g[d];
  }
  const auto got_q = unfused.read(unfused.q), got_p = unfused.read(unfused.p);
  double error = std::abs(unfused.read(unfused.lp)[0] - lp);
  for (int d = 0; d < 10; ++d)
    error = std::max({error, std::abs(got_q[d] - q[d]), std::abs(got_p[d] - p[d])});
  if (!(error < 1e-3)) throw Error("internal", fmt::format("the baseline errs by {}", error));
}

void fusion(gpu::Device& device, std::uint32_t draws) {
  check(device);
  const auto target = nuts::eight_schools_target();
  nuts::ChainKernel kernel(device, {false, 10, 10, device.info().type == "cpu" ? 8u : 32u}, target.source(),
                           glsl::compile_cached);
  Table table({"chains", "leapfrogs/iteration", "fused ms", "unfused ms", "fences", "ratio", "batched ms",
               "ratio", "fused Mleapfrogs/s"});
  for (const std::uint32_t count : {1u, 8u, 64u, 512u}) {
    nuts::Chains chains(kernel, count, draws, false);
    const std::vector<double> scale(10, 0.93);
    nuts::RunOptions run;
    run.seed = 1;
    run.limit = draws;
    run.step_size = kStep;
    double fused_us = 0;
    for (int repeat = 0; repeat < 4; ++repeat) {  // the first compiles in the driver
      chains.start_at(std::vector<double>(10 * count, 0.1));
      chains.set_scale(scale);
      const auto start = Clock::now();
      chains.run(run);
      const double us = us_since(start);
      fused_us = repeat < 2 ? us : std::min(fused_us, us);
    }
    const auto record = chains.record(draws);
    double leapfrogs = 0;
    for (std::uint32_t s = 0; s < draws; ++s)
      for (std::uint32_t c = 0; c < count; ++c) leapfrogs += record.word(s, 1, c);
    const double each = leapfrogs / draws / count;
    Unfused unfused(device, count);
    unfused.gradient();
    const auto measure = [&](const std::function<void()>& leapfrog) {
      std::vector<double> times;
      leapfrog();
      for (int i = 0; i < 50; ++i) {
        const auto start = Clock::now();
        leapfrog();
        times.push_back(us_since(start));
      }
      return median(times) * each / 1e3;
    };
    const double fused = fused_us / draws / 1e3, fenced = measure([&] { unfused.leapfrog_fenced(); }),
                 batched = measure([&] { unfused.leapfrog_batched(); });
    table.add({fmt::format("{}", count), fmt::format("{:.1f}", each), fmt::format("{:.5f}", fused),
               fmt::format("{:.3f}", fenced), fmt::format("{:.0f}", each * unfused.operations()),
               fmt::format("{:.0f}", fenced / fused), fmt::format("{:.3f}", batched),
               fmt::format("{:.0f}", batched / fused), fmt::format("{:.1f}", leapfrogs / fused_us)});
  }
  fmt::print("eight schools, non-centred, f32; an iteration is a transition of every chain\n");
  table.print();
}

void latency(gpu::Device& device) {
  gpu::Buffer memory(device, 1024);
  memory.fill(0);
  const gpu::Kernel kernel(device, glsl::compile_cached(std::string(shaders::text("tensor.comp"))),
                           {{0, gpu::BufferKind::Storage}}, 36);
  const gpu::Arguments arguments(device, kernel, {{0, &memory}});
  const std::uint32_t push[9] = {0, 0, 0, 0, 1, 1, 0, 0, 0};
  gpu::Commands commands(device);
  std::vector<double> record, submit, wait;
  for (int i = 0; i < 2000; ++i) {
    auto start = Clock::now();
    commands.begin();
    commands.dispatch(arguments, gpu::bytes_of(push), 1);
    record.push_back(us_since(start));
    start = Clock::now();
    const auto submission = commands.submit();
    submit.push_back(us_since(start));
    start = Clock::now();
    device.wait(submission);
    wait.push_back(us_since(start));
  }
  Table table({"an empty dispatch", "median us"});
  table.add({"record", fmt::format("{:.1f}", median(record))});
  table.add({"submit", fmt::format("{:.1f}", median(submit))});
  table.add({"wait", fmt::format("{:.1f}", median(wait))});
  table.print();
}

}  // namespace
}  // namespace drey::bench

int main(int argc, char** argv) {
  CLI::App app("Fused against unfused, and what a dispatch costs");
  int index = -1;
  std::uint32_t draws = 2000;
  app.add_option("--device", index, "index of the device; the best one by default");
  app.add_option("--draws", draws, "transitions a chain of the fused run")->check(CLI::Range(10u, 100'000u));
  CLI11_PARSE(app, argc, argv);
  try {
    drey::gpu::Device device(index < 0 ? drey::gpu::default_device() : static_cast<std::uint32_t>(index));
    fmt::print("{}, {}\n\n", device.info().name, device.info().driver);
    drey::bench::fusion(device, draws);
    fmt::print("\n");
    drey::bench::latency(device);
  } catch (const drey::Error& error) {
    fmt::print(stderr, "{}: {}\n", error.reason(), error.message());
    return 1;
  }
  return 0;
}
