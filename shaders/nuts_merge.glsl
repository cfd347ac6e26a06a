// The subtree is whole and did not turn: merge it into the tree. Its first leaf's momentum stands in first_p, that of
// the leaf before it in last_four_p. A part of nuts.comp.
const uint word = (depth & 2u) == 0u ? ((depth & 1u) == 0u ? merge_words.x : merge_words.y)
                                     : ((depth & 1u) == 0u ? merge_words.z : merge_words.w);
const real gain = sub_log_weight - log_weight;
const real e = nuts_exp(-abs(gain));
const real old_weight = gain > real(0.0) ? weight * e : weight, new_weight = gain > real(0.0) ? sub_weight : sub_weight * e;
if (drey_uniform(word) * old_weight < new_weight) {
  EACH_STORED(d) {
    GET_PAIR(proposal, proposal_q, proposal_g, d)
    SET_PAIR(sample_q, sample_g, d, proposal.x, proposal.y)
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
  GET_PAIR(other, other_p, rho, d)
  GET_PAIR(seam, last_four_p, last_four_rho, d)
  const real first = SLOT(first_p, d);
  const real whole = other.y + sub_rho_d, with_first = other.y + first, with_seam = sub_rho_d + seam.x;
  SEAM(whole, with_first, with_seam, other.x, seam.x, first, p_d)
  SET_PAIR(other_p, rho, d, other.x, whole)
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
    GET_PAIR(end, other_q, other_g, d)
    GET_PAIR(other, other_p, rho, d)
    WRITE(q, d, end.x)
    WRITE(p, d, other.x)
    WRITE(g, d, end.y)
    SET_PAIR(other_q, other_g, d, q_d, g_d)
    SET_PAIR(other_p, rho, d, p_d, other.y)
  }
}
mode = done ? FINISHED : RUNNING;
