#include "glsl/emit.h"

#include <algorithm>

#include "glsl/batch.h"
#include "glsl/emitter.h"
#include "grad/optimise.h"

namespace drey::glsl {

using namespace model;

namespace {

/// Loops of up to so many trips are written out (within limits on the text), longer ones over data are cut
/// into blocks of four.
constexpr grad::OptimiseOptions optimisation{
    .unroll_trips = 256, .unroll_values = 1024, .strip = 4, .strip_values = 1200};

/// The same for lanes that share a chain: outermost loops are left to be spread.
constexpr grad::OptimiseOptions lane_optimisation{
    .unroll_trips = 256, .unroll_values = 1024, .keep_trips = 4};

/// Truncation as the evaluator does it: 0 for NaN, the nearest integer for what is out of range.
constexpr const char* to_integer = R"(int drey_to_int(real x) {
  if (isnan(x)) return 0;
  if (x <= real(-2147483648.0)) return -2147483647 - 1;
  if (x >= real(2147483647.0)) return 2147483647;
  return int(x);
}
)";

}  // namespace

Emitter::Emitter(const Program& program, const Model& model, const EmitOptions& options)
    : program_(program),
      model_(model),
      options_(options),
      f64_(options.precision == Precision::F64),
      linears_(program),
      layout_(program, linears_, options),
      uses_(program.memories.size()) {
  if (options.chain_lanes) lanes_.emplace(program, linears_, options.chain_lanes);
  find_uses(program.body);
  find_uniform();
  for (const Memory& m : program.memories) {
    has_target_ = has_target_ || m.space == Space::Target;
    has_gradient_ = has_gradient_ || m.space == Space::Gradient;
  }
}

Source Emitter::run() {
  Source source;
  std::string body;
  loads_.emplace_back();
  indent_ = 1;
  begin(source);
  const Count count = block(program_.body);
  end(source);
  body = std::move(text_);
  text_.clear();
  source.trips += count.trips;
  source.operations = count.operations;
  source.shared_loads = count.shared_loads;
  source.gathers = count.gathers;

  if (options_.chain_lanes || body.find("subgroupShuffle(") != std::string::npos)
    text_ += "#extension GL_KHR_shader_subgroup_shuffle : require\n";
  text_ += "#include \"math.glsl\"\n";
  for (std::size_t i = 0; i < layout_.buffers().size(); ++i) {
    const Layout::Buffer& buffer = layout_.buffers()[i];
    const std::uint64_t vectors = std::max<std::uint64_t>(buffer.vectors, 1);
    DataBuffer made;
    made.binding = options_.first_binding + static_cast<std::uint32_t>(i);
    made.uniform = buffer.uniform;
    made.bytes = layout_.bytes(i, program_, model_.data, options_.precision);
    if (made.bytes.empty()) made.bytes.resize(f64_ ? 32 : 16);
    source.data.push_back(std::move(made));
    text_ +=
        fmt::format("layout({}, set = 0, binding = {}) {} DreyData{} {{ {} drey_data{}[{}]; }};\n",
                    buffer.uniform ? "std140" : "std430", options_.first_binding + i,
                    buffer.uniform ? "uniform" : "readonly buffer", i, vector_type(buffer.type), i, vectors);
  }
  const auto held = lanes_ ? static_cast<std::uint64_t>(lanes_->slots(model_.dimension)) : model_.dimension;
  text_ += fmt::format("real model_point[{}];\n", std::max<std::uint64_t>(held, 1));
  source.private_bytes += held * real_bytes();
  if (has_gradient_) {
    text_ += fmt::format("real model_gradient[{}];\n", std::max<std::uint64_t>(held, 1));
    source.private_bytes += held * real_bytes();
  }
  if (has_target_) text_ += "real model_target;\n";
  if (body.find("drey_to_int(") != std::string::npos) text_ += to_integer;
  source.prepares = lanes_ || !prepare_.empty();
  if (source.prepares) text_ += prepared_ + "void model_prepare() {\n" + prepare_ + "}\n";
  text_ += "void model_run() {\n" + body + "}\n";
  source.text = std::move(text_);
  return source;
}
Source emit(const Program& program, const Model& model, const EmitOptions& options) {
  const Program lean =
      batch_calls(grad::optimise(program, options.chain_lanes ? lane_optimisation : optimisation));
  return Emitter(lean, model, options).run();
}

}  // namespace drey::glsl
