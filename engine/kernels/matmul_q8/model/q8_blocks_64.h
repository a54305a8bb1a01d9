// C++ model of ../asm/q8_blocks_64.h.
#pragma once
#include "engine/kernels/matmul_q8/model/q8_blocks.h"

namespace pico_llama::dsp {

inline void q8_blocks_64(const void* words, const void* x, const void* words_end, float* out, float x_scale) {
  q8_blocks({words, words_end, x, 32, 32, x_scale, out});
}

}  // namespace pico_llama::dsp
