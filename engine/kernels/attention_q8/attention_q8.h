#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/kernels/kernels.h"
#include "engine/kernels/shapes.h"

namespace pico_llama {

/// Attention as AttentionF32, on an int8 cache, in integers from the scores to the output. A key is
/// k[j][i] * code[j] * key_step and a value v[j][i] * value_step; the steps are constants of the kv head
/// (engine/forward/kv_steps.h).
///   S = max over the heads of sum_i |q[i]| (in order of i, from +0);
///   e = the smallest exponent >= 0 with S * factor * (1 + 2^-7) < 2^(15 + e);
///   x[i] = round(q[i] * (factor * 2^-e)), to nearest, ties to even.
///   In blocks of kAttentionBlock positions, counted from 0:
///     t[j] = (sum_i x[i] * k[j][i]) * code[j] >> 16: scores in units of 2^e / 64 nats, rounded down;
///     max = the maximum so far; lowest = max(max - 8 nats, -2^15); when it grows, sum and acc are
///     multiplied by exp(old lowest - lowest);
///     p[j] = exp(t[j] - (lowest + 8 nats)) with 15 fractional bits, 0 where t[j] <= lowest
///     (engine/math/exp_fixed.h); sum += p[j];
///     acc[i] += (sum_j p[j] * v[j][i]) >> shift; shift = 0 for last < 512, then one more per doubling of
///     last.
///   out[i] = float(acc[i]) * (value_step * 2^shift / float(sum)).
/// Each token by itself.
/// Exact: integer sums, in any order within a block. Nothing overflows: |x| sums to less than 2^15 +
/// head_size / 2, so |t| * 2^16 < 2^31 up to head sizes of 65536; a block's sum is at most 128 * 32767 * 128
/// = 2^29, and 512 positions stay below 2^31.
struct AttentionQ8 {
  float* q;   ///< (heads, head_size) in: queries; out: attention output
  int heads;  ///< query heads that share this KV head
  int head_size;
  int last;                 ///< index of the last position attended to
  const std::byte* keys;    ///< (positions/4, q8_key_group_bytes()), aligned to 4
  const std::byte* values;  ///< (positions/2, head_size/2, 4): each word holds 2 positions x 2 elements,
                            ///< elements adjacent; aligned to 4
  float factor;             ///< key_step * 2^16 * 64 / sqrt(head_size)
  float value_step;
  std::byte* scratch;                 ///< attention_q8_scratch_bytes(), aligned to 4
  HeadShape shape = HeadShape::kAny;  ///< head_shape(heads, head_size), or kAny
  /// 1, or 2 of a single head: the second has its q q_stride after the first's and sees a position more. A
  /// kernel reads each key and value once for both.
  int n_tokens = 1;
  int q_stride = 0;
};

/// Keys are stored in groups of 4 positions: each position's elements, padded with 0 to a multiple of 4, in
/// words whose bytes are elements 0, 2, 1, 3; then the 4 positions' codes.
constexpr int q8_key_elements(int head_size) { return (head_size + 3) / 4 * 4; }
constexpr int q8_key_group_bytes(int head_size) { return 4 * q8_key_elements(head_size) + 4; }
/// Byte offset of element i of a position within its group.
constexpr int q8_key_byte(int head_size, int position, int i) {
  const int swapped = i % 4 == 1 ? i + 1 : i % 4 == 2 ? i - 1 : i;
  return position * q8_key_elements(head_size) + swapped;
}

/// Positions per update of the running maximum.
inline constexpr int kAttentionBlock = 128;
/// Scores: one word per position, whose halves are two heads' scores. Weights: three words (AttentionEntry)
/// for each two positions with a nonzero weight. Both share this memory; the scores are at its end, so that
/// entries overwrite only scores already read.
inline constexpr int kAttentionBlockBytes = kAttentionBlock / 2 * 12;

constexpr size_t attention_q8_scratch_bytes(int heads, int head_size) {
  const int queries = heads > 2 ? heads : 2;
  return kAttentionBlockBytes + static_cast<size_t>(head_size) * 4 * sizeof(int32_t) +
         static_cast<size_t>(queries) * static_cast<size_t>(q8_key_elements(head_size)) * sizeof(int16_t);
}

/// The second of two tokens alone.
constexpr AttentionQ8 second_token(AttentionQ8 a) {
  a.q += a.q_stride;
  ++a.last;
  a.n_tokens = 1;
  return a;
}

}  // namespace pico_llama
