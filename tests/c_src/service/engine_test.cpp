#include "service/engine.h"

#include <cmath>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "c_src/service/client.h"
#include "c_src/service/models.h"
#include "service/arrays.h"
#include "stats/summary.h"
#include "term/codec.h"

namespace drey::service {
namespace {

using term::atom;
using term::list;
using term::map;
using term::Term;
using term::tuple;

/// A sampling call that takes minutes unless it is stopped.
Term endless() {
  return map({{"chains", 8}, {"draws", 1000}, {"thin", 10000}, {"warmup", 100}, {"seed", 1}});
}

const term::Binary& bytes_of(const Term& array) {
  return *array.as<term::Tuple>()->elements[2].as<term::Binary>();
}

/// A summary row by name.
const Term& row(const Term& rows, std::string_view name) {
  for (const Term& r : rows.as<term::List>()->elements)
    if (r.find("name")->as<term::Binary>()->text() == name) return r;
  ADD_FAILURE() << "no row " << name;
  return rows;
}

TEST(Engine, ExportsTheCalls) {
  EXPECT_TRUE(Engine::exports("sample", 2));
  EXPECT_TRUE(Engine::exports("log_density", 3));
  EXPECT_FALSE(Engine::exports("sample", 3));
  EXPECT_FALSE(Engine::exports("cmd", 1));
  Client client;
  EXPECT_EQ(reason(client.call("cmd", {1})), "undef");
}

TEST(Engine, InfoNamesDevicesAndLimits) {
  Client client;
  const Term info = client.call("info", {});
  ASSERT_NE(info.find("devices"), nullptr) << term::to_string(info);
  EXPECT_TRUE(info.find("node")->is_atom("test@here"));
  ASSERT_FALSE(info.find("devices")->as<term::List>()->elements.empty()) << "no Vulkan device";
  EXPECT_NE(info.find("devices")->as<term::List>()->elements[0].find("memory_bytes"), nullptr);
  EXPECT_FALSE(client.engine().device_name().empty());
}

TEST(Engine, ChecksAModel) {
  Client client;
  const Term answer = ok_value(client.call("check", {models::eight_schools()}));
  EXPECT_EQ(*answer.find("dimension"), Term(10));
  const auto& outputs = answer.find("outputs")->as<term::List>()->elements;
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_TRUE(outputs[3].find("kind")->is_atom("transformed"));
  EXPECT_EQ(*outputs[3].find("shape"), list({8}));
}

TEST(Engine, SamplesANormal) {
  Client client;
  const Term result = ok_value(client.call(
      "sample", {models::normal(), map({{"chains", 8}, {"draws", 500}, {"warmup", 300}, {"seed", 3}})}));
  const Term* draws = result.find("draws");
  ASSERT_NE(draws, nullptr);
  const Term& x = *draws->find("x");
  EXPECT_EQ(x.as<term::Tuple>()->elements[1], list({8, 500}));
  const Term& summary = row(*result.find("summary"), "x");
  const double mean = *summary.find("mean")->number(), mcse = *summary.find("mcse")->number();
  EXPECT_LT(std::fabs(mean) / mcse, 5.7) << "false alarms: 1e-8";
  EXPECT_NEAR(*summary.find("sd")->number(), 1.0, 0.15);
  EXPECT_LT(*summary.find("rhat")->number(), 1.02);
  for (const char* key : {"lp", "accept", "energy", "depth", "leapfrogs", "divergent"})
    EXPECT_NE(result.find("stats")->find(key), nullptr) << key;
  for (const char* key : {"compile_ms", "warmup_ms", "sampling_ms"})
    EXPECT_TRUE(result.find("timing")->find(key)->number().has_value()) << key;
  EXPECT_NE(result.find("device"), nullptr);
  EXPECT_EQ(*result.find("seed"), Term(3));

  // The summary call sees the same draws.
  const Term rows = ok_value(client.call("summary", {*draws}));
  EXPECT_EQ(row(rows, "x"), summary);
  // Everything can be sent.
  EXPECT_EQ(term::decode(term::encode(result).flatten()), result);
}

TEST(Engine, SamplesEightSchools) {
  Client client;
  const Term options = map({{"chains", 16}, {"draws", 500}, {"warmup", 500}, {"seed", 11}});
  const Term result = ok_value(client.call("sample", {models::eight_schools(), options}));
  // Long runs of Stan: E mu 4.41, E tau 3.60 (posteriordb eight_schools_noncentered).
  const Term& mu = row(*result.find("summary"), "mu");
  const Term& tau = row(*result.find("summary"), "tau");
  EXPECT_LT(std::fabs(*mu.find("mean")->number() - 4.41) / *mu.find("mcse")->number(), 6.0);
  EXPECT_LT(std::fabs(*tau.find("mean")->number() - 3.60) / *tau.find("mcse")->number(), 6.0);
  EXPECT_EQ(result.find("summary")->as<term::List>()->elements.size(), 18u);
  row(*result.find("summary"), "theta[8]");

  // The tuning goes through the wire and samples the same draws again, chain by chain.
  const Term tuning = term::decode(term::encode(*result.find("tuning")).flatten());
  const Term outputs = list({atom("tau")});
  const auto again = [&](int first, int chains) {
    return ok_value(client.call("sample", {models::eight_schools(), map({{"chains", chains},
                                                                         {"first_chain", first},
                                                                         {"draws", 500},
                                                                         {"seed", 11},
                                                                         {"outputs", outputs},
                                                                         {"tuning", tuning}})}));
  };
  const Term whole = again(0, 16), part = again(8, 8);
  EXPECT_EQ(whole.find("draws")->as<term::Map>()->pairs.size(), 1u);
  EXPECT_TRUE(bytes_of(*whole.find("draws")->find("tau")) == bytes_of(*result.find("draws")->find("tau")));
  const auto all = bytes_of(*whole.find("draws")->find("tau")).text();
  EXPECT_TRUE(bytes_of(*part.find("draws")->find("tau")).text() == all.substr(all.size() / 2));
  EXPECT_EQ(*whole.find("timing")->find("warmup_ms"), Term(0.0));
}

TEST(Engine, LogDensityOnHostAndDevice) {
  Client client;
  const Term points = list({list({0.0}), list({1.0}), list({-2.5})});
  for (const Term& device : {atom("host"), Term(0)}) {
    const Term answer =
        ok_value(client.call("log_density", {models::normal(), points, map({{"device", device}})}));
    const Numbers values = read_numbers(*answer.find("value"), "value");
    const Numbers gradient = read_numbers(*answer.find("gradient"), "gradient");
    ASSERT_EQ(values.shape, Shape{3});
    ASSERT_EQ(gradient.shape, (Shape{3, 1}));
    EXPECT_NEAR(values.values[0], -0.91893853320467274178, 1e-12);
    EXPECT_NEAR(values.values[2], -0.91893853320467274178 - 3.125, 1e-12);
    EXPECT_NEAR(gradient.values[2], 2.5, 1e-12);
  }
  EXPECT_EQ(reason(client.call("log_density", {models::normal(), list({list({1, 2})})})), "wrong_shape");
  EXPECT_EQ(reason(client.call("log_density", {models::normal(), atom("here")})), "wrong_type");
  EXPECT_EQ(reason(client.call("log_density",
                               {models::normal(), list({list({0})}), map({{"precison", atom("f32")}})})),
            "unknown_option");
}

TEST(Engine, BadInputIsAnErrorAndTheEngineLivesOn) {
  Client client;
  const Term opts = map({{"chains", 2}, {"draws", 10}, {"warmup", 20}});
  const auto with = [](std::string_view name, Term value) {
    return map({{"chains", 2}, {"draws", 10}, {"warmup", 20}, {name, std::move(value)}});
  };
  // One statement more in a model of two data and a parameter.
  const auto model = [](const std::string& statement) {
    return test::erlang(
        "#{data => #{y => [1.0, 2.0], s => [1.0, -1.0]}, parameters => [{mu, real}], "
        "model => [{'~', mu, {normal, 0, 1}}, " +
        statement + "]}");
  };
  std::string nested = "mu";
  for (int i = 0; i < 100; ++i) nested = "{tanh, " + nested + "}";
  // Data of eight bytes that say NaN: no Erlang float can.
  const double nan = std::nan("");
  std::vector<std::uint8_t> nan_bytes(16);
  std::memcpy(nan_bytes.data(), &nan, 8);
  term::Map nan_model =
      *test::erlang("#{parameters => [{mu, real}], model => [{'~', y, {normal, mu, 1}}]}").as<term::Map>();
  nan_model.pairs.emplace_back(atom("data"),
                               map({{"y", tuple({atom("f64"), list({2}), term::Binary(nan_bytes)})}}));
  const std::pair<const char*, Term> bad_models[] = {
      {"unknown name", model("{'~', y, {normal, nu, 1}}")},
      {"unknown distribution", model("{'~', y, {norml, mu, 1}}")},
      {"wrong shape", model("{'~', y, {normal, [1, 2, 3], 1}}")},
      {"NaN in data", nan_model},
      {"an integer", 7},
      {"an empty map", map({})},
      {"a list", list({1, 2})},
  };
  for (const auto& [name, bad] : bad_models) {
    const Term answer = client.call("sample", {bad, opts});
    EXPECT_NE(reason(answer).substr(0, 12), "not an error") << name << ": " << term::to_string(answer);
    EXPECT_NE(reason(answer), "internal") << name << ": " << message(answer);
    EXPECT_EQ(reason(client.call("check", {bad})), reason(answer)) << name;
  }
  // Negative scales make the density impossible everywhere; a deep expression is only an expression.
  const Term negative = model("{'~', y, {normal, mu, s}}");
  EXPECT_NE(reason(client.call("check", {negative})).substr(0, 12), "not an error");
  EXPECT_NE(reason(client.call("sample", {negative, opts})).substr(0, 12), "not an error");
  const Term deep = client.call("check", {model("{target, " + nested + "}")});
  EXPECT_NE(reason(deep), "internal") << message(deep);

  const std::pair<const char*, Term> bad_options[] = {{"draws", 0},
                                                      {"draws", -5},
                                                      {"draws", 2.5},
                                                      {"chains", 1000000},
                                                      {"chains", 0},
                                                      {"seed", -1},
                                                      {"seed", atom("x")},
                                                      {"thin", 0},
                                                      {"target_accept", 2},
                                                      {"max_depth", 1000},
                                                      {"deadline_ms", 0},
                                                      {"stream_to", atom("me")},
                                                      {"tuning", 3},
                                                      {"metric", atom("x")},
                                                      {"outputs", atom("x")},
                                                      {"device", -1},
                                                      {"precision", atom("f16")},
                                                      {"first_chain", -1},
                                                      {"warmup", std::int64_t{1} << 40}};
  for (const auto& [name, value] : bad_options) {
    Term options = map({{name, value}});
    const Term answer = client.call("sample", {models::normal(), options});
    EXPECT_EQ(reason(answer), "bad_option") << name;
    EXPECT_NE(message(answer).find(name), std::string::npos) << message(answer);
  }
  EXPECT_EQ(reason(client.call("sample", {models::normal(), atom("fast")})), "bad_option");
  EXPECT_EQ(reason(client.call("sample", {models::normal(), list({1})})), "bad_option");
  const Term misspelt = client.call("sample", {models::normal(), with("chians", 4)});
  EXPECT_EQ(reason(misspelt), "unknown_option");
  EXPECT_NE(message(misspelt).find("chains"), std::string::npos) << message(misspelt);
  EXPECT_EQ(reason(client.call("sample", {models::normal(), with("outputs", list({atom("y")}))})),
            "unknown_name");
  EXPECT_EQ(reason(client.call("sample", {models::normal(), with("device", 200)})), "bad_option");
  EXPECT_EQ(reason(client.call("sample", {models::normal(), with("tuning", map({}))})), "bad_tuning");
  EXPECT_EQ(reason(client.call("sample", {models::normal(), map({{"chains", 60000}, {"draws", 1000000}})})),
            "too_large");
  EXPECT_EQ(reason(client.call("summary", {list({1})})), "wrong_type");
  EXPECT_EQ(reason(client.call("summary", {map({{"x", list({1, 2})}})})), "wrong_shape");
  EXPECT_EQ(reason(client.call("cancel", {atom("all")})), "wrong_type");
  EXPECT_EQ(reason(client.call("cancel", {12345})), "no_such_job");

  ok_value(client.call("sample", {models::normal(), opts}));
}

TEST(Engine, ATuningOfAnotherModelIsRefused) {
  Client client;
  const Term opts = map({{"chains", 4}, {"warmup", 50}, {"seed", 1}});
  const Term tuning = ok_value(client.call("warmup", {models::normal(), opts}));
  EXPECT_EQ(
      reason(client.call("sample", {models::eight_schools(), map({{"tuning", tuning}, {"chains", 2}})})),
      "bad_tuning");
  const auto broken = [&](std::string_view name, Term value) {
    term::Map copy = *tuning.as<term::Map>();
    for (auto& [key, field] : copy.pairs)
      if (key.is_atom(name)) field = std::move(value);
    return reason(client.call("sample", {models::normal(), map({{"tuning", copy}, {"chains", 2}})}));
  };
  EXPECT_EQ(broken("version", 2), "bad_tuning");
  EXPECT_EQ(broken("step_size", -1.0), "bad_tuning");
  EXPECT_EQ(broken("step_size", 0), "bad_tuning");
  EXPECT_EQ(broken("inverse_metric", list({-1.0})), "bad_tuning");
  EXPECT_EQ(broken("inverse_metric", list({1.0, 1.0})), "bad_tuning");
  EXPECT_EQ(broken("positions", list({})), "bad_tuning");
  EXPECT_EQ(broken("positions", list({list({1.0, 2.0})})), "bad_tuning");
  EXPECT_EQ(broken("mapping", atom("workgroup")), "bad_tuning");
  EXPECT_EQ(broken("model_key", term::text("other")), "bad_tuning");
}

TEST(Engine, CancelStopsAJobThatRuns) {
  Client client;
  auto request = client.start("sample", {models::eight_schools(), endless()});
  Term id;
  for (int i = 0; i < 6000; ++i) {
    const Term jobs = client.call("jobs", {});
    ASSERT_EQ(jobs.as<term::List>()->elements.size(), 1u);
    const Term& job = jobs.as<term::List>()->elements[0];
    id = *job.find("id");
    EXPECT_TRUE(job.find("call")->is_atom("sample"));
    if (job.find("phase")->is_atom("sampling") && *job.find("done")->number() > 0) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(id, Term(static_cast<std::int64_t>(request.ticket)));
  EXPECT_EQ(client.call("cancel", {id}), atom("ok"));
  EXPECT_EQ(reason(Client::wait(std::move(request))), "cancelled");
  // The device is free again.
  ok_value(client.call("sample", {models::normal(), map({{"chains", 2}, {"draws", 10}, {"warmup", 20}})}));
  EXPECT_EQ(reason(client.call("cancel", {id})), "no_such_job");
}

TEST(Engine, CancelAnswersAJobThatWaits) {
  Client client;
  auto running = client.start("sample", {models::eight_schools(), endless()});
  auto waiting = client.start("sample", {models::normal(), endless()});
  client.engine().cancel(waiting.ticket);
  EXPECT_EQ(reason(Client::wait(std::move(waiting))), "cancelled");
  client.engine().cancel(999999);
  client.engine().cancel(running.ticket);
  client.engine().cancel(running.ticket);
  EXPECT_EQ(reason(Client::wait(std::move(running))), "cancelled");
}

TEST(Engine, DeadlinesAreKept) {
  Client client;
  const Term options =
      map({{"chains", 8}, {"draws", 1000}, {"thin", 10000}, {"seed", 1}, {"deadline_ms", 300}});
  auto first = client.start("sample", {models::eight_schools(), options});
  auto second = client.start("sample", {models::eight_schools(), options});
  const Term answer = Client::wait(std::move(first));
  EXPECT_EQ(reason(answer), "deadline");
  EXPECT_EQ(reason(Client::wait(std::move(second))), "deadline");
}

TEST(Engine, RefusesMoreJobsThanAllowed) {
  EngineOptions options{"test@here", "node"};
  options.max_jobs = 2;
  Client client(options);
  auto one = client.start("sample", {models::eight_schools(), endless()});
  auto two = client.start("sample", {models::eight_schools(), endless()});
  EXPECT_EQ(reason(client.call("sample", {models::normal(), map({})})), "busy");
  EXPECT_NE(client.call("info", {}).find("version"), nullptr) << "a busy engine still says what it is";
  client.engine().cancel(one.ticket);
  client.engine().cancel(two.ticket);
  EXPECT_EQ(reason(Client::wait(std::move(one))), "cancelled");
  EXPECT_EQ(reason(Client::wait(std::move(two))), "cancelled");
}

TEST(Engine, AnswersEverythingWhenItEnds) {
  std::vector<Client::Request> requests;
  {
    Client client;
    for (int i = 0; i < 4; ++i)
      requests.push_back(client.start("sample", {models::eight_schools(), endless()}));
    requests.push_back(client.start("check", {models::normal()}));
  }
  for (auto& request : requests) {
    ASSERT_EQ(request.answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    const Term answer = request.answer.get();
    EXPECT_TRUE(reason(answer) == "cancelled" || answer.tagged("ok", 2)) << term::to_string(answer);
  }
}

TEST(Engine, ManyCallersAtOnce) {
  Client client;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&client, t] {
      for (int i = 0; i < 5; ++i) {
        const Term answer = client.call(
            "sample", {models::normal(), map({{"chains", 2}, {"draws", 20}, {"warmup", 20}, {"seed", t}})});
        EXPECT_TRUE(answer.tagged("ok", 2)) << term::to_string(answer);
        client.call("jobs", {});
        ok_value(client.call("check", {models::eight_schools()}));
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(client.call("jobs", {}), list({}));
}

TEST(Engine, StreamsProgress) {
  Client client;
  const Term pid =
      term::decode(std::vector<std::uint8_t>{88, 119, 3, 97, 64, 98, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1});
  auto request = client.start(
      "sample", {models::eight_schools(),
                 map({{"chains", 4}, {"draws", 200}, {"warmup", 100}, {"seed", 1}, {"stream_to", pid}})});
  const Ticket ticket = request.ticket;
  ok_value(Client::wait(std::move(request)));
  const auto messages = client.messages();
  ASSERT_GE(messages.size(), 2u);
  bool sampling = false;
  for (const auto& [to, message] : messages) {
    EXPECT_EQ(to, pid);
    const auto* tagged = message.tagged("drey", 3);
    ASSERT_NE(tagged, nullptr) << term::to_string(message);
    EXPECT_EQ(tagged->elements[1], Term(static_cast<std::int64_t>(ticket)));
    if (const auto* progress = tagged->elements[2].tagged("progress", 2))
      sampling = sampling || progress->elements[1].find("phase")->is_atom("sampling");
  }
  EXPECT_TRUE(sampling);
}

}  // namespace
}  // namespace drey::service
