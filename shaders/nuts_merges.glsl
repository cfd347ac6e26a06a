// The merges at the end of a block, the last leaf of which is at the moving end: two pairs, and a subtree of one to four
// leaves. A part of nuts.comp.
    if (mode == BLOCK) {
      bool stop = false;
      real whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0),
           e2 = real(0.0);
      // Two pairs. (The leaf before the moving end is the third.)
      EACH(d) {
        const real sum = sub_rho[d] - last_four_rho[d];
        const real to_right = first_p[d] + second_p[d] + third_p[d];
        const real from_left = third_p[d] + p[d] + second_p[d];
        whole_begin += sum * first_p[d];
        whole_end += sum * p[d];
        a += to_right * first_p[d];
        b += to_right * third_p[d];
        c += from_left * second_p[d];
        e2 += from_left * p[d];
      }
      SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
      if (depth > 1u)
        stop = !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) && c > real(0.0) &&
                 e2 > real(0.0));
      mode = stop ? FINISHED : depth > 2u ? DEEP : RUNNING;
      if (mode == RUNNING) {
        MERGE_SUBTREE
      }
      if (mode == RUNNING) {
        EACH(d) {
          last_four_p[d] = p[d];
          last_four_rho[d] = sub_rho[d];
        }
      }
    }
