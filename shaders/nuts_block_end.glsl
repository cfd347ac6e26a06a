// The end of a block whose merges are made: that of the subtree, if it is whole. A part of nuts.comp.
mode = stop ? FINISHED : RUNNING;
if (mode == RUNNING && leaf == (1u << depth)) {
  MERGE_SUBTREE
}
if (mode == RUNNING) {
  EACH_STORED(d) {
    READ(p_d, p, d)
    READ(sub_rho_d, sub_rho, d)
    SET_PAIR(last_four_p, last_four_rho, d, p_d, sub_rho_d)
  }
}
