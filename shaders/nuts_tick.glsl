// Ticks, a leapfrog each, until this chain has something seldom to do. A part of nuts.comp.
//
// Leaves are numbered through a trajectory, 1, 2 and 3, 4 to 7, 8 to 15 and so on: 2^depth + leaf. Four numbers from a
// multiple of four on are a block. A block's leaves share a counter of random numbers, and a chain waits at its end, and
// after leaf 1, for the merges that are due there. A round's first tick is a part of its own, as is what follows up to
// every fourth: chains that begin a trajectory or a block with the round do not wait long.
    merge_words = philox(drey_counter(depth >> 2, iteration, chain, DREY_MERGE, phase), key);
    uint tick = 0u;
#if !defined(TOGETHER) && !defined(LANES)
    made += ticks;  // at most: its subgroup's last live lane says how many
#endif
#ifdef TOGETHER
    while (tick < ticks && subgroupAny(LIVE)) {
#else
    while (tick < ticks && LIVE) {
#endif
      leaf_words = philox(drey_counter(((1u << depth) + leaf) >> 2, iteration, chain, DREY_LEAF, phase), key);
      const uint end = min(tick == 0u ? 1u : (tick & ~3u) + 4u, ticks);
      for (; tick < end; ++tick) {
#ifdef TOGETHER
        const bool live = LIVE;
        if (!subgroupAny(live)) break;
#else
        if (!LIVE) break;
        const bool live = true;
#endif
#if defined(TOGETHER) || defined(LANES)
        made += 1u;
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
          sample_lp = lp;
          mode = TAKEN;
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
            // The subtree's proposal: a stream of leaves, each taken with its share of the weight so far, which is
            // sub_weight * exp(sub_log_weight), sub_log_weight being the greatest of the leaves'.
            const uint heap = (1u << depth) + leaf;
            const uint word = (heap & 2u) == 0u ? ((heap & 1u) == 0u ? leaf_words.x : leaf_words.y)
                                                : ((heap & 1u) == 0u ? leaf_words.z : leaf_words.w);
            const real gain = w - sub_log_weight;
            const real e = nuts_exp(-abs(gain));
            const real own = gain > real(0.0) ? real(1.0) : e;
            sub_weight = gain > real(0.0) ? sub_weight * e + real(1.0) : sub_weight + e;
            sub_log_weight = max(w, sub_log_weight);
            if (leaf == 0u || drey_uniform(word) * sub_weight < own) {
              EACH_STORED(d) {
                READ(q_d, q, d)
                READ(g_d, g, d)
                SET_PAIR(proposal_q, proposal_g, d, q_d, g_d)
              }
              proposal_lp = lp;
              proposal_w = w;
            }
            const uint place = leaf & 3u;
#ifdef STORED
            if (place < 3u) {
              const uint place_p = first_p + place * (second_p - first_p);
              EACH_STORED(d) {
                READ(p_d, p, d)
                SLOT(place_p, d) = p_d;
              }
            }
#else
            if (place == 0u) {
              EACH(d) { first_p[d] = p[d]; }
            }
            if (place == 1u) {
              EACH(d) { second_p[d] = p[d]; }
            }
            if (place == 2u) {
              EACH(d) { third_p[d] = p[d]; }
            }
#endif
            // The merge of two leaves.
            real pair_begin = real(0.0), pair_end = real(0.0);
            EACH(d) {
              const real sum = last_p[d] + p[d];
              pair_begin += sum * last_p[d];
              pair_end += sum * p[d];
              sub_rho[d] += p[d];
            }
            SUM(pair_begin) SUM(pair_end)
            if ((leaf & 1u) == 1u) stop = !(pair_begin > real(0.0) && pair_end > real(0.0));
            leaf += 1u;
            if (heap == 1u || (heap & 3u) == 3u) mode = BLOCK;
          }
          if (stop) mode = FINISHED;
        }
      }
      tick = end;
      MERGES
    }
