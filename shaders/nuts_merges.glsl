// The merges at the end of a block, the last leaf of which is at the moving end: two pairs, and the subtree. A
// part of nuts.comp.
    if (mode == BLOCK) {
      bool stop = false;
      real whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0),
           e2 = real(0.0);
      // Two pairs. (The leaf before the moving end is the third.)
      EACH_STORED(d) {
        READ(p_d, p, d)
        READ(sub_rho_d, sub_rho, d)
        const real first = SLOT(first_p, d), second = SLOT(second_p, d), third = SLOT(third_p, d);
        const real sum = sub_rho_d - SLOT(last_four_rho, d);
        const real to_right = first + second + third;
        const real from_left = third + p_d + second;
        whole_begin += sum * first;
        whole_end += sum * p_d;
        a += to_right * first;
        b += to_right * third;
        c += from_left * second;
        e2 += from_left * p_d;
      }
      SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
      if (depth > 1u)
        stop = !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) && c > real(0.0) &&
                 e2 > real(0.0));
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
