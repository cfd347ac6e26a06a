#include "glsl/compile.h"

#include <fmt/format.h>
#include <glslang/Public/ResourceLimits.h>
#include <glslang/Public/ShaderLang.h>
#include <glslang/SPIRV/GlslangToSpv.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <spirv-tools/optimizer.hpp>
#include <sstream>
#include <string_view>
#include <thread>

#include "error.h"
#include "shaders/shaders.h"

namespace drey::glsl {
namespace {

/// glslang's process-wide tables, made once and never taken down: a library in a VM cannot know who else
/// still uses them.
void initialise_glslang() {
  static std::once_flag once;
  std::call_once(once, [] { glslang::InitializeProcess(); });
}

/// `#include "x.glsl"`: the embedded files of shaders/, nothing from any disk.
class EmbeddedIncluder : public glslang::TShader::Includer {
 public:
  IncludeResult* includeLocal(const char* name, const char*, std::size_t depth) override {
    // The result must say why when there is none: an empty name and the reason as the text.
    if (depth > kMaxDepth) return refuse("shader files include one another without end");
    const std::string_view text = shaders::text(name);
    if (text.empty()) return refuse(fmt::format("there is no embedded shader file '{}'", name));
    return new IncludeResult(name, text.data(), text.size(), nullptr);
  }
  IncludeResult* includeSystem(const char* name, const char* from, std::size_t depth) override {
    return includeLocal(name, from, depth);
  }
  void releaseInclude(IncludeResult* result) override {
    if (result == nullptr) return;
    delete static_cast<std::string*>(result->userData);
    delete result;
  }

 private:
  static constexpr std::size_t kMaxDepth = 16;

  static IncludeResult* refuse(std::string reason) {
    auto text = std::make_unique<std::string>(std::move(reason));
    auto* result = new IncludeResult("", text->data(), text->size(), text.get());
    text.release();
    return result;
  }
};

/// The line numbers of the main text that glslang's log names: "ERROR: 0:12: ...".
std::set<std::size_t> named_lines(const std::string& log) {
  std::set<std::size_t> lines;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = line.find(": 0:");
    if (at == std::string::npos) continue;
    std::size_t number = 0;
    for (std::size_t i = at + 4; i < line.size() && line[i] >= '0' && line[i] <= '9' && number < 100'000'000;
         ++i)
      number = number * 10 + static_cast<std::size_t>(line[i] - '0');
    if (number > 0) lines.insert(number);
  }
  return lines;
}

/// What a person needs to see of the source: the named lines and some around each, numbered; a bounded text.
std::string excerpt(const std::string& source, const std::string& log) {
  constexpr std::size_t around = 3, most_lines = 60, most_columns = 200;
  const std::set<std::size_t> lines = named_lines(log);
  std::string text;
  std::istringstream in(source);
  std::size_t number = 0, shown = 0;
  for (std::string line; shown < most_lines && std::getline(in, line);) {
    ++number;
    const auto near = lines.lower_bound(number > around ? number - around : 0);
    if (near == lines.end() || *near > number + around) continue;
    text += fmt::format("{:>5}{} {}\n", number, lines.contains(number) ? '>' : ' ',
                        std::string_view(line).substr(0, most_columns));
    ++shown;
  }
  return text;
}

[[noreturn]] void fail(const std::string& stage, const std::string& source, std::string log) {
  constexpr std::size_t most_log = 4000;
  if (log.size() > most_log) log = log.substr(0, most_log) + "\n...";
  throw Error("internal",
              fmt::format("a generated shader does not {}: {}\n{}", stage, log, excerpt(source, log)));
}

std::vector<std::uint32_t> to_spirv(const std::string& source) {
  initialise_glslang();
  constexpr EShMessages messages = static_cast<EShMessages>(EShMsgSpvRules | EShMsgVulkanRules);
  glslang::TShader shader(EShLangCompute);
  const char* text = source.c_str();
  const int length = static_cast<int>(source.size());
  shader.setStringsWithLengths(&text, &length, 1);
  shader.setPreamble("#extension GL_GOOGLE_include_directive : require\n");
  shader.setEnvInput(glslang::EShSourceGlsl, EShLangCompute, glslang::EShClientVulkan, 120);
  shader.setEnvClient(glslang::EShClientVulkan, glslang::EShTargetVulkan_1_2);
  shader.setEnvTarget(glslang::EShTargetSpv, glslang::EShTargetSpv_1_5);
  EmbeddedIncluder includer;
  if (!shader.parse(GetDefaultResources(), 450, false, messages, includer))
    fail("compile", source, shader.getInfoLog());
  glslang::TProgram program;
  program.addShader(&shader);
  if (!program.link(messages)) fail("link", source, program.getInfoLog());
  const glslang::TIntermediate* intermediate = program.getIntermediate(EShLangCompute);
  if (intermediate == nullptr) fail("compile", source, "glslang gave no intermediate form");
  glslang::SpvOptions options;
  options.disableOptimizer = true;
  options.stripDebugInfo = true;
  spv::SpvBuildLogger logger;
  std::vector<unsigned int> words;
  glslang::GlslangToSpv(*intermediate, words, &logger, &options);
  if (words.empty()) fail("translate to SPIR-V", source, logger.getAllMessages());
  return {words.begin(), words.end()};
}

/// Without the library's unused functions. What else an optimiser could do drivers do again: its passes took twelve
/// times as long as glslang, and no kernel was the faster.
std::vector<std::uint32_t> without_unused_functions(const std::string& source,
                                                    const std::vector<std::uint32_t>& spirv) {
  std::string log;
  spvtools::Optimizer optimizer(SPV_ENV_VULKAN_1_2);
  optimizer.SetMessageConsumer(
      [&log](spv_message_level_t level, const char*, const spv_position_t&, const char* message) {
        if (level <= SPV_MSG_ERROR && log.size() < 4000) log += std::string(message) + "\n";
      });
  optimizer.RegisterPass(spvtools::CreateEliminateDeadFunctionsPass());
  spvtools::OptimizerOptions options;
  options.set_run_validator(false);
  std::vector<std::uint32_t> result;
  if (!optimizer.Run(spirv.data(), spirv.size(), &result, options))
    fail("pass the SPIR-V optimiser", source, log);
  return result;
}

}  // namespace

void prepare() {
  static std::once_flag once;
  std::call_once(once, [] { compile("#version 450\nlayout(local_size_x = 1) in; void main() {}\n"); });
}

std::vector<std::uint32_t> compile(const std::string& source) {
  // On a stack of its own: glslang recurses with the depth of expressions, and a VM's scheduler thread has a
  // few hundred kilobytes.
  std::vector<std::uint32_t> spirv;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      spirv = without_unused_functions(source, to_spirv(source));
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  return spirv;
}

}  // namespace drey::glsl
