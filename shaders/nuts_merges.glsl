// The merges at the end of a block, the last leaf of which is at the moving end: two pairs, and the subtree. A
// part of nuts.comp.
    if (mode == BLOCK) {
      bool stop = false;
      SEAM_SUMS
      // Two pairs. (The leaf before the moving end is the third.)
      EACH_STORED(d) {
        READ(p_d, p, d)
        READ(sub_rho_d, sub_rho, d)
        const real first = SLOT(first_p, d), second = SLOT(second_p, d), third = SLOT(third_p, d);
        GET_PAIR(before, last_four_p, last_four_rho, d)
        const real whole = sub_rho_d - before.y;
        const real with_third = first + second + third, with_second = third + p_d + second;
        SEAM(whole, with_third, with_second, first, second, third, p_d)
      }
      SUM_SEAMS
      if (depth > 1u) stop = TURNED;
#ifdef STORED
      // Loops that no lane runs are short.
      if (!stop && depth > 2u) {
        DEEP_MERGES
      }
      BLOCK_END
#else
      if (!stop && depth > 2u) {
        mode = DEEP;
      } else {
        BLOCK_END
      }
#endif
    }
