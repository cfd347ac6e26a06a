// The U-turn checks of a deep subtree's merges at the end of a block, four leaves that did not turn. A part of nuts.comp.
// Checkpoints at blocks of even number; every 8, 16, 32.. leaves that end here are a merge of two halves. The seam
// of the first is the begin of this block, that of the next the begin of the merge before.
const uint four = (leaf - 4u) >> 2;
const uint row = uint(bitCount(four >> 1));
if ((four & 1u) == 0u) {
  for (uint k = 0u; k < held; ++k) {
    GET_SLOT(begin, first_p, k)
    PICK_PAIR(before, last_four_p, last_four_rho, k)
    REAL_AT(CHECKPOINT(row, k)) = begin;
    PAIR_AT(CHECKPOINT_PAIR(row, k)) = PAIR(before.x, before.y);
  }
}
const uint merges = uint(findLSB(~four));
for (uint k = 0u; k < merges && !stop; ++k) {
  const uint left = row - k;
#ifndef STORED
  real left_p[SLOTS], left_before[SLOTS], left_rho[SLOTS];
  for (uint j = 0u; j < held; ++j) {
    const real begin = REAL_AT(CHECKPOINT(left, j));
    const real2 before = OF_PAIR(PAIR_AT(CHECKPOINT_PAIR(left, j)));
    PUT(left_p, j, begin)
    PUT(left_before, j, before.x)
    PUT(left_rho, j, before.y)
  }
#endif
  SEAM_SUMS
  EACH_STORED(d) {
    READ(p_d, p, d)
    READ(sub_rho_d, sub_rho, d)
#ifdef STORED
    const real begin = REAL_AT(CHECKPOINT(left, d));
    const real2 before = OF_PAIR(PAIR_AT(CHECKPOINT_PAIR(left, d)));
#else
    const real begin = left_p[d];
    const real2 before = real2(left_before[d], left_rho[d]);
#endif
    GET_PAIR(seam, last_four_p, last_four_rho, d)
    const real first = SLOT(first_p, d);
    const real whole = sub_rho_d - before.y;
    const real with_first = (seam.y - before.y) + first, with_seam = (sub_rho_d - seam.y) + seam.x;
    SEAM(whole, with_first, with_seam, begin, seam.x, first, p_d)
    SLOT(first_p, d) = begin;
    SET_PAIR(last_four_p, last_four_rho, d, before.x, before.y)
  }
  SUM_SEAMS
  stop = TURNED;
}
