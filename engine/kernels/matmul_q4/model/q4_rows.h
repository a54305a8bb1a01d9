// C++ model of ../asm/q4_rows.h, operation by operation.
#pragma once
#include <cstdint>
#include <cstring>

#include "engine/kernels/dsp/model/dsp.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::dsp {

inline void q4_rows(const void* words, const void* x, int groups, int32_t* sums) {
  constexpr uint32_t kMask = 0xf000f000;
  const auto* at = static_cast<const char*>(words);
  const auto* xs = static_cast<const char*>(x);
  uint32_t total[4] = {};
  for (int group = 0; group < groups; ++group) {
    uint32_t acc[4] = {};
    for (uint32_t pair = 0; pair < kQ4Group / 2; ++pair) {
      uint32_t w, xi;
      std::memcpy(&w, at, sizeof w);
      std::memcpy(&xi, xs, sizeof xi);
      at += 8;
      xs += 4;
      acc[0] = smlad(kMask & w << 12, xi, acc[0]);
      acc[1] = smlad(kMask & w << 8, xi, acc[1]);
      acc[2] = smlad(kMask & w << 4, xi, acc[2]);
      acc[3] = smlad(kMask & w, xi, acc[3]);
    }
    int8_t scales[4];
    std::memcpy(scales, at, sizeof scales);
    at += 8;
    for (int r = 0; r < 4; ++r)
      total[r] +=
          static_cast<uint32_t>(static_cast<int32_t>(acc[r]) >> 12) * static_cast<uint32_t>(scales[r]);
  }
  std::memcpy(sums, total, sizeof total);
}

}  // namespace pico_llama::dsp
