#include "service/options.h"

#include <gtest/gtest.h>

#include "error.h"

namespace drey::service {
namespace {

using term::atom;
using term::list;
using term::map;
using term::Term;
using term::tuple;

std::pair<std::string, std::string> refusal(const Term& options, std::string_view call = "sample") {
  try {
    read_options(options, call);
  } catch (const Error& error) {
    return {error.reason(), error.message()};
  }
  return {"accepted", ""};
}

TEST(Options, ReadsMapsAndPropertyLists) {
  const Term options[] = {
      map({{"chains", 8}, {"draws", 20}, {"seed", 5}, {"precision", atom("f64")}, {"target_accept", 0.9}}),
      list({tuple({atom("chains"), 8}), tuple({atom("draws"), 20}), tuple({atom("seed"), 5}),
            tuple({atom("seed"), 6}), tuple({atom("precision"), atom("f64")}),
            tuple({atom("target_accept"), 0.9})})};
  for (const Term& term : options) {
    const Options read = read_options(term, "sample");
    EXPECT_EQ(read.chains, 8u);
    EXPECT_EQ(read.sampling.draws, 20u);
    EXPECT_EQ(read.sampling.seed, 5u) << "the first of a property list counts";
    EXPECT_EQ(read.sampling.precision, nuts::PrecisionChoice::F64);
    EXPECT_EQ(read.sampling.target_accept, 0.9);
    EXPECT_TRUE(read.summary);
  }
  EXPECT_TRUE(read_options(list({atom("summary")}), "sample").summary) << "a bare atom is true";
  EXPECT_FALSE(read_options(map({{"summary", atom("false")}}), "sample").summary);
}

TEST(Options, DefaultsAreWhatTheTableSays) {
  const Options read = read_options(map({}), "sample");
  EXPECT_EQ(read.chains, std::nullopt);
  EXPECT_EQ(read.sampling.draws, 1000u);
  EXPECT_EQ(read.sampling.warmup, 1000u);
  EXPECT_EQ(read.sampling.thin, 1u);
  EXPECT_EQ(read.sampling.first_chain, 0u);
  EXPECT_EQ(read.sampling.target_accept, 0.8);
  EXPECT_EQ(read.sampling.max_depth, 10);
  EXPECT_EQ(read.sampling.precision, nuts::PrecisionChoice::Auto);
  EXPECT_EQ(read.sampling.metric, nuts::MetricKind::Auto);
  EXPECT_EQ(read.sampling.mapping, nuts::Mapping::Auto);
  EXPECT_EQ(read.outputs, std::nullopt);
  EXPECT_EQ(read.deadline, std::nullopt);
}

TEST(Options, MappingsGoByName) {
  EXPECT_EQ(read_options(map({{"mapping", atom("subgroup")}}), "warmup").sampling.mapping,
            nuts::Mapping::Subgroup);
  EXPECT_EQ(read_options(map({{"mapping", atom("invocation")}}), "sample").sampling.mapping,
            nuts::Mapping::Invocation);
  EXPECT_THROW(read_options(map({{"mapping", atom("workgroup")}}), "sample"), Error);
}

TEST(Options, EveryNumberHasBothBounds) {
  for (const OptionRow& row : option_table()) {
    for (const Term& value :
         {Term(std::int64_t{-1}), Term(std::numeric_limits<std::int64_t>::min()), Term(-0.5)}) {
      const std::string_view call = row.calls.substr(0, row.calls.find(' '));
      const auto [reason, message] = refusal(map({{row.name, value}}), call);
      EXPECT_EQ(reason, "bad_option") << row.name;
      EXPECT_NE(message.find(row.name), std::string::npos) << message;
      EXPECT_NE(message.find("found"), std::string::npos) << message;
    }
    // Beyond what 64 bits hold.
    const Term huge = term::Opaque{{110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    EXPECT_EQ(refusal(map({{row.name, huge}}), row.calls.substr(0, row.calls.find(' '))).first, "bad_option")
        << row.name;
  }
}

TEST(Options, UnknownNamesGetTheNearest) {
  auto [reason, message] = refusal(map({{"chians", 4}}));
  EXPECT_EQ(reason, "unknown_option");
  EXPECT_NE(message.find("`chains`"), std::string::npos) << message;
  std::tie(reason, message) = refusal(map({{"tuning", map({})}}), "warmup");
  EXPECT_EQ(reason, "unknown_option");
  EXPECT_NE(message.find("sample"), std::string::npos) << message;
  std::tie(reason, message) = refusal(map({{"entirely_else", 4}}));
  EXPECT_NE(message.find("target_accept"), std::string::npos)
      << "with nothing near, all are named: " << message;
  EXPECT_EQ(refusal(tuple({})).first, "bad_option");
  EXPECT_EQ(refusal(list({3})).first, "bad_option");
  EXPECT_EQ(refusal(map({{"device", atom("host")}})).first, "bad_option");
}

}  // namespace
}  // namespace drey::service
