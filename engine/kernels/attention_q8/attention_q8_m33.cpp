// Integer attention with SMLAD, two queries at a time: each word of keys and values is unpacked once for
// both. Positions where both weights are 0 cost only their scores. Any head size and count; beside the loops
// optimised for size, since stories260K uses attention_two_heads8_m33.cpp.
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/attention_q8/attention_two_heads.h"

namespace pico_llama::m33 {
namespace {

struct AnyLoops {
  static int head_size(const AttentionQ8& a) { return a.head_size; }

  static uint32_t scores(const AttentionQ8& a, const std::byte* keys, const TwoQueries& q, int count,
                         uint32_t* t, uint32_t max, bool is_end) {
    const int of_both = is_end ? count - q.later_b : count;
    max = scores_from(a, keys, q, 0, of_both, t, max);
    if (of_both < count) {
      // Only the second query sees the last position.
      scores_from(a, keys, q, of_both, count, t, kLowestScores);
      t[of_both] = pack_scores(INT16_MIN, static_cast<int>(t[of_both] >> 16));
      max = dsp::max16(t[of_both], max);
    }
    for (int j = count; j % 4 != 0; ++j) t[j] = kLowestScores;
    return max;
  }

  static void add_values(const AttentionQ8& a, dsp::AttentionEntry* begin, dsp::AttentionEntry* end,
                         int32_t* acc) {
    for (int i = 0; i < a.head_size; i += 2)
      dsp::values_of_two(begin, end, a.values, 2 * i, acc + i, acc + a.head_size + i);
  }

 private:
  /// Positions begin to end, of which the first is number 0.
  [[gnu::noinline]] static uint32_t scores_from(const AttentionQ8& a, const std::byte* keys,
                                                const TwoQueries& q, int begin, int end, uint32_t* t,
                                                uint32_t max) {
    const int elements = q8_key_elements(a.head_size);
    for (int j = begin; j < end; ++j) {
      const std::byte* const group = keys + j / 4 * q8_key_group_bytes(a.head_size);
      const auto code = static_cast<uint32_t>(group[4 * elements + j % 4]);
      const dsp::TwoSums sums = dsp::dot_of_two(group + j % 4 * elements, q.xa, q.xb, elements / 4);
      t[j] = dsp::upper_halves(sums.a * code, sums.b * code);
      max = dsp::max16(t[j], max);
    }
    return max;
  }
};

/// Not inlined: it has two callers.
[[gnu::noinline]] void two_queries(const AttentionQ8& a, AttentionUnits units, const TwoQueries& q) {
  attention_two_queries<AnyLoops>(a, AttentionQ8Scratch(a), units, q);
}

/// In flash on the board, as all cold functions.
[[gnu::cold, gnu::noinline]] AttentionUnits quantize(const AttentionQ8& a, const float* q, int16_t* x) {
  return attention_queries(q, a.factor, a.heads, a.head_size, x);
}

/// One head of two tokens together. False if their scores' units or the sums' shifts differ; then nothing is
/// done.
bool two_tokens(const AttentionQ8& a) {
  int16_t* const xa = AttentionQ8Scratch(a).q;
  int16_t* const xb = xa + q8_key_elements(a.head_size);
  float* const second = a.q + a.q_stride;
  const AttentionUnits units = quantize(a, a.q, xa);
  const AttentionUnits units_b = quantize(a, second, xb);
  if (units.table != units_b.table || units.steps != units_b.steps ||
      attention_block_shift(a.last) != attention_block_shift(a.last + 1))
    return false;
  two_queries(a, units, {xa, xb, a.q, second, a.last, 1});
  return true;
}

/// q: the token's queries.
void one_token(const AttentionQ8& a, float* q, int last) {
  const int16_t* x = AttentionQ8Scratch(a).q;
  const AttentionUnits units = quantize(a, q, AttentionQ8Scratch(a).q);
  const int elements = q8_key_elements(a.head_size);
  for (int head = 0; head < a.heads; head += 2) {
    const bool both = head + 1 < a.heads;
    two_queries(a, units, {x, both ? x + elements : x, q, both ? q + a.head_size : nullptr, last});
    x += 2 * elements;
    q += 2 * a.head_size;
  }
}

}  // namespace

void attention_q8(const AttentionQ8& a) {
  if (a.shape == HeadShape::kTwoOf8) return attention_two_heads8(a);
  if (a.n_tokens == 2 && two_tokens(a)) return;
  for (int t = 0; t < a.n_tokens; ++t) one_token(a, a.q + t * a.q_stride, a.last + t);
}

}  // namespace pico_llama::m33
