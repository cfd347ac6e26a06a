#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "glsl/emit.h"
#include "model/model.h"

namespace drey::glsl {

/// An integer value as a sum: constant + sum of factor * value, the values being those that are not
/// themselves sums, differences or multiples by constants.
struct Linear {
  std::int64_t constant = 0;
  std::map<model::ValueId, std::int64_t> factors;
};

/// The integer values of a program as sums, each worked out once. Sums of very many values, and factors
/// beyond 2^31, stay values of their own.
class Linears {
 public:
  explicit Linears(const model::Program& program);
  const Linear& operator[](model::ValueId id) const { return sums_[id]; }

 private:
  std::vector<Linear> sums_;
};

/// Where the program's data lies in buffers of four-element vectors: which memories share a buffer, at what
/// offset, and how long their padded rows are.
class Layout {
 public:
  struct Place {
    std::uint32_t buffer = 0;      ///< index into buffers()
    std::uint64_t base = 0;        ///< in vectors
    std::uint64_t row = 1;         ///< elements of a row, 1: no rows
    std::uint64_t padded_row = 1;  ///< elements of a row in the buffer
  };
  struct Buffer {
    bool uniform = false;
    model::Type type = model::Type::Real;
    std::uint64_t vectors = 0;
    std::vector<model::MemoryId> memories;
  };

  Layout(const model::Program& program, const Linears& linears, const EmitOptions& options);

  const std::vector<Buffer>& buffers() const { return buffers_; }
  const Place& place(model::MemoryId memory) const { return places_.at(memory); }

  /// The element's position in the padded memory: vectors are `of4` / 4, the component is known when every
  /// factor is a multiple of 4.
  Linear position(const model::Program& program, model::MemoryId memory, const Linear& index) const;

  /// The bytes of a buffer in the device's precision.
  std::vector<std::uint8_t> bytes(std::size_t buffer, const model::Program& program,
                                  const std::vector<model::Array>& data, Precision precision) const;

 private:
  std::vector<Buffer> buffers_;
  std::map<model::MemoryId, Place> places_;
};

}  // namespace drey::glsl
