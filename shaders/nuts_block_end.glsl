// The end of a block whose merges are made: that of the subtree, if it is whole. A part of nuts.comp.
mode = stop ? FINISHED : RUNNING;
if (mode == RUNNING && leaf == (1u << depth)) {
  MERGE_SUBTREE
}
if (mode == RUNNING) {
  EACH_STORED(d) {
    READ(p_d, p, d)
    READ(sub_rho_d, sub_rho, d)
    SLOT(last_four_p, d) = p_d;
    SLOT(last_four_rho, d) = sub_rho_d;
  }
}
