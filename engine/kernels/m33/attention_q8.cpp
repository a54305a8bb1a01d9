// Heads of any size and number; compiled for size, because stories260K, whose speed they would be for, has
// attention_heads8.cpp, and larger models wait for the bus.
#include "engine/kernels/m33/attention_two_heads.h"
#include "engine/kernels/m33/kernels.h"

namespace pico_llama::m33 {

uint32_t scores_of_two_heads(const Word* keys, int words, const Word* xa, const Word* xb, int positions,
                             Word* t, uint32_t max) {
  const auto* codes = reinterpret_cast<const uint8_t*>(keys + 4 * words);
  for (int j = 0; j < positions; ++j) {
    uint32_t a = 0, b = 0;
    for (int i = 0; i < words; ++i) {
      const uint32_t w = *keys++;
      const uint32_t even = dsp::sxtb16(w);
      const uint32_t odd = dsp::sxtb16_ror8(w);
      a = dsp::smlad(odd, xa[2 * i + 1], dsp::smlad(even, xa[2 * i], a));
      b = dsp::smlad(odd, xb[2 * i + 1], dsp::smlad(even, xb[2 * i], b));
    }
    const uint32_t code = codes[j % 4];
    t[j] = dsp::upper_halves(a * code, b * code);
    max = dsp::max16(t[j], max);
    if (j % 4 == 3) {
      ++keys;
      codes += (4 * words + 1) * 4;
    }
  }
  return max;
}

void values_of_two_heads(const dsp::AttentionEntry* begin, const dsp::AttentionEntry* end, const void* base,
                         int head_size, int32_t* acc) {
  int32_t* const acc_b = acc + head_size;
  for (int i = 0; i < head_size; i += 2) {
    auto a0 = static_cast<uint32_t>(acc[i]), a1 = static_cast<uint32_t>(acc[i + 1]);
    auto b0 = static_cast<uint32_t>(acc_b[i]), b1 = static_cast<uint32_t>(acc_b[i + 1]);
    for (const dsp::AttentionEntry* e = begin; e != end; ++e) {
      const uint32_t v = static_cast<const Word*>(dsp::values_at(e->values, base))[i / 2];
      const uint32_t even = dsp::sxtb16(v);
      const uint32_t odd = dsp::sxtb16_ror8(v);
      a0 = dsp::smlad(even, e->weights_a, a0);
      a1 = dsp::smlad(odd, e->weights_a, a1);
      b0 = dsp::smlad(even, e->weights_b, b0);
      b1 = dsp::smlad(odd, e->weights_b, b1);
    }
    acc[i] = static_cast<int32_t>(a0), acc[i + 1] = static_cast<int32_t>(a1);
    acc_b[i] = static_cast<int32_t>(b0), acc_b[i + 1] = static_cast<int32_t>(b1);
  }
}

void attention_q8(const AttentionQ8& a) {
  if (a.heads == 2 && a.head_size == 8) return attention_heads8(a);
  const AttentionQ8Scratch s(a);
  const AttentionUnits units = attention_queries(a, a.heads, a.head_size, s.q);
  for (int head = 0; head < a.heads; head += 2) all_blocks<0>(a, s, units, head);
}

}  // namespace pico_llama::m33
