// Integer attention of two query heads on one KV head, shared by the M33 kernels for heads of 8 and for other
// head sizes: the loop over blocks of positions. The loops inside a block are Loops'.
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

template <typename Loops>
[[gnu::noinline]] void add_shifted(const AttentionQ8& a, dsp::AttentionEntry* begin, dsp::AttentionEntry* end,
                                   int shift) {
  const AttentionQ8Scratch s(a);
  const int n = 2 * Loops::head_size(a);
  for (int i = 0; i < n; ++i) s.sums[i] = 0;
  Loops::add_values(a, begin, end, s.sums);
  for (int i = 0; i < n; ++i) s.acc[i] += s.sums[i] >> shift;
}

/// The outputs of a.q's heads `head` and `head + 1`; of an odd last one (`both` false) computed twice.
/// Loops, all static:
///   head_size(a): a.head_size, or the constant it is known to be;
///   scores(a, keys, xa, xb, count, t, max): the scores of `count` positions, followed by kLowestScores up to
///   a multiple of 4; returns the maxima of `max` and the scores;
///   add_values(a, begin, end, acc): acc += the weighted values of the entries (at least one).
template <typename Loops>
[[gnu::always_inline]] inline void attention_two_heads(const AttentionQ8& a, const AttentionQ8Scratch& s,
                                                       AttentionUnits units, int head, bool both) {
  const int head_size = Loops::head_size(a);
  const int shift = attention_block_shift(a.last);
  const int16_t* const xa = s.q + head * q8_key_elements(head_size);
  const int16_t* const xb = both ? xa + q8_key_elements(head_size) : xa;
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
  for (int left = a.last + 1; left > 0; left -= kAttentionBlock) {
    const int count = left < kAttentionBlock ? left : kAttentionBlock;
    max = Loops::scores(a, keys, xa, xb, count, t, max);
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
  float* const out = a.q + head * head_size;
  const float scale_a = attention_output_scale(a.value_step, shift, w.sum_a);
  for (int i = 0; i < head_size; ++i) out[i] = static_cast<float>(acc[i]) * scale_a;
  if (!both) return;
  const float scale_b = attention_output_scale(a.value_step, shift, w.sum_b);
  for (int i = head_size; i < 2 * head_size; ++i) out[i] = static_cast<float>(acc[i]) * scale_b;
}

}  // namespace
}  // namespace pico_llama::m33
