#include "term/term.h"

#include <gtest/gtest.h>

namespace drey::term {
namespace {

TEST(Term, FindsInMapsAndPropertyLists) {
  const Term options = map({{"chains", 4}, {"seed", 7}});
  ASSERT_NE(options.find("seed"), nullptr);
  EXPECT_EQ(*options.find("seed"), Term(7));
  EXPECT_EQ(options.find("draws"), nullptr);

  const Term proplist = list({tuple({atom("chains"), 4}), atom("quiet"), tuple({atom("chains"), 5})});
  EXPECT_EQ(*proplist.find("chains"), Term(4)) << "the first wins, as in proplists";
  EXPECT_EQ(*proplist.find("quiet"), boolean(true));
  EXPECT_EQ(Term(3).find("chains"), nullptr);
}

TEST(Term, TaggedChecksArityAndTag) {
  const Term pair = tuple({atom("ok"), 1});
  EXPECT_NE(pair.tagged("ok", 2), nullptr);
  EXPECT_EQ(pair.tagged("ok", 3), nullptr);
  EXPECT_EQ(pair.tagged("error", 2), nullptr);
  EXPECT_EQ(tuple({}).tagged("ok", 0), nullptr);
  EXPECT_EQ(Term(1).tagged("ok", 1), nullptr);
}

TEST(Term, NumbersAreIntegersOrFloats) {
  EXPECT_EQ(Term(2).number(), 2.0);
  EXPECT_EQ(Term(2.5).number(), 2.5);
  EXPECT_EQ(atom("x").number(), std::nullopt);
}

TEST(Term, BinaryOwnsACopyOfText) {
  Binary copy;
  {
    const std::string text = "a text that goes away";
    copy = Binary(text);
  }
  const Binary again = copy;
  EXPECT_EQ(again.text(), "a text that goes away");
  EXPECT_EQ(again.bytes().data(), copy.bytes().data()) << "copies share";
}

TEST(Term, PrintsAsErlangDoes) {
  EXPECT_EQ(to_string(tuple({atom("normal"), 0, 5.0})), "{normal,0,5.0}");
  EXPECT_EQ(to_string(atom("Hello")), "'Hello'");
  EXPECT_EQ(to_string(atom("~")), "'~'");
  EXPECT_EQ(to_string(atom("it's")), "'it\\'s'");
  EXPECT_EQ(to_string(atom("")), "''");
  EXPECT_EQ(to_string(text("abc")), "<<\"abc\">>");
  EXPECT_EQ(to_string(text("")), "<<>>");
  EXPECT_EQ(to_string(Binary(std::vector<std::uint8_t>{1, 2, 255})), "<<1,2,255>>");
  EXPECT_EQ(to_string(list({1, 2, 3})), "[1,2,3]");
  EXPECT_EQ(to_string(list({97, 98, 99})), "\"abc\"");
  EXPECT_EQ(to_string(list({})), "[]");
  EXPECT_EQ(to_string(map({{"a", 1}, {"b", list({})}})), "#{a => 1,b => []}");
  EXPECT_EQ(to_string(List{{1}, std::make_shared<const Term>(2)}), "[1|2]");
}

TEST(Term, PrintsFloatsAsErlangDoes) {
  // What io:format("~p") of OTP 25 writes.
  const std::pair<double, const char*> cases[] = {
      {1.0e10, "1.0e10"}, {1.0e22, "1.0e22"}, {100000.0, "1.0e5"}, {123456789.0, "123456789.0"},
      {0.001, "0.001"},   {0.0001, "0.0001"}, {1.0e-5, "1.0e-5"},  {1.5e300, "1.5e300"},
      {0.1, "0.1"},       {1.0e16, "1.0e16"}, {1.0e15, "1.0e15"},  {-0.0, "-0.0"},
      {0.0, "0.0"},       {100.0, "100.0"},   {-2.5, "-2.5"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(to_string(value), text);
}

TEST(Term, CutsLongText) {
  const Term nested = list(std::vector<Term>(100000, Term(1234)));
  const std::string text = to_string(nested, 50);
  EXPECT_LE(text.size(), 53u);
  EXPECT_TRUE(text.ends_with("..."));
  Term deep = 1;
  for (int i = 0; i < 1000; ++i) deep = tuple({std::move(deep)});
  EXPECT_LE(to_string(deep, 100).size(), 103u);
}

}  // namespace
}  // namespace drey::term
