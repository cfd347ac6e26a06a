#include "nuts/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "c_src/nuts/fixture.h"
#include "gpu/commands.h"
#include "gpu/kernel.h"
#include "shaders/shaders.h"

namespace drey::nuts {
namespace {

struct Vector {
  Words counter;
  std::uint64_t key;
  Words result;
};

// kat_vectors of Random123 1.14, philox4x32 with 10 rounds.
const Vector kPublished[] = {
    {{0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     0xffffffffffffffff,
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     0x299f31d0a4093822,
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

TEST(Philox, GivesThePublishedVectors) {
  for (const auto& vector : kPublished) EXPECT_EQ(philox(vector.counter, vector.key), vector.result);
}

TEST(Philox, NoTwoPurposesPhasesChainsOrIterationsShareACounter) {
  std::set<Words> seen;
  std::size_t made = 0;
  for (const auto purpose : {Purpose::Momentum, Purpose::Direction, Purpose::Leaf, Purpose::Merge,
                             Purpose::Start, Purpose::Output})
    for (const auto phase : {Phase::Sampling, Phase::Warmup})
      for (const std::uint64_t chain :
           {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32, (std::uint64_t{1} << 56) - 1})
        for (const std::uint32_t iteration : {0u, 1u, 0x7fffffffu})
          for (const std::uint32_t index : {0u, 1u, 0xffffffffu}) {
            seen.insert(counter(index, iteration, chain, purpose, phase));
            ++made;
          }
  EXPECT_EQ(seen.size(), made);
}

// 400,000 numbers; a false alarm at 5.3 standard errors has probability 1e-7 for each of the four.
TEST(Philox, NormalsHaveTheMomentsOfNormals) {
  const int count = 100'000;
  double sum[4] = {};
  for (int i = 0; i < count; ++i) {
    const auto words =
        philox(counter(static_cast<std::uint32_t>(i), 3, 5, Purpose::Momentum, Phase::Sampling), 42);
    for (const auto& pair : {normals(words[0], words[1]), normals(words[2], words[3])})
      for (const double z : pair) {
        sum[0] += z;
        sum[1] += z * z - 1;
        sum[2] += z * z * z;
        sum[3] += z * z * z * z - 3;
      }
  }
  const double variance[4] = {1, 2, 15, 96};
  for (int k = 0; k < 4; ++k)
    EXPECT_LT(std::abs(sum[k]) / std::sqrt(4.0 * count * variance[k]), 5.3) << "moment " << k + 1;
}

using PhiloxKernel = OnDevice;

TEST_F(PhiloxKernel, IsTheHostsBitForBit) {
  const std::string text =
      "#version 450\n#define real float\n" + std::string(shaders::text("philox.glsl")) + R"(
layout(local_size_x = 8) in;
layout(std430, set = 0, binding = 0) buffer In { uint counters[]; };
layout(std430, set = 0, binding = 1) buffer Out { uint words[]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  uvec4 r = philox(uvec4(counters[6 * i], counters[6 * i + 1], counters[6 * i + 2], counters[6 * i + 3]),
                   uvec2(counters[6 * i + 4], counters[6 * i + 5]));
  words[4 * i] = r.x; words[4 * i + 1] = r.y; words[4 * i + 2] = r.z; words[4 * i + 3] = r.w;
})";
  std::vector<std::uint32_t> in;
  std::vector<Words> expected;
  for (const auto& vector : kPublished) {
    in.insert(in.end(), vector.counter.begin(), vector.counter.end());
    in.push_back(static_cast<std::uint32_t>(vector.key));
    in.push_back(static_cast<std::uint32_t>(vector.key >> 32));
    expected.push_back(vector.result);
  }
  for (std::uint32_t i = 3; i < 64; ++i) {
    const Words counter_words = counter(i, 7 * i, std::uint64_t{i} << 30, Purpose::Leaf, Phase::Warmup);
    const std::uint64_t key = 0x9E3779B97F4A7C15 * i;
    in.insert(in.end(), counter_words.begin(), counter_words.end());
    in.push_back(static_cast<std::uint32_t>(key));
    in.push_back(static_cast<std::uint32_t>(key >> 32));
    expected.push_back(philox(counter_words, key));
  }
  gpu::Buffer counters(device(), in.size() * 4), words(device(), expected.size() * 16);
  counters.write_all(in);
  const gpu::Kernel kernel(device(), glsl::compile(text),
                           {{0, gpu::BufferKind::Storage}, {1, gpu::BufferKind::Storage}});
  const gpu::Arguments arguments(device(), kernel, {{0, &counters}, {1, &words}});
  gpu::Commands commands(device());
  commands.begin();
  commands.dispatch(arguments, {}, 8);
  device().wait(commands.submit());
  const auto got = words.read_all<std::uint32_t>(expected.size() * 4);
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(got[4 * i + k], expected[i][k]) << i;
}

}  // namespace
}  // namespace drey::nuts
