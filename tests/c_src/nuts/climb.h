#pragma once

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/table.h"
#include "c_src/nuts/calibration.h"
#include "c_src/nuts/forms.h"
#include "c_src/nuts/ladder.h"

/// Kernels on the ladder, by form, and the report of how far each came, printed as the program ends.
namespace drey::nuts::ladder {

/// DREY_LADDER=full: all kernels on all rungs, many more replicates (./dev ladder). Else a selection.
inline bool full() {
  const char* value = std::getenv("DREY_LADDER");
  return value && std::string_view(value) == "full";
}

enum class Rung : std::uint8_t { Trees, Moments, Ranks, Calibration };
inline constexpr std::array kRungs = {Rung::Trees, Rung::Moments, Rung::Ranks, Rung::Calibration};
inline const char* name_of(Rung rung) {
  constexpr const char* names[] = {"trees", "moments", "ranks", "calibration"};
  return names[static_cast<int>(rung)];
}

struct Outcome {
  bool passed = true;
  int comparisons = 0;
  std::string what;  ///< for the report
};

/// How much of a rung.
struct Effort {
  std::uint64_t tree_chains = 8, replicates = 4096, calibrations = 4096;
  std::uint32_t length = 16;
  static Effort some() { return {8, 4096, 2048, 16}; }
  static Effort much() { return {64, 16384, 16384, 32}; }
};

/// Kernels of one form, made by `compile`, on a rung.
inline Outcome climb(gpu::Device& device, Form form, bool f64, Rung rung, const Way& way,
                     const Effort& effort, const Compile& compile = glsl::compile) {
  const auto make = [&](const Target& target) { return form_kernel(device, form, target, f64, compile); };
  // A subgroup's lanes hold more than one dimension each.
  const std::uint64_t wide = by_subgroup(form) ? 11 : 3;
  const auto correlated = correlated_target();
  switch (rung) {
    case Rung::Trees: {
      const auto normals = normals_target(wide);
      std::vector<double> scale(wide);
      for (std::uint64_t d = 0; d < wide; ++d)
        scale[d] = (1 + 0.5 * static_cast<double>(d)) * (d % 2 == 0 ? 1.1 : 0.9);
      const std::uint64_t count = effort.tree_chains;
      const double allowed = f64 ? 0 : 1e-3;
      double wrong = 0;
      const auto look = [&](double more) {
        wrong = std::max(wrong, more);
        return wrong <= allowed;
      };
      auto shallow = make(normals);
      // At the last, far from the mass, where a step lowers the energy by thousands.
      if (look(wrong_trees(shallow, normals, 0.4, scale, 0.125, count, 40, way)) &&
          look(wrong_trees(shallow, normals, 0.9, scale, 0.125, count, 40, way)) &&
          look(wrong_trees(shallow, normals, 1.6, scale, 300, count, 3, way))) {
        auto deep = make(correlated);
        if (look(wrong_trees(deep, correlated, 0.3, {0.9, 1.2}, 0.125, 4 * count, 40, way)))
          look(wrong_trees(deep, correlated, 0.05, {0.9, 1.2}, 0.125, count, 20, way));
      }
      return {wrong <= allowed, 0, fmt::format("{:.4f} wrong", wrong)};
    }
    case Rung::Moments: {
      auto shallow = make(normals_target(3));
      const auto a =
          moments(shallow, {0, 1, 2}, 1.2, {1, 1.2, 1.5}, moments_of_normals(3), 128, 200, 20, way);
      if (!a.passed()) return {false, a.comparisons, fmt::format("p {:.1e}", a.p)};
      auto deep = make(correlated);
      const auto b = moments(deep, {0, 0}, 0.2, {1, 1}, moments_of_correlated(), 128, 200, 20, way);
      return {b.passed(), a.comparisons + b.comparisons, fmt::format("p {:.1e}", std::min(a.p, b.p))};
    }
    case Rung::Ranks: {
      const auto normals = normals_target(3);
      auto kernel = make(normals);
      const auto found =
          ranks(kernel, normals, 1.3, {1, 1.3, 1.6}, exact_normals(3), effort.replicates, effort.length, way);
      return {found.passed(), found.comparisons, fmt::format("p {:.1e}", found.p)};
    }
    case Rung::Calibration: {
      const auto cases = calibration(effort.calibrations);
      auto kernel = make(cases.target);
      const auto found = calibrated(kernel, cases, way);
      return {found.passed(), found.comparisons, fmt::format("p {:.1e}", found.p)};
    }
  }
  return {};
}

/// What was seen, over all tests of this program.
class Report {
 public:
  static Report& get() {
    static Report report;
    return report;
  }
  void kernel(std::vector<std::string> row) { kernels_.push_back(std::move(row)); }
  void mutant(std::vector<std::string> row) { mutants_.push_back(std::move(row)); }
  void compared(int count) { comparisons_ += count; }

  void print() const {
    if (!kernels_.empty()) {
      bench::Table table({"kernel", "real", "depth", "cut", "trees", "moments", "ranks", "calibration"});
      for (const auto& row : kernels_) table.add(row);
      std::printf("\n");
      table.print();
    }
    if (!mutants_.empty()) {
      std::printf(
          "\nMutants by kernel: the rungs that catch them. T trees in f64, t trees in f32, m moments,\nr ranks, c "
          "calibration; . passes, - not run\n\n");
      std::vector<std::string> columns = {"mutant"};
      for (const Form form : kForms) columns.emplace_back(name_of(form));
      bench::Table table(columns);
      for (const auto& row : mutants_) table.add(row);
      table.print();
    }
    if (comparisons_)
      std::printf("\n%d comparisons, each at p < %.1e: a false alarm with probability %.1e at most\n",
                  comparisons_, kLeastP, comparisons_ * kLeastP);
    std::fflush(stdout);
  }

 private:
  std::vector<std::vector<std::string>> kernels_, mutants_;
  int comparisons_ = 0;
};

class PrintReport : public testing::Environment {
 public:
  void TearDown() override { Report::get().print(); }
};

}  // namespace drey::nuts::ladder
