// The subtree is whole and did not turn: merge it into the tree. Its first leaf's momentum stands in first_p, that of
// the leaf before it in last_four_p. A part of nuts.comp.
const uint word = (depth & 2u) == 0u ? ((depth & 1u) == 0u ? merge_words.x : merge_words.y)
                                     : ((depth & 1u) == 0u ? merge_words.z : merge_words.w);
const real gain = sub_log_weight - log_weight;
const real e = nuts_exp(-abs(gain));
const real old_weight = gain > real(0.0) ? weight * e : weight, new_weight = gain > real(0.0) ? sub_weight : sub_weight * e;
if (drey_uniform(word) * old_weight < new_weight) {
  EACH_STORED(d) {
    SLOT(sample_q, d) = SLOT(proposal_q, d);
    SLOT(sample_g, d) = SLOT(proposal_g, d);
  }
  sample_lp = proposal_lp;
  sample_w = proposal_w;
}
weight = old_weight + new_weight;
log_weight = max(log_weight, sub_log_weight);
SEAM_SUMS
EACH_STORED(d) {
  READ(p_d, p, d)
  READ(sub_rho_d, sub_rho, d)
  const real begin = SLOT(other_p, d), first = SLOT(first_p, d), seam = SLOT(last_four_p, d), before_sum = SLOT(rho, d);
  const real whole = before_sum + sub_rho_d, with_first = before_sum + first, with_seam = sub_rho_d + seam;
  SEAM(whole, with_first, with_seam, begin, seam, first, p_d)
  SLOT(rho, d) = whole;
  WRITE(sub_rho, d, real(0.0))
}
depth += 1u;
SUM_SEAMS
const bool done = TURNED || depth >= depth_cap;
leaf = 0u;
sub_log_weight = NONE;
sub_weight = real(0.0);
if (!done && (((directions >> depth) ^ (directions >> (depth - 1u))) & 1u) == 1u) {
  EACH_STORED(d) {
    READ(q_d, q, d)
    READ(p_d, p, d)
    READ(g_d, g, d)
    WRITE(q, d, SLOT(other_q, d))
    WRITE(p, d, SLOT(other_p, d))
    WRITE(g, d, SLOT(other_g, d))
    SLOT(other_q, d) = q_d;
    SLOT(other_p, d) = p_d;
    SLOT(other_g, d) = g_d;
  }
}
mode = done ? FINISHED : RUNNING;
