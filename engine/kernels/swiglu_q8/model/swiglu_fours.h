// C++ model of ../asm/swiglu_fours.h, operation by operation.
#pragma once
#include <cstdint>

#include "engine/kernels/dsp/model/dsp.h"

namespace pico_llama::dsp {

inline float swiglu_fours(float* hb, const float* hb2, int n, const uint32_t* middle) {
  float result = 0;
  for (int i = 0; i < n; ++i) {
    const int32_t fixed = to_fixed(hb[i] * 65536.0f);
    const uint32_t factors = 1u << 13 | (static_cast<uint32_t>(fixed) & 0x1fff) << 16;
    const int32_t sigmoid = smuad(middle[ssat_asr<7, 13>(fixed)], factors);
    hb[i] = (hb[i] * from_fixed<28>(sigmoid)) * hb2[i];
    result = max_abs(result, hb[i]);
  }
  return result;
}

}  // namespace pico_llama::dsp
