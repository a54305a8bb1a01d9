#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/kernels/matmul_q8/q8_place.h"
#include "engine/kernels/shapes.h"
#include "engine/share.h"

namespace pico_llama {

/// out[t][r] = float(sum_i w[r][i] * x[t][i]) * (x_scale[t] * scale[r]).
/// Exact: the sum is an integer that fits int32 (SPEC.md, "Why q8 sums do not overflow"), so its order is
/// free. Cost (M33, one token): 17.25 cycles per 16 MACs, 55 per block of 8 rows; rows of 64: 17 and 56.
struct MatmulQ8 {
  const std::byte* weights;  ///< kRowsQ8, the whole tensor
  int columns;
  int chunk_pairs;  ///< column pairs per chunk, even
  BlockRange blocks;
  const int16_t* x;  ///< (n_tokens, x_stride) laid out by q8_place(), aligned to 4; x_stride even
  int x_stride;
  const float* x_scale;  ///< (n_tokens)
  int n_tokens;
  float* out;  ///< (n_tokens, out_stride)
  int out_stride;
  RowShape shape = RowShape::kAny;  ///< row_shape(columns, chunk_pairs), or kAny
};

}  // namespace pico_llama
