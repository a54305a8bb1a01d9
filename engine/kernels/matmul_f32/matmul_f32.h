#pragma once

#include "engine/kernels/kernels.h"
#include "engine/share.h"

namespace pico_llama {

/// out[t][r] = sum_i w[r][i] * x[t][i].
/// Exact: in order of i, from +0; each product is rounded before it is added.
/// Cost: every weight is read once for up to kPrefillBlock tokens.
struct MatmulF32 {
  const float* weights;  ///< kRowsF32, the whole tensor
  int columns;
  BlockRange blocks;  ///< writes rows 8*begin .. 8*end of out, padding rows of the last block included
  const float* x;     ///< (n_tokens, x_stride)
  int x_stride;
  int n_tokens;
  float* out;  ///< (n_tokens, out_stride)
  int out_stride;
};

}  // namespace pico_llama
