// The subtree is whole and did not turn: merge it into the tree. Its first leaf's momentum stands in first_p, that of
// the leaf before it in last_four_p. A part of nuts.comp.
const uint word = (depth & 2u) == 0u ? ((depth & 1u) == 0u ? merge_words.x : merge_words.y)
                                     : ((depth & 1u) == 0u ? merge_words.z : merge_words.w);
const real gain = sub_log_weight - log_weight;
const real e = nuts_exp(-abs(gain));
const real old_weight = gain > real(0.0) ? weight * e : weight, new_weight = gain > real(0.0) ? sub_weight : sub_weight * e;
if (drey_uniform(word) * old_weight < new_weight) {
  EACH(d) {
    sample_q[d] = proposal_q[d];
    sample_g[d] = proposal_g[d];
  }
  sample_lp = proposal_lp;
  sample_w = proposal_w;
}
weight = old_weight + new_weight;
log_weight = max(log_weight, sub_log_weight);
whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0), e2 = real(0.0);
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
       depth >= depth_cap;
leaf = 0u;
sub_log_weight = NONE;
sub_weight = real(0.0);
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
