// The fused kernel against the same leapfrog as one dispatch a tensor operation, on eight schools
// (non-centred), and what a dispatch costs: `./dev bench fusion`.
//
// An iteration is one NUTS transition of every chain. The fused kernel makes it whole: tree, proposals, record.
// The baseline makes its leapfrogs alone, as many as a chain of the fused run took on average: every operation
// of the density, its gradient and the leapfrog is a dispatch of its own over all chains, followed by a
// barrier; a few leapfrogs are checked against the host. It runs twice: submitted and waited for operation by
// operation, as an eager backend does, and recorded beforehand with one submission and one wait an iteration.
// What it is spared (the tree's own operations, the longest chain's leapfrogs in lockstep) is in its favour.

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

  /// One leapfrog of every chain, submitting and waiting for each operation.
  void leapfrog_fenced() {
    run(true, [&] { leapfrog(); });
  }
  /// `count` leapfrogs of every chain, recorded by the first call, whose count the later ones repeat: one
  /// submission, one wait.
  void leapfrogs_batched(int count) {
    if (recorded_) {
      device_.wait(recording_.resubmit());
      return;
    }
    std::swap(commands_, recording_);
    run(false, [&] {
      for (int i = 0; i < count; ++i) leapfrog();
    });
    std::swap(commands_, recording_);
    recorded_ = true;
  }
  /// Dispatches of the last call.
  int operations() const { return operations_; }
  /// What the dispatches of fenced leapfrogs took the host, in microseconds; recording includes the barrier.
  struct Costs {
    std::vector<double> record, submit, wait;
  };
  const Costs& costs() const { return costs_; }

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
    ++operations_;
    const std::uint32_t groups = (rows * chains_ + 63) / 64;
    auto start = Clock::now();
    const auto lap = [&](std::vector<double>& times) {
      const auto now = Clock::now();
      times.push_back(std::chrono::duration<double, std::micro>(now - start).count());
      start = now;
    };
    if (fenced_) commands_.begin();
    commands_.dispatch(arguments_, gpu::bytes_of(push), groups);
    commands_.barrier();
    if (!fenced_) return;
    lap(costs_.record);
    const auto submission = commands_.submit();
    lap(costs_.submit);
    device_.wait(submission);
    lap(costs_.wait);
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
  Costs costs_;
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
    i == 1 ? unfused.leapfrog_fenced() : unfused.leapfrogs_batched(1);
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
  Table table({"chains", "leapfrogs", "dispatches", "fused ms", "unfused ms", "ratio", "one wait ms", "ratio",
               "fused Mleapfrogs/s"});
  Table costs({"chains", "record us", "submit us", "wait us"});
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
    const auto measure = [&](const std::function<void()>& body) {
      std::vector<double> times;
      body();
      for (int i = 0; i < 50; ++i) {
        const auto start = Clock::now();
        body();
        times.push_back(us_since(start));
      }
      return median(times) / 1e3;
    };
    const int whole = std::max(1, static_cast<int>(std::lround(each)));
    const double fused = fused_us / draws / 1e3, fenced = measure([&] { unfused.leapfrog_fenced(); }) * each,
                 dispatches = each * unfused.operations(),
                 batched = measure([&] { unfused.leapfrogs_batched(whole); }) * each / whole;
    table.add({fmt::format("{}", count), fmt::format("{:.1f}", each), fmt::format("{:.0f}", dispatches),
               fmt::format("{:.5f}", fused), fmt::format("{:.3f}", fenced),
               fmt::format("{:.0f}", fenced / fused), fmt::format("{:.3f}", batched),
               fmt::format("{:.0f}", batched / fused), fmt::format("{:.1f}", leapfrogs / fused_us)});
    const auto& spent = unfused.costs();
    costs.add({fmt::format("{}", count), fmt::format("{:.1f}", median(spent.record)),
               fmt::format("{:.1f}", median(spent.submit)), fmt::format("{:.1f}", median(spent.wait))});
  }
  fmt::print(
      "Eight schools, non-centred, f32, step size {}. An iteration is one NUTS transition of every chain;\n"
      "times are wall clock an iteration. Unfused: the leapfrogs alone, one dispatch a tensor operation,\n"
      "a submission and a wait each; one wait: the same dispatches, recorded beforehand, in one submission\n"
      "an iteration. Leapfrogs: a chain's mean an iteration. Both ratios are to fused.\n\n",
      kStep);
  table.print();
  fmt::print(
      "\nOne dispatch of the unfused run, host's wall clock, medians; the wait holds the work itself:\n\n");
  costs.print();
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
  } catch (const drey::Error& error) {
    fmt::print(stderr, "{}: {}\n", error.reason(), error.message());
    return 1;
  }
  return 0;
}
