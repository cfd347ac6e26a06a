// The merges of deep subtrees, every fourth leaf. A part of nuts.comp.
    if (mode == FOUR) {
      // Four leaves of a deep subtree are there, the last of them at the moving end.
      const uint four = (leaf - 4u) >> 2;
      const uint row = uint(bitCount(four >> 1));
      bool stop = false;
      if ((four & 1u) == 0u) {
        EACH(d) {
          begin_p[row * uint(SLOTS) + uint(d)] = first_p[d];
          before_p[row * uint(SLOTS) + uint(d)] = last_four_p[d];
          before_rho[row * uint(SLOTS) + uint(d)] = last_four_rho[d];
        }
      }
      // Every block of 8, 16, 32.. leaves that ends here is a merge of two halves. The seam of the first is the
      // begin of these four, that of the next the begin of the merge before.
      const uint merges = uint(findLSB(~four));
      for (uint k = 0u; k < merges && !stop; ++k) {
        const uint left = (row - k) * uint(SLOTS);
        real whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0),
             e2 = real(0.0);
        EACH(d) {
          const real left_p = begin_p[left + uint(d)], left_before = before_p[left + uint(d)],
                     left_rho = before_rho[left + uint(d)];
          const real sum = sub_rho[d] - left_rho;
          const real to_right = (last_four_rho[d] - left_rho) + first_p[d];
          const real from_left = (sub_rho[d] - last_four_rho[d]) + last_four_p[d];
          whole_begin += sum * left_p;
          whole_end += sum * p[d];
          a += to_right * left_p;
          b += to_right * first_p[d];
          c += from_left * last_four_p[d];
          e2 += from_left * p[d];
          first_p[d] = left_p;
          last_four_p[d] = left_before;
          last_four_rho[d] = left_rho;
        }
        SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
        stop = !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&
                 c > real(0.0) && e2 > real(0.0));
      }
      mode = RUNNING;
      if (stop) {
        mode = FINISHED;
      } else if (leaf == (1u << depth)) {
        MERGE_SUBTREE
      }
    }
