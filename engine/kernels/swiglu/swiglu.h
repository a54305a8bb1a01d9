#pragma once

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// hb[i] = (hb[i] * (1 / (1 + exp(-hb[i])))) * hb2[i], with engine/math/exp.h's exp.
struct SwiGlu {
  float* hb;         ///< (n)
  const float* hb2;  ///< (n)
  int n;
};

}  // namespace pico_llama
