#include "model/coordinates.h"

#include <gtest/gtest.h>

#include <random>

#include "model/evaluator.h"
#include "support/erlang_text.h"
#include "support/random_program.h"

// Outputs that are coordinates of the point.
namespace drey::model {
namespace {

std::vector<double> outputs(const Program& program, const Model& model, std::span<const double> point) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0.001, 0.999);
  return Evaluator(program, model.data).run(point, [&] { return uniform(random); }).output;
}

/// What the rest and the point together say is what the whole program says, to the bit.
void expect_whole(const Model& model, const Coordinates& found, std::span<const double> point) {
  ASSERT_EQ(found.of.size(), model.output_size);
  const auto whole = outputs(model.draws, model, point);
  auto made =
      found.rest.body.empty() ? std::vector<double>(model.output_size) : outputs(found.rest, model, point);
  for (std::size_t e = 0; e < made.size(); ++e)
    if (found.of[e] != none) {
      EXPECT_EQ(made[e], 0) << "the rest leaves it alone";
      made[e] = point[found.of[e]];
    }
  for (std::size_t e = 0; e < made.size(); ++e)
    EXPECT_TRUE(made[e] == whole[e] || (std::isnan(made[e]) && std::isnan(whole[e])))
        << e << ": " << made[e] << " is not " << whole[e];
}

TEST(Coordinates, AreUnboundedParametersInAnyShape) {
  const Model model = compile(test::erlang(
      R"(#{parameters => [{a, real}, {s, real, [{lower, 0}]}, {b, {vector, 3}}, {m, {matrix, 2, 2}}],
           transformed => [{twice, {'*', 2, b}}], model => [{'~', a, {normal, 0, 1}}]})"));
  const Coordinates found = find_coordinates(model);
  EXPECT_EQ(found.of, (std::vector<std::uint32_t>{0, none, 2, 3, 4, 5, 6, 7, 8, none, none, none}));
  expect_whole(model, found, std::vector<double>{-1, 2, 3, 0, 5, 6, 7, 8, 9});
}

TEST(Coordinates, LeaveNothingWhereNothingElseIsRecorded) {
  const Model model = compile(
      test::erlang("#{parameters => [{a, real}, {b, {vector, 50}}], model => [{'~', b, {normal, a, 1}}]}"));
  const Coordinates found = find_coordinates(model);
  for (std::uint32_t e = 0; e < 51; ++e) EXPECT_EQ(found.of[e], e);
  EXPECT_TRUE(found.rest.body.empty());
}

/// Programs by hand: an output of one element, what stores it, and what is found.
struct Made {
  Model model;
  MemoryId point, output;
};

Made by_hand(std::uint64_t size) {
  Made made;
  made.model.dimension = 2;
  made.model.output_size = size;
  Memory point, output;
  point.space = Space::Point;
  point.size = 2;
  output.space = Space::Output;
  output.size = size;
  made.model.draws.memories = {point, output};
  return made;
}

ValueId add(Program& program, Op op, Type type, std::vector<ValueId> args = {}, std::int64_t integer = 0) {
  Value value;
  value.op = op;
  value.type = type;
  value.integer = integer;
  value.args = std::move(args);
  if (op == Op::Load) value.memory = 0;
  program.values.push_back(value);
  return static_cast<ValueId>(program.values.size() - 1);
}

Statement let(ValueId value) {
  Statement s;
  s.value = value;
  return s;
}

Statement store(ValueId index, ValueId value, StatementKind kind = StatementKind::Store) {
  Statement s;
  s.kind = kind;
  s.memory = 1;
  s.index = index;
  s.value = value;
  return s;
}

TEST(Coordinates, AreNotFoundInBranches) {
  auto [model, point, output] = by_hand(1);
  Program& p = model.draws;
  const ValueId zero = add(p, Op::IntegerConstant, Type::Integer),
                one = add(p, Op::IntegerConstant, Type::Integer, {}, 1),
                first = add(p, Op::Load, Type::Real, {zero}), second = add(p, Op::Load, Type::Real, {one}),
                less = add(p, Op::LessR, Type::Integer, {first, second});
  Statement branch;
  branch.kind = StatementKind::If;
  branch.value = less;
  branch.body = {store(zero, first)};
  branch.otherwise = {store(zero, second)};
  p.body = {let(first), let(second), let(less), branch};
  validate(p);
  const Coordinates found = find_coordinates(model);
  EXPECT_EQ(found.of[0], none);
  expect_whole(model, found, std::vector<double>{1, 2});
  expect_whole(model, found, std::vector<double>{2, 1});
}

TEST(Coordinates, AreNotFoundWhereThePointSaysWhich) {
  auto [model, point, output] = by_hand(1);
  Program& p = model.draws;
  const ValueId zero = add(p, Op::IntegerConstant, Type::Integer),
                first = add(p, Op::Load, Type::Real, {zero}),
                which = add(p, Op::ToInteger, Type::Integer, {first}),
                chosen = add(p, Op::Load, Type::Real, {which});
  p.body = {let(first), let(which), let(chosen), store(zero, chosen)};
  validate(p);
  // 1, which the search would try first, is an element; 0 says otherwise.
  EXPECT_EQ(find_coordinates(model).of[0], none);
}

TEST(Coordinates, AreNotFoundWhereOutputsAreAddedTo) {
  auto [model, point, output] = by_hand(2);
  Program& p = model.draws;
  const ValueId zero = add(p, Op::IntegerConstant, Type::Integer),
                one = add(p, Op::IntegerConstant, Type::Integer, {}, 1),
                first = add(p, Op::Load, Type::Real, {zero});
  p.body = {let(first), store(zero, first), store(one, first, StatementKind::Accumulate)};
  validate(p);
  EXPECT_EQ(find_coordinates(model).of[0], none);
}

TEST(Coordinates, OfRandomModelsWithTheRestAreTheWhole) {
  std::uniform_real_distribution<double> uniform(-2, 2);
  int some = 0;
  for (std::uint64_t seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    const std::string text = test::ProgramGenerator(seed).make().text();
    SCOPED_TRACE(text);
    const Model model = compile(test::erlang(text));
    const Coordinates found = find_coordinates(model);
    std::mt19937_64 random(seed);
    std::vector<double> point(model.dimension);
    for (double& x : point) x = uniform(random);
    expect_whole(model, found, point);
    for (const std::uint32_t e : found.of) some += e != none;
  }
  EXPECT_GT(some, 100);
}

}  // namespace
}  // namespace drey::model
