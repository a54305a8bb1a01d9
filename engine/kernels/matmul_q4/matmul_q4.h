#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/share.h"

namespace pico_llama {

/// out[t][r] = float(sum_g code[r][g] * sum_{i in g} w[r][i] * x[t][i]) * (x_scale[t] * scale), with groups g
/// of 32 columns and the scale of r's block. Exact: the sum is an integer that fits int32 (SPEC.md, "Why q4
/// sums do not overflow"), so its order is free. Cost on M33: 17 cycles per 24 MACs of three tokens, 12 per
/// 16 of two, 15.75 of a single one, and 81, 54 and 31 per group of 32 columns and 4 rows (0.92, 0.96
/// and 1.23 cycles per MAC in all).
struct MatmulQ4 {
  const std::byte* weights;  ///< kRowsQ4, the whole tensor
  int columns;
  BlockRange blocks;
  const int16_t* x;  ///< (n_tokens, x_stride), aligned to 4; x_stride even; 0 from columns to q4_columns()
  int x_stride;
  const int32_t* x_bias;  ///< (n_tokens, q4_groups(columns)) q4_bias() of each group
  const float* x_scale;   ///< (n_tokens)
  int n_tokens;
  float* out;  ///< (n_tokens, out_stride)
  int out_stride;
};

}  // namespace pico_llama
