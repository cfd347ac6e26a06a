#include <cmath>

#include <fmt/format.h>

#include "error.h"
#include "gpu/device.h"
#include "grad/differentiate.h"
#include "nuts/density.h"
#include "service/arrays.h"
#include "service/calls.h"

namespace drey::service {

using term::Term;

namespace {

/// [count][dimension], from an array, a list of points, or one point as a flat list.
std::vector<double> read_points(const Term& value, std::uint64_t dimension, std::uint64_t& count) {
  Numbers numbers = read_numbers(value, "points", std::uint64_t{1} << 24);
  if (numbers.shape.size() == 1 && numbers.shape[0] == dimension)
    numbers.shape.insert(numbers.shape.begin(), 1);
  if (numbers.shape.size() != 2 || numbers.shape[1] != dimension)
    throw Error(
        "wrong_shape",
        fmt::format("points are {} unconstrained numbers each, shape [count, {}]; found shape {}", dimension,
                    dimension,
                    numbers.shape.empty() ? "[]" : fmt::format("[{}]", fmt::join(numbers.shape, ","))),
        "points");
  count = numbers.shape[0];
  for (std::size_t i = 0; i < numbers.values.size(); ++i)
    if (!std::isfinite(numbers.values[i]))
      throw Error("not_finite",
                  fmt::format("point {} has {} as its number {}", i / dimension + 1, numbers.values[i],
                              i % dimension + 1),
                  "points");
  return std::move(numbers.values);
}

}  // namespace

Prepared prepare_log_density(std::vector<Term> arguments) {
  const Options options = arguments.size() > 2 ? read_options(arguments[2], "log_density") : Options{};
  Prepared prepared = device_job(options);
  prepared.on_device = !options.host;
  prepared.work = [options, term = std::move(arguments[0]),
                   points_term = std::move(arguments[1])](Context& context) {
    const auto model = context.models->get(term);
    std::uint64_t count = 0;
    const std::vector<double> points = read_points(points_term, model->dimension, count);
    std::vector<nuts::Evaluation> evaluations;
    if (options.host) {
      evaluations = nuts::evaluate_on_host(grad::differentiate(model->density, model->dimension), *model,
                                           points, [&] { check_stop(context); });
    } else if (count > 0) {
      const gpu::DeviceInfo& device = context.samplers->device().info();
      const bool f64 = options.precision_given && options.sampling.precision != nuts::PrecisionChoice::Auto
                           ? options.sampling.precision == nuts::PrecisionChoice::F64
                           : device.f64;
      if (f64 && !device.f64)
        throw Error("device_limit",
                    fmt::format("{} has no f64; take precision f32, or device host", device.name),
                    "options: precision");
      evaluations = context.samplers->get(model).log_density(points, f64);
    }
    std::vector<double> values, gradients;
    values.reserve(count);
    gradients.reserve(count * model->dimension);
    for (const nuts::Evaluation& e : evaluations) {
      values.push_back(e.value);
      gradients.insert(gradients.end(), e.gradient.begin(), e.gradient.end());
    }
    return ok(term::map({{"value", array_f64(std::move(values), {count})},
                         {"gradient", array_f64(std::move(gradients), {count, model->dimension})}}));
  };
  return prepared;
}

}  // namespace drey::service
