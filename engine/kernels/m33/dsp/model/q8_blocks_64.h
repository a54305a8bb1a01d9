// What the assembly of ../real/q8_blocks_64.h computes.
#pragma once
#include "engine/kernels/m33/dsp/model/q8_blocks.h"

namespace pico_llama::dsp {

struct Q8Blocks64 {
  const void* words;
  const void* x;
  const void* words_end;
  float* out;
  float x_scale;
};

inline void q8_blocks_64(const Q8Blocks64& a) {
  q8_blocks({a.words, a.words_end, a.x, 32, 32, a.x_scale, a.out});
}

}  // namespace pico_llama::dsp
