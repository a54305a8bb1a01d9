// What each kernel computes, in what order, over what layout. portable/ is the definition; every other
// variant gives the same bits.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/share.h"

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

/// out[t][r] = ((w[r][0]*x[t][0] + w[r][1]*x[t][1]) + w[r][2]*x[t][2]) + ... from +0, multiplied and added
/// apart. Cost: every weight is read once for up to kPrefillBlock tokens.
struct MatmulF32 {
  const float* weights;  ///< kRowsF32, the whole tensor
  int columns;
  BlockRange blocks;  ///< rows 8*begin .. 8*end of out are written, those past the tensor's last row too
  const float* x;     ///< (n_tokens, x_stride)
  int x_stride;
  int n_tokens;
  float* out;  ///< (n_tokens, out_stride)
  int out_stride;
};

/// One token's input of a q8 or q4 matmul. With m = max|x|, where NaN counts for nothing: scale = m / limit,
/// out[i] = round(x[i] * (limit / m)), to nearest, ties to even; all 0 when m is 0. Columns up to
/// padded_columns are 0.
struct QuantizeQ8 {
  int16_t* out;    ///< (padded_columns), aligned to 4
  float* scale;    ///< (1)
  const float* x;  ///< (columns)
  int columns;
  int padded_columns;
  int limit;           ///< the tensor's activation_limit
  int step = 1;        ///< words from one column pair to the next: 1, or 2 between another token's
  float largest = -1;  ///< max|x| where it is known already, else below 0
  /// Of the columns, those to write; begins, and ends if not at the end of them all, at a multiple of 8.
  Range part = {0, INT32_MAX};
};

/// x[i] += more[i], and what rmsnorm_q8 will need of the new x: squares[b] = the sum of x[i]^2 of the eight
/// elements from 8b on, added as ((0+4)+(2+6)) + ((1+5)+(3+7)), elements past n as 0; largest = max
/// |weight[i] * x[i]|, where NaN counts for nothing. A vector may be cut into parts at multiples of 8.
struct ResidualQ8 {
  float* x;             ///< (n)
  const float* more;    ///< (n)
  const float* weight;  ///< (n) of the norm that comes next
  int n;
  float* squares;  ///< (n / 8, rounded up)
  float* largest;  ///< (1)
};

/// rmsnorm and quantize_q8 in one, with the norm in the scale alone. With y[i] = weight[i] * x[i], m = max|y|
/// and ss = rsqrt((squares[0] + squares[1] + ...) / n + eps): scale = ss * (m / limit), out[i] = round(y[i] *
/// (limit / m)), to nearest, ties to even; all 0 when m is 0.
struct RmsNormQ8 {
  int16_t* out;          ///< (padded_columns), aligned to 4
  float* scale;          ///< (1)
  const float* x;        ///< (n)
  const float* weight;   ///< (n)
  const float* squares;  ///< (n / 8, rounded up) of x, as ResidualQ8 leaves them
  float largest;         ///< max|y|
  int n;
  int padded_columns;
  int limit;  ///< the tensor's activation_limit
  float eps;
  int step = 1;                 ///< as QuantizeQ8::step
  Range part = {0, INT32_MAX};  ///< as QuantizeQ8::part
};

/// Where a token's activations lie among those of all tokens of a q8 matmul.
struct Q8Place {
  int offset;  ///< of its first column
  int step;    ///< words (column pairs) from one of its column pairs to the next
};
/// Two by two, the column pairs of two tokens take turns; an odd last token is alone.
constexpr Q8Place q8_place(int token, int n_tokens, int x_stride) {
  if ((token | 1) >= n_tokens) return {token * x_stride, 1};
  return {token / 2 * 2 * x_stride + token % 2 * 2, 2};
}

/// out[t][r] = float(sum_i b[r][i] * x[t][i]) * (x_scale[t] * scale[r]); the sum is exact, so its order is
/// free.
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
};

/// out[t][r] = float(sum_g code[r][g] * sum_{i in g} b[r][i] * x[t][i]) * (x_scale[t] * scale), with the
/// scale of r's block; the sum is exact, so its order is free.
struct MatmulQ4 {
  const std::byte* weights;  ///< kRowsQ4, the whole tensor
  int columns;
  BlockRange blocks;
  const int16_t* x;  ///< (n_tokens, x_stride), aligned to 4; x_stride even; 0 from columns to q4_columns()
  int x_stride;
  const float* x_scale;  ///< (n_tokens)
  int n_tokens;
  float* out;  ///< (n_tokens, out_stride)
  int out_stride;
};

/// Attention of one token for the query heads that share one key/value head, in one pass over the positions.
/// For each query head, with q already multiplied by 1/sqrt(head_size):
///   for each block of 8 positions: s[j] = sum_i q[i] * k[j][i] (in order of i, from +0);
///     m' = max(m, s); if m' > m: lanes and acc are multiplied by exp(m - m'), m = m';
///     p[j] = exp(s[j] - m); lane[j] += p[j]; then for each j in order: acc[i] += p[j] * v[j][i];
///   out[i] = acc[i] * (1 / total), total = ((0+4)+(2+6)) + ((1+5)+(3+7)) of the lanes.
/// m starts as the first block's maximum. Positions after `last` do not take part.
struct AttentionF32 {
  float* q;   ///< (heads, head_size) in: queries; out: attention output
  int heads;  ///< query heads that share this key/value head
  int head_size;
  int last;             ///< the token's own position
  const float* keys;    ///< (positions/8, head_size, 8): blocks of 8 positions, interleaved
  const float* values;  ///< (positions, head_size)
  float scale;          ///< 1/sqrt(head_size)
  float* scratch;       ///< (2 * head_size), aligned to 32
};

/// The same on an int8 cache, in integers from the scores to the output, with no order to keep. A key is
/// k[j][i] * code[j] * key_step and a value v[j][i] * value_step: the steps are constants of the kv head
/// (engine/forward/kv_steps.h).
///   S = the largest of the heads' sum_i |q[i]| (in order of i, from +0);
///   e = the least from 0 on with S * factor * (1 + 2^-7) < 2^(15 + e);
///   x[i] = round(q[i] * (factor * 2^-e)), to nearest, ties to even.
///   In blocks of kAttentionBlock positions, counted from 0:
///     t[j] = (sum_i x[i] * k[j][i]) * code[j] >> 16: scores in 2^e / 64 nats, rounded down;
///     max = the largest so far; lowest = max(max - 8 nats, -2^15); where it grew, sum and acc shrink by
///     exp(old lowest - lowest);
///     p[j] = exp(t[j] - (lowest + 8 nats)) with 15 fractional bits, 0 from t[j] = lowest on
///     (engine/math/exp_fixed.h); sum += p[j];
///     acc[i] += (sum_j p[j] * v[j][i]) >> shift, shift 0 up to position 511, one more at each doubling.
///   out[i] = float(acc[i]) * (value_step * 2^shift / float(sum)).
/// Nothing overflows: |x| sums to less than 2^15 + head_size / 2, so |t| * 2^16 < 2^31 up to head sizes of
/// 65536; a block is at most 128 * 32767 * 128 = 2^29, and 512 positions below 2^31.
struct AttentionQ8 {
  float* q;  ///< (heads, head_size) in: queries; out: attention output
  int heads;
  int head_size;
  int last;
  const std::byte* keys;    ///< (positions/4, q8_key_group_bytes()), aligned to 4
  const std::byte* values;  ///< (positions/2, head_size/2, 4): int8 of (2 elements) x (2 positions) in a
                            ///< word, element fastest; aligned to 4
  float factor;             ///< key_step * 2^16 * 64 / sqrt(head_size)
  float value_step;
  std::byte* scratch;  ///< attention_q8_scratch_bytes(), aligned to 4
};

/// Keys lie in groups of 4 positions: the elements of each, padded with 0 to a multiple of 4, in words whose
/// bytes are elements 0, 2, 1, 3; then the 4 codes.
constexpr int q8_key_elements(int head_size) { return (head_size + 3) / 4 * 4; }
constexpr int q8_key_group_bytes(int head_size) { return 4 * q8_key_elements(head_size) + 4; }
/// Where in its group element i of a position lies.
constexpr int q8_key_byte(int head_size, int position, int i) {
  const int swapped = i % 4 == 1 ? i + 1 : i % 4 == 2 ? i - 1 : i;
  return position * q8_key_elements(head_size) + swapped;
}

/// Positions that share one look at the running maximum.
inline constexpr int kAttentionBlock = 128;
/// A word for each position of a block: half of it a head's score; then three for each two positions that
/// count. They begin at the end of this, so that what is read stays ahead of what is written.
inline constexpr int kAttentionBlockBytes = kAttentionBlock / 2 * 12;

constexpr size_t attention_q8_scratch_bytes(int heads, int head_size) {
  return kAttentionBlockBytes + static_cast<size_t>(head_size) * 4 * sizeof(int32_t) +
         static_cast<size_t>(heads) * static_cast<size_t>(q8_key_elements(head_size)) * sizeof(int16_t);
}

/// hb[i] = (hb[i] * (1 / (1 + exp(-hb[i])))) * hb2[i].
struct SwiGlu {
  float* hb;         ///< (n)
  const float* hb2;  ///< (n)
  int n;
};

/// The same with 1 / (1 + exp(-x)) in fixed point (engine/math/sigmoid_fixed.h), which is as exact as what
/// becomes of the result in a q8 matmul: hb[i] = (hb[i] * sigmoid(fixed16(hb[i]))) * hb2[i], fixed16
/// truncated and saturated.
struct SwiGluQ8 {
  float* hb;         ///< (n)
  const float* hb2;  ///< (n)
  int n;
  float* largest;  ///< (1) max|hb[i]| afterwards, where NaN counts for nothing
};

/// The first of the largest values; NaN counts for nothing, and where nothing counts it is 0.
struct Argmax {
  int32_t* index;       ///< (1)
  const float* values;  ///< (n)
  int n;
};

/// What a softmax divides by its sum, in fixed point, so that a sum has no order to keep:
///   x[i] = fixed((max - logits[i]) * factor), truncated and saturated to 32 bits, 0 for NaN and what is
///   negative; weight[i] = 2^-(x[i] / 2^27) with 31 fractional bits (engine/math/exp2_fixed.h); sum =
///   sum_i weight[i].
struct SoftmaxFixed {
  float* logits;  ///< (n) in: logits; out: the weights, integers in the floats' place
  int n;
  float max;      ///< the largest logit, of these and of others
  float factor;   ///< 2^27 / ln(2) / temperature
  uint64_t* sum;  ///< (1)
};

}  // namespace pico_llama
