// Philox4x32-10: Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
// A counter and a key in, four words out; no state. nuts/philox.h is the same function on the host.
uvec4 philox(uvec4 counter, uvec2 key) {
#define DREY_PHILOX_ROUND                                        \
  {                                                              \
    uint hi0, lo0, hi1, lo1;                                     \
    umulExtended(0xD2511F53u, counter.x, hi0, lo0);              \
    umulExtended(0xCD9E8D57u, counter.z, hi1, lo1);              \
    counter = uvec4(hi1 ^ counter.y ^ key.x, lo1, hi0 ^ counter.w ^ key.y, lo0); \
  }
#define DREY_PHILOX_BUMP key += uvec2(0x9E3779B9u, 0xBB67AE85u);
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND DREY_PHILOX_BUMP
  DREY_PHILOX_ROUND
  return counter;
}

// What a random number is for: no two purposes share a counter. nuts/philox.h names the same.
const uint DREY_MOMENTUM = 0u;   // index: block of four normals
const uint DREY_DIRECTION = 1u;  // one word a transition: bit j is the direction of the doubling at depth j
const uint DREY_LEAF = 2u;       // word 2^depth + leaf: whether a leaf becomes its subtree's proposal
const uint DREY_MERGE = 3u;      // word depth: whether a subtree's proposal becomes the sample
const uint DREY_OUTPUT = 5u;     // index: block of four draws of the generated quantities

// Counter of a chain's numbers: `chain` is the 56-bit global number of the chain, `phase` 0 when sampling, 1 in
// warm-up.
uvec4 drey_counter(uint index, uint iteration, uvec2 chain, uint purpose, uint phase) {
  return uvec4(index, iteration, chain.x, (chain.y << 8) | (phase << 4) | purpose);
}

// A uniform in (0, 1) of 32 bits; in f32 the rounding may reach 1.
real drey_uniform(uint word) { return (real(word) + real(0.5)) * real(2.3283064365386963e-10); }

// As drey_uniform, but below 1 in f32 too: the largest float there is, so that no quantile is infinite.
real drey_open_uniform(uint word) {
#ifdef DREY_F64
  return drey_uniform(word);
#else
  return min(drey_uniform(word), real(0.99999994));
#endif
}
