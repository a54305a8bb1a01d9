#pragma once

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// out[i] = weight[i] * (rsqrt(sum(x^2) / n + eps) * x[i]).
/// Exact: lane j of 8 sums x[i]^2 for i = j, j+8, ... in that order; the lanes are then added as
/// ((0+4)+(2+6)) + ((1+5)+(3+7)).
struct RmsNorm {
  float* out;           ///< (n); may be x
  const float* x;       ///< (n)
  const float* weight;  ///< (n)
  int n;
  float eps;
};

}  // namespace pico_llama
