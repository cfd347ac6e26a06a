#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "c_src/service/client.h"
#include "c_src/service/models.h"
#include "service/arrays.h"
#include "service/stopping.h"
#include "support/erlang_text.h"

namespace drey::service {
namespace {

using term::atom;
using term::list;
using term::map;
using term::Term;
using term::tuple;

/// A pid, as nobody looks into it.
Term pid() { return term::Opaque{{88, 119, 1, 'a', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}}; }

/// With random numbers of its own.
Term schools() {
  return test::erlang(
      R"(#{data => #{y => [28, 8, -3, 7, -1, 1, 18, 12], sigma => [15, 10, 16, 11, 9, 11, 10, 18]},
      parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {eta, {vector, 8}}],
      transformed => [{theta, {'+', mu, {'*', tau, eta}}}],
      model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_cauchy, 5}}, {'~', eta, {normal, 0, 1}},
                {'~', y, {normal, theta, sigma}}],
      generated => [{again, {normal_rng, mu, tau}}]})");
}

/// Options in addition to those of `with`.
Term and_also(const Term& with, std::vector<std::pair<std::string_view, Term>> more) {
  term::Map options = *map(std::move(more)).as<term::Map>();
  for (const auto& pair : with.as<term::Map>()->pairs) options.pairs.push_back(pair);
  return options;
}

const Term& at(const Term& value, std::string_view key) {
  const Term* found = value.find(key);
  if (!found) throw std::runtime_error("no " + std::string(key) + " in " + term::to_string(value, 500));
  return *found;
}

/// What must not change with cuts, windows and budgets.
void expect_same(const Term& one, const Term& other) {
  for (const char* key : {"draws", "stats", "summary", "divergences", "diagnostics", "tuning", "gradients",
                          "seed", "warnings", "first_draw"})
    EXPECT_TRUE(at(one, key) == at(other, key)) << key;
}

std::vector<Term> messages(Client& client, std::string_view kind) {
  std::vector<Term> found;
  for (const auto& [to, message] : client.messages()) {
    EXPECT_EQ(to, pid());
    const auto* parts = message.tagged("drey", 3);
    if (!parts) continue;
    if (const auto* tagged = parts->elements[2].tagged(kind, 2)) found.push_back(tagged->elements[1]);
  }
  return found;
}

/// The windows of a stream put together, as nested vectors [chain][draw * size].
std::vector<std::vector<double>> join(const std::vector<Term>& windows, std::string_view name,
                                      std::uint64_t chains, std::string_view map_key = "draws") {
  std::vector<std::vector<double>> joined(chains);
  for (const Term& window : windows) {
    const Numbers numbers = read_numbers(at(at(window, map_key), name), name);
    const auto first = static_cast<std::uint64_t>(*at(window, "first_chain").as<std::int64_t>());
    const std::uint64_t width = numbers.values.size() / numbers.shape[0];
    for (std::uint64_t c = 0; c < numbers.shape[0]; ++c)
      joined[first + c].insert(joined[first + c].end(),
                               numbers.values.begin() + static_cast<std::ptrdiff_t>(c * width),
                               numbers.values.begin() + static_cast<std::ptrdiff_t>((c + 1) * width));
  }
  return joined;
}

std::vector<double> flat(const std::vector<std::vector<double>>& rows) {
  std::vector<double> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

Term short_run() { return map({{"chains", 6}, {"draws", 45}, {"warmup", 60}, {"seed", 9}}); }

TEST(CallSample, StreamsWindowsThatAreTheResult) {
  Client client;
  const Term options = and_also(short_run(), {{"stream_to", pid()}, {"window", 10}});
  const Term result = ok_value(client.call("sample", {schools(), options}));
  const auto windows = messages(client, "draws");
  ASSERT_EQ(windows.size(), 5u);
  EXPECT_EQ(at(windows[4], "first_draw"), Term(40));
  for (const char* name : {"mu", "theta", "again"})
    EXPECT_EQ(flat(join(windows, name, 6)), read_numbers(at(at(result, "draws"), name), name).values) << name;
  for (const char* name : {"lp", "leapfrogs", "divergent"})
    EXPECT_EQ(flat(join(windows, name, 6, "stats")), read_numbers(at(at(result, "stats"), name), name).values)
        << name;
  EXPECT_FALSE(messages(client, "progress").empty());
  expect_same(result, ok_value(client.call("sample", {schools(), short_run()})));
}

TEST(CallSample, SaysWhatItDoesWhereAsked) {
  Client client;
  const Term quiet = ok_value(client.call("sample", {schools(), short_run()}));
  EXPECT_EQ(client.lines(), "");
  const Term result =
      ok_value(client.call("sample", {schools(), and_also(short_run(), {{"log", term::boolean(true)}})}));
  const std::string lines = client.lines();
  std::size_t from = 0;
  for (const char* said : {": compile\n", ": warmup", ": sampling, ", ": summary\n", ": done after "}) {
    const auto at = lines.find(said, from);
    ASSERT_NE(at, std::string::npos) << said << " in\n" << lines;
    from = at;
  }
  EXPECT_EQ(lines.back(), '\n');
  expect_same(quiet, result);
  EXPECT_TRUE(messages(client, "progress").empty()) << "lines are no messages";
}

TEST(CallSample, StreamsWhatIsAskedForAndKeepsNothing) {
  Client client;
  const Term options = and_also(short_run(), {{"stream_to", pid()},
                                              {"stream", atom("draws")},
                                              {"keep", atom("none")},
                                              {"outputs", list({atom("tau")})}});
  const Term result = ok_value(client.call("sample", {schools(), options}));
  EXPECT_EQ(at(result, "draws"), map({}));
  EXPECT_EQ(at(result, "summary"), list({}));
  EXPECT_TRUE(messages(client, "progress").empty());
  const auto windows = messages(client, "draws");
  const Term whole = ok_value(client.call("sample", {schools(), short_run()}));
  EXPECT_EQ(flat(join(windows, "tau", 6)), read_numbers(at(at(whole, "draws"), "tau"), "tau").values);
  EXPECT_EQ(at(windows[0], "draws").as<term::Map>()->pairs.size(), 1u);
  // What would not fit is streamed all the same.
  EngineOptions small{"test@here", "node"};
  small.max_result_bytes = 1000;
  Client narrow(small);
  EXPECT_EQ(reason(narrow.call("sample", {schools(), short_run()})), "too_large");
  ok_value(narrow.call("sample", {schools(), options}));
  EXPECT_EQ(flat(join(messages(narrow, "draws"), "tau", 6)), flat(join(windows, "tau", 6)));
}

TEST(CallSample, WaitsForCredit) {
  Client client;
  const Term options = and_also(short_run(), {{"stream_to", pid()}, {"window", 5}, {"credit", 2}});
  auto request = client.start("sample", {schools(), options});
  const Term id = static_cast<std::int64_t>(request.ticket);
  const auto wait_for = [&](std::size_t count) {
    for (int i = 0; i < 6000 && messages(client, "draws").size() < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return messages(client, "draws").size();
  };
  EXPECT_EQ(wait_for(2), 2u);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(messages(client, "draws").size(), 2u);
  EXPECT_EQ(client.call("jobs", {}).as<term::List>()->elements.size(), 1u);
  EXPECT_EQ(client.call("credit", {id, 3}), atom("ok"));
  EXPECT_EQ(wait_for(5), 5u);
  EXPECT_EQ(reason(client.call("credit", {id, 0})), "wrong_type");
  EXPECT_EQ(reason(client.call("credit", {99999, 1})), "no_such_job");
  EXPECT_EQ(client.call("credit", {id, 100}), atom("ok"));
  ok_value(Client::wait(std::move(request)));
  // One that waits can be cancelled.
  auto waiting = client.start("sample", {schools(), options});
  wait_for(11);
  client.engine().cancel(waiting.ticket);
  EXPECT_EQ(reason(Client::wait(std::move(waiting))), "cancelled");
}

TEST(CallSample, ASlowReaderHoldsTheJobNotTheMemory) {
  EngineOptions options{"test@here", "node"};
  options.max_stream_bytes = 4000;
  Client client(options);  // keeps every message it gets
  auto request =
      client.start("sample", {schools(), and_also(short_run(), {{"stream_to", pid()}, {"window", 5}})});
  for (int i = 0; i < 6000 && messages(client, "draws").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(messages(client, "draws").size(), 3u);
  client.engine().cancel(request.ticket);
  EXPECT_EQ(reason(Client::wait(std::move(request))), "cancelled");
}

TEST(CallSample, StopsAtTheSameDrawWhateverTheBudget) {
  Client client;
  const Term base = map({{"chains", 8}, {"warmup", 100}, {"seed", 4}, {"outputs", list({atom("theta")})}});
  const Term rule = map({{"ess", 500}, {"rhat", 1.05}});
  const Term result = ok_value(client.call("sample", {schools(), and_also(base, {{"stop", rule}})}));
  const Term& stop = at(result, "stop");
  EXPECT_TRUE(at(stop, "reached").is_atom("true"));
  const auto draws = *at(stop, "draws").as<std::int64_t>();
  EXPECT_GE(*at(stop, "ess").number(), 500);
  EXPECT_LE(*at(stop, "rhat").number(), 1.05);
  const auto marks = stop_marks(10000);
  EXPECT_NE(std::ranges::find(marks, static_cast<std::uint64_t>(draws)), marks.end());
  EXPECT_EQ(at(at(result, "draws"), "theta").as<term::Tuple>()->elements[1], list({8, Term(draws), 8}));
  EXPECT_EQ(at(result, "draws").as<term::Map>()->pairs.size(), 1u);
  for (const int budget : {3, 1000})
    expect_same(result, ok_value(client.call(
                            "sample", {schools(), and_also(base, {{"stop", rule}, {"budget", budget}})})));
  const Term plain = ok_value(client.call("sample", {schools(), and_also(base, {{"draws", Term(draws)}})}));
  EXPECT_EQ(at(plain, "draws"), at(result, "draws"));
  EXPECT_EQ(at(plain, "summary"), at(result, "summary"));
}

TEST(CallSample, SaysWhenTheCapCameBeforeTheRule) {
  Client client;
  const Term result = ok_value(client.call(
      "sample",
      {models::normal(),
       map({{"chains", 4}, {"draws", 60}, {"warmup", 60}, {"seed", 4}, {"stop", map({{"ess", 100000}})}})}));
  EXPECT_TRUE(at(at(result, "stop"), "reached").is_atom("false"));
  EXPECT_EQ(at(at(result, "stop"), "draws"), Term(60));
  EXPECT_NE(term::to_string(at(result, "warnings"), 5000).find("before `stop` was reached"),
            std::string::npos);
}

/// Cut by deadlines again and again, each part on an engine of its own, a run ends with what it would have been.
TEST(CallSample, CutByDeadlinesAndResumedElsewhereIsTheSame) {
  for (const char* precision : {"f32", "f64"}) {
    SCOPED_TRACE(precision);
    Client client;
    const Term opts = map({{"chains", 5},
                           {"draws", 40},
                           {"thin", 250},
                           {"warmup", 60},
                           {"seed", 3},
                           {"precision", atom(precision)}});
    const Term tuning = ok_value(client.call("warmup", {schools(), opts}));
    const Term whole = ok_value(client.call("sample", {schools(), and_also(opts, {{"tuning", tuning}})}));
    Term next = and_also(
        opts, {{"tuning", tuning}, {"checkpoint", atom("true")}, {"deadline_ms", 60}, {"budget", 64}});
    int cuts = 0, with_draws = 0;
    Client other;
    other.call("check", {schools()});
    for (;; ++cuts) {
      ASSERT_LT(cuts, 500);
      const Term answer = (cuts % 2 ? client : other).call("sample", {schools(), next});
      if (answer.tagged("ok", 2)) {
        expect_same(ok_value(answer), whole);
        break;
      }
      ASSERT_EQ(reason(answer), "deadline") << message(answer);
      const Term& error = answer.as<term::Tuple>()->elements[1];
      const Term* checkpoint = error.find("checkpoint");
      if (!checkpoint) continue;  // the other engine was still compiling
      if (const Term* so_far = error.find("result")) {
        ++with_draws;
        const Numbers part = read_numbers(at(at(*so_far, "draws"), "mu"), "mu"),
                      all = read_numbers(at(at(whole, "draws"), "mu"), "mu");
        EXPECT_EQ(part.shape[1], static_cast<std::uint64_t>(*at(error, "draws").as<std::int64_t>()));
        for (std::uint64_t c = 0; c < 5; ++c)
          for (std::uint64_t s = 0; s < part.shape[1]; ++s)
            ASSERT_EQ(part.values[c * part.shape[1] + s], all.values[c * 40 + s]);
      }
      next = map({{"resume", *checkpoint},
                  {"checkpoint", atom("true")},
                  {"deadline_ms", 60},
                  {"budget", 64 + cuts}});
    }
    EXPECT_GT(cuts, 1);
    EXPECT_GT(with_draws, 0);
  }
}

TEST(CallSample, SendsCheckpointsOnTheWay) {
  Client client;
  const Term opts =
      map({{"chains", 5}, {"draws", 40}, {"thin", 100}, {"warmup", 60}, {"seed", 3}, {"budget", 32}});
  const Term whole = ok_value(client.call(
      "sample", {schools(), and_also(opts, {{"stream_to", pid()}, {"checkpoint_every_ms", 10}})}));
  const auto checkpoints = messages(client, "checkpoint");
  ASSERT_FALSE(checkpoints.empty());
  for (const Term* checkpoint : {&checkpoints.front(), &checkpoints.back()})
    expect_same(ok_value(client.call("sample", {schools(), map({{"resume", *checkpoint}})})), whole);
}

TEST(CallSample, CancelAnswersWhatThereIs) {
  Client client;
  auto request = client.start("sample", {schools(), map({{"chains", 4},
                                                         {"draws", 1000},
                                                         {"thin", 1000},
                                                         {"seed", 1},
                                                         {"warmup", 50},
                                                         {"checkpoint", atom("true")},
                                                         {"stream_to", pid()},
                                                         {"window", 1}})});
  const Term id = static_cast<std::int64_t>(request.ticket);
  for (int i = 0; i < 6000 && messages(client, "draws").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(client.call("cancel", {id}), atom("ok"));
  const Term answer = Client::wait(std::move(request));
  EXPECT_EQ(reason(answer), "cancelled");
  const Term& error = answer.as<term::Tuple>()->elements[1];
  EXPECT_NE(error.find("checkpoint"), nullptr);
  EXPECT_GE(*at(error, "draws").as<std::int64_t>(), 1);
  EXPECT_NE(at(error, "result").find("summary"), nullptr);
}

TEST(CallSample, MoreDrawsLaterAreThoseOfALongerRun) {
  Client client;
  const Term opts = map({{"chains", 6}, {"warmup", 60}, {"seed", 9}, {"checkpoint", atom("true")}});
  const Term whole = ok_value(client.call("sample", {schools(), and_also(opts, {{"draws", 70}})}));
  const Term part = ok_value(client.call("sample", {schools(), and_also(opts, {{"draws", 30}})}));
  expect_same(
      ok_value(client.call("sample", {schools(), map({{"resume", at(part, "checkpoint")}, {"draws", 70}})})),
      whole);
  // Only the new ones, part after part.
  std::vector<std::vector<double>> joined(6);
  Term next = and_also(opts, {{"draws", 20}, {"keep", atom("new")}});
  for (const int draws : {40, 70, 0}) {
    const Term result = ok_value(client.call("sample", {schools(), next}));
    EXPECT_EQ(at(result, "first_draw"), Term(draws == 40 ? 0 : draws == 70 ? 20 : 40));
    const Numbers numbers = read_numbers(at(at(result, "draws"), "again"), "again");
    const std::uint64_t width = numbers.shape[1];
    for (std::uint64_t c = 0; c < 6; ++c)
      joined[c].insert(joined[c].end(), numbers.values.begin() + static_cast<std::ptrdiff_t>(c * width),
                       numbers.values.begin() + static_cast<std::ptrdiff_t>((c + 1) * width));
    next = map({{"resume", at(result, "checkpoint")}, {"draws", draws}, {"checkpoint", atom("true")}});
  }
  EXPECT_EQ(flat(joined), read_numbers(at(at(whole, "draws"), "again"), "again").values);
}

TEST(CallSample, RefusesCheckpointsThatAreNotOfThisRun) {
  Client client;
  const Term result =
      ok_value(client.call("sample", {schools(), and_also(short_run(), {{"checkpoint", atom("true")}})}));
  const Term& good = at(result, "checkpoint");
  const auto resume = [&](const Term& model, const Term& checkpoint,
                          std::vector<std::pair<std::string_view, Term>> more) {
    return reason(client.call("sample", {model, and_also(map(std::move(more)), {{"resume", checkpoint}})}));
  };
  EXPECT_EQ(resume(models::normal(), good, {{"outputs", list({atom("x")})}}), "wrong_checkpoint")
      << "another program";
  term::Map data = *schools().as<term::Map>();
  data.pairs[0].second =
      test::erlang("#{y => [27, 8, -3, 7, -1, 1, 18, 12], sigma => [15, 10, 16, 11, 9, 11, 10, 18]}");
  EXPECT_EQ(resume(data, good, {}), "wrong_checkpoint") << "other data";
  EXPECT_EQ(resume(schools(), good, {{"seed", 10}}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), good, {{"chains", 7}}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), good, {{"draws", 44}}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), good, {{"thin", 2}}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), good, {{"keep", atom("new")}}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), good, {{"outputs", list({atom("mu")})}}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), good, {{"tuning", at(result, "tuning")}}), "bad_option");
  EXPECT_EQ(resume(schools(), 7, {}), "bad_option");
  EXPECT_EQ(resume(schools(), term::text(""), {}), "wrong_checkpoint");
  EXPECT_EQ(resume(schools(), term::text("DREYCKPT"), {}), "wrong_checkpoint");
  const std::string_view bytes = good.as<term::Binary>()->text();
  for (const std::size_t cut : {std::size_t{50}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_EQ(resume(schools(), term::text(bytes.substr(0, cut)), {}), "wrong_checkpoint");
  for (const std::size_t place : {std::size_t{9}, std::size_t{20}, bytes.size() / 3, bytes.size() - 1}) {
    std::string damaged(bytes);
    damaged[place] = static_cast<char>(damaged[place] ^ 1);
    EXPECT_EQ(resume(schools(), term::text(damaged), {}), "wrong_checkpoint") << place;
  }
  expect_same(ok_value(client.call("sample", {schools(), map({{"resume", good}})})), result);
}

/// Whoever can send a checkpoint can give it a checksum: what is in it must not be believed for that.
TEST(CallSample, SurvivesCheckpointsMadeByHand) {
  Client client;
  auto request = client.start(
      "sample", {schools(),
                 and_also(short_run(), {{"checkpoint", atom("true")}, {"thin", 500}, {"deadline_ms", 400}})});
  const Term answer = Client::wait(std::move(request));
  const Term& value = answer.as<term::Tuple>()->elements[1];
  if (!value.find("checkpoint")) GTEST_SKIP() << "too slow a device to be in mid-run";
  const std::string_view good = at(value, "checkpoint").as<term::Binary>()->text();
  constexpr std::size_t head = 8 + 4 + 32;
  std::mt19937_64 random(11);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    std::string damaged(good);
    for (int k = 0; k < 1 + i % 4; ++k)
      damaged[head + random() % (damaged.size() - head)] = static_cast<char>(random());
    unsigned int size = 0;
    EVP_Digest(damaged.data() + head, damaged.size() - head,
               reinterpret_cast<unsigned char*>(damaged.data()) + 12, &size, EVP_sha256(), nullptr);
    const Term tried =
        client.call("sample", {schools(), map({{"resume", term::text(damaged)}, {"deadline_ms", 20}})});
    if (tried.tagged("error", 2)) {
      EXPECT_NE(reason(tried), "internal") << message(tried);
      refused += reason(tried) == "wrong_checkpoint";
    }
  }
  EXPECT_GT(refused, 3) << "most bytes are numbers, which may be any";
}

TEST(CallSample, DivergencesAndEnergiesAreInTheResult) {
  Client client;
  const Term funnel = test::erlang(R"(#{parameters => [{v, real}, {s, real, [{lower, 0}]}, {x, {vector, 4}}],
      model => [{'~', v, {normal, 0, 3}}, {'~', s, {exponential, 1}}, {'~', x, {normal, 0, {exp, {'*', 0.5, v}}}}]})");
  const Term result = ok_value(client.call(
      "sample",
      {funnel, map({{"chains", 8}, {"draws", 300}, {"warmup", 200}, {"seed", 2}, {"first_chain", 5}})}));
  const Term& divergences = at(result, "divergences");
  const Numbers chain = read_numbers(at(divergences, "chain"), "chain"),
                draw = read_numbers(at(divergences, "draw"), "draw"),
                error = read_numbers(at(divergences, "energy_error"), "energy_error"),
                s = read_numbers(at(at(divergences, "position"), "s"), "s"),
                x = read_numbers(at(at(divergences, "position"), "x"), "x");
  const Numbers divergent = read_numbers(at(at(result, "stats"), "divergent"), "divergent");
  std::uint64_t count = 0;
  for (const double d : divergent.values) count += d > 0;
  ASSERT_GT(count, 2u);
  EXPECT_EQ(at(divergences, "count"), Term(static_cast<std::int64_t>(count)));
  EXPECT_EQ(chain.values.size(), std::min<std::uint64_t>(count, 100));
  EXPECT_EQ(x.shape, (Shape{chain.values.size(), 4}));
  for (std::size_t i = 0; i < chain.values.size(); ++i) {
    EXPECT_EQ(divergent.values[static_cast<std::size_t>((chain.values[i] - 5) * 300 + draw.values[i])], 1);
    EXPECT_FALSE(error.values[i] < 990);
    EXPECT_TRUE(!(s.values[i] < 0)) << "on the parameter's own scale";
  }
  const Term& diagnostics = at(result, "diagnostics");
  EXPECT_EQ(at(diagnostics, "divergent"), at(divergences, "count"));
  const Numbers ebfmi = read_numbers(at(diagnostics, "ebfmi"), "ebfmi");
  EXPECT_EQ(ebfmi.shape, Shape{8});
  EXPECT_EQ(*at(diagnostics, "ebfmi_min").number(), *std::ranges::min_element(ebfmi.values));
  int said = 0;
  for (const Term& warning : at(result, "warnings").as<term::List>()->elements)
    said += warning.as<term::Binary>()->text().find("diverged") != std::string_view::npos;
  EXPECT_EQ(said, 1);
}

TEST(CallSample, OptionsThatContradictEachOtherAreRefused) {
  Client client;
  const std::vector<std::pair<std::string_view, Term>> bad[] = {
      {{"credit", 3}},
      {{"checkpoint_every_ms", 100}},
      {{"stop", map({{"ess", 100}})}, {"keep", atom("none")}},
      {{"stop", map({{"ess", 100}})}, {"keep", atom("new")}},
      {{"stop", map({})}},
      {{"stop", map({{"ess", 0}})}},
      {{"stop", map({{"rhat", 1.0}})}},
      {{"stop", map({{"eess", 100}})}},
      {{"stop", 100}},
      {{"keep", atom("some")}},
      {{"window", 0}},
      {{"resume", atom("x")}},
      {{"stream", atom("x")}},
  };
  for (const auto& options : bad)
    EXPECT_EQ(reason(client.call("sample", {schools(), map(options)})), "bad_option")
        << term::to_string(map(options));
}

}  // namespace
}  // namespace drey::service
