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
// EACH(d) runs its block for every slot; nuts/kernel_source.cpp writes it out where these are few. It also puts the
// text between the lines MERGE BEGIN and MERGE END in place of every MERGE_SUBTREE, and likewise DEEP_MERGE and TICKS.

layout(local_size_x = LOCAL_SIZE) in;

layout(std430, set = 0, binding = 0) buffer RealState { real state_real[]; };  // [component][chain]; LANES: turned
layout(std430, set = 0, binding = 1) buffer WordState { uint state_word[]; };    // [component][chain]
// Square roots of a diagonal inverse metric; of one of low rank, then L^1/2 - 1, then V's columns; of a DENSE one, its
// Cholesky factor L, the rows of the lower triangle.
layout(std430, set = 0, binding = 2) readonly buffer Scale { real scale[]; };
layout(std430, set = 0, binding = 3) writeonly buffer RealRecord { real record_real[]; };  // [slot][component][chain]
layout(std430, set = 0, binding = 4) writeonly buffer WordRecord { uint record_word[]; };  // [slot][component][chain]

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
  uint components;             // real components of a record: DIMENSION + 3, and DIMENSION more with gradients
  uint slots_held;             // SLOTS, which no compiler shall know: it would write loops out
  real step_size;
} push;

const uint RUNNING = 0u;    // in a trajectory
const uint FRESH = 1u;      // a transition is to begin
const uint FINISHED = 2u;   // a transition is over, not yet recorded
const uint GIVEN = 3u;      // the start stands in q; its density is still to be evaluated
const uint DISPERSE = 4u;   // a dispersed start is to be drawn
const uint DISPERSED = 5u;  // a dispersed start stands in q
const uint FAILED = 6u;     // no start of finite density
const uint FOUR = 7u;       // four leaves of a deep subtree are to be merged with those before them
#define LIVE (mode == RUNNING || mode == GIVEN || mode == DISPERSED)

const real NONE = real(-1e30);  // log of no weight
const real MAX_ENERGY_ERROR = real(1000.0);
const uint START_ATTEMPTS = 100u;

// State that one subgroup reads as a whole lies together: [chain][component].
#ifdef LANES
#define STATE_BEGIN (lane * STATE_REALS)
#define STATE_STRIDE 1u
#else
#define STATE_BEGIN lane
#define STATE_STRIDE push.stride
#endif

// Checkpoints that the subtree under way may read: one for each bit of an even four's number but the last.
#define CHECKPOINT_ROWS min(max(depth, 2u) - 2u, uint(ROWS))

#ifdef LANES
#define LEADER (gl_SubgroupInvocationID == 0u)
#define OWNED(d) (uint(d) * LANES + gl_SubgroupInvocationID < uint(DIMENSION))
#define ELEMENT(d) (uint(d) * LANES + gl_SubgroupInvocationID)
#define CHECKPOINT(i) (i / uint(SLOTS) * uint(DIMENSION) + ELEMENT(i % uint(SLOTS)))
#define CHECKPOINT_OWNED(i) OWNED(i % uint(SLOTS))

// What lies in buffers goes slot by slot: many places that read or write one are much for a driver to compile. PUT
// and GET write or read the slot k of an array whose other indices are constants.
void load_slots(out real x[SLOTS], uint at) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    const real value = OWNED(k) ? state_real[at + ELEMENT(k)] : real(0.0);
    PUT(x, k, value)
  }
}
void store_slots(real x[SLOTS], uint at) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    GET(value, x, k)
    if (OWNED(k)) state_real[at + ELEMENT(k)] = value;
  }
}
void record_slots(real x[SLOTS], uint at) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    GET(value, x, k)
    if (OWNED(k)) record_real[at + ELEMENT(k) * push.stride] = value;
  }
}
void load_scale(out real x[SLOTS]) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    const real value = OWNED(k) ? push.step_size * scale[ELEMENT(k)] : real(0.0);
    PUT(x, k, value)
  }
}
#else
#define LEADER true
#define OWNED(d) true
#define ELEMENT(d) uint(d)
#define CHECKPOINT(i) i
#define CHECKPOINT_OWNED(i) true

// Here too one access a loop; where SLOTS are written out, variables take over what a loop brought into an array of
// its own. A driver takes an array's size for a bound of the loops over it, so the arrays are larger than what it
// writes out.
#ifdef WRITTEN_OUT
#define CARRIER(x, io) real io[AT_LEAST(SLOTS)]; io[AT_LEAST(SLOTS) - 1] = real(0.0);
#define CARRIED(x, io) io
#define TAKE(x, io) x[e] = io[e];
#define GIVE(x, io) io[e] = x[e];
#else
#define CARRIER(x, io)
#define CARRIED(x, io) x
#endif
// In the order of StateLayout.
#define STATE(F) F(q, io_q) F(p, io_p) F(g, io_g) F(other_q, io_other_q) F(other_p, io_other_p) F(other_g, io_other_g) \
  F(sample_q, io_sample_q) F(sample_g, io_sample_g) F(proposal_q, io_proposal_q) F(proposal_g, io_proposal_g) \
  F(rho, io_rho) F(sub_rho, io_sub_rho) F(first_p, io_first_p) F(second_p, io_second_p) \
  F(last_four_p, io_last_four_p) F(last_four_rho, io_last_four_rho)
#endif
#define AT_LEAST(size) ((size) > 40 ? (size) : 40)
#define CHECKPOINTS AT_LEAST(ROWS * SLOTS)

void main() {
#if defined(LANES)
  // One subgroup a workgroup; one of another size leaves no marker.
  if (gl_SubgroupSize != LANES) return;
  const uint lane = gl_WorkGroupID.x;
  const bool mine = true;
  if (state_word[lane] == FRESH && state_word[lane + push.stride] >= push.limit) {
    if (LEADER) {
      state_word[lane + 8u * push.stride] = push.stamp;
      state_word[lane + 9u * push.stride] = 0u;
      state_word[lane + 10u * push.stride] = 0u;
    }
    return;
  }
  model_prepare();
#elif defined(TOGETHER)
  const uint lane = min(gl_GlobalInvocationID.x, push.chains - 1u);
  const bool mine = gl_GlobalInvocationID.x < push.chains;
#else
  const uint lane = gl_GlobalInvocationID.x;
  if (lane >= push.chains) return;
  const bool mine = true;
#endif
  const uvec2 key = uvec2(push.seed_low, push.seed_high);
  uvec2 chain;
  uint carry;
  chain.x = uaddCarry(push.chain_low, lane, carry);
  chain.y = push.chain_high + carry;

  real q[PADDED_SLOTS], p[PADDED_SLOTS], g[SLOTS];              // the moving end
  real other_q[SLOTS], other_p[SLOTS], other_g[SLOTS];  // the other end
  real sample_q[SLOTS], sample_g[SLOTS];        // of the tree
  real proposal_q[SLOTS], proposal_g[SLOTS];    // of the subtree
  real rho[SLOTS], sub_rho[SLOTS];              // sums of momenta: tree, subtree so far
  // The leaves of a subtree come in fours. Of the four under way: the momenta of the first and second leaf, that of
  // the leaf before them, the sum before them.
  real first_p[SLOTS], second_p[SLOTS], last_four_p[SLOTS], last_four_rho[SLOTS];
  // Checkpoints at fours of even number: the momentum of the first leaf, that of the leaf before it, the sum before it.
  real begin_p[CHECKPOINTS], before_p[CHECKPOINTS], before_rho[CHECKPOINTS];
  real start_lp, start_kinetic, log_weight, sub_log_weight;
  real sample_lp, sample_w, proposal_lp, proposal_w, accept;
  uint mode, iteration, depth, leaf, directions, leapfrogs, divergent, attempts;

  // State in.
  {
    uint at = STATE_BEGIN;
#define LOAD(x) x = state_real[at]; at += STATE_STRIDE;
#ifdef LANES
#define NEXT at += uint(DIMENSION);
    load_slots(q, at); NEXT
    load_slots(p, at); NEXT
    load_slots(g, at); NEXT
    load_slots(other_q, at); NEXT
    load_slots(other_p, at); NEXT
    load_slots(other_g, at); NEXT
    load_slots(sample_q, at); NEXT
    load_slots(sample_g, at); NEXT
    load_slots(proposal_q, at); NEXT
    load_slots(proposal_g, at); NEXT
    load_slots(rho, at); NEXT
    load_slots(sub_rho, at); NEXT
    load_slots(first_p, at); NEXT
    load_slots(second_p, at); NEXT
    load_slots(last_four_p, at); NEXT
    load_slots(last_four_rho, at); NEXT
#else
    STATE(CARRIER)
    for (uint k = 0u; k < push.slots_held; ++k) {
      at = lane + push.stride * k;
#define FETCH(x, io) CARRIED(x, io)[k] = state_real[at]; at += push.stride * uint(DIMENSION);
      STATE(FETCH)
    }
#ifdef WRITTEN_OUT
    EACH(d) {
      const int e = d;
      STATE(TAKE)
    }
#endif
    at = lane + push.stride * uint(16 * DIMENSION);
#endif
    LOAD(start_lp) LOAD(start_kinetic) LOAD(log_weight) LOAD(sub_log_weight)
    LOAD(sample_lp) LOAD(sample_w) LOAD(proposal_lp) LOAD(proposal_w) LOAD(accept)
    at = lane;
#define LOAD_WORD(x) x = state_word[at]; at += push.stride;
    LOAD_WORD(mode) LOAD_WORD(iteration) LOAD_WORD(depth) LOAD_WORD(leaf)
    LOAD_WORD(directions) LOAD_WORD(leapfrogs) LOAD_WORD(divergent) LOAD_WORD(attempts)
  }
  for (uint i = 0u; i < CHECKPOINT_ROWS * push.slots_held; ++i) {
    const uint at = STATE_BEGIN + STATE_STRIDE * (CHECKPOINTS_AT + 3u * CHECKPOINT(i));
    if (CHECKPOINT_OWNED(i)) {
      begin_p[i] = state_real[at];
      before_p[i] = state_real[at + STATE_STRIDE];
      before_rho[i] = state_real[at + 2u * STATE_STRIDE];
    }
  }
#ifdef DENSE
  METRIC
#else
  real h[SLOTS];  // step in each coordinate
#ifdef LANES
  load_scale(h);
#else
  CARRIER(h, io_h)
  for (uint k = 0u; k < push.slots_held; ++k) CARRIED(h, io_h)[k] = push.step_size * scale[k];
#ifdef WRITTEN_OUT
  EACH(d) {
    const int e = d;
    TAKE(h, io_h)
  }
#endif
#endif
#endif

  // Gradients of this dispatch: those this chain used, and those its lane had time for.
  uint used = 0u, made = 0u;
  uint round = 0u;
  while (true) {
    // The seldom part: deep merges, record, refresh, start.
#ifndef LANES
    DEEP_MERGE
#endif
    if (mode == FINISHED) {
      const uint kept = (iteration + 1u) / push.thin;
      if (mine && kept * push.thin == iteration + 1u && kept > push.base && kept <= push.base + push.slots) {
        const uint slot = kept - 1u - push.base;
        uint at = slot * push.components * push.stride + lane;
#define RECORD(x) if (LEADER) record_real[at] = x; at += push.stride;
#ifdef LANES
        record_slots(sample_q, at); at += push.stride * uint(DIMENSION);
#else
        EACH(d) { RECORD(sample_q[d]) }
#endif
        RECORD(sample_lp)
        RECORD(accept / real(max(leapfrogs, 1u)))
        RECORD((start_kinetic - start_lp) - sample_w)
        if (push.components > uint(DIMENSION) + 3u) {
#ifdef LANES
          record_slots(sample_g, at); at += push.stride * uint(DIMENSION);
#else
          EACH(d) { RECORD(sample_g[d]) }
#endif
        }
        at = slot * 3u * push.stride + lane;
        if (LEADER) {
          record_word[at] = depth;
          record_word[at + push.stride] = leapfrogs;
          record_word[at + 2u * push.stride] = divergent;
        }
      }
      iteration += 1u;
      mode = FRESH;
    }
    const bool parked = mode == FAILED || (mode == FRESH && iteration >= push.limit);
#ifdef TOGETHER
    if (round >= push.rounds || subgroupAll(parked)) break;
#else
    if (round >= push.rounds || parked) break;
#endif
    if (mode == FRESH && !parked) {
#ifdef LANES
      for (uint k = 0u; k < push.slots_held; ++k) {
        const uint block = ELEMENT(k) >> 2, word = ELEMENT(k) & 3u;
        const uvec4 words = philox(drey_counter(block, iteration, chain, DREY_MOMENTUM, push.phase), key);
        const real2 pair = nuts_normals(word < 2u ? words.x : words.z, word < 2u ? words.y : words.w);
        const real value = OWNED(k) ? ((word & 1u) == 0u ? pair.x : pair.y) : real(0.0);
        PUT(p, k, value)
      }
#else
      BLOCKS(b) {
        const uvec4 words = philox(drey_counter(uint(b), iteration, chain, DREY_MOMENTUM, push.phase), key);
        const real2 first = nuts_normals(words.x, words.y), second = nuts_normals(words.z, words.w);
        p[4 * b] = first.x;
        p[4 * b + 1] = first.y;
        p[4 * b + 2] = second.x;
        p[4 * b + 3] = second.y;
      }
#endif
      start_kinetic = real(0.0);
      EACH(d) {
        start_kinetic += p[d] * p[d];
        q[d] = sample_q[d];
        g[d] = sample_g[d];
        other_q[d] = q[d];
        other_p[d] = p[d];
        other_g[d] = g[d];
        rho[d] = p[d];
        sub_rho[d] = real(0.0);
      }
      SUM(start_kinetic)
      start_kinetic *= real(0.5);
      start_lp = sample_lp;
      sample_w = real(0.0);
      log_weight = real(0.0);
      sub_log_weight = NONE;
      accept = real(0.0);
      depth = 0u;
      leaf = 0u;
      leapfrogs = 0u;
      divergent = 0u;
      directions = philox(drey_counter(0u, iteration, chain, DREY_DIRECTION, push.phase), key).x;
      mode = RUNNING;
    }
    if (mode == DISPERSE) {
#ifdef LANES
      for (uint k = 0u; k < push.slots_held; ++k) {
        const uint block = ELEMENT(k) >> 2, word = ELEMENT(k) & 3u;
        const uvec4 words = philox(
            drey_counter(attempts * uint(PADDED / 4) + block, 0u, chain, DREY_START, push.phase), key);
        const uint chosen = word < 2u ? (word == 0u ? words.x : words.y) : (word == 2u ? words.z : words.w);
        const real value = OWNED(k) ? real(4.0) * drey_uniform(chosen) - real(2.0) : real(0.0);
        PUT(q, k, value)
      }
#else
      BLOCKS(b) {
        const uvec4 words = philox(
            drey_counter(attempts * uint(PADDED / 4) + uint(b), 0u, chain, DREY_START, push.phase), key);
        q[4 * b] = real(4.0) * drey_uniform(words.x) - real(2.0);
        q[4 * b + 1] = real(4.0) * drey_uniform(words.y) - real(2.0);
        q[4 * b + 2] = real(4.0) * drey_uniform(words.z) - real(2.0);
        q[4 * b + 3] = real(4.0) * drey_uniform(words.w) - real(2.0);
      }
#endif
      EACH(d) {
        p[d] = real(0.0);
        g[d] = real(0.0);
      }
      mode = DISPERSED;
    }

#ifdef LANES
    // A software driver walks through both sides of every `if`: what comes at every fourth leaf is kept apart from
    // what comes once a transition.
    while (true) {
      DEEP_MERGE
      if (!LIVE || round >= push.rounds) break;
      TICKS
      round += 1u;
    }
#else
    TICKS
    round += 1u;
#endif
  }

  // State out.
  if (mine) {
    uint at = STATE_BEGIN;
#define STORE(x) if (LEADER) state_real[at] = x; at += STATE_STRIDE;
#ifdef LANES
    store_slots(q, at); NEXT
    store_slots(p, at); NEXT
    store_slots(g, at); NEXT
    store_slots(other_q, at); NEXT
    store_slots(other_p, at); NEXT
    store_slots(other_g, at); NEXT
    store_slots(sample_q, at); NEXT
    store_slots(sample_g, at); NEXT
    store_slots(proposal_q, at); NEXT
    store_slots(proposal_g, at); NEXT
    store_slots(rho, at); NEXT
    store_slots(sub_rho, at); NEXT
    store_slots(first_p, at); NEXT
    store_slots(second_p, at); NEXT
    store_slots(last_four_p, at); NEXT
    store_slots(last_four_rho, at); NEXT
#else
    STATE(CARRIER)
#ifdef WRITTEN_OUT
    EACH(d) {
      const int e = d;
      STATE(GIVE)
    }
#endif
    for (uint k = 0u; k < push.slots_held; ++k) {
      at = lane + push.stride * k;
#define DELIVER(x, io) state_real[at] = CARRIED(x, io)[k]; at += push.stride * uint(DIMENSION);
      STATE(DELIVER)
    }
    at = lane + push.stride * uint(16 * DIMENSION);
#endif
    STORE(start_lp) STORE(start_kinetic) STORE(log_weight) STORE(sub_log_weight)
    STORE(sample_lp) STORE(sample_w) STORE(proposal_lp) STORE(proposal_w) STORE(accept)
    at = lane;
#define STORE_WORD(x) if (LEADER) state_word[at] = x; at += push.stride;
    STORE_WORD(mode) STORE_WORD(iteration) STORE_WORD(depth) STORE_WORD(leaf)
    STORE_WORD(directions) STORE_WORD(leapfrogs) STORE_WORD(divergent) STORE_WORD(attempts)
  }
  for (uint i = 0u; i < CHECKPOINT_ROWS * push.slots_held; ++i) {
    const uint at = STATE_BEGIN + STATE_STRIDE * (CHECKPOINTS_AT + 3u * CHECKPOINT(i));
    if (mine && CHECKPOINT_OWNED(i)) {
      state_real[at] = begin_p[i];
      state_real[at + STATE_STRIDE] = before_p[i];
      state_real[at + 2u * STATE_STRIDE] = before_rho[i];
    }
  }
  // A driver that stops loops after so many trips stops this one too: then the marker is wrong.
  uint trips = 0u;
  for (uint i = 0u; i < push.probe; ++i) trips = trips * 2u + 1u + (i & state_word[lane]) * 0u;
  const bool whole = trips == 3u &&
                     (round >= push.rounds || (mode == FRESH && iteration >= push.limit) || mode == FAILED);
  if (mine && LEADER) {
    state_word[lane + 8u * push.stride] = whole ? push.stamp : 0u;
    state_word[lane + 9u * push.stride] = used;
    state_word[lane + 10u * push.stride] = made;
  }
}

// DEEP MERGE BEGIN
    if (mode == FOUR) {
      // Four leaves of a deep subtree are there, the last of them at the moving end.
      const uint four = (leaf - 4u) >> 2;
      const uint row = uint(bitCount(four >> 1));
      bool stop = false;
      if ((four & 1u) == 0u) {
        EACH(d) {
          begin_p[row * uint(SLOTS) + uint(d)] = first_p[d];
          before_p[row * uint(SLOTS) + uint(d)] = last_four_p[d];
          before_rho[row * uint(SLOTS) + uint(d)] = last_four_rho[d];
        }
      }
      // Every block of 8, 16, 32.. leaves that ends here is a merge of two halves. The seam of the first is the
      // begin of these four, that of the next the begin of the merge before.
      const uint merges = uint(findLSB(~four));
      for (uint k = 0u; k < merges && !stop; ++k) {
        const uint left = (row - k) * uint(SLOTS);
        real whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0),
             e2 = real(0.0);
        EACH(d) {
          const real left_p = begin_p[left + uint(d)], left_before = before_p[left + uint(d)],
                     left_rho = before_rho[left + uint(d)];
          const real sum = sub_rho[d] - left_rho;
          const real to_right = (last_four_rho[d] - left_rho) + first_p[d];
          const real from_left = (sub_rho[d] - last_four_rho[d]) + last_four_p[d];
          whole_begin += sum * left_p;
          whole_end += sum * p[d];
          a += to_right * left_p;
          b += to_right * first_p[d];
          c += from_left * last_four_p[d];
          e2 += from_left * p[d];
          first_p[d] = left_p;
          last_four_p[d] = left_before;
          last_four_rho[d] = left_rho;
        }
        SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
        stop = !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&
                 c > real(0.0) && e2 > real(0.0));
      }
      mode = RUNNING;
      if (stop) {
        mode = FINISHED;
      } else if (leaf == (1u << depth)) {
        MERGE_SUBTREE
      }
    }
// DEEP MERGE END

// TICKS BEGIN
    // Ticks, until this chain has something seldom to do.
#ifdef TOGETHER
    for (uint tick = 0u; tick < push.ticks; ++tick) {
      const bool live = LIVE;
      if (!subgroupAny(live)) break;
      made += 1u;
#else
#ifndef LANES
    made += push.ticks;  // at most: its subgroup's last live lane says how many
#endif
    for (uint tick = 0u; tick < push.ticks && LIVE; ++tick) {
      const bool live = true;
#endif
      const real sign = mode == RUNNING ? (((directions >> depth) & 1u) == 1u ? real(1.0) : real(-1.0)) : real(0.0);
      real last_p[SLOTS];
      if (live) {
#ifdef DENSE
        EACH(d) { last_p[d] = p[d]; }
        KICK(real(0.5) * sign)
        DRIFT(sign)
#else
        EACH(d) {
          last_p[d] = p[d];
          p[d] += real(0.5) * sign * h[d] * g[d];
          q[d] += sign * h[d] * p[d];
        }
#endif
      }
      EACH(d) { model_point[d] = q[d]; }
      model_run();
      if (!live) continue;
      used += 1u;
      const real lp = model_target;
      real kinetic = real(0.0);
#ifdef DENSE
      EACH(d) { g[d] = model_gradient[d]; }
      KICK(real(0.5) * sign)
      EACH(d) { kinetic += p[d] * p[d]; }
#else
      EACH(d) {
        g[d] = model_gradient[d];
        p[d] += real(0.5) * sign * h[d] * g[d];
        kinetic += p[d] * p[d];
      }
#endif
      SUM(kinetic)
      if (mode != RUNNING) {
        real size = real(0.0);
        EACH(d) { size += abs(g[d]); }
        SUM(size)
        size += abs(lp);
        if (size < real(1e30)) {
          EACH(d) {
            sample_q[d] = q[d];
            sample_g[d] = g[d];
          }
          sample_lp = lp;
          mode = FRESH;
        } else {
          attempts += 1u;
          mode = mode == DISPERSED && attempts < START_ATTEMPTS ? DISPERSE : FAILED;
        }
      } else {
        // Energies relative to the start of the trajectory; NaN compares false.
        // Precise: drivers reassociate sums, and these differences are of numbers much larger than they.
        precise const real w = (lp - start_lp) + (start_kinetic - real(0.5) * kinetic);
        const bool good = w > -MAX_ENERGY_ERROR && w < real(1e30);
        leapfrogs += 1u;
        bool stop = !good;
        if (!good) divergent = 1u;
        if (w > -MAX_ENERGY_ERROR) accept += nuts_exp(min(w, real(0.0)));
        if (good) {
          // The subtree's proposal: a stream of leaves, each taken with its share of the weight so far.
          const uint heap = (1u << depth) + leaf;
          const uvec4 words = philox(drey_counter(heap >> 2, iteration, chain, DREY_LEAF, push.phase), key);
          const uint word = (heap & 2u) == 0u ? ((heap & 1u) == 0u ? words.x : words.y)
                                              : ((heap & 1u) == 0u ? words.z : words.w);
          const real gain = w - sub_log_weight;
          const real e = nuts_exp(-abs(gain));
          const real share = (gain > real(0.0) ? real(1.0) : e) / (real(1.0) + e);
          sub_log_weight = max(w, sub_log_weight) + nuts_log(real(1.0) + e);
          if (leaf == 0u || drey_uniform(word) < share) {
            EACH(d) {
              proposal_q[d] = q[d];
              proposal_g[d] = g[d];
            }
            proposal_lp = lp;
            proposal_w = w;
          }
          const uint place = leaf & 3u;
          if (place == 0u) {
            EACH(d) {
              first_p[d] = p[d];
              last_four_p[d] = last_p[d];
              last_four_rho[d] = sub_rho[d];
            }
          }
          if (place == 1u) {
            EACH(d) { second_p[d] = p[d]; }
          }
          EACH(d) { sub_rho[d] += p[d]; }
          // The merge of two leaves, and of two pairs.
          if ((place & 1u) == 1u) {
            real pair_begin = real(0.0), pair_end = real(0.0);
            EACH(d) {
              const real sum = last_p[d] + p[d];
              pair_begin += sum * last_p[d];
              pair_end += sum * p[d];
            }
            SUM(pair_begin) SUM(pair_end)
            stop = !(pair_begin > real(0.0) && pair_end > real(0.0));
          }
          if (place == 3u) {
            real whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0),
                 e2 = real(0.0);
            EACH(d) {
              const real sum = sub_rho[d] - last_four_rho[d];
              const real to_right = first_p[d] + second_p[d] + last_p[d];
              const real from_left = last_p[d] + p[d] + second_p[d];
              whole_begin += sum * first_p[d];
              whole_end += sum * p[d];
              a += to_right * first_p[d];
              b += to_right * last_p[d];
              c += from_left * second_p[d];
              e2 += from_left * p[d];
            }
            SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
            stop = stop || !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&
                             c > real(0.0) && e2 > real(0.0));
          }
          leaf += 1u;
        }
        if (stop) {
          mode = FINISHED;
        } else if (depth > 2u && (leaf & 3u) == 0u) {
          mode = FOUR;
        } else if (leaf == (1u << depth)) {
          MERGE_SUBTREE
        }
      }
    }
// TICKS END

// MERGE BEGIN
// The subtree is whole and did not turn: merge it into the tree. Its first leaf's momentum stands in first_p, that of
// the leaf before it in last_four_p.
// The subtree is whole and did not turn: merge it into the tree.
const uvec4 words = philox(drey_counter(depth >> 2, iteration, chain, DREY_MERGE, push.phase), key);
const uint word = (depth & 2u) == 0u ? ((depth & 1u) == 0u ? words.x : words.y)
                                     : ((depth & 1u) == 0u ? words.z : words.w);
const real gain = sub_log_weight - log_weight;
if (gain >= real(0.0) || drey_uniform(word) < nuts_exp(gain)) {
  EACH(d) {
    sample_q[d] = proposal_q[d];
    sample_g[d] = proposal_g[d];
  }
  sample_lp = proposal_lp;
  sample_w = proposal_w;
}
log_weight = max(log_weight, sub_log_weight) + nuts_log(real(1.0) + nuts_exp(-abs(gain)));
real a = real(0.0), b = real(0.0), c = real(0.0), e2 = real(0.0), whole_begin = real(0.0),
     whole_end = real(0.0);
EACH(d) {
  const real sum = rho[d] + sub_rho[d];
  const real to_right = rho[d] + first_p[d];
  const real from_left = sub_rho[d] + last_four_p[d];
  whole_begin += sum * other_p[d];
  whole_end += sum * p[d];
  a += to_right * other_p[d];
  b += to_right * first_p[d];
  c += from_left * last_four_p[d];
  e2 += from_left * p[d];
  rho[d] = sum;
  sub_rho[d] = real(0.0);
}
depth += 1u;
SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
const bool done = !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&
         c > real(0.0) && e2 > real(0.0)) ||
       depth >= push.depth_cap;
leaf = 0u;
sub_log_weight = NONE;
if (!done && (((directions >> depth) ^ (directions >> (depth - 1u))) & 1u) == 1u) {
  EACH(d) {
    real swap = q[d];
    q[d] = other_q[d];
    other_q[d] = swap;
    swap = p[d];
    p[d] = other_p[d];
    other_p[d] = swap;
    swap = g[d];
    g[d] = other_g[d];
    other_g[d] = swap;
  }
}
mode = done ? FINISHED : RUNNING;
// MERGE END
