#include "glsl/compile.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "error.h"

namespace drey::glsl {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string shader(const std::string& body) {
  return "#version 450\n"
         "#define real float\n"
         "layout(local_size_x = 8) in;\n"
         "layout(std430, set = 0, binding = 0) buffer B { float b[]; };\n" +
         body;
}

std::string message_of(const std::string& source) {
  try {
    compile(source);
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "internal");
    return error.message();
  }
  return "compiled";
}

TEST(Compile, GivesSpirv15) {
  const auto spirv = compile(shader("void main() { b[gl_GlobalInvocationID.x] *= 2.0; }"));
  ASSERT_GT(spirv.size(), 5u);
  EXPECT_EQ(spirv[0], 0x07230203u);
  EXPECT_EQ(spirv[1], 0x00010500u);
}

TEST(Compile, IsTheSameEveryTime) {
  const std::string source = shader("void main() { b[gl_GlobalInvocationID.x] *= 2.0; }");
  EXPECT_EQ(compile(source), compile(source));
}

TEST(Compile, FindsTheEmbeddedFiles) {
  const std::string source = shader(
      "#include \"philox.glsl\"\n"
      "void main() { b[gl_GlobalInvocationID.x] = drey_uniform(7u); }");
  EXPECT_FALSE(compile(source).empty());
}

TEST(Compile, NamesAFileThatIsNotEmbedded) {
  EXPECT_THAT(message_of(shader("#include \"/etc/passwd\"\nvoid main() {}")), HasSubstr("/etc/passwd"));
}

TEST(Compile, AnErrorShowsTheLogAndTheLinesAroundIt) {
  std::string body = "void main() {\n";
  for (int i = 0; i < 50; ++i) body += "  b[" + std::to_string(i) + "] = 1.0;\n";
  const std::string message = message_of(shader(body + "  b[0] = undeclared_name;\n}\n"));
  EXPECT_THAT(message, HasSubstr("'undeclared_name'"));
  EXPECT_THAT(message, HasSubstr("   56>   b[0] = undeclared_name;"));
  EXPECT_THAT(message, HasSubstr("   55    b[49] = 1.0;"));
  EXPECT_THAT(message, Not(HasSubstr("b[20]")));
}

TEST(Compile, AnErrorIsBounded) {
  std::string body = "void main() {\n";
  for (int i = 0; i < 5000; ++i) body += "  b[0] = wrong" + std::to_string(i) + ";\n";
  EXPECT_LT(message_of(shader(body + "}\n")).size(), 30'000u);
}

TEST(Compile, AFailureLeavesNothingBehind) {
  message_of(shader("void main() { nonsense }"));
  EXPECT_FALSE(compile(shader("void main() { b[0] = 1.0; }")).empty());
}

TEST(Compile, SeveralThreadsMayCompile) {
  const std::string source = shader("void main() { b[gl_GlobalInvocationID.x] *= 2.0; }");
  const auto expected = compile(source);
  std::vector<std::vector<std::uint32_t>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) result = compile(source);
    });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(Compile, KeepsWhatPreciseAsksFor) {
  // Without precision the optimiser may turn (x + c) - c into x; compensated arithmetic lives on that it does
  // not.
  const auto spirv = compile(shader(
      "void main() { precise float t = b[0] + 12582912.0; precise float u = t - 12582912.0; b[1] = u; }"));
  int adds = 0, subtracts = 0;
  for (std::size_t at = 5; at < spirv.size(); at += std::max(1u, spirv[at] >> 16)) {
    adds += (spirv[at] & 0xFFFF) == 129;       // OpFAdd
    subtracts += (spirv[at] & 0xFFFF) == 131;  // OpFSub
  }
  EXPECT_EQ(adds + subtracts, 2);
}

}  // namespace
}  // namespace drey::glsl
