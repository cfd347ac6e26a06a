#include <chrono>

#include "error.h"
#include "gpu/device.h"
#include "service/calls.h"
#include "service/diagnostics.h"
#include "service/results.h"
#include "service/tuning.h"

namespace drey::service {

using term::Term;

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Term sample(const Term& model_term, const Options& options, Context& context) {
  const auto start = Clock::now();
  context.progress({"compile", 0, 0, 0});
  const auto model = context.models->get(model_term);
  const double model_ms = ms_since(start);
  const auto outputs = select_outputs(*model, options);
  nuts::Tuning tuning;
  if (options.tuning) tuning = read_tuning(*options.tuning);
  nuts::Options sampling = options.sampling;
  sampling.chains = options.chains.value_or(
      default_chains(context.samplers->device(), sampling.draws, model->dimension + model->output_size));
  check_size(*model, sampling, *context.engine);
  check_stop(context);

  nuts::Sampler& sampler = context.samplers->get(model);
  const double compiled_before = sampler.compile_ms();
  double warmup_ms = 0;
  if (options.tuning) {
    check_tuning(tuning, model->dimension, sampler.model_key(), options);
  } else {
    const double compiled = sampler.compile_ms();
    const auto warmup_start = Clock::now();
    tuning = sampler.warmup(sampling, context.progress, context.stop);
    warmup_ms = ms_since(warmup_start) - (sampler.compile_ms() - compiled);
    check_stop(context);
  }
  nuts::Draws draws = sampler.sample(tuning, sampling, context.progress, context.stop);
  const double compile_ms = model_ms + sampler.compile_ms() - compiled_before;
  check_stop(context);

  // Chains that started at one position form a superchain.
  std::vector<std::uint32_t> superchain;
  if (tuning.position_count > 0 && tuning.position_count < draws.chains)
    for (std::uint64_t c = 0; c < draws.chains; ++c)
      superchain.push_back(static_cast<std::uint32_t>((sampling.first_chain + c) % tuning.position_count));
  const auto summary_start = Clock::now();
  std::vector<stats::Row> rows;
  if (options.summary) {
    context.progress({"summary", 0, 0, 0});
    rows = summarize(draws, outputs, superchain, [&] { return context.stop.stop_requested(); });
    check_stop(context);
  }
  const double summary_ms = ms_since(summary_start);

  std::vector<Term> notes;
  for (const std::string& warning : model->warnings) notes.push_back(term::text(warning));
  for (const std::string& warning : draws.warnings) notes.push_back(term::text(warning));
  for (const std::string& warning : warnings(draws, rows)) notes.push_back(term::text(warning));

  const auto timing = term::map({{"compile_ms", Term(compile_ms)},
                                 {"warmup_ms", Term(warmup_ms)},
                                 {"sampling_ms", Term(draws.sampling_ms)},
                                 {"outputs_ms", Term(draws.outputs_ms)},
                                 {"summary_ms", Term(summary_ms)},
                                 {"total_ms", Term(ms_since(start))}});
  const auto gradients = static_cast<std::int64_t>(draws.gradients);
  Term draws_map = draws_term(draws, outputs, tuning.f64);
  return ok(term::map({{"draws", std::move(draws_map)},
                       {"stats", stats_term(draws)},
                       {"summary", rows_term(rows)},
                       {"tuning", tuning_term(tuning)},
                       {"timing", timing},
                       {"device", term::text(context.samplers->device().info().name)},
                       {"seed", Term(static_cast<std::int64_t>(sampling.seed))},
                       {"first_chain", Term(static_cast<std::int64_t>(sampling.first_chain))},
                       {"gradients", Term(gradients)},
                       {"warnings", term::list(std::move(notes))}}));
}

}  // namespace

Prepared prepare_sample(std::vector<Term> arguments) {
  Options options = read_options(arguments[1], "sample");
  if (!options.seed_given) options.sampling.seed = fresh_seed();
  Prepared prepared;
  prepared.on_device = true;
  prepared.device = options.device;
  prepared.deadline = options.deadline;
  prepared.stream_to = options.stream_to;
  prepared.work = [options = std::move(options), term = std::move(arguments[0])](Context& context) {
    return sample(term, options, context);
  };
  return prepared;
}

}  // namespace drey::service
