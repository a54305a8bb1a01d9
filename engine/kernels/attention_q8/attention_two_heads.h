// Integer attention of two queries on one KV head, shared by the M33 kernels for heads of 8 and for other
// head sizes: the loop over blocks of positions. The queries are two heads of a token, or a head of two
// tokens. The loops inside a block are Loops'.
#pragma once
#include "attention_loops.h"
#include "dsp.h"
#include "engine/kernels/attention_q8/attention_q8_parts.h"

namespace pico_llama::m33 {

/// attention_q8() of two heads of 8 elements.
void attention_two_heads8(const AttentionQ8& a);

/// Packs two heads' scores into one word.
constexpr uint32_t pack_scores(int a, int b) {
  return (static_cast<uint32_t>(a) & 0xffff) | static_cast<uint32_t>(b) << 16;
}
inline constexpr uint32_t kLowestScores = pack_scores(INT16_MIN, INT16_MIN);

inline uint32_t lowest_of(uint32_t max, int steps) {
  return pack_scores(attention_lowest(static_cast<int16_t>(max), steps),
                     attention_lowest(static_cast<int16_t>(max >> 16), steps));
}

namespace {

/// Rescales both heads' sums to new maxima. Not inlined: runs at most once per block.
template <typename Loops>
[[gnu::noinline]] void rescale_to(const AttentionQ8& a, AttentionUnits units, uint32_t lowest, int32_t* acc,
                                  dsp::AttentionWeights& w) {
  const int head_size = Loops::head_size(a);
  const int growth_a = static_cast<int16_t>(lowest) - static_cast<int16_t>(w.lowest);
  const int growth_b = static_cast<int16_t>(lowest >> 16) - static_cast<int16_t>(w.lowest >> 16);
  if (growth_a > 0) rescale_sums(units, growth_a, head_size, acc, w.sum_a);
  if (growth_b > 0) rescale_sums(units, growth_b, head_size, acc + head_size, w.sum_b);
}

/// In flash on the board, as all cold functions: only a context of more than 512 positions needs it.
template <typename Loops>
[[gnu::cold, gnu::noinline]] void add_shifted(const AttentionQ8& a, dsp::AttentionEntry* begin,
                                              dsp::AttentionEntry* end, int shift) {
  const AttentionQ8Scratch s(a);
  const int n = 2 * Loops::head_size(a);
  for (int i = 0; i < n; ++i) s.sums[i] = 0;
  Loops::add_values(a, begin, end, s.sums);
  for (int i = 0; i < n; ++i) s.acc[i] += s.sums[i] >> shift;
}

/// Two quantised queries and the places of their outputs.
struct TwoQueries {
  const int16_t* xa;
  const int16_t* xb;  ///< xa again where there is only one
  float* out_a;
  float* out_b;  ///< null where there is only one
  int last;
  int later_b = 0;  ///< 1 if the second sees a position more, 0 if both see the same
};

/// Loops, all static:
///   head_size(a): a.head_size, or the constant it is known to be;
///   scores(a, keys, q, count, t, max, is_end): the scores of `count` positions, followed by kLowestScores up
///   to a multiple of 4; returns the maxima of `max` and the scores. is_end: the last of them is
///   the last position, which only the second query attends to if q.later_b is 1;
///   add_values(a, begin, end, acc): acc += the weighted values of the entries (at least
///   one).
template <typename Loops>
[[gnu::always_inline]] inline void attention_two_queries(const AttentionQ8& a, const AttentionQ8Scratch& s,
                                                         AttentionUnits units, const TwoQueries& q) {
  const int head_size = Loops::head_size(a);
  const int shift = attention_block_shift(q.last);
  int32_t* const acc = s.acc;
  for (int i = 0; i < 2 * head_size; ++i) acc[i] = 0;
  uint32_t* const t = s.block + kAttentionBlockBytes / 4 - kAttentionBlock;
  auto* const entries = reinterpret_cast<dsp::AttentionEntry*>(s.block);
  const std::byte* keys = a.keys;
  const std::byte* values = a.values;
  uint32_t max = kLowestScores;
  dsp::AttentionWeights w{};
  w.t = t;
  w.table = units.table;
  w.values_step = static_cast<uint32_t>(2 * head_size);
  w.lowest = kLowestScores;
  for (int left = q.last + 1 + q.later_b; left > 0; left -= kAttentionBlock) {
    const int count = left < kAttentionBlock ? left : kAttentionBlock;
    max = Loops::scores(a, keys, q, count, t, max, left <= kAttentionBlock);
    const uint32_t lowest = lowest_of(max, units.steps);
    if (lowest != w.lowest && keys != a.keys) rescale_to<Loops>(a, units, lowest, acc, w);
    w.lowest = lowest;
    w.t_end = t + (count + 3) / 4 * 4;
    w.values = dsp::values_handle(values, a.values);
    w.out = entries;
    dsp::weights_of_two_heads(w);
    if (w.out != entries) {
      if (shift == 0)
        Loops::add_values(a, entries, w.out, acc);
      else
        add_shifted<Loops>(a, entries, w.out, shift);
    }
    keys += kAttentionBlock / 4 * q8_key_group_bytes(head_size);
    values += kAttentionBlock * head_size;
  }
  const float scale_a = attention_output_scale(a.value_step, shift, w.sum_a);
  for (int i = 0; i < head_size; ++i) q.out_a[i] = static_cast<float>(acc[i]) * scale_a;
  if (q.out_b == nullptr) return;
  const float scale_b = attention_output_scale(a.value_step, shift, w.sum_b);
  for (int i = 0; i < head_size; ++i) q.out_b[i] = static_cast<float>(acc[head_size + i]) * scale_b;
}

}  // namespace
}  // namespace pico_llama::m33
