#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "glsl/emit.h"
#include "nuts/chains.h"

/// Targets written by hand, as GLSL and on the host: the sampler's tests need no model compiler.
namespace drey::nuts {

struct Target {
  std::string name;
  std::uint64_t dimension = 0;
  /// GLSL: reads model_point, sets model_target and model_gradient. CHAIN is the chain's place in its dispatch.
  std::string body;
  std::function<double(std::span<const double>, std::span<double>)> host;
  std::uint64_t trips = 0;
  std::string declarations;  ///< GLSL before it
  std::vector<double> data;  ///< where not empty, in a storage buffer at kFirstDataBinding

  glsl::Source source(bool f64 = false) const {
    glsl::Source source;
    const std::string d = std::to_string(dimension);
    source.text = declarations + "#define CHAIN gl_GlobalInvocationID.x\nreal model_point[" + d +
                  "];\nreal model_gradient[" + d + "];\nreal model_target;\nvoid model_run() {\n" + body +
                  "}\n";
    source.trips = trips;
    if (data.empty()) return source;
    const auto bytes = reals_to_bytes(data, f64);
    source.data.resize(1);
    source.data[0].binding = kFirstDataBinding;
    source.data[0].bytes.resize(bytes.size());
    std::memcpy(source.data[0].bytes.data(), bytes.data(), bytes.size());
    return source;
  }
};

/// Independent normals with mean i and sd 1 + i / 2.
inline Target normals_target(std::uint64_t dimension) {
  Target target;
  target.name = "normals";
  target.dimension = dimension;
  target.body = "model_target = real(0.0);\n";
  for (std::uint64_t i = 0; i < dimension; ++i) {
    const std::string n = std::to_string(i), mean = n + ".0",
                      precision = "(real(1.0) / real(" + std::to_string((1 + 0.5 * i) * (1 + 0.5 * i)) + "))";
    target.body += "{ real r = model_point[" + n + "] - real(" + mean +
                   "); model_target -= real(0.5) * r * r * " + precision + "; model_gradient[" + n +
                   "] = -r * " + precision + "; }\n";
  }
  target.host = [](std::span<const double> q, std::span<double> g) {
    double lp = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      const double precision = 1 / ((1 + 0.5 * i) * (1 + 0.5 * i)), r = q[i] - static_cast<double>(i);
      lp -= 0.5 * r * r * precision;
      g[i] = -r * precision;
    }
    return lp;
  };
  return target;
}

/// Two normals of unit variance and correlation 0.95.
inline Target correlated_target() {
  Target target;
  target.name = "correlated";
  target.dimension = 2;
  target.body =
      "const real c = real(1.0) / real(0.0975);\n"
      "model_gradient[0] = -c * (model_point[0] - real(0.95) * model_point[1]);\n"
      "model_gradient[1] = -c * (model_point[1] - real(0.95) * model_point[0]);\n"
      "model_target = real(0.5) * (model_point[0] * model_gradient[0] + model_point[1] * "
      "model_gradient[1]);\n";
  target.host = [](std::span<const double> q, std::span<double> g) {
    const double c = 1 / 0.0975;
    g[0] = -c * (q[0] - 0.95 * q[1]);
    g[1] = -c * (q[1] - 0.95 * q[0]);
    return 0.5 * (q[0] * g[0] + q[1] * g[1]);
  };
  return target;
}

/// Neal's funnel: v ~ normal(0, 3), x ~ normal(0, exp(v / 2)). Diverges often; to one log density unit.
inline Target funnel_target() {
  Target target;
  target.name = "funnel";
  target.dimension = 2;
  // exp by repeated squaring of a series: the same in f32 and f64, and on the host.
  target.body =
      "real v = clamp(model_point[0], real(-60.0), real(60.0)), x = model_point[1];\n"
      "real t = -v / real(64.0);\n"
      "real e = real(1.0) + t * (real(1.0) + t / real(2.0) * (real(1.0) + t / real(3.0) * (real(1.0) + t / "
      "real(4.0) * "
      "(real(1.0) + t / real(5.0) * (real(1.0) + t / real(6.0) * (real(1.0) + t / real(7.0)))))));\n"
      "e *= e; e *= e; e *= e; e *= e; e *= e; e *= e;\n"
      "model_target = -v * v / real(18.0) - real(0.5) * v - real(0.5) * x * x * e;\n"
      "model_gradient[0] = -v / real(9.0) - real(0.5) + real(0.5) * x * x * e;\n"
      "model_gradient[1] = -x * e;\n";
  target.host = [](std::span<const double> q, std::span<double> g) {
    const double v = std::min(60.0, std::max(-60.0, q[0])), x = q[1], t = -v / 64;
    double e = 1 + t * (1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5 * (1 + t / 6 * (1 + t / 7))))));
    for (int i = 0; i < 6; ++i) e *= e;
    g[0] = -v / 9 - 0.5 + 0.5 * x * x * e;
    g[1] = -x * e;
    return -v * v / 18 - 0.5 * v - 0.5 * x * x * e;
  };
  return target;
}

/// Eight schools, non-centred: point (mu, log tau, eta[8]); mu ~ normal(0, 5), tau ~ half_cauchy(5),
/// y ~ normal(mu + tau * eta, sigma). Constants dropped.
inline Target eight_schools_target() {
  static constexpr int y[] = {28, 8, -3, 7, -1, 1, 18, 12}, sigma[] = {15, 10, 16, 11, 9, 11, 10, 18};
  Target target;
  target.name = "eight_schools";
  target.dimension = 10;
  target.body =
      "const real mu = model_point[0], tau = nuts_exp(model_point[1]), ratio = tau * tau / real(25.0);\n"
      "model_target = model_point[1] - nuts_log(real(1.0) + ratio) - mu * mu / real(50.0);\n"
      "real mu_bar = -mu / real(25.0), tau_bar = real(0.0);\n";
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(2 + i), at = "real(" + std::to_string(y[i]) + ".0)",
                      weight = "(real(1.0) / real(" + std::to_string(sigma[i]) + ".0))";
    target.body += "{ const real e = model_point[" + n + "], z = (" + at + " - mu - tau * e) * " + weight +
                   ", r = z * " + weight +
                   "; model_target -= real(0.5) * (z * z + e * e); mu_bar += r; tau_bar += r * "
                   "e; model_gradient[" +
                   n + "] = r * tau - e; }\n";
  }
  target.body +=
      "model_gradient[0] = mu_bar;\n"
      "model_gradient[1] = real(1.0) - real(2.0) * ratio / (real(1.0) + ratio) + tau_bar * tau;\n";
  target.host = [](std::span<const double> q, std::span<double> g) {
    const double mu = q[0], tau = std::exp(q[1]), ratio = tau * tau / 25;
    double lp = q[1] - std::log(1 + ratio) - mu * mu / 50, mu_bar = -mu / 25, tau_bar = 0;
    for (int i = 0; i < 8; ++i) {
      const double e = q[2 + i], z = (y[i] - mu - tau * e) / sigma[i], r = z / sigma[i];
      lp -= 0.5 * (z * z + e * e);
      mu_bar += r;
      tau_bar += r * e;
      g[2 + i] = r * tau - e;
    }
    g[0] = mu_bar;
    g[1] = 1 - 2 * ratio / (1 + ratio) + tau_bar * tau;
    return lp;
  };
  return target;
}

}  // namespace drey::nuts
