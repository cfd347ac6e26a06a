// How a chain's state comes from the buffers and goes back. A part of nuts.comp.

// State that one subgroup reads as a whole lies together: [chain][component].
#ifdef LANES
#define STATE_BEGIN (lane * STATE_REALS)
#define STATE_STRIDE 1u
#else
#define STATE_BEGIN lane
#define STATE_STRIDE stride
#endif

// Checkpoints that the subtree under way may read: one for each bit of an even block's number but the last.
#define CHECKPOINT_ROWS min(max(depth, 2u) - 2u, uint(ROWS))

// A chain's arrays in the order of StateLayout, then its numbers, then its words.
#define STATE_ARRAYS(F) F(q, 0) F(p, 1) F(g, 2) F(other_q, 3) F(other_p, 4) F(other_g, 5) F(sample_q, 6) \
  F(sample_g, 7) F(proposal_q, 8) F(proposal_g, 9) F(rho, 10) F(sub_rho, 11) F(first_p, 12) F(second_p, 13) \
  F(third_p, 14) F(last_four_p, 15) F(last_four_rho, 16)
#define STATE_NUMBERS(F) F(start_lp, 0) F(start_kinetic, 1) F(log_weight, 2) F(sub_log_weight, 3) F(sample_lp, 4) \
  F(sample_w, 5) F(proposal_lp, 6) F(proposal_w, 7) F(accept, 8) F(weight, 9) F(sub_weight, 10)
#define STATE_WORDS(F) F(mode, 0) F(iteration, 1) F(depth, 2) F(leaf, 3) F(directions, 4) F(leapfrogs, 5) \
  F(divergent, 6) F(attempts, 7)

#ifdef LANES
#define LEADER (gl_SubgroupInvocationID == 0u)
#define OWNED(d) (uint(d) * LANES + gl_SubgroupInvocationID < uint(DIMENSION))
#define ELEMENT(d) (uint(d) * LANES + gl_SubgroupInvocationID)
#define CHECKPOINT(i) (i / uint(SLOTS) * uint(DIMENSION) + ELEMENT(i % uint(SLOTS)))
#define CHECKPOINT_OWNED(i) OWNED(i % uint(SLOTS))
#else
#define LEADER true
#define OWNED(d) true
#define ELEMENT(d) uint(d)
#define CHECKPOINT(i) i
#define CHECKPOINT_OWNED(i) true
#endif
// A driver takes an array's size for a bound of the loops over it: larger than what it writes out.
#define AT_LEAST(size) ((size) > 40 ? (size) : 40)
#define CHECKPOINTS AT_LEAST(ROWS * SLOTS)

// What lies in buffers, or is indexed by what lanes do not share, goes slot by slot in a loop: many places that read or
// write such memory are much for a driver to compile. PUT and GET (nuts/kernel_source.cpp) write or read the slot k of an
// array whose other indices are constants: an array that a loop indexes lies in memory, and a software driver's compiler
// looks at every pair of its uses.
#define STATE_AT(k, n) (STATE_BEGIN + STATE_STRIDE * (ELEMENT(k) + uint(n * DIMENSION)))
#define FETCH(x, n) { const real value = OWNED(k) ? state_real[STATE_AT(k, n)] : real(0.0); PUT(x, k, value) }
#define DELIVER(x, n) { GET(value, x, k) if (OWNED(k)) state_real[STATE_AT(k, n)] = value; }
#define NUMBER_AT(k) (STATE_BEGIN + STATE_STRIDE * (uint(17 * DIMENSION) + k))
#define FROM_VALUE(x, n) if (k == uint(n)) x = value;
#define TO_VALUE(x, n) if (k == uint(n)) value = x;
#ifdef LANES
void record_slots(real x[SLOTS], uint at) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    GET(value, x, k)
    if (OWNED(k)) record[2u * (at + (ELEMENT(k) >> 1) * push.stride) + (ELEMENT(k) & 1u)] = value;
  }
}
#endif
