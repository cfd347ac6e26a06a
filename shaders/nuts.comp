// The No-U-Turn sampler, whole. What stands before this text is made by nuts/kernel_source.cpp: version, `real`,
// DIMENSION, ROWS, the mapping, philox.glsl, nuts_math.glsl, the model's text.
//
// Two mappings. A chain per invocation: SLOTS is DIMENSION. A chain per subgroup, LANES being its size: a lane holds
// the elements ELEMENT(d) for d < SLOTS (those at DIMENSION and beyond are 0), whatever else a chain has all its lanes
// hold alike, so that they walk together; SUM makes one number of the lanes' parts, in a fixed order.
//
// TOGETHER: a chain per invocation, but all lanes of a subgroup make every tick together, so that the model's text may
// hand data from lane to lane: a lane without a chain, or whose chain waits for what is seldom, evaluates in vain.
//
// Each tick is one leapfrog, one gradient, and the bookkeeping of the chain's own tree. Multinomial NUTS
// (Betancourt 2017) with biased progressive sampling at the top and the generalised U-turn criterion with Stan's
// two checks across the seam of every merge; iterative with O(log) checkpoints: Phan, Pradhan, Jankowiak (2019).
//
// Momenta are kept in the coordinates where the metric is the identity: p ~ N(0, 1), velocity = scale * p (L p where
// the metric is DENSE), so a U-turn check is a plain dot product. KICK(s) moves the momentum by s steps of the
// gradient, DRIFT(s) the position by s steps of the momentum; nuts/kernel_source.cpp writes both for a metric that is
// no diagonal: DENSE, also where it is of low rank.
//
// EACH(d) runs its block for every slot; nuts/kernel_source.cpp writes it out where these are few. EACH_STORED(d) is for
// blocks that touch an array which may lie in a buffer (nuts_state.glsl), and is a loop if it does. It also puts
// nuts_state.glsl in place of STATE_TRANSFER, nuts_tick.glsl of TICKS, nuts_merges.glsl of MERGES, nuts_deep_blocks.glsl of
// DEEP_BLOCKS, nuts_deep_merges.glsl of DEEP_MERGES, nuts_block_end.glsl of BLOCK_END, nuts_merge.glsl of MERGE_SUBTREE.

layout(local_size_x = LOCAL_SIZE) in;

// A chain's numbers, those first that go by pairs (nuts_state.glsl).
layout(std430, set = 0, binding = 0) buffer RealState { real state_real[]; };  // [component][chain]; LANES: turned
layout(std430, set = 0, binding = 0) buffer PairState { PAIRS state_pair[]; };   // [pair][chain]; LANES: turned
layout(std430, set = 0, binding = 1) buffer WordState { uint state_word[]; };    // [component][chain]
// Square roots of a diagonal inverse metric; of one of low rank, then L^1/2 - 1, then V's columns; of a DENSE one, its
// Cholesky factor L, the rows of the lower triangle.
layout(std430, set = 0, binding = 2) readonly buffer Scale { real scale[]; };
// [slot][pair][chain], by two numbers: log density and acceptance, energy and counts, the position, where wanted the
// gradient.
#ifdef LANES
layout(std430, set = 0, binding = 3) writeonly buffer Record { real record[]; };
#else
layout(std430, set = 0, binding = 3) writeonly buffer Record { PAIRS record[]; };
#endif

layout(push_constant) uniform Push {
  uint seed_low, seed_high;
  uint chain_low, chain_high;  // global number of the first chain
  uint chains;                 // in this dispatch
  uint stride;                 // chains the buffers are laid out for
  uint rounds, ticks;          // a dispatch runs `rounds` rounds of at most `ticks` ticks each
  uint limit;                  // a chain that has made this many transitions is done
  uint base, slots;            // kept draws [base, base + slots) are recorded
  uint thin;
  uint phase;
  uint depth_cap;
  uint stamp;                  // what a chain that was not cut short leaves in its marker
  uint probe;                  // 2
  uint pairs;                  // of a record: 2 + HALF, and HALF more with gradients
  uint slots_held;             // SLOTS, which no compiler shall know: it would write loops out
  real step_size;
} push;

const uint RUNNING = 0u;   // in a trajectory
const uint FRESH = 1u;     // a transition is to begin
const uint FINISHED = 2u;  // a transition is over, not yet recorded
const uint GIVEN = 3u;     // the start stands in q; its density is still to be evaluated
const uint FAILED = 4u;    // no start of finite density
const uint BLOCK = 5u;     // the merges at the end of a block are due
const uint TAKEN = 6u;     // the density at the start is known, not yet looked at
const uint DEEP = 7u;      // the merges of a deep subtree are due
#define LIVE (mode == RUNNING || mode == GIVEN)

const real NONE = real(-1e30);  // log of no weight
const real MAX_ENERGY_ERROR = real(1000.0);

STATE_TRANSFER

// A merge of two halves, of which the left one runs from `begin` to `seam` and the right one from `first` to `end`, all
// momenta of a leaf. Neither the whole may turn nor, across the seam, a half with the leaf beside it: products of sums of
// momenta, SEAM adds a slot's part to each.
#define SEAM_SUMS \
  real whole_begin = real(0.0), whole_end = real(0.0), left_begin = real(0.0), left_first = real(0.0), \
       right_seam = real(0.0), right_end = real(0.0);
#define SEAM(whole, with_first, with_seam, begin, seam, first, end) \
  whole_begin += whole * begin; \
  whole_end += whole * end; \
  left_begin += with_first * begin; \
  left_first += with_first * first; \
  right_seam += with_seam * seam; \
  right_end += with_seam * end;
#define SUM_SEAMS SUM(whole_begin) SUM(whole_end) SUM(left_begin) SUM(left_first) SUM(right_seam) SUM(right_end)
#define TURNED \
  !(whole_begin > real(0.0) && whole_end > real(0.0) && left_begin > real(0.0) && left_first > real(0.0) && \
    right_seam > real(0.0) && right_end > real(0.0))

void main() {
#if defined(LANES)
  // One subgroup a workgroup; one of another size leaves no marker.
  if (gl_SubgroupSize != LANES) return;
  const uint lane = gl_WorkGroupID.x;
  const bool mine = true;
  if (state_word[lane] == FRESH && state_word[lane + push.stride] >= push.limit) {
    if (LEADER) {
      state_word[lane + 7u * push.stride] = push.stamp;
      state_word[lane + 8u * push.stride] = 0u;
      state_word[lane + 9u * push.stride] = 0u;
    }
    return;
  }
#elif defined(TOGETHER)
  const uint lane = min(gl_GlobalInvocationID.x, push.chains - 1u);
  const bool mine = gl_GlobalInvocationID.x < push.chains;
#else
  const uint lane = gl_GlobalInvocationID.x;
  if (lane >= push.chains) return;
  const bool mine = true;
#endif
#ifdef PREPARES
  model_prepare();
#endif
  // Once: a software driver reads a push constant lane by lane, wherever it is named.
  const uint stride = push.stride, rounds = push.rounds, ticks = push.ticks, limit = push.limit, base = push.base,
             slots = push.slots, thin = push.thin, phase = push.phase, depth_cap = push.depth_cap,
             pairs = push.pairs, held = push.slots_held;
  const uint none = held - uint(SLOTS);  // 0, which no compiler shall know either
  const real step_size = push.step_size;
  const uvec2 key = uvec2(push.seed_low, push.seed_high);
  uvec2 chain;
  uint carry;
  chain.x = uaddCarry(push.chain_low, lane, carry);
  chain.y = push.chain_high + carry;

  // q, p, g: the moving end. sub_rho: the sum of the subtree's momenta so far. other_*: the other end. sample_*: of the
  // tree. proposal_*: of the subtree. rho: the sum of the tree's momenta. first_p, second_p, third_p: the momenta of the
  // first three of the block of leaves under way; last_four_p: that of the leaf before it; last_four_rho: the sum before it.
  MOVING_ARRAYS(REGISTERS)
  LEAF_ARRAYS(ARRAY)
  END_PAIRS(ARRAYS)
  CHOSEN_PAIRS(ARRAYS)
  BLOCK_PAIRS(ARRAYS)
  real start_lp, start_kinetic;
  // Weights of the tree and of the subtree, the factor and the logarithm of the other: no leaf needs a logarithm taken.
  real log_weight, sub_log_weight, weight, sub_weight;
  real sample_lp, sample_w, proposal_lp, proposal_w, accept;
  uint mode, iteration, depth, leaf, directions, leapfrogs, divergent;

  // State in.
  FETCH(MOVING_ARRAYS, 0u, 4u)
#ifndef STORED
  FETCH(LEAF_ARRAYS, 4u, 7u)
  FETCH_PAIRS(END_PAIRS, 0u, 2u)
  FETCH_PAIRS(CHOSEN_PAIRS, 2u, 4u)
  FETCH_PAIRS(BLOCK_PAIRS, 4u, 5u)
#endif
  for (uint k = 0u; k < 11u + none; ++k) {
    const real value = NUMBER(k);
    STATE_NUMBERS(FROM_VALUE)
  }
  for (uint k = 0u; k < 7u + none; ++k) {
    const uint value = state_word[lane + stride * k];
    STATE_WORDS(FROM_VALUE)
  }
  // A lane without a chain has one's state, and leaves it alone.
  if (!mine) mode = FAILED;
  METRIC

  uvec4 leaf_words, merge_words;  // random numbers of the block under way, of this tree's merges

  // Gradients of this dispatch: those this chain used, and those its lane had time for.
  uint used = 0u, made = 0u;
  uint round = 0u;
  bool over = false;
  while (!over) {
    // What is needed least: deep merges, starts.
#if !defined(LANES) && !defined(STORED)
    DEEP_BLOCKS
#endif
    if (mode == TAKEN) {
      real size = real(0.0);
      EACH(d) { size += abs(g[d]); }
      SUM(size)
      size += abs(sample_lp);
      if (size < real(1e30)) {
        EACH_STORED(d) {
          READ(q_d, q, d)
          READ(g_d, g, d)
          SET_PAIR(sample_q, sample_g, d, q_d, g_d)
        }
        mode = FRESH;
      } else {
        mode = FAILED;
      }
    }

    // Rounds: record, refresh, ticks.
    while (true) {
      if (mode == FINISHED) {
        const uint kept = (iteration + 1u) / thin;
        if (mine && kept * thin == iteration + 1u && kept > base && kept <= base + slots) {
          const uint slot = kept - 1u - base;
          const bool gradients = pairs > uint(HALF) + 2u;
          uint at = slot * pairs * stride + lane;
          const real acceptance = accept / real(max(leapfrogs, 1u)), energy = (start_kinetic - start_lp) - sample_w,
                     counts = real(leapfrogs << 5u | depth << 1u | divergent);
#ifdef LANES
          if (LEADER) {
            record[2u * at] = sample_lp;
            record[2u * at + 1u] = acceptance;
            record[2u * (at + stride)] = energy;
            record[2u * (at + stride) + 1u] = counts;
          }
          at += 2u * stride;
          for (uint k = 0u; k < held; ++k) {
            PICK_PAIR(chosen, sample_q, sample_g, k)
            if (OWNED(k)) record[RECORDED_AT(k)] = chosen.x;
            if (OWNED(k) && gradients) record[RECORDED_AT(k) + 2u * stride * uint(HALF)] = chosen.y;
          }
#else
          record[at] = PAIR(sample_lp, acceptance);
          record[at + stride] = PAIR(energy, counts);
          at += 2u * stride;
#ifdef STORED
          for (uint i = 0u; i < uint(HALF) + none; ++i) {
            const uint next = min(2u * i + 1u, held - 1u);
            const bool alone = next == 2u * i;  // of an odd number the last
            GET_PAIR(one, sample_q, sample_g, 2u * i)
            GET_PAIR(two, sample_q, sample_g, next)
            record[at + stride * i] = PAIR(one.x, alone ? real(0.0) : two.x);
            if (gradients) record[at + stride * (uint(HALF) + i)] = PAIR(one.y, alone ? real(0.0) : two.y);
          }
#else
          RECORDED(sample_q)
          if (gradients) {
            at += stride * uint(HALF);
            RECORDED(sample_g)
          }
#endif
#endif
        }
        iteration += 1u;
        mode = FRESH;
      }
      const bool parked = mode == FAILED || (mode == FRESH && iteration >= limit);
#ifdef TOGETHER
      over = round >= rounds || subgroupAll(parked);
#else
      over = round >= rounds || parked;
#endif
      if (over) break;
      if (mode == FRESH && !parked) {
#ifdef LANES
        for (uint k = 0u; k < held; ++k) {
          const uint block = ELEMENT(k) >> 2, word = ELEMENT(k) & 3u;
          const uvec4 words = philox(drey_counter(block, iteration, chain, DREY_MOMENTUM, phase), key);
          const real2 pair = nuts_normals(word < 2u ? words.x : words.z, word < 2u ? words.y : words.w);
          const real value = OWNED(k) ? ((word & 1u) == 0u ? pair.x : pair.y) : real(0.0);
          PUT(p, k, value)
        }
#else
        BLOCKS(b) {
          const uvec4 words = philox(drey_counter(uint(b), iteration, chain, DREY_MOMENTUM, phase), key);
          const real2 first = nuts_normals(words.x, words.y), second = nuts_normals(words.z, words.w);
          WRITE(p, 4u * uint(b), first.x)
          WRITE(p, 4u * uint(b) + 1u, first.y)
          WRITE(p, 4u * uint(b) + 2u, second.x)
          WRITE(p, 4u * uint(b) + 3u, second.y)
        }
#endif
        start_kinetic = real(0.0);
        EACH_STORED(d) {
          READ(p_d, p, d)
          GET_PAIR(chosen, sample_q, sample_g, d)
          start_kinetic += p_d * p_d;
          WRITE(q, d, chosen.x)
          WRITE(g, d, chosen.y)
          WRITE(sub_rho, d, real(0.0))
          SET_PAIR(other_q, other_g, d, chosen.x, chosen.y)
          SET_PAIR(other_p, rho, d, p_d, p_d)
          SET_PAIR(last_four_p, last_four_rho, d, p_d, real(0.0))
        }
        SUM(start_kinetic)
        start_kinetic *= real(0.5);
        start_lp = sample_lp;
        sample_w = real(0.0);
        log_weight = real(0.0);
        weight = real(1.0);
        sub_log_weight = NONE;
        sub_weight = real(0.0);
        accept = real(0.0);
        depth = 0u;
        leaf = 0u;
        leapfrogs = 0u;
        divergent = 0u;
        directions = philox(drey_counter(0u, iteration, chain, DREY_DIRECTION, phase), key).x;
        mode = RUNNING;
      }
#ifdef LANES
      // Once a transition is much seldomer than once a round.
      while (true) {
#ifndef STORED
        DEEP_BLOCKS
#endif
        if (!LIVE || round >= rounds) break;
        TICKS
        round += 1u;
      }
      if (mode == TAKEN) break;
#else
      TICKS
      round += 1u;
#ifdef TOGETHER
      if (subgroupAny(mode == DEEP || mode == TAKEN)) break;
#else
      break;
#endif
#endif
    }
  }

  // State out.
  if (mine) {
    DELIVER(MOVING_ARRAYS, 0u, 4u)
#ifndef STORED
    DELIVER(LEAF_ARRAYS, 4u, 7u)
    DELIVER_PAIRS(END_PAIRS, 0u, 2u)
    DELIVER_PAIRS(CHOSEN_PAIRS, 2u, 4u)
    DELIVER_PAIRS(BLOCK_PAIRS, 4u, 5u)
#endif
    for (uint k = 0u; k < 11u + none; ++k) {
      real value = real(0.0);
      STATE_NUMBERS(TO_VALUE)
      if (LEADER) NUMBER(k) = value;
    }
    for (uint k = 0u; k < 7u + none; ++k) {
      uint value = 0u;
      STATE_WORDS(TO_VALUE)
      if (LEADER) state_word[lane + stride * k] = value;
    }
  }
  // A driver that stops loops after so many trips stops this one too: then the marker is wrong.
  uint trips = 0u;
  for (uint i = 0u; i < push.probe; ++i) trips = trips * 2u + 1u + (i & state_word[lane]) * 0u;
  const bool whole = trips == 3u &&
                     (round >= rounds || (mode == FRESH && iteration >= limit) || mode == FAILED);
  if (mine && LEADER) {
    state_word[lane + 7u * stride] = whole ? push.stamp : 0u;
    state_word[lane + 8u * stride] = used;
    state_word[lane + 9u * stride] = made;
  }
}
