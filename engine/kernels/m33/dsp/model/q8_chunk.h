// What the assembly of ../real/q8_chunk.h computes, operation for operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/m33/dsp/model/dsp.h"

namespace pico_llama::dsp {

struct Q8Sums {
  uint32_t row[8];
};

inline void q8_chunk(const void* words, const void* x, int pairs, Q8Sums& sums) {
  uint32_t low[4] = {};
  uint32_t whole[4] = {};
  for (int pair = 0; pair < pairs; ++pair) {
    uint32_t xi;
    std::memcpy(&xi, static_cast<const char*>(x) + pair * 4, sizeof xi);
    for (int r = 0; r < 4; ++r) {
      uint32_t w;
      std::memcpy(&w, static_cast<const char*>(words) + pair * 16 + r * 4, sizeof w);
      whole[r] = smlad(w, xi, whole[r]);
      low[r] = smlad(sxtb16(w), xi, low[r]);
    }
  }
  for (int r = 0; r < 4; ++r) {
    sums.row[2 * r] = low[r];
    sums.row[2 * r + 1] = static_cast<uint32_t>(static_cast<int32_t>(whole[r] - low[r]) >> 8);
  }
}

inline void keep_in_memory(Q8Sums&) {}

}  // namespace pico_llama::dsp
