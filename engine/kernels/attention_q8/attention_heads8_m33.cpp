// Two heads of 8 (HeadShape::kTwoOf8, stories260K): all sizes are constants, the loops are assembly, and
// between blocks only the loops' arguments are kept in memory.
#include "engine/kernels/attention_q8/attention_two_heads.h"

namespace pico_llama::m33 {
namespace {

constexpr int kHeadSize = 8;
constexpr int kGroupBytes = q8_key_group_bytes(kHeadSize);

/// Not inlined: runs at most once per block.
[[gnu::noinline]] void grow(AttentionUnits units, uint32_t from, uint32_t to, int32_t* acc,
                            dsp::AttentionWeights& w) {
  const int a = static_cast<int16_t>(to) - static_cast<int16_t>(from);
  const int b = static_cast<int16_t>(to >> 16) - static_cast<int16_t>(from >> 16);
  if (a > 0) shrink(units, a, kHeadSize, acc, w.sum_a);
  if (b > 0) shrink(units, b, kHeadSize, acc + kHeadSize, w.sum_b);
}

[[gnu::noinline]] void add_shifted(const dsp::AttentionEntry* begin, const dsp::AttentionEntry* end,
                                   const std::byte* base, int shift, const AttentionQ8Scratch& s) {
  for (int i = 0; i < 2 * kHeadSize; ++i) s.sums[i] = 0;
  dsp::values_of_two_heads8(begin, end, base, s.sums);
  for (int i = 0; i < 2 * kHeadSize; ++i) s.acc[i] += s.sums[i] >> shift;
}

}  // namespace

void attention_heads8(const AttentionQ8& a) {
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a, 2, kHeadSize, s.q);
  const int shift = attention_block_shift(a.last);
  int32_t* const acc = s.acc;
  for (int i = 0; i < 2 * kHeadSize; ++i) acc[i] = 0;
  auto* const t = s.block + kAttentionBlockBytes / 4 - kAttentionBlock;
  auto* const entries = reinterpret_cast<dsp::AttentionEntry*>(s.block);
  const std::byte* keys = a.keys;
  const std::byte* values = a.values;
  uint32_t max = both(INT16_MIN, INT16_MIN);
  dsp::AttentionWeights w{};
  w.t = t;
  w.table = units.table;
  w.values_step = 2 * kHeadSize;
  w.lowest = lowest_of(max, units.steps);
  for (int left = a.last + 1; left > 0; left -= kAttentionBlock) {
    const int count = left < kAttentionBlock ? left : kAttentionBlock;
    const int groups = count / 4;
    if (groups > 0) max = dsp::scores_of_two_heads8(keys, s.q, groups, t, max);
    if (count % 4 != 0) {
      // The last group is partial: positions after `last` must not affect the maximum.
      uint32_t* at = t + groups * 4;
      dsp::scores_of_two_heads8(keys + groups * kGroupBytes, s.q, 1, at, max);
      int j = 0;
      for (; j < count % 4; ++j) max = dsp::max16(*at++, max);
      for (; j < 4; ++j) *at++ = both(INT16_MIN, INT16_MIN);
    }
    const uint32_t lowest = lowest_of(max, units.steps);
    if (lowest != w.lowest && keys != a.keys) grow(units, w.lowest, lowest, acc, w);
    w.lowest = lowest;
    w.t_end = t + (count + 3) / 4 * 4;
    w.values = dsp::values_handle(values, a.values);
    w.out = entries;
    dsp::weights_of_two_heads(w);
    dsp::AttentionEntry* end = w.out;
    if ((end - entries) % 2 != 0) *end++ = {0, 0, entries->values};
    if (end != entries) {
      if (shift == 0)
        dsp::values_of_two_heads8(entries, end, a.values, acc);
      else
        add_shifted(entries, end, a.values, shift, s);
    }
    keys += kAttentionBlock / 4 * kGroupBytes;
    values += kAttentionBlock * kHeadSize;
  }
  float* const out = a.q;
  const float scale_a = attention_output_scale(a.value_step, shift, w.sum_a);
  const float scale_b = attention_output_scale(a.value_step, shift, w.sum_b);
  for (int i = 0; i < kHeadSize; ++i) out[i] = static_cast<float>(acc[i]) * scale_a;
  for (int i = kHeadSize; i < 2 * kHeadSize; ++i) out[i] = static_cast<float>(acc[i]) * scale_b;
}

}  // namespace pico_llama::m33
