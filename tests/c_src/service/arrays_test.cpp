#include "service/arrays.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "error.h"

namespace drey::service {
namespace {

using term::atom;
using term::Binary;
using term::list;
using term::Term;
using term::tuple;

std::string refusal(const Term& value) {
  try {
    read_numbers(value, "points", 1000);
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("points"), std::string::npos) << error.message();
    return error.reason();
  }
  return "accepted";
}

Term typed(std::string_view type, std::vector<Term> shape, std::size_t bytes) {
  return tuple({atom(type), list(std::move(shape)), Binary(std::vector<std::uint8_t>(bytes, 0))});
}

TEST(Arrays, ReadsEveryTypeAndNestedLists) {
  const Term bytes = Binary(std::vector<std::uint8_t>{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff});
  EXPECT_EQ(read_numbers(tuple({atom("s32"), list({2}), bytes}), "x").values, (std::vector<double>{1, -1}));
  EXPECT_EQ(read_numbers(tuple({atom("u8"), list({2, 4}), bytes}), "x").shape, (Shape{2, 4}));
  EXPECT_EQ(read_numbers(tuple({atom("s64"), list({1}), bytes}), "x").values,
            (std::vector<double>{-4294967295.0}));
  EXPECT_EQ(read_numbers(array_f32({1.5f, -2.0f}, {2}), "x").values, (std::vector<double>{1.5, -2.0}));
  EXPECT_EQ(read_numbers(array_f64({0.1}, {1, 1}), "x").values, (std::vector<double>{0.1}));

  const Numbers nested = read_numbers(list({list({1, 2.5, 3}), list({4, 5, 6})}), "x");
  EXPECT_EQ(nested.shape, (Shape{2, 3}));
  EXPECT_EQ(nested.values, (std::vector<double>{1, 2.5, 3, 4, 5, 6}));
  EXPECT_EQ(read_numbers(Term(3), "x").shape, Shape{});
  EXPECT_EQ(read_numbers(list({}), "x").shape, Shape{0});
}

TEST(Arrays, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refusal(typed("f64", {2}, 15)), "wrong_shape");
  EXPECT_EQ(refusal(typed("f64", {2}, 17)), "wrong_shape");
  EXPECT_EQ(refusal(typed("f16", {2}, 4)), "wrong_type");
  EXPECT_EQ(refusal(typed("f64", {-1}, 8)), "wrong_shape");
  EXPECT_EQ(refusal(typed("f64", {1001}, 8)), "too_large");
  const std::int64_t big = std::int64_t{1} << 40;
  EXPECT_EQ(refusal(typed("u8", {big, big, big}, 8)), "too_large") << "the product must not wrap";
  EXPECT_EQ(refusal(tuple({atom("f64"), atom("x"), Binary("12345678")})), "wrong_type");
  EXPECT_EQ(refusal(tuple({atom("f64"), list({1}), atom("x")})), "wrong_type");
  EXPECT_EQ(refusal(typed("u8", std::vector<Term>(17, 1), 1)), "wrong_shape");
  EXPECT_EQ(refusal(list({list({1, 2}), list({3})})), "wrong_shape");
  EXPECT_EQ(refusal(list({1, list({2})})), "wrong_shape");
  EXPECT_EQ(refusal(list({list({1}), 2})), "wrong_shape");
  EXPECT_EQ(refusal(list({atom("x")})), "wrong_type");
  EXPECT_EQ(refusal(atom("x")), "wrong_type");
}

TEST(Arrays, NumbersThatAreNotFiniteTravelAsBinaries) {
  EXPECT_EQ(number(1.5), Term(1.5));
  EXPECT_EQ(number(std::nan("")), term::text("nan"));
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), term::text("infinity"));
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), term::text("neg_infinity"));
}

TEST(Arrays, LargeArraysAreTheVectorItself) {
  std::vector<double> values(1000, 2.0);
  const void* data = values.data();
  const Term array = array_f64(std::move(values), {1000});
  EXPECT_EQ(static_cast<const void*>(array.as<term::Tuple>()->elements[2].as<Binary>()->bytes().data()),
            data);
}

}  // namespace
}  // namespace drey::service
