// How a chain's state comes from the buffers and goes back. A part of nuts.comp.

// State that one subgroup reads as a whole lies together: [chain][component].
#ifdef LANES
#define PAIR_BEGIN (lane * (STATE_REALS / 2u))
#define REAL_BEGIN (lane * STATE_REALS + 2u * STATE_PAIRS)
#define STATE_STRIDE 1u
#define LEADER (gl_SubgroupInvocationID == 0u)
#define OWNED(d) (uint(d) * LANES + gl_SubgroupInvocationID < uint(DIMENSION))
#define ELEMENT(d) (uint(d) * LANES + gl_SubgroupInvocationID)
#else
#define PAIR_BEGIN lane
#define REAL_BEGIN (2u * STATE_PAIRS * stride + lane)
#define STATE_STRIDE stride
#define LEADER true
#define OWNED(d) true
#define ELEMENT(d) uint(d)
#endif

// A chain's arrays in the order of StateLayout: those that every tick moves, the first leaves of a block; by pairs, which
// are read and written together, those of the other end, of the positions chosen, of the leaf before the block; then its
// numbers, its words.
#define MOVING_ARRAYS(F) F(q, 0) F(p, 1) F(g, 2) F(sub_rho, 3)
#define LEAF_ARRAYS(F) F(first_p, 4) F(second_p, 5) F(third_p, 6)
#define END_PAIRS(F) F(other_q, other_g, 0) F(other_p, rho, 1)
#define CHOSEN_PAIRS(F) F(sample_q, sample_g, 2) F(proposal_q, proposal_g, 3)
#define BLOCK_PAIRS(F) F(last_four_p, last_four_rho, 4)
#define STATE_NUMBERS(F) F(start_lp, 0) F(start_kinetic, 1) F(log_weight, 2) F(sub_log_weight, 3) F(sample_lp, 4) \
  F(sample_w, 5) F(proposal_lp, 6) F(proposal_w, 7) F(accept, 8) F(weight, 9) F(sub_weight, 10)
#define STATE_WORDS(F) F(mode, 0) F(iteration, 1) F(depth, 2) F(leaf, 3) F(directions, 4) F(leapfrogs, 5) \
  F(divergent, 6)

// STORED: the arrays that not every tick moves stay in the buffer. Then the name of such an array, of two that are a pair
// the first's, is the number of its first component or pair. SLOT(x, d) is its slot d in either case, GET_PAIR(v, x, y, d)
// makes a real2 of the slots of a pair, SET_PAIR(x, y, d, a, b) replaces them; loops over slots that touch one are
// EACH_STORED, in which READ(v, x, d) makes v of the moving array's slot d and WRITE(x, d, v) replaces it.
#define REAL_AT(component) state_real[REAL_BEGIN + STATE_STRIDE * (component)]
#define PAIR_AT(pair) state_pair[PAIR_BEGIN + STATE_STRIDE * (pair)]
#define REGISTERS(x, n) real x[PADDED_SLOTS];
#ifdef STORED
#define SLOT(x, d) REAL_AT(x + ELEMENT(d))
#define GET_SLOT(v, x, k) const real v = SLOT(x, k);
#define GET_PAIR(v, x, y, d) const real2 v = OF_PAIR(PAIR_AT(x + ELEMENT(d)));
#define PICK_PAIR(v, x, y, k) GET_PAIR(v, x, y, k)
#define SET_PAIR(x, y, d, a, b) PAIR_AT(x + ELEMENT(d)) = PAIR(a, b);
#define ARRAY(x, n) const uint x = uint(n * ELEMENTS);
#define ARRAYS(x, y, n) ARRAY(x, n)
#define READ(v, x, d) GET(v, x, d)
#define WRITE(x, d, v) { const real written = v; PUT(x, d, written) }
#else
#define SLOT(x, d) x[d]
#define GET_SLOT(v, x, k) GET(v, x, k)
#define GET_PAIR(v, x, y, d) const real2 v = real2(x[d], y[d]);
#define PICK_PAIR(v, x, y, k) real2 v = real2(0.0); PICK(v[0], x, k) PICK(v[1], y, k)
#define SET_PAIR(x, y, d, a, b) { x[d] = a; y[d] = b; }
#define ARRAY(x, n) REGISTERS(x, n)
#define ARRAYS(x, y, n) REGISTERS(x, n) REGISTERS(y, n)
#define READ(v, x, d) const real v = x[d];
#define WRITE(x, d, v) x[d] = v;
#endif
// Checkpoints, at blocks of even number, always stay there. A checkpoint's numbers of an element: the momentum of the
// first leaf, and as a pair that of the leaf before it and the sum before it.
#define CHECKPOINT(row, d) (CHECKPOINTS_AT + (row) * uint(ELEMENTS) + ELEMENT(d))
#define CHECKPOINT_PAIR(row, d) (CHECKPOINT_PAIRS_AT + (row) * uint(ELEMENTS) + ELEMENT(d))

// What lies in buffers, or is indexed by what lanes do not share, goes slot by slot in a loop: many places that read or
// write such memory are much for a driver to compile. PUT and GET (nuts/kernel_source.cpp) write or read the slot k of an
// array whose other indices are constants: an array that a loop indexes lies in memory, and a software driver's compiler
// looks at every pair of its uses.
//
// UNROLLED: all arrays, or pairs, of a group [from, to), slot after slot: one such place, a look at every slot of the group
// for each.
#ifdef UNROLLED
#define FETCH_PAIRS(GROUP, from, to) \
  for (uint i = from * uint(SLOTS); i < to * held; ++i) { const real2 value = OF_PAIR(PAIR_AT(ELEMENT(i))); GROUP(TO_PAIR) }
#define DELIVER_PAIRS(GROUP, from, to) \
  for (uint i = from * uint(SLOTS); i < to * held; ++i) { \
    real2 value = real2(0.0); \
    GROUP(FROM_PAIR) \
    PAIR_AT(ELEMENT(i)) = PAIR(value.x, value.y); \
  }
#define TO_PAIR(x, y, n) { const uint k = i - uint(n * SLOTS); PUT(x, k, value[0]) PUT(y, k, value[1]) }
#define FROM_PAIR(x, y, n) { const uint k = i - uint(n * SLOTS); PICK(value[0], x, k) PICK(value[1], y, k) }
#define FETCH(GROUP, from, to) \
  for (uint i = from * uint(SLOTS); i < to * held; ++i) { const real value = REAL_AT(ELEMENT(i)); GROUP(TO_ARRAY) }
#define DELIVER(GROUP, from, to) \
  for (uint i = from * uint(SLOTS); i < to * held; ++i) { real value = real(0.0); GROUP(FROM_ARRAY) REAL_AT(ELEMENT(i)) = value; }
#define TO_ARRAY(x, n) { const uint k = i - uint(n * SLOTS); PUT(x, k, value) }
#define FROM_ARRAY(x, n) { const uint k = i - uint(n * SLOTS); PICK(value, x, k) }
#else
#define FETCH(GROUP, from, to) for (uint k = 0u; k < held; ++k) { GROUP(TO_ARRAY) }
#define DELIVER(GROUP, from, to) for (uint k = 0u; k < held; ++k) { GROUP(FROM_ARRAY) }
#define TO_ARRAY(x, n) x[k] = REAL_AT(ELEMENT(k) + uint(n * ELEMENTS));
#define FROM_ARRAY(x, n) REAL_AT(ELEMENT(k) + uint(n * ELEMENTS)) = x[k];
#endif
#define NUMBER(k) REAL_AT(uint(7 * ELEMENTS) + k)
#define FROM_VALUE(x, n) if (k == uint(n)) x = value;
#define TO_VALUE(x, n) if (k == uint(n)) value = x;
#ifdef LANES
// A number of record, in which `at` counts pairs.
#define RECORDED_AT(k) (2u * (at + (ELEMENT(k) >> 1) * stride) + (ELEMENT(k) & 1u))
#endif

// A diagonal metric: h, the step in each coordinate. Others: nuts/kernel_source.cpp.
#ifndef METRIC
#define METRIC \
  real h[SLOTS]; \
  for (uint k = 0u; k < held; ++k) { \
    const real value = OWNED(k) ? step_size * scale[ELEMENT(k)] : real(0.0); \
    PUT(h, k, value) \
  }
#endif
