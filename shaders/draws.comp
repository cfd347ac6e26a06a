// What kept draws record: constrained parameters, transformed and generated quantities; a draw an invocation.
// What stands before this text, and the model's own where MODEL stands, is put there by nuts/kernel_source.cpp.

layout(local_size_x = LOCAL_SIZE) in;

layout(std430, set = 0, binding = 0) readonly buffer Record { real2 record[]; };  // as nuts.comp writes it
layout(std430, set = 0, binding = 1) writeonly buffer Outputs { real outputs[]; };  // [slot][element][chain]
layout(std430, set = 0, binding = 2) buffer Markers { uint markers[]; };            // [slot][chain]

layout(push_constant) uniform Push {
  uint seed_low, seed_high;
  uint chain_low, chain_high;
  uint chains, stride;
  uint base, first, slots, thin;  // of the draws that stand in slots [first, first + slots); base: of slot 0
  uint pairs;
  uint stamp;
  uint probe;  // 2
} push;

uint draw_lane, draw_slot, draw_randoms;

void model_output(uint element, real value) {
  outputs[(draw_slot * uint(OUTPUT_SIZE) + element) * push.stride + draw_lane] = value;
}

real model_random() {
  uvec2 chain;
  uint carry;
  chain.x = uaddCarry(push.chain_low, draw_lane, carry);
  chain.y = push.chain_high + carry;
  const uint iteration = (push.base + push.first + draw_slot + 1u) * push.thin - 1u;
  const uvec4 words = philox(drey_counter(draw_randoms >> 2, iteration, chain, DREY_OUTPUT, 0u),
                             uvec2(push.seed_low, push.seed_high));
  const uint word = (draw_randoms & 2u) == 0u ? ((draw_randoms & 1u) == 0u ? words.x : words.y)
                                              : ((draw_randoms & 1u) == 0u ? words.z : words.w);
  draw_randoms += 1u;
  return drey_open_uniform(word);
}

// MODEL

void main() {
  const uint at = gl_GlobalInvocationID.x;
  if (at >= push.chains * push.slots) return;
  draw_slot = at / push.chains;
  draw_lane = at % push.chains;
  draw_randoms = 0u;
  EACH(d) {
    model_point[d] = record[((push.first + draw_slot) * push.pairs + uint(d / 2 + 2)) * push.stride + draw_lane][d % 2];
  }
  model_run();
  uint trips = 0u;
  for (uint i = 0u; i < push.probe; ++i) trips = trips * 2u + 1u + (i & markers[at]) * 0u;
  markers[at] = trips == 3u ? push.stamp : 0u;
}
