// Ticks, until this chain has something seldom to do: a leapfrog each, and the merges of up to four leaves. A part of
// nuts.comp.
#ifdef TOGETHER
    for (uint tick = 0u; tick < push.ticks; ++tick) {
      const bool live = LIVE;
      if (!subgroupAny(live)) break;
      made += 1u;
#else
#ifndef LANES
    made += push.ticks;  // at most: its subgroup's last live lane says how many
#endif
    for (uint tick = 0u; tick < push.ticks && LIVE; ++tick) {
      const bool live = true;
#endif
      const real sign = mode == RUNNING ? (((directions >> depth) & 1u) == 1u ? real(1.0) : real(-1.0)) : real(0.0);
      real last_p[SLOTS];
      if (live) {
#ifdef DENSE
        EACH(d) { last_p[d] = p[d]; }
        KICK(real(0.5) * sign)
        DRIFT(sign)
#else
        EACH(d) {
          last_p[d] = p[d];
          p[d] += real(0.5) * sign * h[d] * g[d];
          q[d] += sign * h[d] * p[d];
        }
#endif
      }
      EACH(d) { model_point[d] = q[d]; }
      model_run();
      if (!live) continue;
      used += 1u;
      const real lp = model_target;
      real kinetic = real(0.0);
#ifdef DENSE
      EACH(d) { g[d] = model_gradient[d]; }
      KICK(real(0.5) * sign)
      EACH(d) { kinetic += p[d] * p[d]; }
#else
      EACH(d) {
        g[d] = model_gradient[d];
        p[d] += real(0.5) * sign * h[d] * g[d];
        kinetic += p[d] * p[d];
      }
#endif
      SUM(kinetic)
      if (mode != RUNNING) {
        real size = real(0.0);
        EACH(d) { size += abs(g[d]); }
        SUM(size)
        size += abs(lp);
        if (size < real(1e30)) {
          EACH(d) {
            sample_q[d] = q[d];
            sample_g[d] = g[d];
          }
          sample_lp = lp;
          mode = FRESH;
        } else {
          attempts += 1u;
          mode = mode == DISPERSED && attempts < START_ATTEMPTS ? DISPERSE : FAILED;
        }
      } else {
        // Energies relative to the start of the trajectory; NaN compares false.
        // Precise: drivers reassociate sums, and these differences are of numbers much larger than they.
        precise const real w = (lp - start_lp) + (start_kinetic - real(0.5) * kinetic);
        const bool good = w > -MAX_ENERGY_ERROR && w < real(1e30);
        leapfrogs += 1u;
        bool stop = !good;
        if (!good) divergent = 1u;
        if (w > -MAX_ENERGY_ERROR) accept += nuts_exp(min(w, real(0.0)));
        if (good) {
          // The subtree's proposal: a stream of leaves, each taken with its share of the weight so far.
          const uint heap = (1u << depth) + leaf;
          const uvec4 words = philox(drey_counter(heap >> 2, iteration, chain, DREY_LEAF, push.phase), key);
          const uint word = (heap & 2u) == 0u ? ((heap & 1u) == 0u ? words.x : words.y)
                                              : ((heap & 1u) == 0u ? words.z : words.w);
          const real gain = w - sub_log_weight;
          const real e = nuts_exp(-abs(gain));
          const real share = (gain > real(0.0) ? real(1.0) : e) / (real(1.0) + e);
          sub_log_weight = max(w, sub_log_weight) + nuts_log(real(1.0) + e);
          if (leaf == 0u || drey_uniform(word) < share) {
            EACH(d) {
              proposal_q[d] = q[d];
              proposal_g[d] = g[d];
            }
            proposal_lp = lp;
            proposal_w = w;
          }
          const uint place = leaf & 3u;
          if (place == 0u) {
            EACH(d) {
              first_p[d] = p[d];
              last_four_p[d] = last_p[d];
              last_four_rho[d] = sub_rho[d];
            }
          }
          if (place == 1u) {
            EACH(d) { second_p[d] = p[d]; }
          }
          EACH(d) { sub_rho[d] += p[d]; }
          // The merge of two leaves, and of two pairs.
          if ((place & 1u) == 1u) {
            real pair_begin = real(0.0), pair_end = real(0.0);
            EACH(d) {
              const real sum = last_p[d] + p[d];
              pair_begin += sum * last_p[d];
              pair_end += sum * p[d];
            }
            SUM(pair_begin) SUM(pair_end)
            stop = !(pair_begin > real(0.0) && pair_end > real(0.0));
          }
          if (place == 3u) {
            real whole_begin = real(0.0), whole_end = real(0.0), a = real(0.0), b = real(0.0), c = real(0.0),
                 e2 = real(0.0);
            EACH(d) {
              const real sum = sub_rho[d] - last_four_rho[d];
              const real to_right = first_p[d] + second_p[d] + last_p[d];
              const real from_left = last_p[d] + p[d] + second_p[d];
              whole_begin += sum * first_p[d];
              whole_end += sum * p[d];
              a += to_right * first_p[d];
              b += to_right * last_p[d];
              c += from_left * second_p[d];
              e2 += from_left * p[d];
            }
            SUM(whole_begin) SUM(whole_end) SUM(a) SUM(b) SUM(c) SUM(e2)
            stop = stop || !(whole_begin > real(0.0) && whole_end > real(0.0) && a > real(0.0) && b > real(0.0) &&
                             c > real(0.0) && e2 > real(0.0));
          }
          leaf += 1u;
        }
        if (stop) {
          mode = FINISHED;
        } else if (depth > 2u && (leaf & 3u) == 0u) {
          mode = FOUR;
        } else if (leaf == (1u << depth)) {
          MERGE_SUBTREE
        }
      }
    }
