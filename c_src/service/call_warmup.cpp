#include "error.h"
#include "gpu/device.h"
#include "service/calls.h"
#include "service/tuning.h"

namespace drey::service {

using term::Term;

Prepared prepare_warmup(std::vector<Term> arguments) {
  Options options = read_options(arguments[1], "warmup");
  if (!options.seed_given) options.sampling.seed = fresh_seed();
  Prepared prepared = device_job(options);
  prepared.work = [options, term = std::move(arguments[0])](Context& context) {
    context.progress({"compile", 0, 0, 0});
    const auto model = context.models->get(term);
    nuts::Sampler& sampler = context.samplers->get(model);
    nuts::Options sampling = options.sampling;
    sampling.chains =
        options.chains.value_or(default_chains(context.samplers->device(), 1, model->dimension));
    check_stop(context);
    return ok(tuning_term(sampler.warmup(sampling, context.progress, context.stop)));
  };
  return prepared;
}

}  // namespace drey::service
