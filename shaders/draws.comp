// What kept draws record: constrained parameters, transformed and generated quantities; a draw an invocation.
// What stands before this text, and the model's own where MODEL stands, is put there by nuts/kernel_source.cpp.

layout(local_size_x = LOCAL_SIZE) in;

// As nuts.comp writes it, and what is made of it, [slot][pair][chain], by two elements.
layout(std430, set = 0, binding = 0) readonly buffer Record { PAIRS record[]; };
#ifdef HELD
layout(std430, set = 0, binding = 1) writeonly buffer Outputs { PAIRS outputs[]; };
#else
layout(std430, set = 0, binding = 1) writeonly buffer Outputs { real outputs[]; };
#endif
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

#define OUTPUT_AT(pair) ((draw_slot * uint((OUTPUT_SIZE + 1) / 2) + (pair)) * push.stride + draw_lane)

#ifdef HELD
// Few elements: each pair is stored when both are there.
real held[OUTPUT_SIZE];
void model_output(uint element, real value) { held[element] = value; }
#else
void model_output(uint element, real value) { outputs[2u * OUTPUT_AT(element / 2u) + element % 2u] = value; }
#endif

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
  // at / chains. A software driver divides integers lane by lane; numbers of draws are exact as floats, quotients near.
  draw_slot = uint(float(at) / float(push.chains));
  const int left = int(at - draw_slot * push.chains);
  if (left < 0) draw_slot -= 1u;
  if (left >= int(push.chains)) draw_slot += 1u;
  draw_lane = at - draw_slot * push.chains;
  draw_randoms = 0u;
  EACH(d) {
    if (uint(d) % 2u == 0u) {
      const real2 pair =
          OF_PAIR(record[((push.first + draw_slot) * push.pairs + uint(d) / 2u + 2u) * push.stride + draw_lane]);
      model_point[d] = pair.x;
      if (uint(d) + 1u < uint(DIMENSION)) model_point[min(uint(d) + 1u, uint(DIMENSION - 1))] = pair.y;
    }
  }
#ifdef HELD
  for (uint i = 0u; i < uint(OUTPUT_SIZE); ++i) held[i] = real(0.0);
#endif
  model_run();
#ifdef HELD
  STORE_PAIRS
#endif
  uint trips = 0u;
  for (uint i = 0u; i < push.probe; ++i) trips = trips * 2u + 1u + (i & markers[at]) * 0u;
  markers[at] = trips == 3u ? push.stamp : 0u;
}
