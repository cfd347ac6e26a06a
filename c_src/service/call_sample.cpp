#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "error.h"
#include "gpu/device.h"
#include "model/evaluator.h"
#include "service/arrays.h"
#include "service/calls.h"
#include "service/checkpoint.h"
#include "service/collector.h"
#include "service/diagnostics.h"
#include "service/results.h"
#include "service/stopping.h"
#include "service/stream.h"
#include "service/tuning.h"
#include "stats/convergence.h"

namespace drey::service {

using term::Term;

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Messages that a streamed run comes in where the caller names no window.
constexpr std::uint64_t kWindows = 20;
/// Between two checkpoints a run samples so many times as long as the last one took to make: a run whose draws are many
/// would do little else, as each checkpoint holds them all.
constexpr int kCheckpointRest = 50;

/// A sampling call on its way: what it was asked, what it has.
class Sampling {
 public:
  Sampling(const Options& options, Context& context) : asked_(options), context_(context) {}

  Term run(const Term& model_term);

 private:
  void resume();
  void tune();
  std::unique_ptr<Collector> collector(bool f64) const;
  bool take(const nuts::Window& window);
  void keep(const nuts::Window& window);
  void stream(const nuts::Window& window);
  bool enough();
  Term answer();
  Term unfinished();
  Term result(std::uint64_t draws, bool with_checkpoint);
  Term divergences();
  Term diagnostics(const std::vector<double>& ebfmi, std::uint64_t draws) const;
  Term checkpoint(std::uint64_t from);
  bool keeps() const { return keep_ != Keep::None; }
  bool streams() const { return asked_.stream_to && asked_.stream_draws; }
  std::vector<stats::Row> rows(std::uint64_t draws, bool parameters_only) const;

  const Options& asked_;
  Context& context_;
  const Clock::time_point start_ = Clock::now();
  std::shared_ptr<const model::Model> model_;
  nuts::Sampler* sampler_ = nullptr;
  std::vector<const model::Output*> outputs_;
  nuts::Options options_;
  nuts::Tuning tuning_;
  std::optional<Checkpoint> from_;
  Keep keep_ = Keep::All;
  std::unique_ptr<nuts::Run> run_;
  std::unique_ptr<Collector> collector_;  ///< null: nothing is kept
  std::vector<std::uint64_t> marks_;
  std::vector<std::uint32_t> superchain_;
  Clock::time_point saved_ = start_;
  Clock::duration rest_{};  ///< from one checkpoint to the next at least
  bool reached_ = false;
  Convergence worst_;
  double model_ms_ = 0, compiled_before_ = 0, warmup_ms_ = 0;
};

Term Sampling::run(const Term& model_term) {
  context_.progress({"compile", 0, 0, 0});
  model_ = context_.models->get(model_term);
  model_ms_ = ms_since(start_);
  options_ = asked_.sampling;
  if (asked_.resume) from_ = read_checkpoint(*asked_.resume);
  Options selecting = asked_;
  if (from_ && !asked_.outputs) selecting.outputs = from_->outputs;
  outputs_ = select_outputs(*model_, selecting);
  if (!from_)
    options_.chains = asked_.chains.value_or(
        default_chains(context_.samplers->device(), options_.draws, model_->dimension + model_->output_size));
  check_stop(context_);
  sampler_ = &context_.samplers->get(model_);
  compiled_before_ = sampler_->compile_ms();
  keep_ = asked_.keep.value_or(Keep::All);
  if (from_) resume();
  if (asked_.stop) marks_ = stop_marks(options_.draws);
  // Before the warm-up, which would be for nothing; in f32, which takes less, where that is still open.
  if (keeps() && !from_) collector(options_.precision == nuts::PrecisionChoice::F64);
  tune();
  if (keeps()) collector_ = collector(tuning_.f64);
  for (std::uint64_t c = 0;
       tuning_.position_count > 0 && tuning_.position_count < options_.chains && c < options_.chains; ++c)
    superchain_.push_back(static_cast<std::uint32_t>((options_.first_chain + c) % tuning_.position_count));

  nuts::RunPlan plan;
  plan.marks = marks_;
  if (streams())
    plan.window = asked_.window ? asked_.window : std::max<std::uint64_t>(1, options_.draws / kWindows);
  plan.abreast = streams() || asked_.stop || keep_ != Keep::All;
  if (asked_.checkpoint_every)
    plan.pause = [this] {
      return Clock::now() - saved_ >= std::max<Clock::duration>(*asked_.checkpoint_every, rest_);
    };
  context_.progress({"compile", 0, 0, 0});
  run_ = sampler_->run(tuning_, options_, std::move(plan), from_ ? &from_->snapshot : nullptr);
  if (collector_) {
    if (!asked_.stop)
      collector_->reserve(options_.draws - collector_->first());
    else if (from_)
      collector_->reserve(from_->draws);
    if (from_) restore_kept(*from_, *collector_);
  }
  from_.reset();
  if (enough()) return answer();
  for (;;) {
    const auto end =
        run_->draw([this](nuts::Window&& window) { return take(window); }, context_.progress, context_.stop);
    const bool stopped = context_.stop.stop_requested() && !reached_;
    if (end == nuts::Run::End::Stopped || (end == nuts::Run::End::Enough && stopped)) return unfinished();
    if (end != nuts::Run::End::Paused) return answer();
    const auto begun = Clock::now();
    context_.send(term::tuple({term::atom("checkpoint"), checkpoint(collector_ ? collector_->first() : 0)}));
    saved_ = Clock::now();
    rest_ = kCheckpointRest * (saved_ - begun);
  }
}

/// The run's own options are those of the checkpoint; a caller who says otherwise is told.
void Sampling::resume() {
  const nuts::Options& then = from_->options;
  const auto agree = [&](std::string_view name, auto now, auto before) {
    if (std::ranges::find(asked_.given, name) != asked_.given.end() && now != before)
      throw Error("wrong_checkpoint",
                  fmt::format("the checkpoint is of a run with {} {}, not {}; leave the option out", name,
                              before, now),
                  fmt::format("options: {}", name));
  };
  agree("chains", asked_.chains.value_or(0), then.chains);
  agree("seed", asked_.sampling.seed, then.seed);
  agree("thin", asked_.sampling.thin, then.thin);
  agree("first_chain", asked_.sampling.first_chain, then.first_chain);
  agree("max_depth", asked_.sampling.max_depth, then.max_depth);
  if (from_->model_key != sampler_->model_key() || from_->data_key != sampler_->data_key())
    throw Error("wrong_checkpoint", "the checkpoint is of another model or other data", "options: resume");
  const bool more = std::ranges::find(asked_.given, "draws") != asked_.given.end();
  const std::uint64_t draws = more ? asked_.sampling.draws : then.draws, budget = asked_.sampling.budget;
  options_ = then;
  options_.draws = draws;
  options_.budget = budget;
  keep_ = asked_.keep.value_or(from_->keep);
  if (keep_ != from_->keep && keep_ != Keep::None)
    throw Error(
        "wrong_checkpoint",
        "the checkpoint was made with another `keep`, and does not hold what this one needs; leave keep out",
        "options: keep");
  std::vector<std::string> names;
  for (const auto* output : outputs_) names.push_back(output->name);
  if (keep_ != Keep::None && names != from_->outputs)
    throw Error("wrong_checkpoint",
                "the checkpoint holds draws of other outputs; leave the option outputs out",
                "options: outputs");
  if (asked_.stop && keep_ != Keep::All)
    throw Error("bad_option", "stop looks at all draws, which this checkpoint does not hold; leave stop out",
                "options: stop");
}

void Sampling::tune() {
  if (from_) {
    tuning_ = from_->tuning;
    return;
  }
  if (asked_.tuning) {
    tuning_ = read_tuning(*asked_.tuning);
    return check_tuning(tuning_, model_->dimension, sampler_->model_key(), asked_);
  }
  const double compiled = sampler_->compile_ms();
  const auto start = Clock::now();
  tuning_ = sampler_->warmup(options_, context_.progress, context_.stop);
  warmup_ms_ = ms_since(start) - (sampler_->compile_ms() - compiled);
  check_stop(context_);
}

/// What is to be kept, in the precision given. A run that cannot be held is refused.
std::unique_ptr<Collector> Sampling::collector(bool f64) const {
  std::vector<const model::Output*> watched;
  if (asked_.stop)
    for (const auto& output : model_->outputs)
      if (output.kind == model::OutputKind::Parameter) watched.push_back(&output);
  const std::uint64_t first = from_ && keep_ == Keep::New ? from_->first : 0;
  auto made = std::make_unique<Collector>(outputs_, watched, options_.chains, f64, first);
  const std::uint64_t draws = options_.draws - std::min(first, options_.draws);
  const double bytes = static_cast<double>(made->bytes(1)) * static_cast<double>(draws);
  const auto most = static_cast<double>(context_.engine->max_result_bytes);
  if (bytes > most)
    throw Error(
        "too_large",
        fmt::format(
            "{} chains of {} draws take {:.1f} GiB, {:.1f} allowed at once; take fewer chains, draws or "
            "outputs, thin, or stream them (stream_to, keep => none)",
            options_.chains, draws, bytes / (1u << 30), most / (1u << 30)),
        "options");
  return made;
}

bool Sampling::take(const nuts::Window& window) {
  keep(window);
  if (streams()) {
    // Once stopped, what was drawn still goes out, and is the last.
    const bool more = context_.outflow->take(context_.stop);
    stream(window);
    if (!more) return false;
  }
  return !enough();
}

void Sampling::keep(const nuts::Window& window) {
  if (!collector_) return;
  // With a rule the end is not known: room for a stretch at a time.
  const auto mark = std::ranges::lower_bound(marks_, window.first_draw + window.draws.draws);
  if (mark != marks_.end()) collector_->reserve(*mark - collector_->first());
  collector_->take(window);
}

void Sampling::stream(const nuts::Window& window) {
  if (streams())
    context_.send(term::tuple({term::atom("draws"), window_term(window, outputs_, tuning_.f64,
                                                                options_.first_chain, *context_.outflow)}));
}

bool Sampling::enough() {
  if (!asked_.stop) return false;
  const std::uint64_t draws = run_->handed();
  // Every mark once: when the last batch has come to it.
  if (!std::ranges::binary_search(marks_, draws)) return false;
  worst_ = convergence(rows(draws, true));
  reached_ = !context_.stop.stop_requested() && reached(*asked_.stop, worst_);
  return reached_;
}

std::vector<stats::Row> Sampling::rows(std::uint64_t draws, bool parameters_only) const {
  return summarize(
      *collector_, draws - collector_->first(),
      [&](const Collector::Column& column) {
        return parameters_only ? column.output->kind == model::OutputKind::Parameter : column.returned;
      },
      superchain_, [&] { return context_.stop.stop_requested() && context_.ending().empty(); });
}

Term Sampling::checkpoint(std::uint64_t from) {
  Checkpoint made;
  made.model_key = sampler_->model_key();
  made.data_key = sampler_->data_key();
  made.tuning = tuning_;
  made.options = options_;
  made.keep = keep_;
  made.snapshot = run_->save();
  for (const auto* output : outputs_) made.outputs.push_back(output->name);
  return checkpoint_term(made, collector_.get(), from);
}

Term Sampling::answer() { return ok(result(run_->handed(), asked_.checkpoint)); }

/// What there is when a deadline passed or the job was cancelled.
Term Sampling::unfinished() {
  const std::string why = context_.ending();
  if (why.empty() || !asked_.checkpoint) check_stop(context_);
  run_->flush([this](nuts::Window&& window) {
    keep(window);
    stream(window);
    return true;
  });
  const std::uint64_t draws = run_->handed();
  std::vector<std::pair<std::string_view, Term>> fields = {
      {"reason", term::atom(why)},
      {"message",
       term::text(fmt::format("{} after {} of {} draws; `checkpoint` goes on from here (option resume)",
                              why == "deadline" ? "deadline_ms passed" : "the job was cancelled", draws,
                              options_.draws))},
      {"draws", Term(static_cast<std::int64_t>(draws))},
      {"checkpoint", checkpoint(keep_ == Keep::New ? draws : 0)}};
  if (keeps() && draws > collector_->first()) fields.emplace_back("result", result(draws, false));
  return term::tuple({term::atom("error"), term::map(std::move(fields))});
}

Term Sampling::result(std::uint64_t draws, bool with_checkpoint) {
  std::vector<std::pair<std::string_view, Term>> fields;
  // Also where a deadline passed when all was drawn: the answer is whole.
  if (with_checkpoint) fields.emplace_back("checkpoint", checkpoint(keep_ == Keep::New ? draws : 0));
  std::vector<double> fractions;
  std::vector<stats::Row> found;
  const auto summary_start = Clock::now();
  if (collector_) {
    collector_->finish(draws - collector_->first());
    if (asked_.summary) {
      context_.progress({"summary", 0, 0, 0});
      found = rows(draws, false);
      if (context_.ending().empty()) check_stop(context_);
    }
    fractions = ebfmi(collector_->stats().energy, options_.chains);
  }
  const double summary_ms = ms_since(summary_start);

  std::vector<Term> notes;
  for (const std::string& warning : model_->warnings) notes.push_back(term::text(warning));
  for (const std::string& warning : run_->warnings()) notes.push_back(term::text(warning));
  for (const std::string& warning : warnings(options_.chains, fractions, found))
    notes.push_back(term::text(warning));
  if (asked_.stop) {
    if (!reached_ && context_.ending().empty())
      notes.push_back(term::text(stop_warning(*asked_.stop, draws, worst_)));
    fields.emplace_back("stop", stop_term(reached_, draws, worst_));
  }

  fields.emplace_back("divergences", divergences());
  fields.emplace_back("diagnostics", diagnostics(fractions, draws));
  if (collector_) {
    fields.emplace_back("draws", collector_->draws_term());
    fields.emplace_back("stats", collector_->stats_term());
  } else {
    fields.emplace_back("draws", term::map({}));
    fields.emplace_back("stats", term::map({}));
  }
  fields.emplace_back("first_draw",
                      Term(static_cast<std::int64_t>(collector_ ? collector_->first() : draws)));
  fields.emplace_back("summary", rows_term(found));
  fields.emplace_back("tuning", tuning_term(tuning_));
  fields.emplace_back("timing",
                      term::map({{"compile_ms", Term(model_ms_ + sampler_->compile_ms() - compiled_before_)},
                                 {"warmup_ms", Term(warmup_ms_)},
                                 {"sampling_ms", Term(run_->sampling_ms())},
                                 {"outputs_ms", Term(run_->outputs_ms())},
                                 {"summary_ms", Term(summary_ms)},
                                 {"total_ms", Term(ms_since(start_))},
                                 {"live_share", Term(run_->live_share())}}));
  fields.emplace_back("device", term::text(context_.samplers->device().info().name));
  fields.emplace_back("seed", Term(static_cast<std::int64_t>(options_.seed)));
  fields.emplace_back("first_chain", Term(static_cast<std::int64_t>(options_.first_chain)));
  fields.emplace_back("gradients", Term(static_cast<std::int64_t>(run_->gradients())));
  fields.emplace_back("warnings", term::list(std::move(notes)));
  return term::map(std::move(fields));
}

/// Where the first divergences were, on the parameters' own scale.
Term Sampling::divergences() {
  const auto found = run_->divergences();
  std::vector<std::int64_t> chains, draws;
  std::vector<double> errors;
  model::Evaluator evaluator(model_->draws, model_->data);
  std::vector<std::vector<double>> positions(model_->outputs.size());
  for (const auto& divergence : found) {
    chains.push_back(static_cast<std::int64_t>(divergence.chain));
    draws.push_back(static_cast<std::int64_t>(divergence.draw));
    errors.push_back(divergence.energy_error);
    // Generated quantities do not matter here, nor what their random numbers are.
    const auto values = evaluator.run(divergence.point, [] { return 0.5; }).output;
    for (std::size_t o = 0; o < positions.size(); ++o) {
      const auto& output = model_->outputs[o];
      const auto from = values.begin() + static_cast<std::ptrdiff_t>(output.offset);
      positions[o].insert(positions[o].end(), from, from + static_cast<std::ptrdiff_t>(output.size));
    }
  }
  const Shape shape = {found.size()};
  term::Map position;
  for (std::size_t o = 0; o < positions.size(); ++o) {
    const auto& output = model_->outputs[o];
    if (output.kind != model::OutputKind::Parameter) continue;
    Shape of = shape;
    of.insert(of.end(), output.shape.begin(), output.shape.end());
    position.pairs.emplace_back(term::atom(output.name), array_f64(std::move(positions[o]), of));
  }
  return term::map({{"count", Term(static_cast<std::int64_t>(run_->divergent()))},
                    {"chain", array_s64(std::move(chains), shape)},
                    {"draw", array_s64(std::move(draws), shape)},
                    {"energy_error", array_f64(std::move(errors), shape)},
                    {"position", Term(std::move(position))}});
}

Term Sampling::diagnostics(const std::vector<double>& ebfmi, std::uint64_t draws) const {
  double least = std::numeric_limits<double>::quiet_NaN();
  for (const double fraction : ebfmi)
    if (!(fraction >= least)) least = fraction;
  const bool brief = collector_ && stats::many_short(options_.chains, draws - collector_->first());
  return term::map({{"divergent", Term(static_cast<std::int64_t>(run_->divergent()))},
                    {"depth_hits", Term(static_cast<std::int64_t>(run_->depth_hits()))},
                    {"ebfmi", array_f64(ebfmi, {ebfmi.size()})},
                    {"ebfmi_min", number(least)},
                    {"rhat", term::atom(!brief                ? "split"
                                        : superchain_.empty() ? "unsplit"
                                                              : "nested")}});
}

}  // namespace

Prepared prepare_sample(std::vector<Term> arguments) {
  Options options = read_options(arguments[1], "sample");
  if (!options.seed_given) options.sampling.seed = fresh_seed();
  Prepared prepared = device_job(options);
  prepared.yields = options.checkpoint;
  prepared.work = [options = std::move(options), term = std::move(arguments[0])](Context& context) {
    return Sampling(options, context).run(term);
  };
  return prepared;
}

}  // namespace drey::service
