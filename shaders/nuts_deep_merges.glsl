// The U-turn checks of a deep subtree's merges at the end of a block, four leaves that did not turn. A part of nuts.comp.
// Checkpoints at blocks of even number; every 8, 16, 32.. leaves that end here are a merge of two halves. The seam
// of the first is the begin of this block, that of the next the begin of the merge before.
const uint four = (leaf - 4u) >> 2;
const uint row = uint(bitCount(four >> 1));
if ((four & 1u) == 0u) {
  for (uint k = 0u; k < held; ++k) {
    GET_SLOT(begin, first_p, k)
    GET_SLOT(before, last_four_p, k)
    GET_SLOT(sum, last_four_rho, k)
    REAL_AT(CHECKPOINT(row, k)) = begin;
    REAL_AT(CHECKPOINT(row, k) + 1u) = before;
    REAL_AT(CHECKPOINT(row, k) + 2u) = sum;
  }
}
const uint merges = uint(findLSB(~four));
for (uint k = 0u; k < merges && !stop; ++k) {
  const uint left = row - k;
#ifndef STORED
  real left_p[SLOTS], left_before[SLOTS], left_rho[SLOTS];
  for (uint j = 0u; j < held; ++j) {
    const real begin = REAL_AT(CHECKPOINT(left, j)), before = REAL_AT(CHECKPOINT(left, j) + 1u),
               sum = REAL_AT(CHECKPOINT(left, j) + 2u);
    PUT(left_p, j, begin)
    PUT(left_before, j, before)
    PUT(left_rho, j, sum)
  }
#endif
  SEAM_SUMS
  EACH_STORED(d) {
    READ(p_d, p, d)
    READ(sub_rho_d, sub_rho, d)
#ifdef STORED
    const real begin = REAL_AT(CHECKPOINT(left, d)), before = REAL_AT(CHECKPOINT(left, d) + 1u),
               before_sum = REAL_AT(CHECKPOINT(left, d) + 2u);
#else
    const real begin = left_p[d], before = left_before[d], before_sum = left_rho[d];
#endif
    const real first = SLOT(first_p, d), seam = SLOT(last_four_p, d), seam_sum = SLOT(last_four_rho, d);
    const real whole = sub_rho_d - before_sum;
    const real with_first = (seam_sum - before_sum) + first, with_seam = (sub_rho_d - seam_sum) + seam;
    SEAM(whole, with_first, with_seam, begin, seam, first, p_d)
    SLOT(first_p, d) = begin;
    SLOT(last_four_p, d) = before;
    SLOT(last_four_rho, d) = before_sum;
  }
  SUM_SEAMS
  stop = TURNED;
}
