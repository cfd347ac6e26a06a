#include "glsl/emitter.h"

// Data from buffers: vectors loaded once a body, and vectors that the lanes of a subgroup load for one another.
namespace drey::glsl {

using namespace model;

std::optional<Emitter::Aligned> Emitter::aligned(const Value& v) const {
  const Linear at = layout_.position(program_, v.memory, linears_[v.args[0]]);
  if (at.constant < 0) return std::nullopt;
  Aligned found;
  for (const auto& [value, factor] : at.factors) {
    if (factor % 4 != 0) return std::nullopt;
    found.vector.factors[value] = factor / 4;
  }
  found.buffer = layout_.place(v.memory).buffer;
  found.vector.constant = at.constant / 4;
  found.component = at.constant % 4;
  return found;
}

std::string Emitter::data_load(const Value& v) {
  if (spread_)
    if (std::string kept = kept_load(v); !kept.empty()) return kept;
  const auto found = aligned(v);
  if (!found) {
    const std::string position = sum(layout_.position(program_, v.memory, linears_[v.args[0]]));
    return fmt::format("drey_data{}[({}) >> 2][({}) & 3]", layout_.place(v.memory).buffer, position,
                       position);
  }
  const std::string key = fmt::format("drey_data{}[{}]", found->buffer, sum(found->vector));
  std::string name = near(*found, key, vector_type(program_.memories[v.memory].type));
  for (const auto& scope : loads_)
    if (const auto known = scope.find(key); known != scope.end()) name = known->second;
  if (name.empty()) {
    name = fmt::format("w{}", next_load_++);
    const char* type = vector_type(program_.memories[v.memory].type);
    const std::string code = shared_load(*found, type);
    line(fmt::format("{} {} = {};", type, name, code.empty() ? key : code));
    loads_.back().emplace(key, name);
  }
  return fmt::format("{}.{}", name, "xyzw"[found->component]);
}

std::string Emitter::near(const Aligned& at, const std::string& key, const char* type) {
  if (!options_.near_vectors || !at.vector.factors.empty()) return {};
  if (const auto known = near_.find(key); known != near_.end()) return known->second;
  if (near_.size() == options_.near_vectors) return {};
  const std::string name = fmt::format("near{}", near_.size());
  prepared_ += fmt::format("{} {};\n", type, name);
  prepare_ += fmt::format("  {} = {};\n", name, key);
  return near_[key] = name;
}

Linear Emitter::without_constant(Linear l) {
  l.constant = 0;
  return l;
}

std::string Emitter::group_key(const Aligned& at) const {
  return fmt::format("{} {}", at.buffer, sum(without_constant(at.vector)));
}

void Emitter::find_groups(const Block& body) {
  groups_.emplace_back();
  if (options_.uniform_lanes < 2 || !uniform_flow_) return;
  for (const Statement& s : body) {
    if (s.kind != StatementKind::Let) continue;
    const Value& v = program_.values[s.value];
    if (v.op != Op::Load || program_.memories[v.memory].space != Space::Data || !uniform(v.args[0])) continue;
    const auto at = aligned(v);
    // A place that does not move is cheap to load from.
    if (at && !at->vector.factors.empty())
      groups_.back()[group_key(*at)].distances.insert(at->vector.constant);
  }
}

std::string Emitter::shared_load(const Aligned& at, const char* type) {
  const auto found = groups_.back().find(group_key(at));
  if (found == groups_.back().end()) return {};
  Group& group = found->second;
  const auto lanes = static_cast<std::int64_t>(options_.uniform_lanes);
  // Chunks of as many vectors as there are lanes, each begun at the first that the one before leaves out.
  std::int64_t first = *group.distances.begin(), last = first;
  std::size_t members = 0;
  for (const std::int64_t distance : group.distances) {
    if (distance >= first + lanes) {
      if (at.vector.constant < first + lanes) break;
      first = distance;
      members = 0;
    }
    last = distance;
    ++members;
  }
  if (members < 3) return {};
  std::string& chunk = group.chunks[first];
  if (chunk.empty()) {
    chunk = fmt::format("u{}", next_load_++);
    Linear start = at.vector;
    start.constant = first;
    const std::string lane = last - first + 1 < lanes
                                 ? fmt::format("min(int(gl_SubgroupInvocationID), {})", last - first)
                                 : std::string("int(gl_SubgroupInvocationID)");
    line(fmt::format("{} {} = drey_data{}[{} + {}];", type, chunk, at.buffer, sum(start), lane));
  }
  ++shared_loads_;
  return fmt::format("subgroupShuffle({}, {}u)", chunk, at.vector.constant - first);
}

}  // namespace drey::glsl
