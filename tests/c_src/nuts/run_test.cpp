#include "nuts/run.h"

#include <cstring>
#include <map>

#include <gtest/gtest.h>

#include "c_src/nuts/fixture.h"
#include "error.h"
#include "model/evaluator.h"
#include "model/model.h"
#include "nuts/chain_state.h"
#include "support/erlang_text.h"

namespace drey::nuts {
namespace {

std::shared_ptr<const model::Model> build(const std::string& text) {
  return std::make_shared<const model::Model>(model::compile(test::erlang(text)));
}

/// With generated quantities that draw random numbers of their own.
std::shared_ptr<const model::Model> schools() {
  return build(R"(#{data => #{y => [28, 8, -3, 7, -1, 1, 18, 12], sigma => [15, 10, 16, 11, 9, 11, 10, 18]},
      parameters => [{mu, real}, {tau, real, [{lower, 0}]}, {eta, {vector, 8}}],
      transformed => [{theta, {'+', mu, {'*', tau, eta}}}],
      model => [{'~', mu, {normal, 0, 5}}, {'~', tau, {half_normal, 5}}, {'~', eta, {normal, 0, 1}},
                {'~', y, {normal, theta, sigma}}],
      generated => [{again, {normal_rng, mu, tau}}]})");
}

/// Neal's funnel, which no step size suits.
std::shared_ptr<const model::Model> funnel() {
  return build(R"(#{parameters => [{v, real}, {x, {vector, 4}}],
      model => [{'~', v, {normal, 0, 3}}, {'~', x, {normal, 0, {exp, {'*', 0.5, v}}}}]})");
}

/// The windows of a run, put together.
struct Collected {
  Draws draws;
  std::uint64_t windows = 0;
  std::vector<std::uint64_t> ends;  ///< draw numbers at which windows of the first batch ended

  explicit Collected(std::uint64_t chains, std::uint64_t count) {
    draws.chains = chains;
    draws.draws = count;
  }
  void take(const Window& w) {
    ++windows;
    if (w.first_chain == 0) ends.push_back(w.first_draw + w.draws.draws);
    draws.output_size = w.draws.output_size;
    draws.outputs.resize(draws.chains * draws.draws * draws.output_size);
    for (auto* values : {&draws.lp, &draws.accept, &draws.energy}) values->resize(draws.chains * draws.draws);
    draws.leapfrogs.resize(draws.chains * draws.draws);
    for (std::uint64_t c = 0; c < w.draws.chains; ++c)
      for (std::uint64_t s = 0; s < w.draws.draws; ++s) {
        const std::uint64_t to = (w.first_chain + c) * draws.draws + w.first_draw + s,
                            from = c * w.draws.draws + s;
        for (std::uint64_t e = 0; e < draws.output_size; ++e)
          draws.outputs[to * draws.output_size + e] = w.draws.outputs[from * draws.output_size + e];
        draws.lp[to] = w.draws.lp[from];
        draws.accept[to] = w.draws.accept[from];
        draws.energy[to] = w.draws.energy[from];
        draws.leapfrogs[to] = w.draws.leapfrogs[from];
      }
  }
  void expect_same(const Draws& other) const {
    EXPECT_TRUE(draws.outputs == other.outputs);
    EXPECT_TRUE(draws.lp == other.lp);
    EXPECT_TRUE(draws.accept == other.accept);
    EXPECT_TRUE(draws.energy == other.energy);
    EXPECT_TRUE(draws.leapfrogs == other.leapfrogs);
  }
};

class Runs : public OnDevice {
 protected:
  static Options options(std::uint64_t chains, std::uint64_t draws, bool f64 = false) {
    Options options;
    options.chains = chains;
    options.draws = draws;
    options.seed = 77;
    options.precision = f64 ? PrecisionChoice::F64 : PrecisionChoice::F32;
    return options;
  }
  static Run::OnWindow into(Collected& all) {
    return [&all](Window&& window) {
      all.take(window);
      return true;
    };
  }
};

TEST_F(Runs, WindowsAreThoseAskedForAndTheirDrawsTheWholes) {
  Sampler sampler(device(), schools());
  const auto of = options(6, 50);
  const Tuning tuning = sampler.warmup(of);
  const Draws whole = sampler.sample(tuning, of);
  RunPlan plan;
  plan.window = 12;
  plan.marks = {5, 24, 31};
  Collected all(6, 50);
  EXPECT_EQ(sampler.run(tuning, of, plan)->draw(into(all)), Run::End::Done);
  EXPECT_EQ(all.ends, (std::vector<std::uint64_t>{5, 12, 24, 31, 36, 48, 50}));
  all.expect_same(whole);
}

TEST_F(Runs, BatchesThatTakeTurnsDrawTheSame) {
  Sampler sampler(device(), schools());
  const auto of = options(11, 30);
  const Tuning tuning = sampler.warmup(of);
  const Draws whole = sampler.sample(tuning, of);
  for (const bool abreast : {false, true}) {
    SCOPED_TRACE(abreast);
    RunPlan plan;
    plan.window = 7;
    plan.abreast = abreast;
    plan.most_bytes = 4 * Chains::state_bytes({false, 10, 10, 8});
    const auto run = sampler.run(tuning, of, plan);
    Collected all(11, 30);
    EXPECT_EQ(run->draw(into(all)), Run::End::Done);
    EXPECT_EQ(run->save().batches.size(), 3u);
    all.expect_same(whole);
    EXPECT_EQ(run->gradients(), whole.gradients);
  }
}

/// The cut falls between two dispatches, in mid-trajectory, at another place each time.
TEST_F(Runs, CutAndResumedElsewhereDrawTheSameBytes) {
  for (const bool f64 : {false, true}) {
    if (f64 && !has_f64()) continue;
    for (const std::uint64_t room : {std::uint64_t{128} << 20, 5 * Chains::state_bytes({f64, 10, 10, 8})}) {
      SCOPED_TRACE(testing::Message() << (f64 ? "f64" : "f32") << ", room for " << room);
      Sampler sampler(device(), schools());
      auto of = options(7, 40, f64);
      const Tuning tuning = sampler.warmup(of);
      const Draws whole = sampler.sample(tuning, of);
      of.budget = 16;
      Collected all(7, 40);
      Snapshot snapshot;
      bool begun = false, ragged = false;
      int cuts = 0;
      for (auto end = Run::End::Paused; end == Run::End::Paused; ++cuts) {
        ASSERT_LT(cuts, 1000);
        Sampler other(device(), schools());
        int dispatches = 0;
        RunPlan plan;
        plan.window = 9;
        plan.abreast = cuts % 2 == 0;
        plan.most_bytes = room;
        plan.pause = [&] { return ++dispatches > 3 + cuts % 5; };
        const auto run = (begun ? other : sampler).run(tuning, of, plan, begun ? &snapshot : nullptr);
        end = run->draw(into(all));
        if (cuts % 3 == 0) run->flush(into(all));
        snapshot = run->save();
        for (const auto& batch : snapshot.batches) ragged = ragged || batch.ahead > 0;
        begun = true;
      }
      EXPECT_GT(cuts, 3);
      EXPECT_TRUE(ragged) << "no cut fell between a chain's draw and another's";
      all.expect_same(whole);
      EXPECT_EQ(snapshot.gradients, whole.gradients);
    }
  }
}

/// Stopped before the chains of a tuning without positions stand anywhere, and in batches of which some do.
TEST_F(Runs, ThatAreStillToBeDispersedAreDispersedWhereTheyAreResumed) {
  Sampler sampler(device(), schools());
  auto of = options(8, 20);
  Tuning tuning = sampler.warmup(of);
  tuning.positions.clear();
  tuning.position_count = 0;
  const Draws whole = sampler.sample(tuning, of);
  std::stop_source stopped;
  stopped.request_stop();
  RunPlan plan;
  plan.most_bytes = 4 * Chains::state_bytes({false, 10, 10, 8});
  for (const bool halfway : {false, true}) {
    SCOPED_TRACE(halfway);
    const auto run = sampler.run(tuning, of, plan);
    Collected all(8, 20);
    if (halfway) {
      ASSERT_EQ(run->draw([&](Window&& window) {
        all.take(window);
        return window.first_draw + window.draws.draws < 20;
      }),
                Run::End::Enough);
    }
    ASSERT_EQ(run->draw(into(all), {}, stopped.get_token()), Run::End::Stopped);
    const Snapshot snapshot = run->save();
    EXPECT_EQ(snapshot.batches[0].state.empty(), !halfway);
    EXPECT_TRUE(snapshot.batches[1].state.empty());
    EXPECT_EQ(sampler.run(tuning, of, plan, &snapshot)->draw(into(all)), Run::End::Done);
    all.expect_same(whole);
  }
}

TEST_F(Runs, CutAndResumedDrawTheSameBytesUnderTheOtherMapping) {
  Sampler sampler(device(), schools());
  auto of = options(7, 40);
  of.mapping = Mapping::Subgroup;
  Tuning tuning;
  try {
    tuning = sampler.warmup(of);
  } catch (const Error& error) {
    GTEST_SKIP() << error.message();
  }
  const Draws whole = sampler.sample(tuning, of);
  of.budget = 16;
  Collected all(7, 40);
  Snapshot snapshot;
  int cuts = 0;
  for (auto end = Run::End::Paused; end == Run::End::Paused; ++cuts) {
    ASSERT_LT(cuts, 1000);
    int dispatches = 0;
    RunPlan plan;
    plan.pause = [&] { return ++dispatches > 3 + cuts % 5; };
    // From the third part on in batches, which split the state.
    if (cuts > 1) plan.most_bytes = 4 * Chains::state_bytes({false, 10, 10, 8, false, 8});
    const auto run = sampler.run(tuning, of, plan, cuts ? &snapshot : nullptr);
    end = run->draw(into(all));
    run->flush(into(all));
    snapshot = run->save();
  }
  EXPECT_GT(cuts, 3);
  all.expect_same(whole);
  // Their sums are made in another order: a state of the one is none of the other's.
  of.mapping = Mapping::Invocation;
  const Tuning other = sampler.warmup(of);
  EXPECT_THROW(sampler.run(other, of, {}, &snapshot), Error);
}

TEST_F(Runs, ARunThatHadEnoughGoesOnToMoreDraws) {
  Sampler sampler(device(), schools());
  auto of = options(5, 60);
  const Tuning tuning = sampler.warmup(of);
  const Draws whole = sampler.sample(tuning, of);
  RunPlan plan;
  plan.window = 10;
  const auto run = sampler.run(tuning, of, plan);
  Collected all(5, 60);
  EXPECT_EQ(run->draw([&](Window&& window) {
    all.take(window);
    return window.first_draw < 20;
  }),
            Run::End::Enough);
  EXPECT_EQ(run->handed(), 30u);
  // To fewer draws than some chains have by now, then to all.
  const Snapshot snapshot = run->save();
  auto some = of;
  some.draws = 31;
  const auto second = sampler.run(tuning, some, plan, &snapshot);
  EXPECT_EQ(second->draw(into(all)), Run::End::Done);
  const Snapshot later = second->save();
  EXPECT_EQ(sampler.run(tuning, of, plan, &later)->draw(into(all)), Run::End::Done);
  all.expect_same(whole);
}

TEST_F(Runs, DivergencesSayWhereAndByHowMuch) {
  const auto model = funnel();
  Sampler sampler(device(), model);
  auto of = options(8, 200);
  of.thin = 2;
  const Tuning tuning = sampler.warmup(of);
  const Draws draws = sampler.sample(tuning, of);
  std::uint64_t count = 0;
  for (const auto d : draws.divergent) count += d;
  ASSERT_GT(count, 3u) << "this model should diverge";
  ASSERT_EQ(draws.divergences.size(), std::min(count, Run::kMostDivergences));
  model::Evaluator density(model->density, model->data);
  for (const auto& d : draws.divergences) {
    EXPECT_EQ(draws.divergent[d.chain * of.draws + d.draw], 1);
    EXPECT_FALSE(d.energy_error <= 990) << d.energy_error;
    ASSERT_EQ(d.point.size(), 5u);
    // Energy at the start less kinetic energy is at least the log density there.
    const double lp = density.run(d.point).target;
    EXPECT_TRUE(!std::isfinite(lp) || d.energy_error + lp > -1e3) << lp;
  }
  // The same whoever runs them, in whatever parts.
  RunPlan plan;
  plan.window = 17;
  plan.abreast = true;
  plan.most_bytes = 3 * Chains::state_bytes({false, 5, 10, 8});
  const auto run = sampler.run(tuning, of, plan);
  run->draw([](Window&&) { return true; });
  const auto again = run->divergences();
  ASSERT_EQ(again.size(), draws.divergences.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].chain, draws.divergences[i].chain);
    EXPECT_EQ(again[i].draw, draws.divergences[i].draw);
    EXPECT_EQ(again[i].point, draws.divergences[i].point);
  }
}

TEST_F(Runs, RefuseSnapshotsThatAreDamagedOrOfOthers) {
  Sampler sampler(device(), schools());
  auto of = options(4, 20);
  of.budget = 8;
  const Tuning tuning = sampler.warmup(of);
  int dispatches = 0;
  RunPlan plan;
  plan.window = 2;
  plan.pause = [&] { return ++dispatches == 20; };
  const auto run = sampler.run(tuning, of, plan);
  ASSERT_EQ(run->draw([](Window&&) { return true; }), Run::End::Paused);
  const Snapshot good = run->save();
  const std::size_t words = state_size({false, 10, 10, 8}, 4) - StateLayout::kWords * 4 * 4;
  const auto put = [&](Snapshot& s, std::uint64_t word, std::uint32_t value) {
    std::memcpy(s.batches[0].state.data() + words + word * 4 * 4, &value, 4);
  };
  const std::map<std::string, std::function<void(Snapshot&)>> damages = {
      {"layout", [](Snapshot& s) { s.layout += "x"; }},
      {"no batch", [](Snapshot& s) { s.batches.clear(); }},
      {"too few chains", [](Snapshot& s) { s.batches[0].count = 3; }},
      {"too many chains", [](Snapshot& s) { s.batches[0].count = ~std::uint64_t{0}; }},
      {"a batch elsewhere", [](Snapshot& s) { s.batches[0].first = 1; }},
      {"draws beyond", [](Snapshot& s) { s.batches[0].draws = 21; }},
      {"draws without states", [](Snapshot& s) { s.batches[0].state.clear(); }},
      {"a short state", [](Snapshot& s) { s.batches[0].state.pop_back(); }},
      {"a short record", [](Snapshot& s) { s.batches[0].record.push_back({}); }},
      {"endless records", [](Snapshot& s) { s.batches[0].ahead = ~std::uint64_t{0}; }},
      {"another place in the count",
       [](Snapshot& s) {
         s.batches[0].draws = 0;
         s.batches[0].last.clear();
       }},
      {"no last draws", [](Snapshot& s) { s.batches[0].last.clear(); }},
      {"a mode that is none", [&](Snapshot& s) { put(s, 0, 8); }},
      {"transitions of the future", [&](Snapshot& s) { put(s, 1, 1u << 31); }},
      {"a tree too deep",
       [&](Snapshot& s) {
         put(s, 0, 0);
         put(s, 2, 31);
       }},
      {"too many leaves",
       [&](Snapshot& s) {
         put(s, 0, 0);
         put(s, 2, 3);
         put(s, 3, 9);
       }},
      {"a merge of nothing",
       [&](Snapshot& s) {
         put(s, 0, 7);
         put(s, 2, 4);
         put(s, 3, 2);
       }},
      {"a suspect of no chain",
       [](Snapshot& s) {
         s.suspects.push_back({4, 1, std::vector<double>(10)});
       }},
      {"a suspect from nowhere",
       [](Snapshot& s) {
         s.suspects.push_back({1, 1, {}});
       }},
      {"many suspects", [](Snapshot& s) { s.suspects.resize(1000); }},
  };
  for (const auto& [name, damage] : damages) {
    SCOPED_TRACE(name);
    Snapshot bad = good;
    damage(bad);
    try {
      sampler.run(tuning, of, plan, &bad);
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.reason(), "wrong_checkpoint") << error.message();
    }
  }
  EXPECT_NO_THROW(sampler.run(tuning, of, plan, &good));
}

}  // namespace
}  // namespace drey::nuts
