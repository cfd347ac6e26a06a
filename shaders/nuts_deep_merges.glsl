// The merges of a deep subtree at the end of a block, in and of it. A part of nuts.comp.
    if (mode == DEEP) {
      bool stop = false;
      real whole_begin, whole_end, a, b, c, e2;
      // Checkpoints at blocks of even number; every 8, 16, 32.. leaves that end here are a merge of two halves. The seam
      // of the first is the begin of this block, that of the next the begin of the merge before.
      const uint four = (leaf - 4u) >> 2;
      const uint row = uint(bitCount(four >> 1));
      if ((four & 1u) == 0u) {
        for (uint k = 0u; k < held; ++k) {
          GET(begin, first_p, k)
          GET(before, last_four_p, k)
          GET(sum, last_four_rho, k)
          begin_p[row * uint(SLOTS) + k] = begin;
          before_p[row * uint(SLOTS) + k] = before;
          before_rho[row * uint(SLOTS) + k] = sum;
        }
      }
      const uint merges = uint(findLSB(~four));
      for (uint k = 0u; k < merges && !stop; ++k) {
        const uint left = (row - k) * uint(SLOTS);
        real left_p[SLOTS], left_before[SLOTS], left_rho[SLOTS];
        for (uint j = 0u; j < held; ++j) {
          const real begin = begin_p[left + j], before = before_p[left + j], sum = before_rho[left + j];
          PUT(left_p, j, begin)
          PUT(left_before, j, before)
          PUT(left_rho, j, sum)
        }
        whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0), e2 = real(0.0);
        EACH(d) {
          const real sum = sub_rho[d] - left_rho[d];
          const real to_right = (last_four_rho[d] - left_rho[d]) + first_p[d];
          const real from_left = (sub_rho[d] - last_four_rho[d]) + last_four_p[d];
          whole_begin += sum * left_p[d];
          whole_end += sum * p[d];
          a += to_right * left_p[d];
          b += to_right * first_p[d];
          c += from_left * last_four_p[d];
          e2 += from_left * p[d];
          first_p[d] = left_p[d];
          last_four_p[d] = left_before[d];
          last_four_rho[d] = left_rho[d];
        }
        SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
        stop = !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&
                 c > real(0.0) && e2 > real(0.0));
      }
      mode = stop ? FINISHED : RUNNING;
      if (!stop && leaf == (1u << depth)) {
        MERGE_SUBTREE
      }
      if (mode == RUNNING) {
        EACH(d) {
          last_four_p[d] = p[d];
          last_four_rho[d] = sub_rho[d];
        }
      }
    }
