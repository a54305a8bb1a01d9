// C++ model of ../asm/q8_blocks.h, operation by operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/dsp/model/dsp.h"
#include "engine/kernels/matmul_q8/q8_blocks_args.h"

namespace pico_llama::dsp {

/// `stride`: words between the column pairs of x.
inline void q8_blocks(const Q8Blocks& a, int stride = 1) {
  const auto* words = static_cast<const char*>(a.words);
  float* out = a.out;
  while (words != a.words_end) {
    float scale[8];
    std::memcpy(scale, words, sizeof scale);
    words += sizeof scale;
    uint32_t low[4] = {};
    uint32_t whole[4] = {};
    uint32_t total[4] = {};
    for (int pair = 0; pair < a.pairs; ++pair, words += 16) {
      uint32_t xi;
      std::memcpy(&xi, static_cast<const char*>(a.x) + pair * stride * 4, sizeof xi);
      for (int r = 0; r < 4; ++r) {
        uint32_t w;
        std::memcpy(&w, words + r * 4, sizeof w);
        whole[r] = smlad(w, xi, whole[r]);
        low[r] = smlad(sxtb16(w), xi, low[r]);
      }
      if ((pair + 1) % a.chunk_pairs != 0 && pair + 1 != a.pairs) continue;
      for (int r = 0; r < 4; ++r) {  // the end of a chunk
        total[r] += static_cast<uint32_t>(static_cast<int32_t>(whole[r] - low[r]) >> 8);
        whole[r] = low[r];
      }
    }
    for (int r = 0; r < 4; ++r) {
      *out++ = static_cast<float>(static_cast<int32_t>(low[r])) * (scale[2 * r] * a.x_scale);
      *out++ = static_cast<float>(static_cast<int32_t>(total[r])) * (scale[2 * r + 1] * a.x_scale);
    }
  }
}

}  // namespace pico_llama::dsp
