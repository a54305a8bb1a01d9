#pragma once

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// SwiGLU with a fixed-point sigmoid (engine/math/sigmoid_fixed.h), precise enough for the q8 matmul that
/// follows: hb[i] = (hb[i] * sigmoid(fixed16(hb[i]))) * hb2[i], fixed16 truncated and saturated.
/// Cost (M33): 17 cycles per element.
struct SwiGluQ8 {
  float* hb;         ///< (n)
  const float* hb2;  ///< (n)
  int n;
  float* max_abs;  ///< (1) max|hb[i]| of the result, NaN ignored
};

}  // namespace pico_llama
