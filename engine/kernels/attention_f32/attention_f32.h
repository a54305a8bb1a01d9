#pragma once

#include "engine/kernels/kernels.h"

namespace pico_llama {

/// Attention of one token for the query heads that share one key/value head, in one pass over the positions
/// (online softmax). For each query head, with q multiplied by 1/sqrt(head_size) first:
///   for each block of 8 positions: s[j] = sum_i q[i] * k[j][i] (in order of i, from +0);
///     m' = max(m, s); if m' > m: lanes and acc are multiplied by exp(m - m'), m = m';
///     p[j] = exp(s[j] - m); lane[j] += p[j]; then for each j in order: acc[i] += p[j] * v[j][i];
///   out[i] = acc[i] * (1 / total), total = ((0+4)+(2+6)) + ((1+5)+(3+7)) of the lanes.
/// m starts as the first block's maximum. Positions after `last` are ignored.
struct AttentionF32 {
  float* q;   ///< (heads, head_size) in: queries; out: attention output
  int heads;  ///< query heads that share this key/value head
  int head_size;
  int last;             ///< the token's own position
  const float* keys;    ///< (positions/8, head_size, 8): blocks of 8 positions, interleaved
  const float* values;  ///< (positions, head_size)
  float scale;          ///< 1/sqrt(head_size)
  float* scratch;       ///< (attention_f32_scratch(head_size)), aligned to 32
};

/// Two heads' queries and sums of values, and of a block their scores, weights' sums and maxima.
constexpr int attention_f32_scratch(int head_size) { return 4 * head_size + 2 * (8 + 8 + 1); }

}  // namespace pico_llama
