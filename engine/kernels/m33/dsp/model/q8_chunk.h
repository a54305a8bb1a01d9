// What the assembly of ../real/q8_chunk.h computes, operation for operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/m33/dsp/model/dsp.h"

namespace pico_llama::dsp {

struct Q8Sums {
  uint32_t low[4];
  uint32_t whole[4];
};

inline Q8Sums q8_chunk(const void* words, const void* x, int pairs) {
  Q8Sums sums{};
  for (int pair = 0; pair < pairs; ++pair) {
    uint32_t xi;
    std::memcpy(&xi, static_cast<const char*>(x) + pair * 4, sizeof xi);
    for (int r = 0; r < 4; ++r) {
      uint32_t w;
      std::memcpy(&w, static_cast<const char*>(words) + pair * 16 + r * 4, sizeof w);
      sums.whole[r] = smlad(w, xi, sums.whole[r]);
      sums.low[r] = smlad(sxtb16(w), xi, sums.low[r]);
    }
  }
  return sums;
}

}  // namespace pico_llama::dsp
