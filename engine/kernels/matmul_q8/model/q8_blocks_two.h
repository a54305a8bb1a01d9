// What the assembly of ../asm/q8_blocks_two.h computes: q8_blocks() of each token.
#pragma once
#include "engine/kernels/matmul_q8/model/q8_blocks.h"

namespace pico_llama::dsp {

struct Q8BlocksTwo {
  const void* words;
  const void* words_end;
  const void* x;
  int pairs;
  int chunk_pairs;
  const float* x_scale;
  float* out;
  int out_stride;
};

inline void q8_blocks_two(const Q8BlocksTwo& a) {
  for (int t = 0; t < 2; ++t)
    q8_blocks({a.words, a.words_end, static_cast<const char*>(a.x) + 4 * t, a.pairs, a.chunk_pairs,
               a.x_scale[t], a.out + t * a.out_stride},
              2);
}

}  // namespace pico_llama::dsp
