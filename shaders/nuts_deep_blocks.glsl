// Blocks of a deep subtree, their own four leaves merged: what ticks do not wait for. A part of nuts.comp.
    if (mode == DEEP) {
      bool stop = false;
      DEEP_MERGES
      BLOCK_END
    }
