#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "glsl/layout.h"
#include "model/program.h"

/// How a program is spread over the lanes of a subgroup that together run it for one chain. Called by emit().
namespace drey::glsl {

/// What is decided here holds for any program: what cannot be seen to be parallel every lane does alike.
///
/// - A loop is spread when it is outermost, independent, of constant bounds, and no trip could read what the
///   loop writes: lane l makes the trips whose element is l modulo the number of lanes.
/// - A memory is Spread when element e can live in slot e / lanes of lane e % lanes: every access from a
///   spread loop is to the trip's element or one at a constant distance, every other to a constant element.
/// - Else it is Whole: each lane has all of it. What a spread loop adds to it each lane keeps apart, and the
///   lanes' parts are summed as the loop ends.
/// - A memory private to the trips of a spread loop, and one of constant indices, are as they ever were.
class Lanes {
 public:
  enum class Kind : std::uint8_t { Plain, Spread, Whole };

  Lanes(const model::Program& program, const Linears& linears, std::uint32_t lanes);

  std::int64_t lanes() const { return lanes_; }
  bool spread(model::LoopId loop) const { return anchors_.count(loop) != 0; }
  /// The element of a trip of a spread loop: its index and this.
  std::int64_t anchor(model::LoopId loop) const { return anchors_.at(loop); }
  Kind kind(model::MemoryId memory) const { return kinds_[memory]; }
  /// Whether every lane needs the whole point, besides its own slots.
  bool whole_point() const { return whole_point_; }
  std::int64_t slots(std::uint64_t elements) const {
    return (static_cast<std::int64_t>(elements) + lanes_ - 1) / lanes_;
  }

  /// The distance of an access from the trip's element: `index` is the loop's and a constant.
  std::optional<std::int64_t> distance(model::ValueId index, model::LoopId loop) const;
  std::optional<std::int64_t> constant(model::ValueId index) const;
  /// The memories that a spread loop's body writes, its trips' own left out.
  const std::set<model::MemoryId>& written(model::LoopId loop) const { return written_.at(loop); }

 private:
  struct Access {
    model::MemoryId memory = model::none;
    model::ValueId index = model::none;
    model::LoopId loop = model::none;  ///< the outermost loop around it, where that may be spread
    bool writes = false;
  };
  void find_candidates();
  void find_accesses(const model::Block& body, model::LoopId loop);
  void reject();
  void anchor_loops();
  void classify();
  /// The constant that an index adds to the loop's.
  std::optional<std::int64_t> offset(model::ValueId index, model::LoopId loop) const;

  const model::Program& program_;
  const Linears& linears_;
  std::int64_t lanes_;
  std::vector<Access> accesses_;
  std::set<model::LoopId> candidates_;
  std::map<model::LoopId, std::int64_t> anchors_, pins_;
  std::map<model::LoopId, std::set<model::MemoryId>> written_;
  std::vector<Kind> kinds_;
  bool whole_point_ = false;
};

}  // namespace drey::glsl
