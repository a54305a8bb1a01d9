// C++ model of ../asm/q8_blocks_two.h: q8_blocks() of each token.
#pragma once
#include "engine/kernels/matmul_q8/model/q8_blocks.h"

namespace pico_llama::dsp {

inline void q8_blocks_two(const Q8BlocksTwo& a) {
  for (int t = 0; t < 2; ++t)
    q8_blocks({a.words, a.words_end, static_cast<const char*>(a.x) + 4 * t, a.pairs, a.chunk_pairs,
               a.x_scale[t], a.out + t * a.out_stride},
              2);
}

}  // namespace pico_llama::dsp
