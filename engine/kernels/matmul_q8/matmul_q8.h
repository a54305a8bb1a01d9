#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/kernels/shapes.h"
#include "engine/share.h"

namespace pico_llama {

/// Where a token's activations are in the input of a q8 matmul.
struct Q8Place {
  int offset;  ///< of its first column
  int step;    ///< words (column pairs) from one of its column pairs to the next
};
/// Tokens 2i and 2i + 1 share a row pair of x, their column pairs alternating; an odd last token is alone.
constexpr Q8Place q8_place(int token, int n_tokens, int x_stride) {
  if ((token | 1) >= n_tokens) return {token * x_stride, 1};
  return {token / 2 * 2 * x_stride + token % 2 * 2, 2};
}

/// out[t][r] = float(sum_i w[r][i] * x[t][i]) * (x_scale[t] * scale[r]).
/// Exact: the sum is an integer and fits int32 (SPEC.md, "Why q8 sums do not overflow"), so its order is
/// free. Cost: M33 17.25 cycles for 16 MACs, 55 a block of 8 rows.
struct MatmulQ8 {
  const std::byte* weights;  ///< kRowsQ8, the whole tensor
  int columns;
  int chunk_pairs;
  BlockRange blocks;
  const int16_t* x;  ///< (n_tokens, x_stride) as q8_place() says, aligned to 4; x_stride even
  int x_stride;
  const float* x_scale;  ///< (n_tokens)
  int n_tokens;
  float* out;  ///< (n_tokens, out_stride)
  int out_stride;
  RowShape shape = RowShape::kAny;  ///< row_shape(columns, chunk_pairs), or kAny
};

}  // namespace pico_llama
