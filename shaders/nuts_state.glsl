// How a chain's state comes from the buffers and goes back. A part of nuts.comp.

// State that one subgroup reads as a whole lies together: [chain][component].
#ifdef LANES
#define STATE_BEGIN (lane * STATE_REALS)
#define STATE_STRIDE 1u
#else
#define STATE_BEGIN lane
#define STATE_STRIDE push.stride
#endif

// Checkpoints that the subtree under way may read: one for each bit of an even block's number but the last.
#define CHECKPOINT_ROWS min(max(depth, 2u) - 2u, uint(ROWS))

// The arrays of a chain's state in the order of StateLayout, each with the array that carries it where one does.
#define STATE(F) F(q, io_q) F(p, io_p) F(g, io_g) F(other_q, io_other_q) F(other_p, io_other_p) F(other_g, io_other_g) \
  F(sample_q, io_sample_q) F(sample_g, io_sample_g) F(proposal_q, io_proposal_q) F(proposal_g, io_proposal_g) \
  F(rho, io_rho) F(sub_rho, io_sub_rho) F(first_p, io_first_p) F(second_p, io_second_p) F(third_p, io_third_p) \
  F(last_four_p, io_last_four_p) F(last_four_rho, io_last_four_rho)

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
#define LOAD_SLOTS(x, io) load_slots(x, at); at += uint(DIMENSION);
void store_slots(real x[SLOTS], uint at) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    GET(value, x, k)
    if (OWNED(k)) state_real[at + ELEMENT(k)] = value;
  }
}
#define STORE_SLOTS(x, io) store_slots(x, at); at += uint(DIMENSION);
void record_slots(real x[SLOTS], uint at) {
  for (uint k = 0u; k < push.slots_held; ++k) {
    GET(value, x, k)
    if (OWNED(k)) record[2u * (at + (ELEMENT(k) >> 1) * push.stride) + (ELEMENT(k) & 1u)] = value;
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
#endif
#define AT_LEAST(size) ((size) > 40 ? (size) : 40)
#define CHECKPOINTS AT_LEAST(ROWS * SLOTS)
