#include "model/coordinates.h"

#include <algorithm>
#include <numeric>

#include "model/evaluator.h"
#include "model/prune.h"

namespace drey::model {
namespace {

bool stores_coordinate(const Program& program, const Statement& s) {
  if (s.kind != StatementKind::Store || program.memories[s.memory].space != Space::Output) return false;
  const Value& value = program.values[s.value];
  return value.op == Op::Load && program.memories[value.memory].space == Space::Point;
}

/// Whether the block adds to an output.
bool accumulates(const Program& program, const Block& block) {
  return std::ranges::any_of(block, [&](const Statement& s) {
    return (s.kind == StatementKind::Accumulate && program.memories[s.memory].space == Space::Output) ||
           accumulates(program, s.body) || accumulates(program, s.otherwise);
  });
}

/// The block with the stores of coordinates that stand outside branches, or with everything but those.
Block stores(const Program& program, const Block& block, bool of_coordinates) {
  Block kept;
  for (const Statement& s : block) {
    if (stores_coordinate(program, s) || s.kind == StatementKind::If) {
      if ((s.kind == StatementKind::Store) == of_coordinates) kept.push_back(s);
      continue;
    }
    if (s.kind == StatementKind::Store && of_coordinates && program.memories[s.memory].space == Space::Output)
      continue;
    Statement copy = s;
    copy.body = stores(program, s.body, of_coordinates);
    kept.push_back(std::move(copy));
  }
  return kept;
}

/// Whether an output is more than stored.
bool is_read(const Program& program) {
  const auto output = [&](MemoryId m) { return m != none && program.memories[m].space == Space::Output; };
  return std::ranges::any_of(program.values, [&](const Value& v) { return output(v.memory); }) ||
         accumulates(program, program.body);
}

Program with_body(const Program& program, Block body) {
  Program made = program;
  made.body = std::move(body);
  return prune(made);
}

/// Whether which element is stored where follows from integers of the program and its data.
bool is_plain(const Program& program) {
  for (const Value& v : program.values) {
    const bool integer =
        v.type == Type::Integer && v.op != Op::ToInteger && v.op != Op::LessR && v.op != Op::EqualR;
    const bool load = v.op == Op::Load && (program.memories[v.memory].space == Space::Point ||
                                           program.memories[v.memory].space == Space::Data);
    if (v.op == Op::Load ? !load : !integer) return false;
  }
  return true;
}

}  // namespace

Coordinates find_coordinates(const Model& model) {
  Coordinates found{std::vector<std::uint32_t>(model.output_size, none), model.draws};
  if (is_read(model.draws)) return found;
  const Program copies = with_body(model.draws, stores(model.draws, model.draws.body, true));
  if (copies.body.empty() || !is_plain(copies)) return found;
  // What is stored of the numbers 1, 2, 3 and so on says which was loaded; 0 is not stored.
  std::vector<double> numbers(model.dimension);
  std::iota(numbers.begin(), numbers.end(), 1.0);
  const auto output = Evaluator(copies, model.data).run(numbers).output;
  for (std::size_t e = 0; e < output.size(); ++e)
    if (output[e] > 0) found.of[e] = static_cast<std::uint32_t>(output[e]) - 1;
  found.rest = with_body(model.draws, stores(model.draws, model.draws.body, false));
  return found;
}

}  // namespace drey::model
