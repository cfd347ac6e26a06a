#include "term/text.h"

#include <gtest/gtest.h>

#include <string>

#include "error.h"

namespace drey::term {
namespace {

Term string(std::string_view ascii) {
  List made;
  for (const char c : ascii) made.elements.emplace_back(static_cast<int>(c));
  return made;
}

std::string mistake(std::string_view text) {
  try {
    (void)parse_text(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "bad_term");
    return error.message();
  }
  ADD_FAILURE() << "taken: " << text.substr(0, 80);
  return {};
}

TEST(Text, NumbersInEveryNotation) {
  const std::pair<std::string_view, std::int64_t> integers[] = {{"0", 0},
                                                                {"-17", -17},
                                                                {"+5", 5},
                                                                {"16#fF", 255},
                                                                {"-2#101", -5},
                                                                {"1_000_000", 1000000},
                                                                {"$a", 97},
                                                                {"$\\n", 10},
                                                                {"-$a", -97},
                                                                {"36#z", 35},
                                                                {"9223372036854775807", INT64_MAX},
                                                                {"$\\x{e5}", 229},
                                                                {"$å", 229},
                                                                {"$\\^A", 1},
                                                                {"$\\101", 65},
                                                                {"-9223372036854775808", INT64_MIN}};
  for (const auto& [written, value] : integers) EXPECT_EQ(parse_text(written), Term(value)) << written;
  EXPECT_EQ(parse_text("1.5"), Term(1.5));
  EXPECT_EQ(parse_text("-1.0e-3."), Term(-1.0e-3));
  EXPECT_EQ(parse_text("2.5E+2"), Term(250.0));
  const TextLimits short_floats{.short_floats = true};
  EXPECT_EQ(parse_text("[1e-3, -2E5, 1.5e+2, 7]", short_floats),
            list({Term(1e-3), Term(-2e5), Term(150.0), Term(7)}));
  EXPECT_THROW(parse_text("1e", short_floats), Error);
  EXPECT_NE(mistake("1e-3").find("column 2"), std::string::npos);
  for (const std::string_view bad : {"9223372036854775808", "1.0e999", "37#0", "1#0", "16#", "16#g", "-",
                                     "1_", "1__0", "1.e5", "$", "$\\", "1.0e", "$\\x{110000}", "99999#1"})
    mistake(bad);
}

TEST(Text, AtomsAndStrings) {
  EXPECT_EQ(parse_text("ok"), atom("ok"));
  EXPECT_EQ(parse_text("a_B9@h."), atom("a_B9@h"));
  EXPECT_EQ(parse_text("'tlsv1.3'"), atom("tlsv1.3"));
  EXPECT_EQ(parse_text("'it\\'s'"), atom("it's"));
  EXPECT_EQ(parse_text("''"), atom(""));
  EXPECT_EQ(parse_text("'å'"), atom("å"));
  EXPECT_EQ(parse_text("\"ca.pem\""), string("ca.pem"));
  EXPECT_EQ(parse_text("\"a\" % two\n \"b\\x41\\s\\\\\\\"\""), string("abA \\\""));
  EXPECT_EQ(parse_text("\"\""), list({}));
  EXPECT_EQ(parse_text("\"å\""), list({Term(229)}));
  for (const std::string_view bad :
       {"Upper", "_", "'open", "\"open", "\"open\\", "'a' 'b'", "\"\\xg\"", "'\xc3'", "\"\xff\"",
        "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\\x{}\"", "\"\\x{12"})
    mistake(bad);
  mistake("'" + std::string(256, 'a') + "'");
  mistake(std::string(256, 'a'));
}

TEST(Text, Compounds) {
  EXPECT_EQ(parse_text("{}"), tuple({}));
  EXPECT_EQ(parse_text(" [ {verify , verify_peer} , % why\n {depth,2} ] . \n% end"),
            list({tuple({atom("verify"), atom("verify_peer")}), tuple({atom("depth"), Term(2)})}));
  EXPECT_EQ(parse_text("[1|[2,3]]"), parse_text("[1,2,3]"));
  EXPECT_EQ(parse_text("[1|2]").as<List>()->tail->as<std::int64_t>()[0], 2);
  EXPECT_EQ(parse_text("#{a => 1, \"k\" => #{}}").find("a")->number(), 1.0);
  EXPECT_EQ(parse_text("<<>>"), text(""));
  EXPECT_EQ(parse_text("<<\"ab\", 99, $d>>"), text("abcd"));
  EXPECT_EQ(parse_text("<<\"å\"/utf8>>"), text("å"));
  for (const std::string_view bad :
       {"",      "  ",      "% only", "[1,",     "[1",     "{1",   "{1]",   "[,]",     "[1 2]",
        "[|1]",  "[1|2,3]", "#{a}",   "#{a=>}",  "#{a=>1", "<<1",  "<<a>>", "<<1.0>>", "1 2",
        "a. b.", ".",       ")",      "fun f/1", "[1]].",  "\x01", "{a b}"})
    mistake(bad);
}

TEST(Text, SaysWhere) {
  EXPECT_EQ(mistake("[{a, 1},\n  {b, Two}].").substr(0, 18), "line 2, column 7: ");
  EXPECT_EQ(mistake("'abc").substr(0, 18), "line 1, column 1: ");
}

TEST(Text, IsBounded) {
  EXPECT_NO_THROW((void)parse_text(std::string(60, '[') + std::string(60, ']')));
  EXPECT_NE(mistake(std::string(100000, '[')).find("nested"), std::string::npos);
  EXPECT_NE(mistake(std::string(100000, '{')).find("nested"), std::string::npos);
  EXPECT_NE(mistake([] {
              std::string maps;
              for (int i = 0; i < 1000; ++i) maps += "#{a=>";
              return maps;
            }())
                .find("nested"),
            std::string::npos);
  EXPECT_NE(mistake(std::string(2 << 20, ' ')).find("at most"), std::string::npos);
}

TEST(Text, EveryCutOfATermIsAnError) {
  const std::string_view whole =
      "[{server,[{certfile,\"a\\x41.pem\"},{depth,-1},{versions,['tlsv1.3']},#{a=>1.5e1},<<1,\"b\"/utf8>>]}]";
  EXPECT_NO_THROW((void)parse_text(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) mistake(whole.substr(0, length));
}

TEST(Text, WhatIsText) {
  std::string text;
  EXPECT_TRUE(as_text(parse_text("\"å.pem\""), text));
  EXPECT_EQ(text, "å.pem");
  EXPECT_TRUE(as_text(parse_text("<<\"a\">>"), text));
  EXPECT_EQ(text, "a");
  EXPECT_TRUE(as_text(parse_text("disable"), text));
  EXPECT_EQ(text, "disable");
  for (const std::string_view none : {"1", "[a]", "[-1]", "[16#110000]", "{\"a\"}", "[97|98]", "#{}", "1.5"})
    EXPECT_FALSE(as_text(parse_text(none), text)) << none;
}

}  // namespace
}  // namespace drey::term
