// C++ model of ../asm/q4_block_two.h, operation by operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/dsp/model/dsp.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::dsp {

inline void q4_block_two(const void* words, const void* x0, const void* x1, int groups, int32_t* totals) {
  constexpr uint32_t kMask = 0xf000f000;
  const auto* at = static_cast<const char*>(words);
  const char* xs[2] = {static_cast<const char*>(x0), static_cast<const char*>(x1)};
  for (int group = 0; group < groups; ++group) {
    for (int half = 0; half < 2; ++half) {
      uint32_t acc[2][4] = {};
      for (uint32_t pair = 0; pair < kQ4Group / 2; ++pair) {
        uint32_t w;
        std::memcpy(&w, at + 8 * pair, sizeof w);
        for (int t = 0; t < 2; ++t) {
          uint32_t x;
          std::memcpy(&x, xs[t] + 4 * pair, sizeof x);
          for (int r = 0; r < 4; ++r) acc[t][r] = smlad(kMask & w << (12 - 4 * r), x, acc[t][r]);
        }
      }
      int8_t codes[4];
      std::memcpy(codes, at + 128, sizeof codes);
      for (int t = 0; t < 2; ++t)
        for (int r = 0; r < 4; ++r) {
          const int64_t product = int64_t{static_cast<int32_t>(acc[t][r])} * (codes[r] * 16);
          totals[8 * t + 4 * half + r] += static_cast<int32_t>(product >> 16);
        }
      at += 4;
    }
    at += kQ4GroupBytes - 8;
    for (const char*& x : xs) x += 2 * kQ4Group;
  }
}

}  // namespace pico_llama::dsp
